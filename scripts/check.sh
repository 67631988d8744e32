#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: sets everything up, runs every test, and closes with one line
# "N passed, N failed" (", N skipped" where so). Fails when a test did.
#
#	check.sh [PART...]	only these parts: scripts logic style kvm guest, or
#				svm, which make check-svm runs

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/check-lib.sh"

parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(scripts logic style kvm guest)
for part in "${parts[@]}"; do
	[ -x "$ROOT/scripts/check/$part.sh" ] ||
		die "there is no part '$part'" "The parts are: scripts logic style kvm guest svm."
done

start=$SECONDS
lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/get-bochs.sh" >/dev/null
rm -rf "$CHECK"
mkdir -p "$CHECK"
: >"$RESULTS"

for part in "${parts[@]}"; do
	step "Tests: $part"
	before=$(wc -l <"$RESULTS")
	begun=$SECONDS
	status=0
	"$ROOT/scripts/check/$part.sh" || status=$?
	# A part that breaks off or says nothing must not look like success.
	[ "$status" = 0 ] || report fail "$part: ended with status $status"
	[ "$(wc -l <"$RESULTS")" -gt "$before" ] || report fail "$part: reported no test"
	note "$part: $((SECONDS - begun)) s"
done

count() { grep -c "^$1 " "$RESULTS" || true; }

failed=$(count fail)
skipped=$(count skip)
note "$((SECONDS - start)) s in all"
if [ "$failed" != 0 ]; then
	printf '\nFailed:\n'
	sed -n 's/^fail /  /p' "$RESULTS"
fi
printf '%s passed, %s failed' "$(count pass)" "$failed"
[ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
printf '\n'
[ "$failed" = 0 ]
