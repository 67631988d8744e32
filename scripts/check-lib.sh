# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How the parts of make check report: one line a test, at once for the reader,
# and into build/check/results for the count at the end.

CHECK=$BUILD/check
RESULTS=$CHECK/results

# report VERDICT NAME [LOG]: the verdict is pass, fail or skip.
report() {
	printf '%s %s\n' "$1" "$2" >>"$RESULTS"
	case $1 in
	pass) printf 'ok      %s\n' "$2" ;;
	skip) printf 'skipped %s\n' "$2" ;;
	*) printf 'FAILED  %s%s\n' "$2" "${3:+  (log: $3)}" ;;
	esac
}

# test_command NAME COMMAND...: one test, which passes when the command does.
test_command() {
	local name=$1 log
	shift
	log=$CHECK/$(printf %s "$name" | tr -c 'A-Za-z0-9.-' _).log
	if "$@" >"$log" 2>&1; then
		report pass "$name"
	else
		report fail "$name" "$log"
		tail -n 15 "$log" | cut -c1-180 | sed 's/^/        | /'
	fi
}

# report_ktap PREFIX FILE: the tests of a KTAP stream. A failed one is followed
# by what the stream said before it.
report_ktap() {
	local verdict name failed=0
	while read -r verdict name; do
		report "$verdict" "$name" "$2"
		[ "$verdict" != fail ] || failed=1
	done < <(awk -v prefix="$1: " -f "$ROOT/scripts/ktap.awk" "$2")
	[ "$failed" = 0 ] || grep -E '^ *(#|not ok)' "$2" | tail -n 25 | cut -c1-180 | sed 's/^/        | /' || true
}

# in_parallel START FINISH ITEM...: calls "START NUMBER ITEM" for all, as many at
# a time as there are jobs, and "FINISH NUMBER ITEM STATUS" in their order. START
# should end with exec, so that an interruption reaches the program.
in_parallel() {
	local start=$1 finish=$2 running=0 begun=0 ended=0 status
	local -a pids=()
	shift 2
	trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM
	while [ "$ended" -lt $# ]; do
		while [ "$begun" -lt $# ] && [ "$running" -lt "$JOBS" ]; do
			begun=$((begun + 1))
			running=$((running + 1))
			"$start" "$begun" "${!begun}" &
			pids[begun]=$!
		done
		ended=$((ended + 1))
		status=0
		wait "${pids[ended]}" || status=$?
		running=$((running - 1))
		"$finish" "$ended" "${!ended}" "$status"
	done
}

# report_splats NAME LOG [WHO]: what the host's kernel, or WHO, says of itself in
# that log must be nothing.
SPLATS='WARNING: |BUG: |KASAN: |UBSAN: |Oops|INFO: (task|rcu|suspicious|trying)|rcu:.*stall|possible (circular|recursive|irq)|suspicious RCU|unreferenced object|ODEBUG: |list_(add|del) corruption|Kernel panic|general protection fault|scheduling while atomic|sleeping function called'
report_splats() {
	local who=${3:-"the host's kernel"}
	if grep -qE "$SPLATS" "$2"; then
		report fail "$1: $who complains" "$2"
		grep -E -A 12 "$SPLATS" "$2" | head -n 40 | cut -c1-160 | sed 's/^/        | /' || true
	else
		report pass "$1: $who has no complaint"
	fi
}

# Files of this repository that end in one of the given names, git's view.
our_files() {
	plain_git -C "$ROOT" ls-files -co --exclude-standard -- "$@" | sort -u |
		while read -r file; do [ ! -f "$ROOT/$file" ] || echo "$file"; done
}
