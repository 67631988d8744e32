#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guest tests: each file of selftests/guest and tools/testing/selftests/undertow
# that says "ut-cpus: N..." is a job. It may also say (defaults in brackets):
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-guest: TEXT		guest's kernel command line (nothing)
#	ut-model: MODEL		CPU that Bochs emulates (broadwell_ult)
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-timeout: SECONDS	for its whole boot (300)
#	ut-alone: yes		needs a boot of its own
# Jobs with the same wishes share one boot.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

scratch_dir
for file in $(guest_jobs); do
	name=$(basename "${file%.*}")
	alone=
	! has_wish "$file" alone || alone=$name
	for cpus in $(wish "$file" cpus 1); do
		printf '%s|%s|%s|%s|%s|%s|%s\n' "$cpus" "$(wish "$file" host-cpus 1)" \
			"$(wish "$file" model broadwell_ult)" "$(wish "$file" timeout 300)" \
			"$(wish "$file" host kvm.guest_views=2)" "$(wish "$file" guest '')" "$alone|$name"
	done
done | sort >"$SCRATCH/jobs"

number=0
while IFS= read -r group; do
	number=$((number + 1))
	IFS='|' read -r cpus host_cpus model timeout host guest _ <<<"$group"
	names=$(grep -F "$group|" "$SCRATCH/jobs" | sed 's/.*|//')
	out=check-guest-$number
	status=0
	"$ROOT/scripts/run-vm.sh" --name "$out" --job "$(paste -sd , <<<"$names")" \
		--guest-cpus "$cpus" --host-cpus "$host_cpus" --cpu "$model" --timeout "$timeout" \
		--host-append "$host" --guest-append "$guest" || status=$?
	mkdir -p "$BUILD/$out"
	touch "$BUILD/$out/guest.log"
	for name in $names; do
		job_log "$BUILD/$out/guest.log" "$name" >"$BUILD/$out/$name.ktap"
		report_ktap "guest: $name, $cpus vCPU" "$BUILD/$out/$name.ktap"
		# A job's own status says more than its lines when it died.
		ended=$(job_status "$BUILD/$out/guest.log" "$name")
		if [ -z "$ended" ]; then
			report fail "guest: $name, $cpus vCPU: did not end" "$BUILD/$out/serial.log"
		elif [ "$ended" != 0 ] && ! grep -q '^ *not ok' "$BUILD/$out/$name.ktap"; then
			report fail "guest: $name, $cpus vCPU: exit status $ended" "$BUILD/$out/serial.log"
		fi
	done
	# From 120 on it is the machine, not a job.
	[ "$status" -lt 120 ] || report fail "guest: boot $number ended with $status" "$BUILD/$out/serial.log"
	touch "$BUILD/$out/host.log"
	report_splats "guest: boot $number" "$BUILD/$out/host.log"
done < <(sed 's/|[^|]*$//' "$SCRATCH/jobs" | sort -u)
