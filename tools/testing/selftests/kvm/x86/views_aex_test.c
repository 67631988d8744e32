// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what the guest finds after an asynchronous exit.
 * Code in a view fills all registers with what it likes; in view 0 none of it
 * may be in force, and all of it must be in the record.
 *
 * ut-backends: all
 */
#include "views_aex.h"
#include "views_util.h"
#include "views_weaken.h"

#define FLAGS	0x47ed7ull
#define GS_BASE	0x7777000ull

/* Set by the host. */
static u64 kept;

static u64 poison(int reg)
{
	return 0x66660000ull + reg;
}

static void check_record(u64 rsp)
{
	int i;

	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_REFUSED);
	GUEST_ASSERT_EQ(last_aex.exit_reason, 12);
	GUEST_ASSERT_EQ(last_aex.view, 1);
	GUEST_ASSERT_EQ(last_aex.event, 0);
	GUEST_ASSERT_EQ(last_aex.rip, (u64)poison_fault_at);
	GUEST_ASSERT_EQ(last_aex.rflags & ~X86_EFLAGS_RF, FLAGS);
	for (i = 0; i < 16; i++)
		GUEST_ASSERT_EQ(last_aex.regs[i], i == 4 ? rsp : poison(i));
}

static void check_found(u64 here)
{
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4)
			continue;
		__GUEST_ASSERT(found.gpr[i] == (kept ? poison(i) : 0),
			       "register %d is %lx", i, found.gpr[i]);
	}
	/* The record's start; the frame is above it, and this above that. */
	GUEST_ASSERT(found.gpr[4] < here && found.gpr[4] > here - 1024);
	if (kept) {
		/* IF is another defence's. */
		GUEST_ASSERT_EQ(found.rflags, FLAGS & ~X86_EFLAGS_IF);
		GUEST_ASSERT_EQ(found.gs_base, 0x6666000);
	} else {
		GUEST_ASSERT_EQ(found.rflags, X86_EFLAGS_FIXED);
		GUEST_ASSERT_EQ(found.gs_base, GS_BASE);
	}
	GUEST_ASSERT_EQ(found.cs, VIEWS_CS);
	if (!kept)
		GUEST_ASSERT_EQ(found.ss, VIEWS_DS);
}

static void guest(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;
	u64 rsp = pages[PG_STACK].gva + 2048;
	int i;

	set_cr4(get_cr4() | X86_CR4_FSGSBASE);
	GUEST_ASSERT_EQ(views_enable(16), 0);
	views_default_cfg(cfg);
	cfg->fault_entry = (u64)noting_entry;
	cfg->gs_base = GS_BASE;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 1, KVM_VIEW_R | KVM_VIEW_W |
				 KVM_VIEW_X, 0), 0);
	views_set(1, idt_gpa, 0);

	for (i = 0; i < 5; i++) {
		set_cr8(i);
		memset(&found, 0, sizeof(found));
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, poison_and_fault, rsp), AEX_RESULT);
		check_record(rsp);
		check_found((u64)&rsp);
		/* The guest's own, which it saves itself. */
		GUEST_ASSERT_EQ(found.cr8, i);
	}
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	sync_global_to_guest(vm, kept);
}

int main(void)
{
	const char *name = "without that all of it is in force";

	views_require();
	ksft_print_header();
	ksft_set_plan(2);
	views_test("nothing of the view is in force", guest, prepare);
	if (views_can_weaken()) {
		kept = 1;
		views_weaken(BIT(KVM_VIEWS_BREAK_REGS));
		views_test(name, guest, prepare);
		views_strengthen();
	} else {
		ksft_test_result_skip("%s\n", name);
	}
	ksft_finished();
}
