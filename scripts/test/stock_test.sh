#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The verdicts of make check-kvm: each kind of bad news must be told.

. "$(dirname "$0")/lib.sh"

plan 15
STOCK=$WORK/stock
export STOCK
mkdir -p "$STOCK"

# row NAME WANTED BEFORE VIEWS0 VIEWS2: exit statuses ("" did not run)
row() {
	local name=$1 wanted=$2 host got
	shift 2
	echo t >"$STOCK/names.all"
	echo t >"$STOCK/run"
	: >"$STOCK/skipped"
	for host in unpatched views0 views2; do
		[ -z "$1" ] || echo "t $1 3" >"$STOCK/$host.ran"
		[ -n "$1" ] || : >"$STOCK/$host.ran"
		shift
	done
	got=$(bash -c ". '$SCRIPTS/lib.sh'; . '$SCRIPTS/stock-lib.sh'; make_table unpatched views0 views2" 2>&1 |
		awk '$1 == "t" { print $5 }')
	echo "got '$got', wanted '$wanted'" >"$OUTPUT"
	[ "$got" = "$wanted" ]
	result $? "$name"
}

row 'passes everywhere' pass 0 0 0
row 'fails with views on' FAIL 0 0 1
row 'fails with views off' FAIL 0 254 0
row 'is skipped on the patched host only' FAIL 0 0 4
row 'is too slow on the patched host only' FAIL 0 timeout 0
row 'takes the patched host down' FAIL 0 0 crash
row '... also where it did not pass before' FAIL 1 1 crash
row 'does not run on the patched host' FAIL 0 0 ''
row 'does not run on the unpatched host' FAIL '' 0 0
row 'fails everywhere' skip 1 1 1
row 'is skipped everywhere' skip 4 4 4
row 'was skipped, and fails' FAIL 4 4 1
row 'was too slow before' skip timeout timeout timeout

ran() {
	bash -c ". '$SCRIPTS/lib.sh'; . '$SCRIPTS/stock-lib.sh'; collect host '$WORK/log'" | paste -sd ,
}
printf 'H| running a\nH| ran a status=0 seconds=3\nH| running b\nH| ran b status=timeout seconds=9\n' >"$WORK/log"
holds 'what ran is collected' "$(ran)" = 'a 0 3,b timeout 9'
printf 'H| running c\nKernel panic - not syncing\n' >>"$WORK/log"
holds '... and what took the host down' "$(ran)" = 'a 0 3,b timeout 9,c crash -'
