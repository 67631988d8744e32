#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the archives that the emulated host boots from, in build/image:
#   host.cpio     busybox and the first process of the host
#   qemu.cpio     QEMU, its libraries and firmware
#   guest.cpio    the guest's busybox, first process and jobs
#   modules.cpio  the guest's modules but for the samples, and its test programs
#   samples.cpio  the guest's modules of samples/
#   kernel.cpio   the guest's vmlinux and these three, as files of the host
#   tests.cpio    programs that run on the host itself (KVM selftests)
# Each is made again only when something that goes into it changed. They are
# not compressed: the emulated CPU reads faster than it unpacks.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/image-lib.sh"
. "$ROOT/scripts/job-lib.sh"

IMAGE=$BUILD/image
QEMU=/usr/bin/qemu-system-x86_64
mkdir -p "$IMAGE"

[ -f "$LINUX/vmlinux" ] && [ -f "$LINUX/arch/x86/boot/bzImage" ] ||
	die 'there is no kernel to make an image of' 'Run: make kernel.'

# bios-microvm starts the guest; the others are looked for by name.
firmware() {
	local name path
	for name in bios-microvm.bin kvmvapic.bin linuxboot_dma.bin pvh.bin; do
		path=$(find -L /usr/share/qemu /usr/share/seabios -name "$name" 2>/dev/null | head -n1)
		[ -n "$path" ] || [ "$name" = linuxboot_dma.bin ] ||
			die "QEMU's firmware $name is not installed" 'apt-get install --reinstall qemu-system-data seabios'
		[ -z "$path" ] || copy "$path" "/usr/share/qemu/$name"
	done
}

host_tree() {
	copy /bin/busybox /bin/busybox
	copy "$ROOT/scripts/image/host-init.sh" /init
}

qemu_tree() {
	program "$QEMU" /usr/bin/qemu-system-x86_64
	firmware
}

# Jobs of the guest, from wherever the repository keeps them.
guest_tree() {
	local file
	copy /bin/busybox /bin/busybox
	copy "$ROOT/scripts/image/guest-init.sh" /init
	copy "$ROOT/scripts/image/job-lib.sh" /ut/lib.sh
	for file in "$ROOT"/selftests/guest/*.sh $(guest_libs) $(guest_jobs); do
		[ -f "$file" ] || continue
		case $file in
		*.c) program "$BUILD/guest-programs/$(basename "$file" .c)" "/ut/jobs/$(basename "$file" .c)" ;;
		*) copy "$file" "/ut/jobs/$(basename "$file" .sh)" ;;
		esac
	done
}

modules_tree() {
	local file
	kernel_modules | sample_modules -v | while read -r file; do
		copy "$file" "/ut/modules/$(basename "$file")"
	done
	for file in "$BUILD"/guest-programs/*; do
		[ ! -f "$file" ] || program "$file" "/ut/bin/$(basename "$file")"
	done
}

samples_tree() {
	local file
	mkdir -p "$TREE/ut/samples"
	kernel_modules | sample_modules | while read -r file; do
		copy "$file" "/ut/samples/$(basename "$file")"
	done
}

kernel_tree() {
	local file
	mkdir -p "$TREE/guest"
	/usr/lib/llvm-19/bin/llvm-strip -s -o "$TREE/guest/vmlinux" "$LINUX/vmlinux"
	for file in guest modules samples; do
		copy "$IMAGE/$file.cpio" "/guest/$file.cpio"
	done
}

tests_tree() {
	local file
	for file in "$BUILD"/kvm-selftests/*; do
		[ ! -f "$file" ] || program "$file" "/tests/$(basename "$file")"
	done
}

archive host host_tree /bin/busybox "$ROOT"/scripts/image/host-init.sh
archive qemu qemu_tree "$QEMU" /usr/share/seabios/*.bin /usr/share/qemu/*.bin
archive guest guest_tree /bin/busybox "$ROOT"/scripts/image/*.sh \
	"$ROOT"/selftests/{guest,attack}/* "$ROOT"/tools/testing/selftests/undertow/* \
	"$BUILD"/guest-programs/*
archive modules modules_tree "$BUILD"/guest-programs/* "$(kernel_modules | sample_modules -v)"
archive samples samples_tree "$(kernel_modules | sample_modules)"
archive kernel kernel_tree "$LINUX/vmlinux" "$IMAGE"/{guest,modules,samples}.cpio
archive tests tests_tree "$BUILD"/kvm-selftests/*
cmp -s "$LINUX/arch/x86/boot/bzImage" "$IMAGE/bzImage" ||
	cp "$LINUX/arch/x86/boot/bzImage" "$IMAGE/bzImage"
