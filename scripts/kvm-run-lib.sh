# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Running our KVM selftests on the emulated host: those with the same wishes
# share one boot. A test may say in its first 40 lines how it wants to run
# (defaults in brackets):
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-model: MODEL		CPU that Bochs emulates (broadwell_ult)

. "$ROOT/scripts/job-lib.sh"

# kvm_test_groups PROGRAM...: lines "CPUS|MODEL|COMMAND-LINE|NAME"
kvm_test_groups() {
	local program name source
	for program; do
		name=$(basename "$program")
		source=$LINUX/tools/testing/selftests/kvm/x86/$name.c
		printf '%s|%s|%s|%s\n' "$(wish "$source" host-cpus 1)" "$(wish "$source" model broadwell_ult)" \
			"$(wish "$source" host kvm.guest_views=2)" "$name"
	done | sort
}

# run_kvm_tests PREFIX IMAGE APPEND BEFORE AFTER OPTION...: all of
# build/kvm-selftests; the programs BEFORE and AFTER (or '') begin and end each
# boot; OPTIONs are run-vm.sh's.
run_kvm_tests() {
	local prefix=$1 image=$2 more=$3 first=$4 last=$5 number=0 cpus model append names out status name
	shift 5
	scratch_dir
	kvm_test_groups "$BUILD"/kvm-selftests/* >"$SCRATCH/tests"
	while IFS='|' read -r cpus model append; do
		number=$((number + 1))
		names=$(grep -F "$cpus|$model|$append|" "$SCRATCH/tests" | sed 's/.*|//' | paste -sd ' ')
		out=check-$prefix-$number
		status=0
		"$ROOT/scripts/run-vm.sh" --name "$out" --image "$image" --tests "$first $names $last" \
			--host-cpus "$cpus" --cpu "$model" --host-append "$append $more" "$@" || status=$?
		mkdir -p "$BUILD/$out"
		touch "$BUILD/$out/tests.log" "$BUILD/$out/host.log"
		report_ktap "$prefix" "$BUILD/$out/tests.log"
		# This bench has all that our own tests need: skipping one hides something.
		sed -nE 's/^ok [0-9]+ (views_[a-z_]+).* # SKIP.*/\1/p' "$BUILD/$out/tests.log" | while read -r name; do
			report fail "$prefix: $name must not be skipped here" "$BUILD/$out/tests.log"
		done
		[ "$status" = 0 ] ||
			report fail "$prefix: host run $number ($names) ended with $status" "$BUILD/$out/serial.log"
		# What comes after this line was provoked.
		sed '/^UT-PROVOKED$/,$d' "$BUILD/$out/host.log" >"$BUILD/$out/complaints.log"
		report_splats "$prefix: host run $number" "$BUILD/$out/complaints.log"
	done < <(sed 's/|[^|]*$//' "$SCRATCH/tests" | sort -u)
}
