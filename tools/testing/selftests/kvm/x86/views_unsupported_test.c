// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views on a host that allows them and lacks something
 * that they need: each way to ask says so, and nothing is half there.  Also to
 * be run by hand with kvm_intel.ept=0 and with kvm_intel.eptad=0.
 *
 * ut-host: kvm.guest_views=2 kvm.tdp_mmu=0
 */
#include <asm/kvm_para.h>

#include "views_util.h"

static void guest_code(void)
{
	u64 op;

	for (op = 0; op < 16; op++)
		GUEST_ASSERT_EQ(views_hc(op, 2, 0, 0), -EOPNOTSUPP);
	GUEST_DONE();
}

int main(void)
{
	struct kvm_view_state state = {
		.size = sizeof(state),
		.version = KVM_VIEW_STATE_VERSION,
	};
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_VIEWS,
		.args = { 2 },
	};
	const struct kvm_cpuid_entry2 *entry;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	views_require();
	__TEST_REQUIRE(!get_kvm_param_bool("tdp_mmu") ||
		       !get_kvm_intel_param_bool("ept") ||
		       !get_kvm_intel_param_bool("eptad"),
		       "this host has what views need");
	ksft_print_header();
	ksft_set_plan(3);

	TEST_ASSERT_EQ(kvm_check_cap(KVM_CAP_X86_VIEWS), 0);
	entry = get_cpuid_entry(kvm_get_supported_cpuid(), KVM_CPUID_FEATURES,
				0);
	TEST_ASSERT(!(entry->eax & BIT(KVM_FEATURE_VIEWS)), "bit offered");
	vm = vm_create(1);
	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_X86_VIEWS), 0);
	TEST_ASSERT(__vm_ioctl(vm, KVM_ENABLE_CAP, &cap) && errno == EINVAL,
		    "enabled what is not there");
	ksft_test_result_pass("VMM\n");

	/* What a VMM does that saves and restores whatever there may be. */
	vm_ioctl(vm, KVM_X86_GET_VIEW_STATE, &state);
	TEST_ASSERT_EQ(state.max_views, 0);
	vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, &state);
	state.max_views = 2;
	state.nr_views = 1;
	state.nr_ranges = 1;
	state.size += sizeof(struct kvm_view_saved) +
		      sizeof(struct kvm_view_range);
	TEST_ASSERT(__vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, &state) &&
		    errno == EOPNOTSUPP, "views restored");
	ksft_test_result_pass("state\n");

	vcpu = vm_vcpu_add(vm, 0, guest_code);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("guest\n");
	ksft_finished();
}
