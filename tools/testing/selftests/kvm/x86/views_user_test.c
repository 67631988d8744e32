// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and the guest's user mode: VMFUNC does not look at
 * the privilege level, so the host has to.
 *
 * ut-backends: vmfunc-ve vmfunc-swve
 */
#include "views_user.h"
#include "views_util.h"
#include "views_weaken.h"

#define USER_CS		0x2b
#define USER_DS		0x33

static u64 nr_ud, ud_offset;
static u64 gdt_gva, tss_gva;

static void handle_ud(struct ex_regs *regs)
{
	u64 *frame = (u64 *)(regs + 1);

	GUEST_ASSERT_EQ(regs->cs, USER_CS);
	GUEST_ASSERT_EQ(regs->r12, -EPERM);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	nr_ud++;
	ud_offset = regs->rip - pages[PG_CODE].gva;
	regs->cs = VIEWS_CS;
	regs->rip = (u64)back_in_kernel;
	frame[0] = kernel_rsp;
	frame[1] = VIEWS_DS;
}

static void to_user(void)
{
	user_enter(pages[PG_CODE].gva, pages[PG_STACK].gva + 4096);
}

static void user_init(void)
{
	u64 *gdt = (u64 *)gdt_gva;

	/* Copies of the kernel's, for ring 3. */
	gdt[USER_CS >> 3] = gdt[VIEWS_CS >> 3] | 3ull << 45;
	gdt[USER_DS >> 3] = gdt[VIEWS_DS >> 3] | 3ull << 45;
	memcpy((void *)(tss_gva + 4), &(u64){ pages[PG_SECRET].gva + 4096 }, 8);
	memcpy((void *)pages[PG_CODE].gva, user_start,
	       (u64)user_end - (u64)user_start);
}

/* An AEX must not be the answer: no crossing is in progress. */
static void guest_user(void)
{
	views_start(0);
	user_init();
	to_user();
	GUEST_ASSERT_EQ(nr_ud, 1);
	GUEST_ASSERT_EQ(nr_aex, 0);
	/* What exits is not done in the view; a fetch can have exited before. */
	GUEST_ASSERT(ud_offset <= (u64)user_exits - (u64)user_start);
	to_user();
	GUEST_ASSERT_EQ(nr_ud, 2);
	GUEST_DONE();
}

/* Without the defence it is, and the stay lasts as long as it likes. */
static void guest_user_stays(void)
{
	views_start(0);
	user_init();
	to_user();
	GUEST_ASSERT_EQ(nr_ud, 1);
	GUEST_ASSERT_EQ(ud_offset, (u64)user_is_back - (u64)user_start);
	GUEST_DONE();
}

/* Let the guest's user mode use a page: U in all levels of its tables. */
static void set_user(struct kvm_vm *vm, u64 gva)
{
	u64 table = vm->mmu.pgd;
	int level;

	for (level = vm->mmu.pgtable_levels; level; level--) {
		u64 *pte = addr_gpa2hva(vm, table);

		pte += (gva >> (12 + 9 * (level - 1))) & 511;
		*pte |= 4;
		table = *pte & 0xffffffffff000ull;
	}
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_install_exception_handler(vm, UD_VECTOR, handle_ud);
	set_user(vm, pages[PG_CODE].gva);
	set_user(vm, pages[PG_STACK].gva);
	gdt_gva = vm->arch.gdt;
	tss_gva = vm->arch.tss;
	sync_global_to_guest(vm, gdt_gva);
	sync_global_to_guest(vm, tss_gva);
}

/* In a crossing, it is an attack on the kernel's stack: an AEX. */
static u64 do_user(u64 arg)
{
	to_user();
	return 0;
}

static void guest_user_crossing(void)
{
	views_start(0);
	user_init();
	GUEST_ASSERT_EQ(views_run(1, do_user, 0), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_REFUSED);
	GUEST_ASSERT_EQ(nr_ud, 0);
	GUEST_DONE();
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	views_test("VMFUNC in user mode", guest_user, prepare);
	views_test("user mode in a crossing", guest_user_crossing, prepare);
	if (views_can_weaken()) {
		views_weaken(BIT(KVM_VIEWS_BREAK_USER));
		views_test("user mode stays in a view when nobody looks",
			   guest_user_stays, prepare);
		views_strengthen();
	} else {
		ksft_test_result_skip("user mode stays in a view\n");
	}
	ksft_finished();
}
