// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: NMI and #MC that hit code in a view.  They are
 * handled in view 0, on the trusted stack, exactly once, and never in the view,
 * even where a view can read the IDT.
 *
 * ut-backends: all
 */
#include "mce.h"
#include "views_kick.h"
#include "views_weaken.h"

/* All that the guest uses is below. */
#define NR_PAGES	4096
#define MCG_STATUS_RIPV	BIT_ULL(0)
#define MCG_STATUS_MCIP	BIT_ULL(2)

static u64 nr_events, handler_view, handler_rsp, the_view, with_idt;

static void handle_event(struct ex_regs *regs)
{
	nr_events++;
	handler_view = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0);
	handler_rsp = (u64)regs;
	if (regs->vector == MC_VECTOR)
		wrmsr(MSR_IA32_MCG_STATUS, 0);
}

static void guest(void)
{
	u64 here, r, rights = KVM_VIEW_R | KVM_VIEW_X;

	set_cr4(get_cr4() | X86_CR4_MCE);
	views_start(0);
	/* Only the second has nothing writable. */
	if (the_view != 2)
		rights |= KVM_VIEW_W;
	if (the_view > 1)
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, the_view, rights, 0), 0);
	views_set(the_view, idt_gpa, with_idt ? KVM_VIEW_R : 0);

	/* So that nothing but the guard keeps an event from being delivered. */
	for (r = 0; with_idt && r < NR_PAGES;)
		r += views_hc(KVM_VIEWS_POPULATE, the_view, r,
			      (NR_PAGES - r) | BIT_ULL(63));

	if (the_view == 2)
		r = views_transit(the_view, views_cell());
	else
		r = views_run(the_view, views_spin, 0);

	GUEST_ASSERT_EQ(nr_events, 1);
	if (handler_view) {
		GUEST_PRINTF("# the handler ran in view %lu\n", handler_view);
		GUEST_ASSERT_EQ(handler_view, the_view);
		GUEST_ASSERT_EQ(r, 1);
		GUEST_SYNC(1);
		GUEST_DONE();
		return;
	}

	GUEST_ASSERT_EQ(r, AEX_RESULT);
	GUEST_ASSERT_EQ(nr_aex, 1);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
	GUEST_ASSERT_EQ(last_aex.view, the_view);
	/* It is not the guest's task to raise it again. */
	GUEST_ASSERT_EQ(last_aex.event, 0);
	/* On top of the record, which is on this stack. */
	GUEST_ASSERT(handler_rsp < (u64)&here && handler_rsp > (u64)&here - 2048);
	GUEST_DONE();
}

static void inject_nmi(struct kvm_vcpu *vcpu)
{
	vcpu_ioctl(vcpu, KVM_NMI, NULL);
}

static void inject_mc(struct kvm_vcpu *vcpu)
{
	struct kvm_x86_mce mce = {
		.status = MCI_STATUS_VAL | MCI_STATUS_UC | MCI_STATUS_EN,
		.mcg_status = MCG_STATUS_MCIP | MCG_STATUS_RIPV,
		.bank = 1,
	};

	vcpu_ioctl(vcpu, KVM_X86_SETUP_MCE, &(u64){ KVM_MAX_MCE_BANKS });
	vcpu_ioctl(vcpu, KVM_X86_SET_MCE, &mce);
}

/* Returns whether the handler ran in the view. */
static bool run(u64 view, bool idt, void (*inject)(struct kvm_vcpu *vcpu))
{
	bool in_view = false;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct ucall uc;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	vm_install_exception_handler(vm, NMI_VECTOR, handle_event);
	vm_install_exception_handler(vm, MC_VECTOR, handle_event);
	the_view = view;
	with_idt = idt;
	sync_global_to_guest(vm, the_view);
	sync_global_to_guest(vm, with_idt);

	if (view == 2)
		views_run_to(vcpu, (u64)views_transit_spin,
			     (u64)views_transit_spin_end);
	else
		views_run_to(vcpu, (u64)views_spin, (u64)views_spin_end);
	inject(vcpu);
	views_let_go(vm);
	for (;;) {
		vcpu_run(vcpu);
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_SYNC:
			in_view = true;
			break;
		case UCALL_DONE:
			kvm_vm_free(vm);
			return in_view;
		default:
			REPORT_GUEST_ASSERT(uc);
		}
	}
}

static const struct {
	const char *name;
	u64 view;
	bool idt;
} views[] = {
	{ "a view", 1, false },
	{ "a view without anything writable", 2, false },
	{ "a view with an IDT", 3, true },
};

static void test(const char *event, void (*inject)(struct kvm_vcpu *vcpu))
{
	int i;

	for (i = 0; i < ARRAY_SIZE(views); i++) {
		/* A walk of the page tables would write to them. */
		if (views[i].view == 2 && host_cpu_is_amd_compatible) {
			ksft_test_result_skip("%s in %s: there can't be one\n",
					      event, views[i].name);
			continue;
		}
		ksft_test_result(!run(views[i].view, views[i].idt, inject),
				 "%s in %s\n", event, views[i].name);
	}
}

int main(void)
{
	const char *name = "without the guard the handler runs in the view";

	views_require();
	ksft_print_header();
	ksft_set_plan(2 * ARRAY_SIZE(views) + 1);
	test("NMI", inject_nmi);
	test("#MC", inject_mc);

	if (views_can_weaken()) {
		views_weaken(BIT(KVM_VIEWS_BREAK_INJECT));
		ksft_test_result(run(1, true, inject_nmi), "%s\n", name);
		views_strengthen();
	} else {
		ksft_test_result_skip("%s\n", name);
	}
	ksft_finished();
}
