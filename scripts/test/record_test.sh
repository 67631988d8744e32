#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Records of results: used only when every input is the same, and never made of
# a failure.
#
# What is in single quotes here is for the shell that "with" starts.
# shellcheck disable=SC2016

. "$(dirname "$0")/lib.sh"

plan 12

# with COMMAND...: in a shell that has the libraries and an empty list of results.
with() {
	bash -c '
		. "$SCRIPTS/lib.sh"
		. "$SCRIPTS/check-lib.sh"
		. "$SCRIPTS/record-lib.sh"
		mkdir -p "$CHECK"
		: >"$RESULTS"
		: >"$REPLAYED"
		eval "$1"' with "$1"
}

echo one >"$WORK/a"
echo two >"$WORK/b"
key() { with "record_key text $WORK/a $WORK/b"; }
first=$(key)

holds 'the same inputs give the same key' "$(key)" = "$first"
holds 'another text gives another key' "$(with "record_key more $WORK/a $WORK/b")" != "$first"
echo three >"$WORK/b"
holds 'another content gives another key' "$(key)" != "$first"
refuses 'a missing input is an error' 'No such file' with "record_key text $WORK/none"
refuses 'no record, no results' 'no record' with 'replay none || die "no record"'

succeeds 'good results are kept' with \
	'report pass old; n=$(results); report pass "a b"; report skip c; keep good $n; [ -s "$RECORDS/good" ]'
with 'replay good; cat "$RESULTS"; echo "replayed $(wc -l <"$REPLAYED")"' >"$OUTPUT"
holds '... and reported again, without what was before' "$(cat "$OUTPUT")" = $'pass a b\nskip c\nreplayed 2'
UNDERTOW_FRESH=1 refuses '... but not when all tests are to run' 'no record' with 'replay good || die "no record"'
succeeds 'a failure is not kept, nor what came with it' with \
	'report pass a; report fail b; keep bad 0; [ ! -e "$RECORDS/bad" ]'
succeeds 'no result is not kept' with 'keep nothing 0; [ ! -e "$RECORDS/nothing" ]'
succeeds 'only a part is kept' with \
	'report pass a; report pass b; report fail c; keep part 1 2; [ "$(cat "$RECORDS/part")" = "pass b" ]'
succeeds 'old records are forgotten, others not' with \
	'touch -d "40 days ago" "$RECORDS/part"; forget_records; [ ! -e "$RECORDS/part" ] && [ -e "$RECORDS/good" ]'
