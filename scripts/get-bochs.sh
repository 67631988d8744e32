#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the path of the Bochs to use: the user's, or 3.0 built from Debian's
# source with our fixes (scripts/bochs), or the packaged 2.7, which is two to
# three times slower. Everything else goes to standard error.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/apt.sh"
exec 3>&1 1>&2

VERSION=3.0
SUITES=(trixie forky)

# The build's recipe names its result: a change of it is a new Bochs.
configure_options=(
	--enable-x86-64 --enable-smp --enable-cpu-level=6 --enable-vmx=2
	--enable-avx --enable-evex --enable-pci --enable-long-phy-address
	--disable-debugger --disable-docbook --disable-readline
	--enable-repeat-speedups --enable-fast-function-calls
	--enable-handlers-chaining --enable-all-optimizations --with-nogui
)
recipe=$(
	{
		echo "$VERSION ${configure_options[*]}"
		cat "$ROOT"/scripts/bochs/*.patch
	} | sha256sum | cut -c1-12
)
BOCHS=$CACHE/bochs/bochs-$VERSION-$recipe
ARCHIVE=$CACHE/dl/bochs-$VERSION.orig.tar

works() { [ -x "$1" ] && "$1" --help >/dev/null 2>&1; }

# The signed index gives address and hash; apt's own helper checks the hash.
# Some mirrors answer 404 to one or the other spelling of '+', or now and then.
fetch() {
	local version uri name hash spelling try log=$LOGS/bochs-fetch.log
	[ ! -f "$ARCHIVE" ] || return 0
	private_apt_update bochs deb-src "${SUITES[@]}" || return 1
	version=$(private_apt apt-cache madison bochs | awk -F ' *[|] *' \
		-v want="$VERSION+" 'index($2, want) == 1 { print $2; exit }')
	[ -n "$version" ] || { echo "no bochs $VERSION at the mirror" >"$log"; return 1; }
	read -r uri name _ hash < <(private_apt apt-get source --download-only --print-uris \
		"bochs=$version" 2>/dev/null | tr -d "'" | grep -F .orig.tar.)
	[ -n "$hash" ] || { echo "the index names no $name" >"$log"; return 1; }
	for try in 1 2 3; do
		for spelling in "$uri" "${uri//%2b/+}"; do
			private_apt /usr/lib/apt/apt-helper download-file \
				"$spelling" "$ARCHIVE.tmp" "$hash" >"$log" 2>&1 || continue
			mv "$ARCHIVE.tmp" "$ARCHIVE"
			return 0
		done
		sleep "$try"
	done
	return 1
}

compile() {
	local src=$CACHE/bochs/tmp patch
	rm -rf "$src"
	mkdir -p "$src"
	tar -C "$src" --strip-components=1 -xf "$ARCHIVE" || {
		rm -f "$ARCHIVE"
		return 1
	}
	cd "$src"
	for patch in "$ROOT"/scripts/bochs/*.patch; do
		patch -p1 -F0 --batch -i "$patch" || return 1
	done
	CC=gcc CXX=g++ CFLAGS=-O3 CXXFLAGS='-O3 -g0' ./configure "${configure_options[@]}" || return 1
	make -j"$JOBS" || return 1
	works ./bochs || return 1
	strip -o "$BOCHS.tmp" bochs
	mv "$BOCHS.tmp" "$BOCHS"
	cd / && rm -rf "$src"
}

build() {
	works "$BOCHS" && return
	mkdir -p "$CACHE/bochs" "$CACHE/dl" "$LOGS"
	step "Bochs: building $VERSION (about 90 s)"
	if ! fetch; then
		warn "the source of Bochs $VERSION cannot be had ($LOGS/bochs-fetch.log, apt-bochs.log)"
		return 1
	fi
	if ! (compile) >"$LOGS/bochs.log" 2>&1; then
		warn "Bochs $VERSION does not build ($LOGS/bochs.log)"
		return 1
	fi
}

if [ -n "${UNDERTOW_BOCHS:-}" ]; then
	[ -x "$UNDERTOW_BOCHS" ] ||
		die "UNDERTOW_BOCHS=$UNDERTOW_BOCHS is not a program" "Unset it, or give the path of a Bochs binary."
	echo "$UNDERTOW_BOCHS" >&3
elif with_lock bochs build; then
	echo "$BOCHS" >&3
else
	works /usr/bin/bochs || die 'there is neither a built nor a packaged Bochs' 'apt-get install bochs'
	note 'using the packaged Bochs: slower, and #VE may report a stale view'
	echo /usr/bin/bochs >&3
fi
