#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Calls, kills, restarts, regions, interrupts and moves between CPUs at once, on
# two CPUs of the guest, for a long time:
#   scripts/stress.sh [SECONDS]	(600, by the clock of this machine)
# make check runs selftests/guest/stress.sh for less; what it must come to is
# said there. Results: build/stress, and standard output.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/job-lib.sh"

seconds=${1:-600}
case $seconds in
'' | *[!0-9]*) die "stress.sh: '$seconds' is no number of seconds" 'Usage: stress.sh [SECONDS]' ;;
esac

lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

job=$ROOT/selftests/guest/stress.sh

# run SECONDS: by the guest's clock
run() {
	"$ROOT/scripts/run-vm.sh" --name stress --job stress --guest-cpus 2 \
		--host-append "$(wish "$job" host '')" \
		--guest-append "$(wish "$job" guest '') ut.seconds=$1" \
		--timeout $((seconds * 3 + 900)) --silence $((seconds * 3 + 600))
}

# The guest's clock goes as fast as the emulator: a short run tells.
step 'Stress: how fast is the clock of the guest?'
begun=$SECONDS
run 10
short=$((SECONDS - begun))
begun=$SECONDS
run 40
rate=$(((SECONDS - begun - short) * 1000 / 30))
[ "$rate" -gt 0 ] || rate=1
note "one second there takes $rate ms"

step "Stress: $seconds s on two CPUs"
begun=$SECONDS
status=0
run $((seconds * 1000 / rate)) || status=$?
job_log "$BUILD/stress/guest.log" stress
note "$((SECONDS - begun)) s with the boot"
exit "$status"
