#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The back end of AMD hosts: KVM selftests and guest jobs, on a CPU with SVM that
# QEMU emulates. Those of the selftests that say "ut-model: qemu:..." are meant
# for it; the others run as they are, where they can.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

MODEL=qemu:EPYC
# Their attacks start with VMFUNC.
NEED_VMFUNC='views_guard_test views_user_test'

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

# boot NAME OPTION...: one run, whose status must be 0.
boot() {
	local name=$1 status=0
	shift
	"$ROOT/scripts/run-vm.sh" --name "$name" --cpu "$MODEL" --timeout 600 --silence 300 \
		--host-append kvm.guest_views=2 "$@" || status=$?
	[ "$status" = 0 ] || report fail "svm: $name ended with $status" "$BUILD/$name/serial.log"
	if grep -qE '(WARNING|BUG|Oops|INFO: task .* blocked)[: ]' "$BUILD/$name/host.log"; then
		report fail "svm: $name: the host's kernel complains" "$BUILD/$name/host.log"
	fi
}

for cpus in 1 2; do
	names=
	for program in "$BUILD"/kvm-selftests/views_*; do
		name=$(basename "$program")
		[ "$(wish "$ROOT/tools/testing/selftests/kvm/x86/$name.c" host-cpus 1)" = "$cpus" ] || continue
		case " $NEED_VMFUNC " in
		*" $name "*) report skip "svm: $name: needs VMFUNC" ;;
		*) names+=" $name" ;;
		esac
	done
	boot "check-svm-$cpus" --tests "${names# }" --host-cpus "$cpus"
	report_ktap svm "$BUILD/check-svm-$cpus/tests.log"
done

for file in $(guest_jobs); do
	[ "$(wish "$file" model '')" = "$MODEL" ] || continue
	name=$(basename "${file%.*}")
	boot "check-svm-$name" --job "$name" --guest-append "$(wish "$file" guest '')"
	job_log "$BUILD/check-svm-$name/guest.log" "$name" >"$BUILD/check-svm-$name/$name.ktap"
	report_ktap "svm: $name" "$BUILD/check-svm-$name/$name.ktap"
done
