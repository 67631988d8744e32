#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel tree: applying both series, changing them, edits of a developer,
# export, and the files that only this repository has.

. "$(dirname "$0")/lib.sh"

plan 31
export KERNEL_SRC=$WORK/linux
small_linux "$KERNEL_SRC" 7.3.4
tree=$UNDERTOW_BUILD/linux
apply=$SCRIPTS/kernel-tree.sh
mkdir -p "$UNDERTOW_REPO/kvm" "$UNDERTOW_REPO/patches"
git -C "$UNDERTOW_REPO" init -q

# make_patch DIR NUMBER FILE LINE TEXT SUBJECT
make_patch() {
	rm -rf "$WORK/edit"
	cp -a "$KERNEL_SRC" "$WORK/edit"
	(
		cd "$WORK/edit" || exit
		git init -q .
		git config user.name Test
		git config user.email test@example.invalid
		git add -A
		git commit -qm base
		sed -i "$4s/.*/$5/" "$3"
		git commit -qam "$6"
		git format-patch -q -N --no-signature --start-number="$2" -1 -o "$UNDERTOW_REPO/$1"
	)
}

stamp() { stat -c %Y "$tree/$1"; }
age() { find "$tree" -type f -name '*.c' -exec touch -d '2020-01-01' {} +; }
commit_in_tree() { git -C "$tree" -c user.name=T -c user.email=t@example.invalid commit -qam "$1"; }

succeeds 'no patch at all' "$apply"
make_patch kvm 1 arch/x86/kvm/x86.c 3 'host change' 'KVM: x86: Change a line'
make_patch patches 1 kernel/fork.c 5 'guest change' 'fork: Change a line'
age
succeeds 'both series apply' "$apply"
succeeds '... the host side' grep -q 'host change' "$tree/arch/x86/kvm/x86.c"
succeeds '... and the guest side' grep -q 'guest change' "$tree/kernel/fork.c"
holds '... other files keep their time' "$(stamp kernel/exit.c)" = "$(date -d 2020-01-01 +%s)"

age
succeeds 'a second time' "$apply"
holds '... changes nothing' "$(stamp kernel/fork.c)" = "$(date -d 2020-01-01 +%s)"

make_patch patches 2 kernel/exit.c 5 'another change' 'exit: Change a line'
succeeds 'a patch more' "$apply"
holds '... rewrites its file' "$(stamp kernel/exit.c)" != "$(date -d 2020-01-01 +%s)"
holds '... and no other' "$(stamp kernel/fork.c)" = "$(date -d 2020-01-01 +%s)"

rm "$UNDERTOW_REPO"/patches/0002-*
succeeds 'a patch less' "$apply"
succeeds '... restores its file' cmp "$tree/kernel/exit.c" "$KERNEL_SRC/kernel/exit.c"

# The same patch twice; a patch for other code; a patch for no file.
cp "$UNDERTOW_REPO"/patches/0001-* "$UNDERTOW_REPO/patches/0002-again.patch"
refuses 'a patch that stands there twice' 'already applied' "$apply"
sed 's/line 5 of/line five of/' "$UNDERTOW_REPO"/patches/0001-* >"$UNDERTOW_REPO/patches/0002-again.patch"
refuses 'a patch that does not apply' 'does not apply' "$apply"
sed 's,kernel/fork.c,kernel/none.c,g' "$UNDERTOW_REPO"/patches/0001-* >"$UNDERTOW_REPO/patches/0002-again.patch"
refuses 'a patch for a file that does not exist' 'does not have' "$apply"
rm "$UNDERTOW_REPO/patches/0002-again.patch"
succeeds '... and the tree is as it was' "$apply"

# A source that is patched already.
KERNEL_SRC=$tree UNDERTOW_BUILD=$WORK/build2 \
	refuses 'a source that has the series already' 'already applied' "$apply"

# A developer's edits.
echo '// mine' >>"$tree/kernel/fork.c"
succeeds 'an edit in the tree is left alone' "$apply"
make_patch patches 2 kernel/exit.c 5 'another change' 'exit: Change a line'
refuses 'an edit and a changed series' 'edits of its own' "$apply"
refuses 'export without a commit' 'edits without a commit' "$SCRIPTS/series.sh"
commit_in_tree 'fork: Add a line'
refuses 'a commit and a changed series' 'never exported' "$apply"
rm "$UNDERTOW_REPO"/patches/0002-*
succeeds 'the commit is exported' "$SCRIPTS/series.sh"
succeeds '... as a patch' test -f "$UNDERTOW_REPO/patches/0002-fork-Add-a-line.patch"
succeeds '... which the tree then has' "$apply"

# An edit in a file that the small repository does not follow.
echo '// mine too' >>"$tree/kernel/exit.c"
refuses 'an edit that would be lost' 'not followed by git: kernel/exit.c' "$SCRIPTS/series.sh"
"$apply" track kernel/exit.c >/dev/null 2>&1
commit_in_tree 'exit: Add a line'
succeeds '... is exported after "track"' "$SCRIPTS/series.sh"

# An update that was killed half-way: the new repository is there, one file is
# still the old one.
mkdir -p "$WORK/half"
cp -a "$tree/.git" "$WORK/half/"
git -C "$WORK/half" checkout -q -f .
cp -a "$WORK/half" "$tree/.undertow/next"
cp "$tree/.undertow/key" "$tree/.undertow/next.key"
cp "$KERNEL_SRC/kernel/fork.c" "$tree/kernel/fork.c"
succeeds 'an interrupted update is finished' bash -c "'$apply' && grep -q mine '$tree/kernel/fork.c'"

# Files of this repository.
mkdir -p "$UNDERTOW_REPO/undertow"
echo one >"$UNDERTOW_REPO/undertow/one.c"
succeeds 'a new file gets into the tree' bash -c "'$SCRIPTS/overlay.sh' && test -f '$tree/undertow/one.c'"
rm "$UNDERTOW_REPO/undertow/one.c"
succeeds '... and out of it' bash -c "'$SCRIPTS/overlay.sh' && test ! -e '$tree/undertow/one.c'"
mkdir -p "$UNDERTOW_REPO/kernel"
echo two >"$UNDERTOW_REPO/kernel/exit.c"
refuses 'a file that the kernel has already' 'exists in Linux' "$SCRIPTS/overlay.sh"
rm -r "$UNDERTOW_REPO/kernel"

small_linux "$WORK/linux2" 7.3.4
KERNEL_SRC=$WORK/linux2 refuses 'a tree made from another source' 'another source' "$apply"
