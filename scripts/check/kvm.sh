#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# KVM selftests on the emulated host; ours on every back end that a guest with
# views can find there. A test may say in its first 40 lines how it wants to run
# (defaults in brackets):
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-model: MODEL		what run-vm.sh --cpu takes (broadwell_ult)
#	ut-backends: NAME...	or "all" (vmfunc-ve), see job-lib.sh
#	ut-splat: TEXT		a complaint of the host's kernel with this in it is
#				what the test wants (none)
# With UNDERTOW_ALL=1 all of ours run on every back end. Tests with the same wishes share one boot. Boots run in parallel, reports come
# in order.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

scratch_dir
for program in "$BUILD"/kvm-selftests/*; do
	name=$(basename "$program")
	source=$LINUX/tools/testing/selftests/kvm/x86/$name.c
	default=vmfunc-ve
	case ${UNDERTOW_ALL:-}$name in 1views_*) default=all ;; esac
	for backend in $(backends "$source" "$default"); do
		# On an AMD CPU with make check-svm only, unless it is about that.
		case $backend:$(wish "$source" model '') in
		svm:qemu:*) ;;
		svm:*) continue ;;
		esac
		printf '%s|%s|%s|%s|%s\n' "$backend" "$(wish "$source" host-cpus 1)" \
			"$(wish "$source" model broadwell_ult)" "$(wish "$source" host kvm.guest_views=2)" "$name"
	done
done | sort >"$SCRATCH/tests"
sed 's/|[^|]*$//' "$SCRATCH/tests" | sort -u >"$SCRATCH/boots"

names() { grep -F "$1|" "$SCRATCH/tests" | sed 's/.*|//' | paste -sd ' '; }

boot() {
	local backend cpus model append
	IFS='|' read -r backend cpus model append <<<"$2"
	exec "$ROOT/scripts/run-vm.sh" --name "check-kvm-$1" --tests "$(names "$2")" --host-cpus "$cpus" \
		--cpu "$model" --host-append "$append $(backend_host "$backend")" --timeout 600 --silence 300
}

conclude() {
	local log=$BUILD/check-kvm-$1/tests.log backend=${2%%|*} name splat
	mkdir -p "${log%/*}"
	touch "$log"
	report_ktap "kvm: $backend" "$log"
	# This bench has all that our own tests need: skipping one hides something.
	sed -nE 's/^ok [0-9]+ (views_[a-z_]+).* # SKIP.*/\1/p' "$log" | while read -r name; do
		report fail "kvm: $backend: $name must not be skipped here" "$log"
	done
	[ "$3" = 0 ] ||
		report fail "kvm: host run $1 ($backend: $(names "$2")) ended with $3" "$log"
	touch "${log%/*}/host.log"
	# What a test provokes on purpose, it says: "ut-splat: TEXT".
	cp "${log%/*}/host.log" "${log%/*}/complaints.log"
	for name in $(names "$2"); do
		splat=$(wish "$LINUX/tools/testing/selftests/kvm/x86/$name.c" splat '')
		[ -z "$splat" ] || sed -i "\\|$splat|d" "${log%/*}/complaints.log"
	done
	report_splats "kvm: host run $1 ($backend)" "${log%/*}/complaints.log"
}

mapfile -t groups <"$SCRATCH/boots"
in_parallel boot conclude "${groups[@]}"
