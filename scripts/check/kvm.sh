#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# KVM selftests on the emulated host. A test may say in its first 40 lines how
# it wants to run (defaults in brackets):
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-model: MODEL		CPU that Bochs emulates (broadwell_ult)
# Tests with the same wishes share one boot.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

scratch_dir
for program in "$BUILD"/kvm-selftests/*; do
	name=$(basename "$program")
	source=$LINUX/tools/testing/selftests/kvm/x86/$name.c
	printf '%s|%s|%s|%s\n' "$(wish "$source" host-cpus 1)" "$(wish "$source" model broadwell_ult)" \
		"$(wish "$source" host kvm.guest_views=2)" "$name"
done | sort >"$SCRATCH/tests"

number=0
while IFS='|' read -r cpus model append; do
	number=$((number + 1))
	names=$(grep -F "$cpus|$model|$append|" "$SCRATCH/tests" | sed 's/.*|//' | paste -sd ' ')
	log=$BUILD/check-kvm-$number/tests.log
	status=0
	"$ROOT/scripts/run-vm.sh" --name "check-kvm-$number" --tests "$names" --host-cpus "$cpus" \
		--cpu "$model" --host-append "$append" --timeout 600 --silence 300 || status=$?
	mkdir -p "${log%/*}"
	touch "$log"
	report_ktap kvm "$log"
	# This bench has all that our own tests need: skipping one hides something.
	sed -nE 's/^ok [0-9]+ (views_[a-z_]+).* # SKIP.*/\1/p' "$log" | while read -r name; do
		report fail "kvm: $name must not be skipped here" "$log"
	done
	[ "$status" = 0 ] || report fail "kvm: host run $number ($names) ended with $status" "$log"
	touch "${log%/*}/host.log"
	report_splats "kvm: host run $number" "${log%/*}/host.log"
done < <(sed 's/|[^|]*$//' "$SCRATCH/tests" | sort -u)
