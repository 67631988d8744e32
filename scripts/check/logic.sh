#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests that run on the build machine: every Rust crate with a lock file.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
kernel_env
unset CCACHE_BASEDIR

# libtest's lines "test NAME ... ok" as tests of ours. The exit status counts
# too: a test binary that dies does not get as far as its lines.
crate() {
	local dir=$1 log status=0 verdict name
	log=$CHECK/cargo-$(printf %s "$dir" | tr / -).log
	(
		cd "$ROOT/$dir"
		CARGO_TARGET_DIR=$BUILD/cargo RUSTC=/usr/bin/rustc /usr/bin/cargo test --locked -q \
			--workspace --jobs "$JOBS" -- --format=pretty
	) >"$log" 2>&1 || status=$?
	while read -r name verdict; do
		case $verdict in
		ok) report pass "$dir: $name" ;;
		ignored*) report skip "$dir: $name" ;;
		*) report fail "$dir: $name" "$log" ;;
		esac
	done < <(sed -nE 's/^test (.*) \.\.\. (ok|FAILED|ignored.*)$/\1\t\2/p' "$log" |
		sed 's/ - should panic//; s/ /_/g' | tr '\t' ' ')
	if [ "$status" = 0 ]; then
		report pass "$dir: cargo test"
	else
		report fail "$dir: cargo test" "$log"
		tail -n 25 "$log" | cut -c1-180 | sed 's/^/        | /'
	fi
}

while read -r lock; do
	crate "$(dirname "$lock")"
done < <(our_files '*Cargo.lock')

# Other crates' tests must not hide that these are gone.
for dir in undertow/logic scripts/undertow tools/testing/selftests/undertow/api; do
	[ -f "$ROOT/$dir/Cargo.lock" ] || report fail "$dir: there is no such crate with a lock file"
done
