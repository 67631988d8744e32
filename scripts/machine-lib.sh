# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the emulated machines have in common: what they boot, and their process.

MACHINE_PID=

# boot_archives MODE: in the order in which the kernel unpacks them.
boot_archives() {
	case $1 in
	guest) echo host.cpio qemu.cpio kernel.cpio ;;
	tests) echo host.cpio tests.cpio ;;
	esac
}

# run_archive SCRATCH: the parameters of this run.
run_archive() { (cd "$1/run" && find . | cpio -o -H newc -R 0:0 --quiet); }

# start_machine LOG COMMAND...
start_machine() {
	local log=$1
	shift
	# The clone's lock (8) must not live on in an orphan.
	"$@" </dev/null >"$log" 2>&1 8>&- &
	MACHINE_PID=$!
}

machine_alive() { kill -0 "$MACHINE_PID" 2>/dev/null; }

stop_machine() {
	[ -n "$MACHINE_PID" ] || return 0
	kill -TERM "$MACHINE_PID" 2>/dev/null || true
	for _ in 1 2 3 4 5; do
		machine_alive || break
		sleep 0.2
	done
	kill -KILL "$MACHINE_PID" 2>/dev/null || true
	wait "$MACHINE_PID" 2>/dev/null || true
	MACHINE_PID=
}
