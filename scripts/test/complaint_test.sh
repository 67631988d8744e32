#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What counts as a complaint of the host's kernel: each kind must be told.

. "$(dirname "$0")/lib.sh"

plan 7

# complaint NAME LINE
complaint() {
	printf 'UT-HOST begin\n%s\nH| ran a status=0 seconds=3\n' "$2" >"$WORK/host.log"
	# shellcheck disable=SC2016
	bash -c '. "$0/lib.sh"; . "$0/check-lib.sh"
		RESULTS=$1; : >"$RESULTS"; report_splats x "$2"' "$SCRIPTS" "$WORK/results" "$WORK/host.log" >"$OUTPUT" 2>&1
	grep -q "^$3 " "$WORK/results"
	result $? "$1"
}

complaint 'a quiet host' 'H| running views_smp_test' pass
complaint 'a warning' 'WARNING: arch/x86/kvm/mmu/tdp_mmu.c:46 at kvm_mmu_uninit_tdp_mmu, CPU#0' fail
complaint 'lockdep' 'WARNING: possible circular locking dependency detected' fail
complaint 'KASAN' 'BUG: KASAN: slab-use-after-free in kvm_view_get+0x10/0x20' fail
complaint 'UBSAN' 'UBSAN: array-index-out-of-bounds in arch/x86/kvm/views.c:1:2' fail
complaint 'sleeping while atomic' 'BUG: sleeping function called from invalid context at mm/slub.c:1' fail
complaint 'a leak' 'unreferenced object 0xffff888003a6b000 (size 4096):' fail
