#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# First process of the emulated host. Runs what /run.env says: the guest with
# its jobs, or programs of /tests. Everything that must reach the build machine
# is written to /dev/kmsg as whole lines, or it would be lost or torn.

/bin/busybox mkdir -p /proc /sys /dev /tmp /usr/bin /bin
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs tmpfs /tmp
# For semaphores with a name.
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
exec 3>/dev/kmsg
cr=$(printf '\r')

say() { echo "<3>$*" >&3; }

# relay PREFIX: standard input, line by line.
relay() {
	while IFS= read -r line || [ -n "$line" ]; do
		say "$1${line%"$cr"}"
	done
}

finish() {
	say "UT-HOST end status=$1"
	sleep 1
	poweroff -f
}

# shellcheck disable=SC1091
. /run.env

say "UT-HOST begin mode=$UT_MODE cpus=$(nproc) kernel=$(uname -r)"
grep -qwE 'vmx|svm' /proc/cpuinfo || { say 'H| neither vmx nor svm in /proc/cpuinfo'; finish 125; }
[ -c /dev/kvm ] || { say 'H| no /dev/kvm: KVM did not start'; dmesg | tail -n 20 | relay 'H| '; finish 125; }


# A guest that was asked to boot more than once would go on with that.
relay_guest() {
	boots=0
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%"$cr"}
		say "G| $line"
		case $line in
		'UT-GUEST begin '*) boots=$((boots + 1)) ;;
		'UT-GUEST end '*)
			[ "$UT_BOOTS" = 1 ] || [ "$boots" -lt "$UT_BOOTS" ] ||
				kill "$(cat /tmp/qemu.pid)"
			;;
		esac
	done
}

run_guest() {
	cat /guest/*.cpio >/tmp/initrd
	once=-no-reboot
	[ "$UT_BOOTS" = 1 ] || once=
	# shellcheck disable=SC2086
	qemu-system-x86_64 \
		-M microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on \
		-accel kvm -cpu host -m "$UT_GUEST_MIB" -smp "$UT_GUEST_CPUS" \
		-nodefaults -no-user-config -nographic -serial stdio $once \
		-pidfile /tmp/qemu.pid \
		-kernel /guest/vmlinux -initrd /tmp/initrd \
		-append "$UT_GUEST_CMDLINE" </dev/null 2>/tmp/qemu.err
	echo $? >/tmp/qemu.status
}

# As relay, but a test may say only so much: the serial line is slow.
relay_test() {
	lines=0
	while IFS= read -r line || [ -n "$line" ]; do
		lines=$((lines + 1))
		[ "$lines" -gt 400 ] || say "T|   ${line%"$cr"}"
	done
	[ "$lines" -le 400 ] || say "T|   # $((lines - 400)) more lines"
}

uptime_seconds() { cut -d . -f 1 /proc/uptime; }

# run_test NAME: sets status and seconds. The test has a session of its own and
# what it leaves behind is killed, or the pipe would stay open for ever.
run_test() {
	relay_test </tmp/pipe &
	relay=$!
	begun=$(uptime_seconds)
	most=$(cat "/tests/$1.seconds" 2>/dev/null)
	: "${most:=$UT_TEST_SECONDS}"
	# The arguments are words.
	# shellcheck disable=SC2046
	setsid timeout -s KILL "$most" "/tests/$1" \
		$(cat "/tests/$1.args" 2>/dev/null) </dev/null >/tmp/pipe 2>&1 &
	test=$!
	wait "$test"
	status=$?
	kill -KILL -- "-$test" 2>/dev/null
	wait "$relay"
	seconds=$(($(uptime_seconds) - begun))
	[ "$status" != 137 ] || [ "$seconds" -lt "$most" ] || status=timeout
}

case $UT_MODE in
guest)
	# The guest ends with a line that its own console carries to the build
	# machine; here only what QEMU says of it.
	run_guest | relay_guest
	relay 'H| qemu: ' </tmp/qemu.err
	finish "$(cat /tmp/qemu.status)"
	;;
tests)
	# One KTAP line for each program: exit 0 passes, 4 skips. What it prints
	# is its subtest, whether it is KTAP or not.
	# shellcheck disable=SC2086
	set -- $UT_TESTS
	ulimit -n 16384
	mkfifo /tmp/pipe
	say "T| TAP version 13"
	say "T| 1..$#"
	number=0
	for name; do
		number=$((number + 1))
		say "H| running $name"
		say "T|   # Subtest: $name"
		run_test "$name"
		say "H| ran $name status=$status seconds=$seconds"
		case $status in
		0) say "T| ok $number $name" ;;
		4) say "T| ok $number $name # SKIP" ;;
		timeout) say "T| not ok $number $name # not done after $most s" ;;
		*) say "T| not ok $number $name # exit $status" ;;
		esac
	done
	finish 0
	;;
*)
	say "H| unknown mode $UT_MODE"
	finish 125
	;;
esac
