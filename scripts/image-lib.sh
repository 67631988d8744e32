# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Assembling cpio archives for an initramfs from files of this machine.

TREE=

# copy FILE PATH: FILE as PATH of the archive.
copy() { install -D -m 755 "$1" "$TREE$2"; }

# program FILE PATH: an executable with the libraries that it needs.
program() {
	local library
	copy "$1" "$2"
	# A static program has none; ldd then fails.
	while read -r library; do
		[ -e "$TREE$library" ] || copy "$library" "$library"
	done < <(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' | sort -u || true)
}

# Only our modules: the ones whose source is in this repository.
kernel_modules() {
	local file
	find "$LINUX/samples" "$LINUX/undertow" "$LINUX/lib" "$LINUX/drivers" \
		-name '*.ko' 2>/dev/null | sort | while read -r file; do
		file=${file#"$LINUX/"}
		[ ! -d "$ROOT/${file%/*}" ] || echo "$LINUX/$file"
	done
}

# sample_modules [-v]: of a list, those (not) of samples/.
sample_modules() { grep "$@" "^$LINUX/samples/" || true; }

# Every file named, directories and missing ones left out, by content.
content_key() {
	local file
	for file; do
		[ ! -f "$file" ] || printf '%s\0' "$file"
	done | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1
}

# archive NAME FUNCTION INPUT...: build/image/NAME.cpio by FUNCTION, which fills
# $TREE, unless the same inputs gave the one that is there.
archive() {
	local name=$1 make=$2 key inputs
	shift 2
	# An argument may be a list, one file a line.
	mapfile -t inputs < <(printf '%s\n' "$@" "$ROOT/scripts/image.sh" "$ROOT/scripts/image-lib.sh")
	key=$(content_key "${inputs[@]}")
	[ "$(cat "$IMAGE/$name.key" 2>/dev/null)" != "$key" ] || [ ! -f "$IMAGE/$name.cpio" ] || return 0
	scratch_dir
	step "Image: $name"
	rm -f "$IMAGE/$name.key"
	TREE=$SCRATCH/$name
	mkdir -p "$TREE"
	"$make"
	(cd "$TREE" && find . -print0 | sort -z |
		cpio -0 -o -H newc -R 0:0 --reproducible --quiet >"$IMAGE/$name.cpio") ||
		die "build/image/$name.cpio cannot be written" 'Is the disk full? Free some space, then run this again.'
	rm -rf "$TREE"
	echo "$key" >"$IMAGE/$name.key"
}
