// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events and views: nothing is delivered in a view other than 0, nothing in
 * view 0 on a stack that a view chose, and a violation goes to whom it belongs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <asm/vmx.h>

#include "irq.h"
#include "mmu.h"
#include "regs.h"
#include "views.h"
#include "views_trace.h"
#include "x86.h"

/* Would kvm_check_and_inject_events() inject something now? */
static bool event_to_inject(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.exception.pending || kvm_event_needs_reinjection(vcpu))
		return true;
	/* An SMI is not delivered: the state goes to SMRAM, and comes back. */
	if (vcpu->arch.nmi_pending &&
	    kvm_x86_call(nmi_allowed)(vcpu, false) > 0)
		return true;

	return kvm_cpu_has_injectable_intr(vcpu) &&
	       kvm_x86_call(interrupt_allowed)(vcpu, false) > 0;
}

/*
 * Does an interrupt wait that the guest wants to be told of?  In a view IF and
 * the task priority are no reason to wait: the guest alone knows whether its
 * crossing can be interrupted.  The transit view is left within a few
 * instructions.
 */
bool kvm_view_interrupt_waits(struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.view < 2 || !kvm_vcpu_has_views(vcpu) ||
	    !(vcpu->arch.views->cfg.flags & KVM_VIEW_VCPU_IRQ_AEX) ||
	    !lapic_in_kernel(vcpu))
		return false;

	/* Without a crossing in progress there is nobody to tell. */
	return (kvm_cpu_has_extint(vcpu) ||
		kvm_lapic_find_highest_irr(vcpu) >= 0) &&
	       kvm_view_trusted_sp(vcpu);
}

/* May view 0 execute what the vCPU executes next? */
static bool rip_is_executable(struct kvm_vcpu *vcpu, struct kvm_views *views)
{
	struct kvm_pagewalk *w = &vcpu->arch.gva_walk;
	struct x86_exception e;
	gpa_t gpa;

	gpa = w->gva_to_gpa(vcpu, w, kvm_get_linear_rip(vcpu),
			    PFERR_FETCH_MASK, &e);
	if (gpa == INVALID_GPA)
		return false;

	guard(read_lock)(&vcpu->kvm->mmu_lock);
	return kvm_view_rights(views, 0, gpa_to_gfn(gpa), NULL) & KVM_VIEW_X;
}

/*
 * Between the two instructions of a switch to view 0 the CPU can take an event
 * before it notices that view 0 may not execute the second one, i.e. on the
 * stack that the view left.  During a crossing, user mode is as wrong: it would
 * enter the kernel on the stack that the crossing is to return to.
 */
bool kvm_view_astray(struct kvm_vcpu *vcpu, struct kvm_views *views)
{
	if (is_smm(vcpu) || !kvm_view_trusted_sp(vcpu))
		return false;

	return kvm_x86_call(get_cpl)(vcpu) || !rip_is_executable(vcpu, views);
}

/* Called before anything is injected; may sleep. */
void kvm_views_before_injection(struct kvm_vcpu *vcpu)
{
	if (!event_to_inject(vcpu) && !kvm_view_interrupt_waits(vcpu))
		return;

	if (vcpu->arch.view) {
		if (kvm_views_broken(KVM_VIEWS_BREAK_INJECT))
			return;
		if (kvm_x86_call(get_cpl)(vcpu) && !kvm_view_trusted_sp(vcpu))
			kvm_view_leave_user_mode(vcpu);
		else
			kvm_view_aex_current(vcpu, KVM_VIEW_AEX_EVENT, 0);
	} else if (READ_ONCE(views_guard) &&
		   kvm_view_astray(vcpu, vcpu->arch.views->views)) {
		kvm_view_aex_current(vcpu, KVM_VIEW_AEX_GUARD, 0);
	}
}

/*
 * SMM is above the guest's kernel, and its memory is no view's business: it
 * starts in view 0, with roots that no policy applies to and that VMFUNC can't
 * leave, as the EPTP list is empty.  RSM goes back to where the SMI came from,
 * which may be a view: its registers are again in force together with its
 * rights.  The caller makes the MMU follow.
 */
void kvm_views_smm_changed(struct kvm_vcpu *vcpu, bool entering)
{
	if (kvm_views_broken(KVM_VIEWS_BREAK_SMM))
		return;

	/* DESTROY looks at both numbers: one of them is always the view's. */
	guard(mutex)(&vcpu->arch.views->views->lock);

	if (entering) {
		vcpu->arch.smm_view = vcpu->arch.view;
		kvm_view_switch(vcpu, 0);
	} else {
		kvm_view_switch(vcpu, vcpu->arch.smm_view);
		vcpu->arch.smm_view = 0;
	}
}

