# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Bochs: its boot medium, its configuration, its start.

# make_iso SCRATCH FILE MODE COMMAND-LINE
make_iso() {
	local iso=$1/iso file initrd=''
	mkdir -p "$iso/boot" "$iso/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$iso/isolinux/"
	ln -s "$IMAGE/bzImage" "$iso/boot/linux"
	for file in $(boot_archives "$3"); do
		[ -f "$IMAGE/$file" ] || die "$IMAGE/$file is missing" 'Run: make image.'
		ln -s "$IMAGE/$file" "$iso/boot/$file"
		initrd+=/boot/$file,
	done
	run_archive "$1" >"$iso/boot/run.cpio"
	cat >"$iso/isolinux/isolinux.cfg" <<-END
		DEFAULT linux
		PROMPT 0
		LABEL linux
		KERNEL /boot/linux
		INITRD ${initrd}/boot/run.cpio
		APPEND $4
	END
	run iso 'the boot medium cannot be written' 'Read the log.' \
		xorriso -as mkisofs -quiet -f -o "$2" -b isolinux/isolinux.bin -c isolinux/boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$iso"
}

# write_bochsrc BINARY OUT CPU COUNT
write_bochsrc() {
	local display='rfb, options="timeout=0"'
	# The package of 2.7 has no display without a screen.
	case $("$1" --help 2>&1) in *'Emulator 3.'*) display=nogui ;; esac
	cat >"$2/bochsrc" <<-END
		cpu: model=$3, count=$4, ips=50000000
		memory: guest=2048, host=2048
		display_library: $display
		com1: enabled=1, mode=file, dev=$2/serial.log
		ata0-master: type=cdrom, path=$2/boot.iso, status=inserted
		boot: cdrom
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/vgabios/vgabios.bin
		clock: sync=none
		panic: action=fatal
		error: action=report
		info: action=ignore
		debug: action=ignore
		log: $2/bochs.log
	END
	: >"$2/serial.log"
}

# start_bochs BINARY OUT SCRATCH
start_bochs() {
	local options=(-q -f "$2/bochsrc")
	# A build with the debugger waits for a command before it starts.
	case $("$1" --help 2>&1) in
	*'-rc '*)
		echo c >"$3/rc"
		options+=(-rc "$3/rc")
		;;
	esac
	start_machine "$2/bochs.out" "$1" "${options[@]}"
}
