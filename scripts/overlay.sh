#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts this repository's kernel files (scripts/overlay.list) into build/linux,
# and takes away those that were there and have left the repository.

. "$(dirname "$0")/lib.sh"

STATE=$LINUX/.undertow
scratch_dir

mapfile -t prefixes < <(sed '/^#/d; /^$/d' "$ROOT/scripts/overlay.list")

# Files that git knows or would add; a name deleted but not yet committed is not one.
plain_git -C "$REPO" ls-files -co --exclude-standard | while read -r file; do
	for prefix in "${prefixes[@]}"; do
		case $file in "$prefix"*) [ ! -f "$REPO/$file" ] || echo "$file" ;; esac
	done
done | sort -u >"$SCRATCH/now"

source=$("$ROOT/scripts/get-source.sh")
pristine=${source#* }
while read -r file; do
	[ ! -e "$pristine/$file" ] ||
		die "$file exists in Linux $KERNEL_VERSION already" \
		    "Change it by a patch in kvm/ or patches/."
done <"$SCRATCH/now"

touch "$STATE/overlay"
comm -23 "$STATE/overlay" "$SCRATCH/now" | while read -r file; do
	rm -f "$LINUX/$file"
	note "removed: $file"
done
rsync -rlp --checksum --files-from="$SCRATCH/now" --out-format='    new: %n' "$REPO/" "$LINUX/" |
	grep -v '/$' || true
cp "$SCRATCH/now" "$STATE/overlay"
