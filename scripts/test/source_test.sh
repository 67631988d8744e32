#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Getting the kernel source: bad input, damage, interruption, two at a time.

. "$(dirname "$0")/lib.sh"

plan 20
get=$SCRIPTS/get-source.sh

refuses 'KERNEL_SRC that does not exist' 'is not a directory' env KERNEL_SRC=/nonexistent "$get"

mkdir -p "$WORK/empty"
refuses 'KERNEL_SRC that is no kernel' 'holds no Linux source' env KERNEL_SRC="$WORK/empty" "$get"

small_linux "$WORK/other" 7.3.5
refuses 'KERNEL_SRC of another version' 'is Linux 7.3.5' env KERNEL_SRC="$WORK/other" "$get"

small_linux "$WORK/good/linux-7.3.4" 7.3.4
succeeds 'KERNEL_SRC of the right version' env KERNEL_SRC="$WORK/good/linux-7.3.4" "$get"
succeeds 'standard input closed' bash -c "KERNEL_SRC='$WORK/good/linux-7.3.4' '$get' <&-"

refuses 'KERNEL_TARBALL that does not exist' 'is not a readable file' env KERNEL_TARBALL=/nonexistent "$get"
refuses 'both are set' 'both KERNEL_SRC and KERNEL_TARBALL' env KERNEL_SRC=/ KERNEL_TARBALL=/ "$get"

nothing_left() { [ -z "$(find "$UNDERTOW_CACHE/src" -mindepth 1 2>/dev/null)" ]; }

tar -C "$WORK/good" -cJf "$WORK/good.tar.xz" linux-7.3.4
size=$(stat -c %s "$WORK/good.tar.xz")
head -c $((size / 2)) "$WORK/good.tar.xz" >"$WORK/cut.tar.xz"
refuses 'a tarball that was cut off' 'cannot be unpacked' env KERNEL_TARBALL="$WORK/cut.tar.xz" "$get"
tar -C "$WORK" -czf "$WORK/other.tar.gz" other
refuses 'a tarball of another version' 'is Linux 7.3.5' env KERNEL_TARBALL="$WORK/other.tar.gz" "$get"
rm -rf "$UNDERTOW_CACHE/src"/tmp.*
succeeds '... and neither is taken for complete' nothing_left

for kind in xz gz zst; do
	tar -C "$WORK/good" -caf "$WORK/good.tar.$kind" linux-7.3.4
	succeeds "a tarball, $kind" env KERNEL_TARBALL="$WORK/good.tar.$kind" "$get"
done

# What an interruption leaves: a directory without its mark.
dir=$(KERNEL_TARBALL=$WORK/good.tar.xz "$get" 2>/dev/null | cut -d' ' -f2)
rm "$dir.complete" "$dir/kernel/fork.c"
succeeds 'an interrupted unpack is noticed' env KERNEL_TARBALL="$WORK/good.tar.xz" "$get"
holds '... and done again' -f "$dir/kernel/fork.c"

rm -rf "$UNDERTOW_CACHE"
KERNEL_TARBALL=$WORK/good.tar.xz "$get" >"$WORK/one" 2>/dev/null &
KERNEL_TARBALL=$WORK/good.tar.xz "$get" >"$WORK/two" 2>/dev/null
wait
holds 'two clones at the same time get the same' "$(cat "$WORK/one")" = "$(cat "$WORK/two")"
holds '... which is complete' -f "$(cut -d' ' -f2 "$WORK/one").complete"

# A download that was cut off, and no network to repeat it.
rm -rf "$UNDERTOW_CACHE"
mkdir -p "$UNDERTOW_CACHE/dl"
deb=$UNDERTOW_CACHE/dl/linux-source-7.3_7.3.4-1_all.deb
echo 'not a package' >"$deb"
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
refuses 'a damaged download is noticed; without a network it says so' \
	'does not answer' "$get"
cp "$OUTPUT" "$WORK/said"
succeeds '... after the warning' grep -q 'damaged or incomplete' "$WORK/said"
holds '... and the damaged file is gone' ! -e "$deb"
