#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: measures again, without the rest of the demonstration. The guest's
# job "costs" prints the same lines as "demo" does. Results: build/bench.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/results-lib.sh"

OUT=$BUILD/bench

[ -f "$ROOT/selftests/guest/costs.sh" ] ||
	die 'there is no job "costs" (selftests/guest/costs.sh)' 'Use a complete clone.'

lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

step 'Measuring'
"$ROOT/scripts/run-vm.sh" --name bench --job costs --host-append kvm.guest_views=2 ||
	die "the measurement failed" "Read $OUT/serial.log."
costs_json "$OUT/guest.log" "$OUT/costs.json"
costs_table "$OUT/costs.json"
note "also in ${OUT#"$ROOT/"}/costs.json"
