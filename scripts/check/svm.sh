#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The back end of AMD hosts: all KVM selftests of views, and the guest's jobs that
# are meant for it ("ut-backends: svm"), on a CPU with SVM that QEMU emulates.
# Tests that switch with VMFUNC by themselves, i.e. whose ut-backends name no
# hypercall-swve, are skipped. Boots run in parallel, reports come in order.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

MODEL=qemu:EPYC

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

# why_not FILE: why this test can't run here, or nothing.
why_not() {
	case " $(backends "$1" all | paste -sd ' ') " in
	*' svm '* | *' hypercall-swve '*) ;;
	*) echo 'uses VMFUNC by itself'; return ;;
	esac
	case $(wish "$1" model "$MODEL") in
	"$MODEL") ;;
	*) echo "is about a $(wish "$1" model '')" ;;
	esac
}

scratch_dir
exec 3>&1
for program in "$BUILD"/kvm-selftests/views_*; do
	name=$(basename "$program")
	source=$LINUX/tools/testing/selftests/kvm/x86/$name.c
	reason=$(why_not "$source")
	if [ -n "$reason" ]; then
		report skip "svm: $name: $reason" >&3
		continue
	fi
	printf '%s|%s|%s\n' "$(wish "$source" host-cpus 1)" \
		"$(wish "$source" host kvm.guest_views=2)" "$name"
done >"$SCRATCH/tests"
sed 's/|[^|]*$//' "$SCRATCH/tests" | sort -u >"$SCRATCH/boots"
for file in $(guest_jobs); do
	case " $(backends "$file") " in *' svm '*) echo "job|$file" ;; esac
done >>"$SCRATCH/boots"

names() { grep -F "$1|" "$SCRATCH/tests" | sed 's/.*|//' | paste -sd ' '; }

boot() {
	local cpus append file
	IFS='|' read -r cpus append <<<"$2"
	if [ "$cpus" = job ]; then
		file=$append
		exec "$ROOT/scripts/run-vm.sh" --name "check-svm-$1" --cpu "$MODEL" --timeout 600 --silence 300 \
			--job "$(basename "${file%.*}")" --host-append "$(wish "$file" host kvm.guest_views=2)" \
			--guest-append "$(wish "$file" guest '')"
	fi
	exec "$ROOT/scripts/run-vm.sh" --name "check-svm-$1" --cpu "$MODEL" --timeout 1200 --silence 400 \
		--tests "$(names "$2")" --host-cpus "$cpus" --host-append "$append"
}

conclude() {
	local out=$BUILD/check-svm-$1 kind name splat
	IFS='|' read -r kind name <<<"$2"
	mkdir -p "$out"
	touch "$out/host.log" "$out/tests.log" "$out/guest.log"
	cp "$out/host.log" "$out/complaints.log"
	if [ "$kind" = job ]; then
		name=$(basename "${name%.*}")
		job_log "$out/guest.log" "$name" >"$out/$name.ktap"
		report_ktap "svm: $name" "$out/$name.ktap"
	else
		report_ktap svm "$out/tests.log"
		# What a test provokes on purpose, it says: "ut-splat: TEXT".
		for name in $(names "$2"); do
			splat=$(wish "$LINUX/tools/testing/selftests/kvm/x86/$name.c" splat '')
			[ -z "$splat" ] || sed -i "\\|$splat|d" "$out/complaints.log"
		done
	fi
	[ "$3" = 0 ] || report fail "svm: boot $1 ended with $3" "$out/serial.log"
	report_splats "svm: boot $1" "$out/complaints.log"
}

mapfile -t groups <"$SCRATCH/boots"
in_parallel boot conclude "${groups[@]}"
