#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes a pristine Linux source available; prints two words on standard output:
# an identification of its content, and its directory, which nobody writes to.
# Everything else goes to standard error.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/apt.sh"

PACKAGE=linux-source-${KERNEL_VERSION%.*}
exec 3>&1 1>&2

hint_other='Or get the source elsewhere, and use KERNEL_TARBALL=file or KERNEL_SRC=directory.'

# version_of DIR: from the top Makefile, the only authority.
version_of() {
	awk '$2 == "=" && $1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL)$/ { v[$1] = $3 }
	     END { printf "%s.%s.%s\n", v["VERSION"], v["PATCHLEVEL"], v["SUBLEVEL"] }' "$1/Makefile"
}

check_version() {
	local version
	[ -f "$1/Makefile" ] && [ -f "$1/Kbuild" ] && [ -d "$1/arch/x86/kvm" ] ||
		die "$2 holds no Linux source tree" \
		    "Give the top directory of Linux $KERNEL_VERSION."
	version=$(version_of "$1")
	[ "$version" = "$KERNEL_VERSION" ] ||
		die "$2 is Linux $version; the series is for $KERNEL_VERSION only" \
		    "Use Linux $KERNEL_VERSION."
}

# unpack NAME FUNCTION ARG: cache/src/NAME, complete or not at all.
unpack() {
	local dir=$CACHE/src/$1 top
	if [ -f "$dir.complete" ] && [ -d "$dir" ]; then
		return
	fi
	need_space "$CACHE" 2500 'Unpacking the kernel source'
	step "Kernel source: unpacking $(basename "$3")"
	rm -rf "$dir" "$CACHE/src"/tmp.*
	mkdir -p "$CACHE/src/tmp.$$"
	run unpack "$3 cannot be unpacked" \
		"The file is damaged: remove it (a download is then repeated), and run this again." \
		"$2" "$3" "$CACHE/src/tmp.$$"
	top=$(find "$CACHE/src/tmp.$$" -mindepth 1 -maxdepth 1)
	if [ "$(printf '%s\n' "$top" | wc -l)" != 1 ] || [ ! -d "$top" ]; then
		rm -rf "$CACHE/src/tmp.$$"
		die "$3 does not hold exactly one directory" "Give a kernel source archive."
	fi
	# In a subshell: its "exit" must not skip the removal.
	(check_version "$top" "$3") || { rm -rf "$CACHE/src/tmp.$$"; exit 1; }
	mv "$top" "$dir"
	rmdir "$CACHE/src/tmp.$$"
	touch "$dir.complete"
}

untar() { tar -C "$2" -xf "$1"; }

undeb() {
	dpkg-deb --fsys-tarfile "$1" |
		tar -xO "./usr/src/$PACKAGE.tar.xz" | tar -C "$2" -xJ
}

# A file is trusted when its hash stands beside it; apt has checked it then.
intact() {
	[ -f "$1" ] && [ -f "$1.sha256" ] && (cd "$(dirname "$1")" && sha256sum --status -c "$1.sha256")
}

# Left by somebody else, or by an interrupted run: look at it closely.
adopt() {
	[ -f "$1" ] && [ "$(dpkg-deb -f "$1" Package 2>/dev/null)" = "$PACKAGE" ] &&
		dpkg-deb --fsys-tarfile "$1" 2>/dev/null | tar -t >/dev/null 2>&1 || return 1
	(cd "$(dirname "$1")" && sha256sum "$(basename "$1")" >"$1.sha256")
}

download() {
	local version tmp=$CACHE/dl/tmp.$$ log=$LOGS/download-source.log
	step "Kernel source: downloading $PACKAGE (160 MB)"
	private_apt_update source deb trixie-backports ||
		failed 'the list of backports cannot be fetched' 'apt-get update' \
			"$LOGS/apt-source.log" "$(apt_hint "$LOGS/apt-source.log") $hint_other"
	version=$(private_apt apt-cache madison "$PACKAGE" |
		awk -F ' *[|] *' -v want="$KERNEL_VERSION-" 'index($2, want) == 1 { print $2; exit }')
	[ -n "$version" ] ||
		die "the mirror's $PACKAGE is not $KERNEL_VERSION, which the series is for" "$hint_other"
	need_space "$CACHE" 400 'The download'
	rm -rf "$CACHE/dl"/tmp.*
	mkdir -p "$tmp"
	cd "$tmp"
	apt_retry "$log" private_apt apt-get download "$PACKAGE=$version" ||
		failed "$PACKAGE cannot be downloaded" "apt-get download $PACKAGE=$version" \
			"$log" "$(apt_hint "$log") $hint_other"
	local file
	file=$(basename "$tmp/$PACKAGE"_*.deb)
	sha256sum "$file" >"$CACHE/dl/$file.sha256"
	mv "$file" "$CACHE/dl/$file"
	cd / && rm -rf "$tmp"
}

find_deb() {
	local file
	for file in "$CACHE/dl/${PACKAGE}_$KERNEL_VERSION-"*.deb; do
		[ -f "$file" ] || continue
		if intact "$file" || { [ ! -f "$file.sha256" ] && adopt "$file"; }; then
			echo "$file"
			return
		fi
		warn "$file is damaged or incomplete: downloading it again"
		rm -f "$file" "$file.sha256"
	done
}

from_debian() {
	local deb name dir
	mkdir -p "$CACHE/dl" "$CACHE/src"
	# An unpacked tree needs no archive any more.
	for dir in "$CACHE/src/debian-$KERNEL_VERSION-"*.complete; do
		dir=${dir%.complete}
		[ -d "$dir" ] && { echo "$(basename "$dir") $dir" >&3; return; }
	done
	deb=$(find_deb)
	[ -n "$deb" ] || { download; deb=$(find_deb); }
	name=debian-$(dpkg-deb -f "$deb" Version | tr -c 'A-Za-z0-9.\n-' _)
	unpack "$name" undeb "$deb"
	echo "$name $CACHE/src/$name" >&3
}

from_tarball() {
	local file name
	[ -f "$1" ] && [ -r "$1" ] ||
		die "KERNEL_TARBALL=$1 is not a readable file" "Give the path of linux-$KERNEL_VERSION.tar.xz."
	file=$(realpath "$1")
	mkdir -p "$CACHE/src"
	name=tarball-$(sha256sum "$file" | cut -c1-16)
	unpack "$name" untar "$file"
	echo "$name $CACHE/src/$name" >&3
}

from_directory() {
	local dir
	[ -d "$1" ] || die "KERNEL_SRC=$1 is not a directory" "Give the top directory of Linux $KERNEL_VERSION."
	dir=$(realpath "$1")
	check_version "$dir" "KERNEL_SRC=$1"
	echo "directory-$(printf %s "$dir" | sha256sum | cut -c1-16) $dir" >&3
}

if [ -n "${KERNEL_SRC:-}" ] && [ -n "${KERNEL_TARBALL:-}" ]; then
	die 'both KERNEL_SRC and KERNEL_TARBALL are set' 'Set one of them.'
elif [ -n "${KERNEL_SRC:-}" ]; then
	from_directory "$KERNEL_SRC"
elif [ -n "${KERNEL_TARBALL:-}" ]; then
	with_lock source from_tarball "$KERNEL_TARBALL"
else
	with_lock source from_debian
fi
