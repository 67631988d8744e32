# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a test says of itself: lines "ut-NAME: VALUE" in its first 40 lines.

# wish FILE NAME DEFAULT
wish() {
	local value
	value=$(head -n 40 "$1" | sed -nE "s,^[#/* ]*ut-$2:[[:space:]]*(.*[^[:space:]])[[:space:]]*\$,\1,p" | head -n 1)
	printf '%s\n' "${value:-$3}"
}

has_wish() { head -n 40 "$1" | grep -qE "^[#/* ]*ut-$2:"; }

# How views are switched and violations delivered: what the host is booted with
# so that its guests find this back end. "svm" is hypercall-swve on an AMD CPU; a
# test that asks for it also names the CPU (ut-model).
BACKENDS=(vmfunc-ve vmfunc-swve hypercall-swve)

backend_host() {
	case $1 in
	vmfunc-ve | svm) ;;
	vmfunc-swve) echo kvm_intel.views_ve=0 ;;
	hypercall-ve) echo kvm_intel.views_vmfunc=0 ;;
	hypercall-swve) echo kvm_intel.views_vmfunc=0 kvm_intel.views_ve=0 ;;
	*) die "there is no back end $1" 'See scripts/job-lib.sh.' ;;
	esac
}

# backends FILE [DEFAULT]: those that a test wants to run on.
backends() {
	local wanted
	wanted=$(wish "$1" backends "${2:-vmfunc-ve}")
	[ "$wanted" != all ] || wanted=${BACKENDS[*]}
	printf '%s\n' "$wanted"
}

# Where the guest's tests and what they share lie.
JOB_DIRS=("$ROOT"/selftests/guest "$ROOT"/selftests/attack "$ROOT"/tools/testing/selftests/undertow)

# Scripts of selftests that are no tests by themselves.
guest_libs() { ls "$ROOT"/selftests/*/*-lib.sh; }

# The guest's tests: those that say on how many CPUs they want to run.
guest_jobs() {
	local dir file
	for dir in "${JOB_DIRS[@]}"; do
		for file in "$dir"/*.sh "$dir"/*.c; do
			[ ! -f "$file" ] || ! has_wish "$file" cpus || echo "$file"
		done
	done
}

# job_log GUEST-LOG JOB: what this job printed.
job_log() {
	awk -v job="$2" '
		$0 == "UT-JOB begin " job { inside = 1; next }
		index($0, "UT-JOB end " job " ") == 1 { inside = 0 }
		inside' "$1"
}

# job_status GUEST-LOG JOB: empty when it did not end.
job_status() { sed -n "s/^UT-JOB end $2 status=//p" "$1" | tail -n 1; }

# bench_key: of what decides how any test on the bench ends: the host's kernel and
# first process, the emulator, the scripts that run it and read what it says.
bench_key() {
	local script
	local -a files=("$BUILD/image/bzImage" "$BUILD/image/host.cpio" "$("$ROOT/scripts/get-bochs.sh")")
	for script in run-vm machine-lib bochs-lib qemu-lib lib check-lib job-lib record-lib; do
		files+=("$ROOT/scripts/$script.sh")
	done
	record_key bench "${files[@]}" "$ROOT/scripts/ktap.awk"
}

# guest_key: ... and how any job of the guest ends.
guest_key() {
	local -a files
	mapfile -t files < <(guest_libs)
	record_key guest "$LINUX/vmlinux" "$BUILD/image/qemu.cpio" "$BUILD/image/modules.cpio" \
		"$ROOT/scripts/image/guest-init.sh" "$ROOT/scripts/image/job-lib.sh" "${files[@]}"
}
