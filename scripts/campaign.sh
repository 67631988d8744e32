#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The whole fault-injection campaign, on one CPU and on two:
#   scripts/campaign.sh [FAULTS [RESTARTS [SEED]]]	(1400 10000 1)
# make check runs selftests/guest/campaign.sh with fewer; what it must come to is
# said there. Results: build/campaign-1 and -2, and standard output.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/job-lib.sh"

faults=${1:-1400} restarts=${2:-10000} seed=${3:-1}

lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

job=$ROOT/selftests/guest/campaign.sh
status=0
for cpus in 1 2; do
	step "Campaign: $faults faults, $restarts restarts, seed $seed, $cpus CPU"
	"$ROOT/scripts/run-vm.sh" --name "campaign-$cpus" --job campaign --guest-cpus "$cpus" \
		--host-append "$(wish "$job" host '')" \
		--guest-append "$(wish "$job" guest '') ut.faults=$faults ut.restarts=$restarts ut.seed=$seed" \
		--timeout 3600 --silence 1800 || status=$?
	job_log "$BUILD/campaign-$cpus/guest.log" campaign
done
exit "$status"
