// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: other page tables, from code in a view.  It has
 * them for the asking unless the host is told to intercept MOV CR3; view 0 can
 * change them in any case.
 */
#include "views_util.h"
#include "views_weaken.h"

#define TRAP_PARAM	"/sys/module/kvm_intel/parameters/views_trap_cr3"

/* Set by the host. */
static u64 trapped;

static u64 load_cr3(u64 root)
{
	asm volatile("mov %0, %%cr3" : : "r" (root) : "memory");
	return 1;
}

static void guest(void)
{
	u64 old = get_cr3(), other = pages[PG_STACK].gpa;
	int i;

	views_start(0);
	for (i = 0; i < 3; i++) {
		/* The same tables but for the root's address. */
		load_cr3(other);
		GUEST_ASSERT_EQ(get_cr3(), other);
		load_cr3(old);
		GUEST_ASSERT_EQ(get_cr3(), old);

		memset(&last_aex, 0, sizeof(last_aex));
		if (trapped) {
			GUEST_ASSERT_EQ(views_run(1, load_cr3, other),
					AEX_RESULT);
			GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_REFUSED);
			GUEST_ASSERT_EQ(last_aex.exit_reason, 28);
			GUEST_ASSERT_EQ(get_cr3(), old);
		} else {
			GUEST_ASSERT_EQ(views_run(1, load_cr3, other), 1);
			GUEST_ASSERT_EQ(get_cr3(), other);
			load_cr3(old);
		}
	}
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	memcpy(addr_gpa2hva(vm, pages[PG_STACK].gpa),
	       addr_gpa2hva(vm, vm->mmu.pgd), 4096);
	sync_global_to_guest(vm, trapped);
}

static void restore(void)
{
	views_write_param(TRAP_PARAM, "N");
}

int main(void)
{
	const char *name = "MOV CR3 in a view without the interception";

	views_require();
	__TEST_REQUIRE(host_cpu_is_intel, "MOV CR3 always exits in a view");
	TEST_REQUIRE(get_kvm_intel_param_bool("unrestricted_guest"));
	atexit(restore);
	ksft_print_header();
	ksft_set_plan(3);
	views_test("MOV CR3 in a view", guest, prepare);

	views_write_param(TRAP_PARAM, "Y");
	trapped = 1;
	views_test("MOV CR3 in a view with views_trap_cr3", guest, prepare);

	trapped = 0;
	if (views_can_weaken()) {
		views_weaken(BIT(KVM_VIEWS_BREAK_CR3));
		views_test(name, guest, prepare);
		views_strengthen();
	} else {
		ksft_test_result_skip("%s\n", name);
	}
	ksft_finished();
}
