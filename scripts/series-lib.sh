# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The two patch series as a small git repository. It holds only the files that
# the series touch: its first commit has them as they are in the pristine
# source, then comes one commit a patch, first kvm/, then patches/.

series_patches() {
	local dir
	for dir in kvm patches; do
		find "$REPO/$dir" -maxdepth 1 -name '*.patch' 2>/dev/null | sort
	done
}

# Identifies the result of applying the series to this source.
series_key() {
	local patches
	mapfile -t patches < <(series_patches)
	{
		printf '%s\n' "$1"
		[ "${#patches[@]}" = 0 ] || sha256sum -- "${patches[@]}" | cut -d' ' -f1
	} | sha256sum | cut -d' ' -f1
}

series_files() {
	local patches
	mapfile -t patches < <(series_patches)
	[ "${#patches[@]}" = 0 ] || {
		sed -n 's,^--- a/,,p; s,^+++ b/,,p' "${patches[@]}" | sed 's/\t.*//'
	} | sort -u
}

# start_repository DIR PRISTINE: the commit and tag "base" of the files named
# on standard input. An empty list gives an empty commit.
start_repository() {
	local dir=$1 pristine=$2 file
	mkdir -p "$dir"
	plain_git init -q "$dir"
	# For the commits that a developer makes here.
	plain_git -C "$dir" config user.name 'Undertow maintainers'
	plain_git -C "$dir" config user.email maintainers@undertow.invalid
	plain_git -C "$dir" config status.showUntrackedFiles no
	while read -r file; do
		[ -f "$pristine/$file" ] ||
			die "a patch touches $file, which Linux $KERNEL_VERSION does not have" \
			    "New files are files of this repository, not parts of a patch."
		mkdir -p "$dir/$(dirname "$file")"
		cp "$pristine/$file" "$dir/$file"
		printf '%s\0' "$file"
	done <"$4" | plain_git -C "$dir" update-index -z --add --stdin
	GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' \
		plain_git -C "$dir" commit -q --allow-empty -m "$3"
	plain_git -C "$dir" tag base
}

# apply_series DIR: from this clone's patches; dies at the first misfit.
apply_series() {
	local dir=$1 patch
	for patch in $(series_patches); do
		mkdir -p "$LOGS"
		plain_git -C "$dir" am -q --keep-cr --committer-date-is-author-date "$patch" \
			>"$LOGS/series.log" 2>&1 && continue
		if plain_git -C "$dir" apply --check --reverse "$patch" 2>/dev/null; then
			failed "$(basename "$patch") is already applied to the kernel source" \
				"git am $patch" "$LOGS/series.log" \
				"Give an unpatched Linux $KERNEL_VERSION; or the same change stands in two patches."
		fi
		failed "$(basename "$patch") does not apply to Linux $KERNEL_VERSION" \
			"git am $patch" "$LOGS/series.log" \
			"Repair the patch: edit in build/linux, commit there, run make series."
	done
}