/* Deliver a violation in view 0 as #VE, by software. */
static bool inject_ve(struct kvm_vcpu *vcpu, const struct kvm_view_exit *exit)
{
	struct kvm_view_vcpu *cfg = &vcpu->arch.views->cfg;
	struct kvm_ve_info info = {
		.reason = exit->reason,
		.busy = ~0u,
		.qual = exit->qual,
		.gla = exit->gla,
		.gpa = exit->gpa,
		.ut_flags = 1,
	};
	u32 busy;

	/* The handler has not read the last one yet. */
	if (kvm_vcpu_read_guest(vcpu, cfg->ve_info +
				offsetof(struct kvm_ve_info, busy), &busy,
				sizeof(busy)) || busy)
		return false;

	if (kvm_vcpu_write_guest(vcpu, cfg->ve_info, &info, sizeof(info)))
		return false;

	++vcpu->stat.view_ve_synthesized;
	trace_kvm_view_ve(vcpu, exit->gpa, exit->qual);
	kvm_queue_exception(vcpu, cfg->vector);
	return true;
}

/* The CPU raises #VE by itself once the page has an entry that allows it. */
static void prepare_hw_ve(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	u8 level;

	if (vcpu->arch.views->ve_page)
		kvm_mmu_view_prefault(vcpu, gpa, PFERR_GUEST_FINAL_MASK,
				      &level);
}

/*
 * What the CPU needs to deliver #VE in a view can be missing because the host has
 * not mapped it, or not any more.  This event is told to the guest, but let the
 * next one find it.
 */
static void map_for_delivery(struct kvm_vcpu *vcpu)
{
	u64 error_code = PFERR_GUEST_FINAL_MASK;
	struct kvm_view_exit exit;
	u8 level;

	kvm_x86_ops.views_ops->exit(vcpu, &exit);
	if (exit.reason != EXIT_REASON_EPT_VIOLATION ||
	    !vcpu->arch.views->ve_page)
		return;

	if (exit.qual & EPT_VIOLATION_ACC_WRITE)
		error_code |= PFERR_WRITE_MASK;
	if (!kvm_view_missing(vcpu, exit.gpa, error_code))
		kvm_mmu_view_prefault(vcpu, exit.gpa, error_code, &level);
}

/* Is the violation one that the guest wants as #VE, in the current view? */
static bool wants_ve(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	guard(read_lock)(&vcpu->kvm->mmu_lock);
	return kvm_view_rights(kvm_views(vcpu->kvm), vcpu->arch.view,
			       gpa_to_gfn(gpa), NULL) & KVM_VIEW_VE;
}

/**
 * kvm_view_violation() - an access that the current view's policy denies
 * @missing: the rights that it lacked
 *
 * Return: 1, i.e. go on running the vCPU.
 */
int kvm_view_violation(struct kvm_vcpu *vcpu, u8 missing)
{
	bool vectoring = kvm_event_needs_reinjection(vcpu);
	bool exec = missing & KVM_VIEW_X;
	struct kvm_view_exit exit;
	bool ve;

	kvm_x86_ops.views_ops->exit(vcpu, &exit);
	ve = kvm_vcpu_has_views(vcpu) && !exec && !vectoring &&
	     wants_ve(vcpu, exit.gpa);
	if (ve)
		prepare_hw_ve(vcpu, exit.gpa);

	if (vcpu->arch.view)
		return kvm_view_aex(vcpu, vectoring ? KVM_VIEW_AEX_EVENT :
					  KVM_VIEW_AEX_VIOLATION,
				    &exit, missing);

	/* A view's way out that missed the gate, or an event on its stack. */
	if (kvm_vcpu_has_views(vcpu) && (exec || vectoring) &&
	    kvm_view_trusted_sp(vcpu))
		return kvm_view_aex(vcpu, KVM_VIEW_AEX_GUARD, &exit, missing);

	if (ve && inject_ve(vcpu, &exit))
		return 1;

	kvm_inject_gp(vcpu, 0);
	return 1;
}

/**
 * kvm_view_handle_exit() - an exit in a view other than 0
 * @legal: code in a view may cause it, or it is none of its business
 * @exception: an exception was intercepted
 * @ret: what the exit handler is to return
 *
 * Return: false if the exit is handled as usual.
 */
bool kvm_view_handle_exit(struct kvm_vcpu *vcpu, bool legal, bool exception,
			  int *ret)
{
	int cpl = kvm_x86_call(get_cpl)(vcpu);

	if (cpl && kvm_views_broken(KVM_VIEWS_BREAK_USER))
		return false;

	if (cpl && !kvm_view_trusted_sp(vcpu)) {
		kvm_view_leave_user_mode(vcpu);
		if (!kvm_event_needs_reinjection(vcpu))
			kvm_queue_exception(vcpu, UD_VECTOR);
		*ret = 1;
		return true;
	}

	if (kvm_event_needs_reinjection(vcpu) || (exception && !legal)) {
		map_for_delivery(vcpu);
		*ret = kvm_view_aex_current(vcpu, KVM_VIEW_AEX_EVENT, 0);
		return true;
	}

	if (cpl || !legal) {
		*ret = kvm_view_aex_current(vcpu, KVM_VIEW_AEX_REFUSED, 0);
		return true;
	}

	/* Told once already, but it waits still: tell again. */
	if (kvm_view_interrupt_waits(vcpu))
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	return false;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_handle_exit);
