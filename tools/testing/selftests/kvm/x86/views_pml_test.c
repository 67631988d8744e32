// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and dirty logging on a CPU that keeps a log of its
 * own (PML), which knows nothing of what is written without A/D bits.
 *
 * ut-model: corei7_skylake_x
 * ut-host: kvm.guest_views=2 kvm_intel.enable_apicv=0
 * ut-splat: arch/x86/kvm/mmu/tdp_mmu.c:.*kvm_tdp_mmu_clear_dirty_.*views_pml_test
 */
#define VIEWS_WITH_PML
#include "views_dirty_log_test.c"
