# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# QEMU without KVM as the outermost machine: an AMD CPU with SVM and nested
# paging. The same archives as for Bochs, loaded without a boot medium.

QEMU_EMULATOR=${UNDERTOW_QEMU:-/usr/bin/qemu-system-x86_64}
# QEMU 7.2 has XSAVES without XSAVEC, and what a kernel in a VM makes of that is a
# wrong size of the FPU's state: it can't fork.
QEMU_OFF=-xsave,-avx,-avx2,-f16c,-fma

# start_qemu OUT SCRATCH MODEL CPUS MODE COMMAND-LINE
start_qemu() {
	local out=$1 scratch=$2 file
	for file in $(boot_archives "$5"); do
		[ -f "$IMAGE/$file" ] || die "$IMAGE/$file is missing" 'Run: make image.'
		cat "$IMAGE/$file"
	done >"$scratch/initrd"
	run_archive "$scratch" >>"$scratch/initrd"
	: >"$out/serial.log"
	# Instructions are the clock, so that a busy build machine does not
	# change the time that the guest sees. It is one thread for all CPUs, then.
	start_machine "$out/qemu.log" "$QEMU_EMULATOR" -accel tcg -icount shift=1,sleep=off \
		-M q35 -m 2048 -smp "$4" -cpu "$3,+svm,+npt,$QEMU_OFF" -nodefaults -no-user-config \
		-display none -no-reboot -serial "file:$out/serial.log" \
		-kernel "$IMAGE/bzImage" -initrd "$scratch/initrd" -append "$6"
}
