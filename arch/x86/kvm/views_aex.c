// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous exit (AEX): leave a view for view 0 because of something that
 * the code in the view did not ask for or may not do.  All that this code
 * could have prepared is replaced before anything else can happen in view 0:
 * stack, flags, segments, GS base and the other registers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <asm/vmx.h>

#include "mmu.h"
#include "regs.h"
#include "views.h"
#include "views_trace.h"
#include "x86.h"

static const struct kvm_x86_views_ops *ops(void)
{
	return kvm_x86_ops.views_ops;
}

static void count_refused(struct kvm_vcpu *vcpu, u32 reason)
{
	++vcpu->stat.view_refused;
	trace_kvm_view_refused(vcpu, reason);
}

/* The guest's user mode got into a view, with VMFUNC: take it out. */
void kvm_view_leave_user_mode(struct kvm_vcpu *vcpu)
{
	struct kvm_view_exit exit;

	ops()->exit(vcpu, &exit);
	count_refused(vcpu, exit.reason);
	kvm_view_land(vcpu);
}

static void save_regs(struct kvm_vcpu *vcpu, struct kvm_view_aex *aex)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(aex->regs); i++)
		aex->regs[i] = kvm_register_read_raw(vcpu, i);
	aex->rip = kvm_rip_read(vcpu);
	aex->rflags = kvm_get_rflags(vcpu);
	aex->cr2 = vcpu->arch.cr2;
}

static void flat_segment(struct kvm_vcpu *vcpu, int seg, u16 sel, u8 type,
			 bool code)
{
	struct kvm_segment s = {
		.selector = sel,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code,
		.db = !code,
	};

	kvm_set_segment(vcpu, &s, seg);
}

/* Nothing that the view chose is left. */
static void scrub_regs(struct kvm_vcpu *vcpu)
{
	const struct kvm_view_vcpu *cfg = &vcpu->arch.views->cfg;
	struct kvm_segment gs;
	int i;

	for (i = 0; i < 16; i++)
		if (i != VCPU_REGS_RSP)
			kvm_register_write_raw(vcpu, i, 0);
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED);

	flat_segment(vcpu, VCPU_SREG_CS, cfg->cs, 0xb, true);
	flat_segment(vcpu, VCPU_SREG_SS, cfg->ss, 0x3, false);
	kvm_get_segment(vcpu, &gs, VCPU_SREG_GS);
	gs.base = cfg->gs_base;
	kvm_set_segment(vcpu, &gs, VCPU_SREG_GS);

	kvm_x86_call(set_interrupt_shadow)(vcpu, 0);
	ops()->clear_pending_dbg(vcpu);
}

static void load_regs(struct kvm_vcpu *vcpu, u64 rsp)
{
	if (!kvm_views_broken(KVM_VIEWS_BREAK_REGS))
		scrub_regs(vcpu);
	kvm_rsp_write(vcpu, rsp);
	kvm_rip_write(vcpu, vcpu->arch.views->cfg.fault_entry);

	/* An emulator's view of the registers, if any, is out of date. */
	vcpu->arch.emulate_regs_need_sync_from_vcpu = true;
	vcpu->arch.emulate_regs_need_sync_to_vcpu = false;
}

/*
 * Remove the event in flight from KVM's queues, for the guest to decide.  NMI
 * and #MC stay: they are not the view's doing, and must not be lost.
 */
static void take_event(struct kvm_vcpu *vcpu, struct kvm_view_aex *aex)
{
	struct kvm_queued_exception *ex = &vcpu->arch.exception;

	if ((ex->pending || ex->injected) && ex->vector != MC_VECTOR) {
		kvm_deliver_exception_payload(vcpu, ex);
		aex->cr2 = vcpu->arch.cr2;
		aex->event = KVM_VIEW_EVENT_VALID | ex->vector |
			     (kvm_exception_is_soft(ex->vector) ?
			      INTR_TYPE_SOFT_EXCEPTION :
			      INTR_TYPE_HARD_EXCEPTION);
		if (ex->has_error_code) {
			aex->event |= INTR_INFO_DELIVER_CODE_MASK;
			aex->event_err = ex->error_code;
		}
		kvm_clear_exception_queue(vcpu);
	}

	/*
	 * After that, because an interrupt would be lost, while an exception
	 * during its delivery is of the view's making.
	 */
	if (vcpu->arch.interrupt.injected) {
		aex->event = KVM_VIEW_EVENT_VALID | vcpu->arch.interrupt.nr |
			     (vcpu->arch.interrupt.soft ? INTR_TYPE_SOFT_INTR :
							  INTR_TYPE_EXT_INTR);
		aex->event_err = 0;
		kvm_clear_interrupt_queue(vcpu);
	}
}

/**
 * kvm_view_aex() - continue in view 0, on the trusted stack
 * @cause: KVM_VIEW_AEX_*
 * @exit: the exit that led to this
 * @missing: rights that an access lacked
 *
 * Without a trusted stack there is nothing to continue with: triple fault.
 *
 * Return: 1, i.e. go on running the vCPU.
 */
int kvm_view_aex(struct kvm_vcpu *vcpu, u32 cause,
		 const struct kvm_view_exit *exit, u8 missing)
{
	struct kvm_view_aex aex = {
		.cause = cause,
		.exit_reason = exit->reason,
		.event = exit->event,
		.event_err = exit->event_err,
		.qual = exit->qual,
		.gla = exit->gla,
		.gpa = exit->gpa,
		.view = vcpu->arch.view,
		.missing = missing,
	};
	struct x86_exception e;
	u64 sp;

	/* RSP stays aligned as the ABI of the guest's code wants it. */
	BUILD_BUG_ON(sizeof(aex) % 16);

	save_regs(vcpu, &aex);
	take_event(vcpu, &aex);
	++vcpu->stat.view_aex;
	trace_kvm_view_aex(vcpu, &aex);
	if (cause == KVM_VIEW_AEX_REFUSED)
		count_refused(vcpu, exit->reason);
	sp = kvm_view_land(vcpu);

	if (!sp || kvm_write_guest_virt_system(vcpu, sp - sizeof(aex), &aex,
					       sizeof(aex), &e)) {
		kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		return 1;
	}

	load_regs(vcpu, sp - sizeof(aex));
	kvm_make_request(KVM_REQ_EVENT, vcpu);
	return 1;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_aex);

/* The same for the VM-Exit that is being handled. */
int kvm_view_aex_current(struct kvm_vcpu *vcpu, u32 cause, u8 missing)
{
	struct kvm_view_exit exit;

	ops()->exit(vcpu, &exit);
	return kvm_view_aex(vcpu, cause, &exit, missing);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_aex_current);

/*
 * RESET: the vCPU must not go on with what a view left in its registers, be it
 * in that view or just out of it.  Ordinary code in view 0 is not touched.
 */
void kvm_view_expel(struct kvm_vcpu *vcpu)
{
	struct kvm_view_exit exit = {};

	if (vcpu->arch.view && kvm_x86_call(get_cpl)(vcpu) &&
	    !kvm_view_trusted_sp(vcpu))
		kvm_view_leave_user_mode(vcpu);
	else if (vcpu->arch.view ||
		 kvm_view_astray(vcpu, vcpu->arch.views->views))
		kvm_view_aex(vcpu, KVM_VIEW_AEX_RESET, &exit, 0);
}
