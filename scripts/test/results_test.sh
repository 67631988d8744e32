#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Reading results: KTAP that lies by omission, costs that are none; and the
# checks before anything starts.

. "$(dirname "$0")/lib.sh"

plan 17

# ktap NAME WANTED: WANTED is the list of verdicts for the stream that is read
ktap() {
	local got
	got=$(awk -v prefix='' -f "$SCRIPTS/ktap.awk" | awk '{ print $1 }' | paste -sd ' ')
	echo "got '$got', wanted '$2'" >"$OUTPUT"
	[ "$got" = "$2" ]
	result $? "$1"
}

ktap 'KTAP: passes and skips' 'pass skip' < <(printf '1..2\nok 1 a\nok 2 b # SKIP no\n')
ktap 'KTAP: a failure' 'pass fail' < <(printf '1..2\nok 1 a\nnot ok 2 b\n')
ktap 'KTAP: planned tests that did not report' 'pass fail fail' < <(printf '1..3\nok 1 a\n')
ktap 'KTAP: no plan' 'pass fail' < <(printf 'ok 1 a\n')
ktap 'KTAP: nothing at all' 'fail' < <(printf '')
ktap 'KTAP: the same number again' 'pass fail' < <(printf '1..2\nok 1 a\nok 1 a\n')
ktap 'KTAP: more than planned' 'pass pass fail' < <(printf '1..1\nok 1 a\nok 2 b\n')
ktap 'KTAP: bail out' 'fail fail' < <(printf '1..1\nBail out! no\n')
ktap 'KTAP: a subtest that did not report' 'pass fail' < <(printf '1..1\n  1..2\n  ok 1 a\nok 1 s\n')

# parallel JOBS: three items of which the second fails, and each notes when it began
parallel() {
	JOBS=$1 bash -c "
		JOBS=$1; set -eu; BUILD=$WORK; . '$SCRIPTS/check-lib.sh'
		begin() { echo b >>'$WORK/begun'; sleep 0.\$1; [ \$2 != b ]; }
		end() { echo \"\$1\$2\$3/\$(wc -l <'$WORK/begun')\"; }
		: >'$WORK/begun'
		in_parallel begin end a b c" | paste -sd ' '
}
succeeds 'in parallel: order, status, and one at a time' \
	[ "$(parallel 1)" = '1a0/1 2b1/2 3c0/3' ]
succeeds '... and two' [ "$(parallel 2)" = '1a0/2 2b1/3 3c0/3' ]

costs() {
	bash -c ". '$SCRIPTS/lib.sh'; . '$SCRIPTS/results-lib.sh'; costs_json '$WORK/log' '$WORK/json'"
}

all='call floor crossing hypercall_switch ve_round_trip exits_per_million'
# shellcheck disable=SC2086
printf 'UT-COST %s=12\n' $all >"$WORK/log"
succeeds 'costs' costs
succeeds '... are JSON of numbers' python3 -c "
import json
d = json.load(open('$WORK/json'))
assert len(d) == 6 and all(type(v) in (int, float) for v in d.values())"
sed -i 's/^UT-COST floor=12/UT-COST floor=fast/' "$WORK/log"
refuses 'a cost that is no number' 'not a cost' costs
sed -i '/floor/d' "$WORK/log"
refuses 'a cost that is missing' "did not measure 'floor'" costs

printf 'ID=other\nVERSION_ID="1"\n' >"$WORK/os-release"
refuses 'another distribution' "this is 'other 1'" \
	env UNDERTOW_OS_RELEASE="$WORK/os-release" "$SCRIPTS/preflight.sh"
refuses 'a full disk' 'Free some space' \
	bash -c ". '$SCRIPTS/lib.sh'; need_space / 999999999 'This test'"
