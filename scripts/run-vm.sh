#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the emulated host, and in it the guest with its jobs or the host's own
# tests. Leaves in build/NAME: serial.log (everything), guest.log (the guest's
# console), tests.log (KTAP of host tests), host.log (the rest).
#
# Exit status: that of the guest's worst job (or 0 when host tests ran to their
# end); 120 host panic, 121 guest panic or early end of the guest, 124 timeout
# or hang, 125 the machine did not start.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/machine-lib.sh"
. "$ROOT/scripts/bochs-lib.sh"
. "$ROOT/scripts/qemu-lib.sh"
. "$ROOT/scripts/job-lib.sh"

# On a machine that several people share, boots wait for their turn.
if [ -n "${UNDERTOW_QUEUE:-}" ]; then
	queue=$UNDERTOW_QUEUE
	unset UNDERTOW_QUEUE
	# shellcheck disable=SC2086 # a command and its arguments
	exec $queue "$ROOT/scripts/run-vm.sh" "$@"
fi

usage() {
	cat <<-'END'
	run-vm.sh [OPTION VALUE]...
	  --name NAME          results go to build/NAME (vm)
	  --job A,B            jobs of the guest, from selftests
	  --tests 'A B'        run these programs on the host instead of a guest
	  --host-cpus N        (1)          --guest-cpus N   (1)
	  --host-append TEXT   more for the host's kernel command line
	  --guest-append TEXT  more for the guest's kernel command line
	  --guest-mib N        memory of the guest (256)
	  --boots N            the guest boots so often in one virtual machine (1)
	  --cpu MODEL          CPU that Bochs emulates (UNDERTOW_CPU, broadwell_ult);
	                       qemu:MODEL for an AMD CPU that QEMU emulates
	  --timeout SECONDS    for everything (300)
	  --silence SECONDS    without any output until it counts as hung (120)
	  --test-seconds N     emulated seconds for each program of --tests (--timeout)
	  --image DIR          boot from these archives (build/image)
	  --live               print the guest's lines as they come
	END
	exit "$1"
}

name=vm job='' tests='' host_cpus=1 guest_cpus=1 guest_mib=256 boots=1 host_append='' guest_append=''
cpu=${UNDERTOW_CPU:-broadwell_ult} timeout=300 silence=120 live=0
test_seconds='' IMAGE=$BUILD/image

while [ $# -gt 0 ]; do
	case $1 in
	--live) live=1; shift; continue ;;
	-h | --help) usage 0 ;;
	esac
	[ $# -ge 2 ] || usage 2 >&2
	case $1 in
	--name) name=$2 ;;
	--job) job=$2 ;;
	--tests) tests=$2 ;;
	--host-cpus) host_cpus=$2 ;;
	--guest-cpus) guest_cpus=$2 ;;
	--guest-mib) guest_mib=$2 ;;
	--boots) boots=$2 ;;
	--host-append) host_append=$2 ;;
	--guest-append) guest_append=$2 ;;
	--cpu) cpu=$2 ;;
	--timeout) timeout=$2 ;;
	--silence) silence=$2 ;;
	--test-seconds) test_seconds=$2 ;;
	--image) IMAGE=$(realpath "$2") ;;
	*) usage 2 >&2 ;;
	esac
	shift 2
done

OUT=$BUILD/$name
[ -f "$IMAGE/bzImage" ] || die 'there is no boot image' 'Run: make image.'

# Nothing of an older run may be taken for this one's.
rm -rf "$OUT"
mkdir -p "$OUT"
scratch_dir

# Values go between single quotes, which therefore must not be in them.
run_env() {
	local pair
	for pair; do
		case $pair in *\'*) die "a quote in $pair" 'Leave it out.' ;; esac
		printf "%s='%s'\n" "${pair%%=*}" "${pair#*=}"
	done
}

