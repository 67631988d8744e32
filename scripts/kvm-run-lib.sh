# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Running our KVM selftests on the emulated host; ours on every back end that a
# guest with views can find there. A test may say in its first 40 lines how it
# wants to run (defaults in brackets):
#	ut-host-cpus: N		CPUs of the host (1)
#	ut-host: TEXT		host's kernel command line (kvm.guest_views=2)
#	ut-model: MODEL		what run-vm.sh --cpu takes (broadwell_ult)
#	ut-backends: NAME...	or "all" (vmfunc-ve), see job-lib.sh
#	ut-splat: TEXT		a complaint of the host's kernel with this in it is
#				what the test wants (none)
# With UNDERTOW_ALL=1 all of ours run on every back end. Tests with the same
# wishes share one boot. Boots run in parallel, reports come in order.
#
# A caller may set before run_kvm_tests:
#	KVM_RUN		name of this run: kvm
#	KVM_OPTIONS	array, options of run-vm.sh
#	KVM_APPEND	more for the host's kernel command line
#	KVM_BEGIN	program of /tests that begins each boot
#	KVM_END		program that ends it
#	KVM_PER_BOOT	at most so many tests in a boot
#	KVM_RECORD	1: leave out what is on record (record-lib.sh)

. "$ROOT/scripts/job-lib.sh"

KVM_RUN=kvm KVM_APPEND='' KVM_BEGIN='' KVM_END='' KVM_PER_BOOT=1000 KVM_RECORD=0
KVM_OPTIONS=()

# kvm_tests PROGRAM...: lines "BACKEND|CPUS|MODEL|COMMAND-LINE|NAME"
kvm_tests() {
	local program name source default backend
	for program; do
		name=$(basename "$program")
		source=$LINUX/tools/testing/selftests/kvm/x86/$name.c
		default=vmfunc-ve
		# What only another kernel has.
		[ "$(wish "$source" kernel "$KVM_RUN")" = "$KVM_RUN" ] || continue
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
	done | sort
}

# kvm_boots: of such lines, one a boot: the same with all its names.
kvm_boots() {
	awk -F '|' -v most="$KVM_PER_BOOT" '
		{ wishes = $1 "|" $2 "|" $3 "|" $4 }
		wishes != last || count == most {
			if (NR > 1) print last "|" names
			last = wishes; count = 0; names = ""
		}
		{ names = names (count++ ? " " : "") $5 }
		END { if (NR) print last "|" names }'
}

# kvm_key BOOT: everything that decides what these tests find.
kvm_key() {
	local name
	local -a files=()
	for name in ${1##*|}; do
		files+=("$BUILD/kvm-selftests/$name" "$LINUX/tools/testing/selftests/kvm/x86/$name.c")
	done
	record_key "$bench $1" "${files[@]}" "$ROOT/scripts/kvm-run-lib.sh"
}

kvm_boot() {
	local backend cpus model append names
	IFS='|' read -r backend cpus model append names <<<"$2"
	names="$KVM_BEGIN $names $KVM_END"
	exec "$ROOT/scripts/run-vm.sh" --name "check-$KVM_RUN-$1" --tests "${names## }" --host-cpus "$cpus" \
		--cpu "$model" --host-append "$append $(backend_host "$backend") $KVM_APPEND" "${KVM_OPTIONS[@]}"
}

kvm_conclude() {
	local dir=$BUILD/check-$KVM_RUN-$1 backend=${2%%|*} names=${2##*|} name splat before
	before=$(wc -l <"$RESULTS")
	mkdir -p "$dir"
	touch "$dir/tests.log" "$dir/host.log"
	report_ktap "$KVM_RUN: $backend" "$dir/tests.log"
	# This bench has all that our own tests need: skipping one hides something.
	sed -nE 's/^ok [0-9]+ (views_[a-z_]+).* # SKIP.*/\1/p' "$dir/tests.log" | while read -r name; do
		report fail "$KVM_RUN: $backend: $name must not be skipped here" "$dir/tests.log"
	done
	[ "$3" = 0 ] ||
		report fail "$KVM_RUN: host run $1 ($backend: $names) ended with $3" "$dir/tests.log"
	# What a test provokes on purpose, it says: "ut-splat: TEXT"; KVM_END says when
	# it begins to.
	sed '/^UT-PROVOKED$/,$d' "$dir/host.log" >"$dir/complaints.log"
	for name in $names; do
		splat=$(wish "$LINUX/tools/testing/selftests/kvm/x86/$name.c" splat '')
		[ -z "$splat" ] || sed -i "\\|$splat|d" "$dir/complaints.log"
	done
	report_splats "$KVM_RUN: host run $1 ($backend)" "$dir/complaints.log"
	[ "$KVM_RECORD" = 0 ] || keep "${keys[$1 - 1]}" "$before"
}

# run_kvm_tests PROGRAM...
run_kvm_tests() {
	local group key bench names
	local -a groups=() keys=()

	[ "$KVM_RECORD" = 0 ] || bench=$(bench_key)
	while IFS= read -r group; do
		if [ "$KVM_RECORD" = 1 ]; then
			key=$(kvm_key "$group")
			names=${group##*|}
			replay "$key" "$KVM_RUN: ${group%%|*}: $(wc -w <<<"$names") programs" && continue
			keys+=("$key")
		fi
		groups+=("$group")
	done < <(kvm_tests "$@" | kvm_boots)
	in_parallel kvm_boot kvm_conclude "${groups[@]}"
}
