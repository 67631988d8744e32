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

# The guest asks with a line "UT-COUNTERS TAG"; it waits a moment before it
# goes on. KVM's counters of the running guest come back as one line.
counters() {
	values=
	for file in /sys/kernel/debug/kvm/*; do
		[ -f "$file" ] || continue
		read -r value <"$file" || continue
		[ "$value" = 0 ] || values="$values ${file##*/}=$value"
	done
	say "G| UT-COUNTED ${1:-?}$values"
}

relay_guest() {
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%"$cr"}
		say "G| $line"
		case $line in 'UT-COUNTERS '*) counters "${line#UT-COUNTERS }" ;; esac
	done
}

run_guest() {
	cat /guest/*.cpio >/tmp/initrd
	qemu-system-x86_64 \
		-M microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on \
		-accel kvm -cpu host -m "$UT_GUEST_MIB" -smp "$UT_GUEST_CPUS" \
		-nodefaults -no-user-config -nographic -serial stdio -no-reboot \
		-kernel /guest/vmlinux -initrd /tmp/initrd \
		-append "$UT_GUEST_CMDLINE" </dev/null 2>/tmp/qemu.err
	echo $? >/tmp/qemu.status
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
	say "T| TAP version 13"
	say "T| 1..$#"
	number=0
	for name; do
		number=$((number + 1))
		say "H| running $name"
		say "T|   # Subtest: $name"
		{ timeout "$UT_TEST_SECONDS" "/tests/$name" 2>&1; echo $? >/tmp/status; } |
			relay 'T|   '
		case $(cat /tmp/status) in
		0) say "T| ok $number $name" ;;
		4) say "T| ok $number $name # SKIP" ;;
		*) say "T| not ok $number $name # exit $(cat /tmp/status)" ;;
		esac
	done
	finish 0
	;;
*)
	say "H| unknown mode $UT_MODE"
	finish 125
	;;
esac
