// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views on a host that leaves it to the VMM, and whose
 * owner asked for more views than there can be.
 *
 * ut-host: kvm.guest_views=1 kvm.views_max=600
 */
#include <asm/kvm_para.h>

#include "views_state.h"

static void guest_refused(void)
{
	u64 op;

	for (op = 0; op < 16; op++)
		GUEST_ASSERT_EQ(views_hc(op, 2, 0, 0), -KVM_ENOSYS);
	GUEST_DONE();
}

static void guest_allowed(void)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_LIMITS, 0, 0) &
			0xffff, KVM_VIEWS_MAX);
	GUEST_ASSERT_EQ(views_enable(KVM_VIEWS_MAX + 1),
			-EINVAL);
	GUEST_ASSERT_EQ(views_enable(KVM_VIEWS_MAX), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, KVM_VIEWS_MAX - 1,
				 KVM_VIEW_R, 0), 0);
	GUEST_DONE();
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static void guest_works(void)
{
	WRITE_ONCE(*(u64 *)pages[PG_DATA].gva, 42);
	views_start(0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_DATA].gva), 42);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
			AEX_RESULT);
	GUEST_DONE();
}

static void run_guest(void (*guest)(void), u64 max_views)
{
	struct kvm_vm *vm = vm_create(1);
	struct kvm_vcpu *vcpu;

	if (max_views)
		vm_enable_cap(vm, KVM_CAP_X86_VIEWS, max_views);
	vcpu = vm_vcpu_add(vm, 0, guest);
	views_setup(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
}

/* A state that needs consent, from a VM without it. */
static void test_state(void)
{
	struct {
		struct kvm_view_state head;
		struct kvm_view_saved view;
		struct kvm_view_range range;
	} state = {
		.head = {
			.size = sizeof(state),
			.version = KVM_VIEW_STATE_VERSION,
			.max_views = 4,
			.nr_views = 1,
			.nr_ranges = 1,
		},
		.view = { .nr_ranges = 1 },
		.range = { .rights = KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X },
	};
	struct kvm_vm *vm = vm_create(1);

	state.head.flags = views_state_flags();
	TEST_ASSERT(__vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, &state.head) &&
		    errno == EPERM, "views restored without consent");
	vm_enable_cap(vm, KVM_CAP_X86_VIEWS, 3);
	TEST_ASSERT(__vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, &state.head) &&
		    errno == EPERM, "more views restored than allowed");
	state.head.max_views = 3;
	vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, &state.head);
	kvm_vm_free(vm);
}

int main(void)
{
	const struct kvm_cpuid_entry2 *entry;
	int fd = open("/sys/module/kvm/parameters/guest_views", O_RDONLY);

	__TEST_REQUIRE(fd >= 0, "no KVM_VIEWS in this kernel");
	close(fd);
	__TEST_REQUIRE(get_kvm_param_integer("guest_views") == 1 &&
		       get_kvm_param_integer("views_max") > KVM_VIEWS_MAX,
		       "needs kvm.guest_views=1 kvm.views_max=600");
	ksft_print_header();
	ksft_set_plan(4);

	run_guest(guest_refused, 0);
	ksft_test_result_pass("nothing without the capability\n");

	TEST_ASSERT_EQ(kvm_check_cap(KVM_CAP_X86_VIEWS), KVM_VIEWS_MAX);
	run_guest(guest_allowed, KVM_VIEWS_MAX);
	run_guest(guest_works, 16);
	ksft_test_result_pass("views with the capability\n");

	entry = get_cpuid_entry(kvm_get_supported_cpuid(), KVM_CPUID_FEATURES,
				0);
	TEST_ASSERT(!(entry->eax & BIT(KVM_FEATURE_VIEWS)),
		    "the bit is offered to VMs that have no views");
	ksft_test_result_pass("CPUID\n");

	test_state();
	ksft_test_result_pass("state needs the capability\n");
	ksft_finished();
}
