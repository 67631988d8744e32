#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes build/linux the pristine source plus both series, and rewrites only the
# files that differ, so that an incremental build stays incremental. Edits made
# in build/linux are never overwritten.
#
#   kernel-tree.sh            bring the tree up to date
#   kernel-tree.sh track F... let the tree's git also follow existing files F

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/series-lib.sh"

STATE=$LINUX/.undertow

copy_pristine() {
	local pristine=$1
	need_space "$BUILD" 5000 'The kernel tree'
	step 'Kernel tree: copying the pristine source to build/linux'
	rm -rf "$LINUX.tmp"
	mkdir -p "$BUILD"
	if [ -e "$pristine/.git" ] || [ -e "$pristine/.config" ]; then
		# A developer's tree: leave its history and its build behind.
		run copy 'the source cannot be copied' 'See the log.' \
			rsync -a --exclude=/.git --exclude=/.undertow "$pristine/" "$LINUX.tmp/"
		run copy 'the copied source cannot be cleaned' 'See the log.' \
			make -C "$LINUX.tmp" mrproper
	else
		run copy 'the source cannot be copied' 'See the log.' \
			cp -a --reflink=auto "$pristine" "$LINUX.tmp"
	fi
	mkdir "$LINUX.tmp/.undertow"
	echo "$id" >"$LINUX.tmp/.undertow/source"
	mv "$LINUX.tmp" "$LINUX"
}

# Somebody made build/linux by hand: use it if it is what we would have made.
adopt_tree() {
	local changed
	changed=$(rsync -rlni --existing --checksum --exclude=/.git "$1/" "$LINUX/" |
		awk '/^>f/ { print $2 }' | grep -vxFf <(overlay_paths) || true)
	[ -z "$changed" ] ||
		die "build/linux was not made by this bench, and differs from Linux $KERNEL_VERSION in: $(printf '%s' "$changed" | head -n 8 | paste -sd ' ')" \
		    "Save your edits (a commit in another tree), then: make distclean."
	rm -rf "$LINUX/.git"
	mkdir -p "$STATE"
	echo "$id" >"$STATE/source"
	note 'using the unpatched build/linux found here'
}

overlay_paths() { cat "$STATE/overlay" 2>/dev/null || true; }

local_changes() { plain_git -C "$LINUX" status --porcelain -uno; }

# Nothing in the tree that is not also in the series it was made from?
check_untouched() {
	local changes
	[ -d "$LINUX/.git" ] || return 0
	changes=$(local_changes)
	[ -z "$changes" ] ||
		die "the series changed, but build/linux has edits of its own: $(printf '%s\n' "$changes" | awk '{ print $2 }' | head -n 8 | paste -sd ' ')" \
		    "Commit them there and export them (make series), or drop them (git -C build/linux checkout .)."
	[ "$(plain_git -C "$LINUX" rev-parse HEAD)" = "$(cat "$STATE/head")" ] ||
		die 'the series changed, but build/linux has commits that were never exported' \
		    "Export them (make series; git then shows both changes), or drop them (git -C build/linux reset --hard $(cat "$STATE/head"))."
}

# put SCRATCH FILE PRISTINE: the tree's FILE as the new series wants it.
put() {
	local from=$1/$2
	[ -f "$from" ] || from=$3/$2
	cmp -s "$from" "$LINUX/$2" && return
	cp --remove-destination "$from" "$LINUX/$2"
	note "changed: $2"
}

# From here to the end an interruption is repaired by the next run: it finds
# the complete repository and puts the same files again.
install_series() {
	local file
	{
		[ ! -d "$LINUX/.git" ] || plain_git -C "$LINUX" ls-files
		plain_git -C "$STATE/next" ls-files
	} | sort -u | while read -r file; do
		put "$STATE/next" "$file" "$1"
	done
	rm -rf "$LINUX/.git"
	plain_git -C "$STATE/next" rev-parse HEAD >"$STATE/head"
	cp "$STATE/next.key" "$STATE/key"
	cp -a "$STATE/next/.git" "$LINUX/.git"
	plain_git -C "$LINUX" reset -q
	rm -rf "$STATE/next" "$STATE/next.key"
}

update() {
	local pristine=$1 key
	key=$(series_key "$id")
	if [ -f "$STATE/next.key" ]; then
		note 'finishing an interrupted update of the series'
		install_series "$pristine"
	fi
	if [ "$(cat "$STATE/key" 2>/dev/null)" = "$key" ]; then
		[ -z "$(local_changes)" ] ||
			warn "build/linux has edits that are in no patch; they are built, and stay (make series exports commits)"
		return
	fi
	check_untouched
	step "Kernel tree: applying $(series_patches | wc -l) patches"
	rm -rf "$STATE/next" "$STATE/next.tmp"
	scratch_dir
	series_files >"$SCRATCH/files"
	start_repository "$STATE/next.tmp" "$pristine" "Linux $KERNEL_VERSION" "$SCRATCH/files"
	apply_series "$STATE/next.tmp"
	mv "$STATE/next.tmp" "$STATE/next"
	echo "$key" >"$STATE/next.key.tmp"
	mv "$STATE/next.key.tmp" "$STATE/next.key"
	install_series "$pristine"
}

# The commits are made anew on a base that also has the files.
track() {
	local pristine=$1 file commit parent tree new
	shift
	scratch_dir
	for file; do
		[ -f "$pristine/$file" ] ||
			die "$file is not a file of Linux $KERNEL_VERSION" 'Give a path relative to build/linux.'
	done
	export GIT_INDEX_FILE=$SCRATCH/index
	parent=
	for commit in $(plain_git -C "$LINUX" rev-list --reverse HEAD); do
		plain_git -C "$LINUX" read-tree "$commit"
		for file; do
			plain_git -C "$LINUX" ls-files --error-unmatch "$file" >/dev/null 2>&1 ||
				plain_git -C "$LINUX" update-index --add --cacheinfo \
					"100644,$(plain_git -C "$LINUX" hash-object -w "$pristine/$file"),$file"
		done
		tree=$(plain_git -C "$LINUX" write-tree)
		new=$(
			eval "$(plain_git -C "$LINUX" show -s --format="export GIT_AUTHOR_DATE='%aI' GIT_COMMITTER_DATE='%cI'" "$commit")"
			plain_git -C "$LINUX" show -s --format=%B "$commit" |
				plain_git -C "$LINUX" commit-tree "$tree" ${parent:+-p "$parent"}
		)
		[ -n "$parent" ] || plain_git -C "$LINUX" tag -f base "$new" >/dev/null
		[ "$commit" != "$(cat "$STATE/head")" ] || echo "$new" >"$STATE/head.new"
		parent=$new
	done
	unset GIT_INDEX_FILE
	plain_git -C "$LINUX" reset -q --soft "$parent"
	plain_git -C "$LINUX" reset -q
	[ ! -f "$STATE/head.new" ] || mv "$STATE/head.new" "$STATE/head"
	note "following: $*"
}

main() {
	local id pristine source
	source=$("$ROOT/scripts/get-source.sh")
	read -r id pristine <<<"$source"
	if [ ! -d "$LINUX" ]; then
		copy_pristine "$pristine"
	elif [ ! -f "$STATE/source" ]; then
		adopt_tree "$pristine"
	elif [ "$(cat "$STATE/source")" != "$id" ]; then
		die "build/linux was made from another source ($(cat "$STATE/source"), now $id)" \
		    "Export what you have there (make series), then: make distclean."
	fi
	if [ "${1:-}" = track ]; then
		track "$pristine" "${@:2}"
	else
		update "$pristine"
	fi
}

main "$@"
