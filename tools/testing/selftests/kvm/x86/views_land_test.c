// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the host's own ways from a view to view 0, i.e.
 * SWITCH, and a VMFUNC that it completes.  Code in the view points RSP at a
 * victim and lets an interrupt in with the very instruction that switches: the
 * host may not deliver it before it has replaced both.
 *
 * ut-splat: arch/x86/kvm/x86.c:.*views_land_test
 * ut-backends: all
 */
#include "apic.h"
#include "views_kick.h"
#include "views_land.h"
#include "views_weaken.h"

#define IRQ_VECTOR	0x55
#define PATTERN		0xaaaaaaaaaaaaaaaaull
#define VICTIM_WORDS	512
#define OTHER_SLOT	10
#define OTHER_GPA	0xc0000000ull

static u64 nr_irq, irq_rsp;

static void handle_irq(struct ex_regs *regs)
{
	nr_irq++;
	irq_rsp = (u64)regs;
	x2apic_write_reg(APIC_EOI, 0);
}

static int victim_changes(void)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	int i, changed = 0;

	for (i = 0; i < VICTIM_WORDS; i++)
		changed += victim[i] != PATTERN;
	return changed;
}

static void attack(u64 (*way)(u64 rsp))
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	u64 rsp, top = (u64)(victim + VICTIM_WORDS / 2);
	int i;

	for (i = 0; i < VICTIM_WORDS; i++)
		victim[i] = PATTERN;

	cell = views_cell();
	x2apic_enable();
	views_start(0);
	views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R);
	cli();
	x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
	rsp = views_run(1, way, top);

	GUEST_ASSERT_EQ(nr_aex, 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	if (nr_irq) {
		GUEST_PRINTF("# %d words of the victim changed\n",
			     victim_changes());
		GUEST_ASSERT(irq_rsp < top && irq_rsp > top - 4096);
		GUEST_ASSERT(victim_changes());
		GUEST_SYNC(1);
	} else {
		GUEST_ASSERT_EQ(victim_changes(), 0);
		/* The trusted one: this function's frame is right above. */
		GUEST_ASSERT(rsp != top && rsp < (u64)&rsp &&
			     rsp > (u64)&rsp - 1024);
		GUEST_ASSERT(!(landed_flags & X86_EFLAGS_IF));
		sti_nop();
		GUEST_ASSERT_EQ(nr_irq, 1);
		GUEST_SYNC(0);
	}
	GUEST_DONE();
}

static void guest_switch(void)
{
	attack(leave_by_switch);
}

static void guest_vmfunc(void)
{
	attack(leave_by_vmfunc);
}

enum outcome { INTACT, HIT, STOPPED };

static const char * const outcomes[] = { "intact", "hit", "VM stopped" };

/* Let the vCPU lose the tables of all views but the one that it is in. */
static void forget_roots(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	unsigned long weakened = views_weakened;

	views_run_to(vcpu, (u64)leave_by_vmfunc_spin, (u64)leave_by_vmfunc_go);
	/* The host keeps the roots when another slot goes, unless told not to. */
	views_weaken(weakened | BIT(KVM_VIEWS_BREAK_SLOT));
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, OTHER_GPA,
				    OTHER_SLOT, 1, 0);
	vm_mem_region_delete(vm, OTHER_SLOT);
	views_weaken(weakened);
	views_let_go(vm);
}

static enum outcome run(void (*guest)(void))
{
	enum outcome result = STOPPED;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct ucall uc;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
	if (guest == guest_vmfunc)
		forget_roots(vm, vcpu);

	for (;;) {
		if (__vcpu_run(vcpu)) {
			TEST_ASSERT_EQ(errno, EIO);
			/* It is dead, and kvm_vm_free() does not expect that. */
			return STOPPED;
		}
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_SYNC:
			result = uc.args[1] ? HIT : INTACT;
			break;
		case UCALL_DONE:
			kvm_vm_free(vm);
			return result;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		default:
			TEST_FAIL("exit reason %u", vcpu->run->exit_reason);
		}
	}
}

static const struct {
	const char *name;
	unsigned long weaken;
	enum outcome expect;
} ways[] = {
	{ "as it is", 0, INTACT },
	{ "the host forgets it, and notices", BIT(KVM_VIEWS_BREAK_LAND), STOPPED },
	{ "the host forgets it, and does not look",
	  BIT(KVM_VIEWS_BREAK_LAND) | BIT(KVM_VIEWS_BREAK_LAND_CHECK), HIT },
};

int main(void)
{
	enum outcome o;
	int i, j;

	views_require();
	ksft_print_header();
	ksft_set_plan(2 * ARRAY_SIZE(ways));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		for (j = 0; j < 2; j++) {
			const char *how = j ? "VMFUNC" : "SWITCH";

			if (ways[i].weaken && !views_can_weaken()) {
				ksft_test_result_skip("%s, %s\n", how, ways[i].name);
				continue;
			}
			if (j && !views_vmfunc_here()) {
				ksft_test_result_skip("%s, %s: there is none\n",
						      how, ways[i].name);
				continue;
			}
			if (ways[i].weaken)
				views_weaken(ways[i].weaken);
			o = run(j ? guest_vmfunc : guest_switch);
			views_strengthen();
			ksft_print_msg("%s, %s: %s\n", how, ways[i].name,
				       outcomes[o]);
			ksft_test_result(o == ways[i].expect, "%s, %s: %s\n",
					 how, ways[i].name,
					 outcomes[ways[i].expect]);
		}
	}
	ksft_finished();
}
