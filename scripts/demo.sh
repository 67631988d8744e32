#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make demo: sets everything up, boots host and guest, runs the guest's job
# "demo", and compares and collects what it found, in build/demo:
#	demo.log	what was shown		costs.json	the cost table
#	elf.guest, elf.readelf			the two summaries of one ELF file
#	guest.log, host.log, serial.log		everything that was heard

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/results-lib.sh"

OUT=$BUILD/demo
ELF=/bin/busybox
SUMMARY=$ROOT/tools/testing/selftests/undertow/readelf_summary.sh

[ -f "$ROOT/selftests/guest/demo.sh" ] ||
	die 'there is no job "demo" (selftests/guest/demo.sh)' 'Use a complete clone.'

lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"
scratch_dir

# What a reader need not see: markers, and what follows below in another form.
readable() {
	sed -uE '/^(UT-(JOB|GUEST|COST) |section [0-9]|reboot: )/d'
}

step 'Demonstration: the emulated host boots, then the guest (about 30 s)'
status=0
"$ROOT/scripts/run-vm.sh" --name demo --job demo --host-append kvm.guest_views=2 \
	--live >"$SCRATCH/status.out" 2>"$SCRATCH/error" &
pid=$!
tail -n +1 -F --pid="$pid" -s 0.3 "$SCRATCH/status.out" 2>/dev/null | readable |
	tee "$SCRATCH/shown" || true
wait "$pid" || status=$?
cp "$SCRATCH/shown" "$OUT/demo.log"
if [ "$status" != 0 ]; then
	cat "$SCRATCH/error" >&2
	die "the demonstration failed (status $status)" "Read $OUT/serial.log."
fi

summary() {
	step "ELF: the isolated parser's summary and readelf's, of the same $ELF"
	elf_summary "$OUT/guest.log" >"$OUT/elf.guest"
	"$SUMMARY" "$ELF" >"$OUT/elf.readelf"
	[ -s "$OUT/elf.guest" ] || die 'the guest printed no summary' "Read $OUT/guest.log."
	diff -u "$OUT/elf.readelf" "$OUT/elf.guest" >"$OUT/elf.diff" ||
		die "readelf and the isolated parser disagree: $(head -n 12 "$OUT/elf.diff")" "Read $OUT/elf.diff."
	note "$(wc -l <"$OUT/elf.guest") lines (header, segments, sections): all equal"

	step 'Costs: emulated instructions, unless the name says otherwise'
	costs_json "$OUT/guest.log" "$OUT/costs.json"
	costs_table "$OUT/costs.json"
	note "also in ${OUT#"$ROOT/"}/costs.json"
}

# A pipe would hide a failure in the subshell; pipefail does not.
summary | tee -a "$OUT/demo.log"
step "Done. Everything is in ${OUT#"$ROOT/"}/."
