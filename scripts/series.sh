#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Exports the commits of build/linux to kvm/ and patches/. A commit goes back
# to the directory where a patch with its subject is; a new one goes to kvm/
# when its subject starts with "KVM: ", and to patches/ otherwise.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/series-lib.sh"

STATE=$LINUX/.undertow

[ -d "$LINUX/.git" ] && [ -f "$STATE/key" ] ||
	die 'there is no kernel tree to export from' 'Make it first: make kernel.'
[ ! -f "$STATE/next.key" ] || die 'an update of the tree was interrupted' 'Run make kernel first.'
changes=$(plain_git -C "$LINUX" status --porcelain -uno)
[ -z "$changes" ] ||
	die "build/linux has edits without a commit: $(printf '%s\n' "$changes" | awk '{ print $2 }' | paste -sd ' ')" \
	    'Commit them (git -C build/linux commit), or amend and rebase as you like.'

source=$("$ROOT/scripts/get-source.sh")
read -r id pristine <<<"$source"

# An edit in a file that the small repository does not follow would be lost.
step 'Series: looking for edits in files that build/linux does not follow yet'
scratch_dir
{ plain_git -C "$LINUX" ls-files; cat "$STATE/overlay" 2>/dev/null || true; } >"$SCRATCH/known"
lost=$(rsync -rlni --existing --times --exclude=/.git "$pristine/" "$LINUX/" |
	awk '/^>f/ { print $2 }' | grep -vxFf "$SCRATCH/known" |
	while read -r file; do cmp -s "$pristine/$file" "$LINUX/$file" || echo "$file"; done || true)
[ -z "$lost" ] ||
	die "changed, but not followed by git: $(printf '%s' "$lost" | paste -sd ' ')" \
	    "scripts/kernel-tree.sh track FILE..., then commit."

home_of() {
	local subject=$1 dir patch
	for dir in kvm patches; do
		for patch in "$REPO/$dir"/*.patch; do
			[ -f "$patch" ] || continue
			[ "$(plain_git mailinfo /dev/null /dev/null <"$patch" | sed -n 's/^Subject: //p')" != "$subject" ] ||
				{ echo "$dir"; return; }
		done
	done
	case $subject in 'KVM: '*) echo kvm ;; *) echo patches ;; esac
}

declare -A number=([kvm]=0 [patches]=0)
mkdir -p "$SCRATCH/out/kvm" "$SCRATCH/out/patches"
for commit in $(plain_git -C "$LINUX" rev-list --reverse base..HEAD); do
	dir=$(home_of "$(plain_git -C "$LINUX" show -s --format=%s "$commit")")
	number[$dir]=$((number[$dir] + 1))
	plain_git -C "$LINUX" format-patch -q -N --no-signature --zero-commit --no-renames \
		--start-number="${number[$dir]}" -o "$SCRATCH/out/$dir" -1 "$commit"
done

# In the order of the two directories they must give the same files again.
wanted=$(plain_git -C "$LINUX" rev-parse 'HEAD^{tree}')
plain_git -C "$LINUX" ls-files >"$SCRATCH/files"
start_repository "$SCRATCH/again" "$pristine" "Linux $KERNEL_VERSION" "$SCRATCH/files"
(REPO=$SCRATCH/out apply_series "$SCRATCH/again")
[ "$(plain_git -C "$SCRATCH/again" rev-parse 'HEAD^{tree}')" = "$wanted" ] ||
	die 'kvm/ followed by patches/ gives other files than build/linux has' \
	    'Bring the commits in that order: git -C build/linux rebase -i base.'

for dir in kvm patches; do
	mkdir -p "$REPO/$dir"
	rsync -r --checksum --delete --include='*.patch' --exclude='*' \
		--out-format="    %o: $dir/%n" "$SCRATCH/out/$dir/" "$REPO/$dir/" | grep -v '/$' || true
done
plain_git -C "$LINUX" rev-parse HEAD >"$STATE/head"
series_key "$id" >"$STATE/key"
step "Series: ${number[kvm]} patches in kvm/, ${number[patches]} in patches/"
