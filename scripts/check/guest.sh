#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guest tests: each file of selftests/{guest,attack} and tools/testing/selftests/undertow
# that says "ut-cpus: N..." is a job. It may also say (defaults in brackets):
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-guest: TEXT		guest's kernel command line (nothing)
#	ut-model: MODEL		what run-vm.sh --cpu takes (broadwell_ult)
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-timeout: SECONDS	for its whole boot (600)
#	ut-backends: NAME...	or "all" (vmfunc-ve): see scripts/job-lib.sh
#	ut-boots: N		the guest boots so often in one virtual machine (1)
#	ut-alone: yes		needs a boot of its own
#	ut-samples: yes		uses modules of samples/; others don't see any
#	ut-last: yes		leaves the guest changed: the last one of its boot
#	ut-ends: TEXT		the guest must end in this job, without a panic,
#				after a line with TEXT
#	ut-part: svm		runs with make check-svm only
# Jobs with the same wishes share one boot. Boots run in parallel, reports come
# in order.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"
. "$ROOT/scripts/record-lib.sh"

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

scratch_dir
for file in $(guest_jobs); do
	[ "$(wish "$file" part guest)" = guest ] || continue
	name=$(basename "${file%.*}")
	alone=
	if has_wish "$file" alone || has_wish "$file" ends; then alone=$name; fi
	for backend in $(backends "$file"); do
		# With VMFUNC and #VE on all numbers of CPUs; else on one, the same for
		# all jobs: they share a boot.
		case $backend in
		vmfunc-ve) cpus=$(wish "$file" cpus 1) ;;
		vmfunc-swve | svm) cpus=1 ;;
		hypercall-*) cpus=2 ;;
		esac
		for cpus in $cpus; do
			printf '%s|%s|%s|%s|%s|%s|%s|%s|%s|%s %s\n' "$backend" "$cpus" "$(wish "$file" host-cpus 1)" \
				"$(wish "$file" model broadwell_ult)" "$(wish "$file" timeout 600)" \
				"$(wish "$file" boots 1)" \
				"$(wish "$file" host kvm.guest_views=2)" "$(wish "$file" guest '')" "$alone" \
				"$(wish "$file" last first)" "$name"
		done
	done
done | sort >"$SCRATCH/all-jobs"

job_file() { guest_jobs | grep -E "/$1\.(sh|c)$"; }

# job_key LINE: everything that decides what this job finds.
job_key() {
	local file sample=
	file=$(job_file "${1##* }")
	! has_wish "$file" samples || sample=$samples
	record_key "$bench $guest $sample $1" "$file" "$ROOT/scripts/check/guest.sh"
}
bench=$(bench_key)
guest=$(guest_key)
samples=$(record_key samples "$BUILD/image/samples.cpio")

# Those of an earlier run whose inputs are still the same, and the rest.
touch "$SCRATCH/jobs"
while IFS= read -r line; do
	IFS='|' read -r backend cpus _ <<<"$line"
	key=$(job_key "$line")
	replay "$key" "guest: ${line##* }, $cpus vCPU, $backend" && continue
	printf '%s\n' "$line" >>"$SCRATCH/jobs"
	printf '%s\n' "$key" >"$SCRATCH/key-$(printf %s "$line" | sha256sum | cut -c 1-32)"
done <"$SCRATCH/all-jobs"
sed 's/|[^|]*$//' "$SCRATCH/jobs" | sort -u >"$SCRATCH/boots"

# names GROUP: its jobs, the last one at the end.
names() { grep -F "$1|" "$SCRATCH/jobs" | sed 's/.*|//' | sort | cut -d ' ' -f 2; }

boot() {
	local backend cpus host_cpus model timeout boots host guest try status
	local -a run
	IFS='|' read -r backend cpus host_cpus model timeout boots host guest _ <<<"$2"
	run=("$ROOT/scripts/run-vm.sh" --name "check-guest-$1" --job "$(names "$2" | paste -sd ,)"
		--guest-cpus "$cpus" --host-cpus "$host_cpus" --cpu "$model" --timeout "$timeout"
		--boots "$boots"
		--host-append "$host $(backend_host "$backend")" --guest-append "ut.backend=$backend $guest")
	# On the AMD CPU that QEMU emulates one guest in ten hangs while it starts, at no
	# certain place (caveats). One that hangs three times is a failure.
	for try in first second; do
		[ "$backend" = svm ] || break
		status=0
		"${run[@]}" || status=$?
		[ "$status" = 124 ] || exit "$status"
		note "boot $1 hangs on the AMD CPU ($try time): once more"
	done
	exec "${run[@]}"
}

# judge BOOT JOB LABEL: what a job that was to end by itself says.
judge() {
	local log=$BUILD/$1/guest.log ended
	job_log "$log" "$2" >"$BUILD/$1/$2.ktap"
	report_ktap "guest: $3" "$BUILD/$1/$2.ktap"
	# A job's own status says more than its lines when it died.
	ended=$(job_status "$log" "$2")
	if [ -z "$ended" ]; then
		report fail "guest: $3: did not end" "$BUILD/$1/serial.log"
	elif [ "$ended" != 0 ] && ! grep -q '^ *not ok' "$BUILD/$1/$2.ktap"; then
		report fail "guest: $3: exit status $ended" "$BUILD/$1/serial.log"
	fi
}

# judge_end BOOT JOB LABEL TEXT STATUS: ... what one that takes the guest along does.
judge_end() {
	local log=$BUILD/$1/guest.log verdict=pass
	[ "$5" = 121 ] && [ -z "$(job_status "$log" "$2")" ] &&
		tail -n 1 "$log" | grep -qF "$4" && ! grep -q 'Kernel panic' "$log" || verdict=fail
	report "$verdict" "guest: $3: the guest ends after \"$4\"" "$BUILD/$1/serial.log"
}

# conclude NUMBER GROUP STATUS: reports of one boot.
conclude() {
	local out=check-guest-$1 backend cpus name file label ends='' before line
	local -A from=() to=()
	IFS='|' read -r backend cpus _ <<<"$2"
	mkdir -p "$BUILD/$out"
	touch "$BUILD/$out/guest.log" "$BUILD/$out/host.log"
	for name in $(names "$2"); do
		label="$name, $cpus vCPU, $backend"
		file=$(job_file "$name")
		from[$name]=$(results)
		if has_wish "$file" ends; then
			ends=1
			judge_end "$out" "$name" "$label" "$(wish "$file" ends '')" "$3"
		else
			judge "$out" "$name" "$label"
		fi
		to[$name]=$(results)
	done
	before=$(results)
	# From 120 on it is the machine, not a job.
	[ "$3" -lt 120 ] || [ -n "$ends" ] ||
		report fail "guest: boot $1 ($backend) ended with $3" "$BUILD/$out/serial.log"
	touch "$BUILD/$out/host.log"
	report_splats "guest: boot $1 ($backend)" "$BUILD/$out/host.log"
	# What a job found in a boot that went wrong may be wrong, too.
	! sed "1,${before}d" "$RESULTS" | grep -q '^fail' || return 0
	while IFS= read -r line; do
		name=${line##* }
		keep "$(cat "$SCRATCH/key-$(printf %s "$line" | sha256sum | cut -c 1-32)")" "${from[$name]}" "${to[$name]}"
	done < <(grep -F "$2|" "$SCRATCH/jobs")
}

mapfile -t groups <"$SCRATCH/boots"
in_parallel boot conclude "${groups[@]}"