# Those of the jobs that say "ut-samples: yes".
with_samples() {
	local one file
	for one in ${job//,/ }; do
		for file in "${JOB_DIRS[@]/%//$one.sh}" "${JOB_DIRS[@]/%//$one.c}"; do
			if [ -f "$file" ] && has_wish "$file" samples; then echo "$one"; fi
		done
	done | paste -sd ,
}
samples=$(with_samples)

# The parameters travel as a file: no length limit, no quoting by boot loaders.
mkdir -p "$SCRATCH/run"
mode=guest
[ -z "$tests" ] || mode=tests
run_env "UT_MODE=$mode" "UT_TESTS=$tests" "UT_TEST_SECONDS=${test_seconds:-$timeout}" \
	"UT_GUEST_CPUS=$guest_cpus" "UT_GUEST_MIB=$guest_mib" "UT_BOOTS=$boots" \
	"UT_GUEST_CMDLINE=console=ttyS0 panic=-1 tsc=reliable reboot=t quiet printk.devkmsg=on printk.time=0 ut.cpus=$guest_cpus ${job:+ut.job=$job} ${samples:+ut.samples=$samples} $guest_append" \
	>"$SCRATCH/run/run.env"

# loglevel: warnings have to be seen, "quiet" would hide them.
host_cmdline="console=ttyS0 nokaslr panic=0 tsc=reliable loglevel=5 printk.devkmsg=on printk.time=0 $host_append"
case $cpu in
qemu:*)
	emulator=QEMU emulator_log=$OUT/qemu.log
	start_qemu "$OUT" "$SCRATCH" "${cpu#qemu:}" "$host_cpus" "$mode" "$host_cmdline"
	;;
*)
	emulator=Bochs emulator_log=$OUT/bochs.log
	bochs=$("$ROOT/scripts/get-bochs.sh")
	make_iso "$SCRATCH" "$OUT/boot.iso" "$mode" "$host_cmdline"
	write_bochsrc "$bochs" "$OUT" "$cpu" "$host_cpus"
	start_bochs "$bochs" "$OUT" "$SCRATCH"
	;;
esac
trap 'stop_machine; rm -rf "$SCRATCH"' EXIT
trap 'exit 130' INT TERM

panic='' ended='' halted='' guest_status='' guest_ended='' booted=0

handle() {
	local line=${1%$'\r'}
	case $line in
	'G| '*)
		line=${line#G| }
		printf '%s\n' "$line" >>"$OUT/guest.log"
		[ "$live" = 0 ] || printf '%s\n' "$line"
		case $line in
		'UT-GUEST begin '*) booted=$((booted + 1)) ;;
		'UT-JOB end '*) [ "${line##*status=}" = 0 ] || guest_status=${line##*status=} ;;
		'UT-GUEST end '*) guest_ended=1; guest_status=${line##*status=} ;;
		*'Kernel panic'*) panic=guest ;;
		esac
		;;
	'T| '*)
		printf '%s\n' "${line#T| }" >>"$OUT/tests.log"
		[ "$live" = 0 ] || printf '%s\n' "${line#T| }"
		;;
	*)
		printf '%s\n' "$line" >>"$OUT/host.log"
		case $line in
		*'end Kernel panic'*) panic=host ;;
		# As good as off; not every kernel can do more.
		*'System halted instead'*) halted=1 ;;
		'UT-HOST end '*) ended=${line##*status=} ;;
		esac
		;;
	esac
}

# read stops at the end of the file with what there is of a line; the rest of
# that line comes with a later round.
follow() {
	local start=$SECONDS last=$SECONDS partial='' part
	while :; do
		local alive=1
		machine_alive || alive=0
		while IFS= read -r -u 4 part; do
			handle "$partial$part"
			partial=''
			last=$SECONDS
		done
		partial+=$part
		[ "$panic" != host ] || return 120
		[ -z "$halted" ] || return 0
		if [ "$alive" = 0 ]; then
			[ -z "$partial" ] || handle "$partial"
			return 0
		fi
		[ $((SECONDS - start)) -lt "$timeout" ] || return 124
		[ $((SECONDS - last)) -lt "$silence" ] || return 123
		sleep 0.2
	done
}

exec 4<"$OUT/serial.log"
result=0
follow || result=$?
stop_machine
rm -f "$OUT/boot.iso"

# problem STATUS WHAT: says so, and shows the end of what was heard.
problem() {
	{
		printf '\nFAILED: %s\n' "$2"
		printf '  log:     %s, which ends:\n' "$OUT/serial.log"
		tail -n "${3:-15}" "$OUT/serial.log" | cut -c1-160 | sed 's/^/    | /'
	} >&2
	exit "$1"
}

case $result in
120) problem 120 'the emulated host panicked' 40 ;;
123) problem 124 "no output for $silence s: the machine hangs, and was stopped" ;;
124) problem 124 "not finished after $timeout s: the machine was stopped" ;;
esac
[ -n "$ended" ] || problem 125 "$emulator ended before the host did (its own log: $emulator_log)"
if [ "$mode" = tests ]; then
	exit "$ended"
fi
[ "$panic" != guest ] || problem 121 'the guest panicked' 40
[ "$boots" = 1 ] || [ "$booted" -ge "$boots" ] || problem 121 "the guest booted $booted times instead of $boots" 25
[ -n "$guest_ended" ] || problem 121 "the guest ended early (QEMU's status: $ended)" 25
exit "$guest_status"
