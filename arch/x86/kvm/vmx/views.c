// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views on VMX: the guest switches with VMFUNC, and the CPU delivers #VE.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu/spte.h"
#include "regs.h"
#include "views.h"
#include "views_break.h"

static bool views_vmfunc = true;
module_param(views_vmfunc, bool, 0444);
MODULE_PARM_DESC(views_vmfunc,
		 "Let guests with EPT views switch them with VMFUNC where the CPU can (default on)");

static bool views_ve = true;
module_param(views_ve, bool, 0444);
MODULE_PARM_DESC(views_ve,
		 "Let the CPU deliver #VE to guests with EPT views where it can (default on)");

static bool can_vmfunc(void)
{
	u64 funcs;

	return views_vmfunc && cpu_has_vmx_vmfunc() &&
	       !rdmsrq_safe(MSR_IA32_VMX_VMFUNC, &funcs) &&
	       (funcs & VMX_VMFUNC_EPTP_SWITCHING);
}

static u64 vmx_views_features(void)
{
	return (can_vmfunc() ? KVM_VIEWS_F_VMFUNC : 0) |
	       (views_ve && vmx_capability.ept_violation_ve ?
		KVM_VIEWS_F_HW_VE : 0);
}

static bool uses_vmfunc(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	return vv && !(vv->cfg.flags & KVM_VIEW_VCPU_NO_VMFUNC) && can_vmfunc();
}

/* A nested guest must not use its hypervisor's views. */
static bool vmx_views_busy(struct kvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->nested.vmxon || to_vmx(vcpu)->nested.smm.vmxon;
}

/* Secondary execution controls to set, on top of what the guest has anyway. */
u32 vmx_views_exec_control(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	return (uses_vmfunc(vcpu) ? SECONDARY_EXEC_ENABLE_VMFUNC : 0) |
	       (vv && vv->ve_page ? SECONDARY_EXEC_EPT_VIOLATION_VE : 0) |
	       (vmx_views_intercept_desc(vcpu) ? SECONDARY_EXEC_DESC : 0);
}

/* What the guest registered has changed, or is gone. */
static void vmx_views_update(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 on = vmx_views_exec_control(vcpu);

	if (on & SECONDARY_EXEC_ENABLE_VMFUNC) {
		vmcs_write64(EPTP_LIST_ADDRESS, __pa(vv->eptp_list));
		vmcs_write64(VM_FUNCTION_CONTROL, VMX_VMFUNC_EPTP_SWITCHING);
		secondary_exec_controls_setbit(vmx, SECONDARY_EXEC_ENABLE_VMFUNC);
	} else if (cpu_has_vmx_vmfunc()) {
		secondary_exec_controls_clearbit(vmx, SECONDARY_EXEC_ENABLE_VMFUNC);
		vmcs_write64(VM_FUNCTION_CONTROL, 0);
	}

	if (on & SECONDARY_EXEC_EPT_VIOLATION_VE) {
		vmcs_write64(VE_INFORMATION_ADDRESS, page_to_phys(vv->ve_page));
		vmcs_write16(EPTP_INDEX, vcpu->arch.view);
		secondary_exec_controls_setbit(vmx, SECONDARY_EXEC_EPT_VIOLATION_VE);
	} else if (vmx_capability.ept_violation_ve) {
		secondary_exec_controls_clearbit(vmx, SECONDARY_EXEC_EPT_VIOLATION_VE);
	}

	vmx_views_update_intercepts(vcpu);
}

static void vmx_views_set_root(struct kvm_vcpu *vcpu, u16 view, hpa_t root)
{
	u64 eptp = VALID_PAGE(root) ? construct_eptp(root) : 0;

	/* 0 is not a valid EPTP: VMFUNC exits, and loads the root if it may. */
	vcpu->arch.views->eptp_list[view] = VALID_PAGE(eptp) ? eptp : 0;
}

/* KVM itself switched; VMFUNC would have told the CPU the index. */
void vmx_views_pgd_loaded(struct kvm_vcpu *vcpu, u64 eptp)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	vv->cur_eptp = eptp;
	if (vv->ve_page)
		vmcs_write16(EPTP_INDEX, vcpu->arch.view);
}

/* An exit that is none of the guest's doing. */
static bool host_exit(struct kvm_vcpu *vcpu)
{
	switch (vmx_get_exit_reason(vcpu).basic) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_PREEMPTION_TIMER:
		return true;
	case EXIT_REASON_EXCEPTION_NMI:
		return is_nmi(vmx_get_intr_info(vcpu));
	default:
		return false;
	}
}

/*
 * Right after VM-Exit, before anything looks at the MMU: in which view is the
 * vCPU?  The EPTP is the only witness; the index that the CPU keeps is stale or
 * always 0 on some.  Returns whether the exit may take a fast path.
 */
bool vmx_views_exit_irqoff(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	u64 eptp = vmcs_read64(EPT_POINTER);
	bool host = host_exit(vcpu);

	if (eptp != vv->cur_eptp) {
		vv->cur_eptp = eptp;
		kvm_view_switch(vcpu, root_to_sp(eptp)->role.view);
	}

	vv->seen_view = vcpu->arch.view;
	vv->landed = false;
	if (host)
		vv->host_exits++;
	return host || !vcpu->arch.view ||
	       kvm_views_broken(KVM_VIEWS_BREAK_FASTPATH);
}

static void vmx_views_exit(struct kvm_vcpu *vcpu, struct kvm_view_exit *exit)
{
	u32 intr_info;

	*exit = (struct kvm_view_exit) {
		.reason = vmx_get_exit_reason(vcpu).basic,
		.qual = vmx_get_exit_qual(vcpu),
	};

	switch (exit->reason) {
	case EXIT_REASON_EPT_VIOLATION:
		if (exit->qual & EPT_VIOLATION_GVA_IS_VALID)
			exit->gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
		fallthrough;
	case EXIT_REASON_EPT_MISCONFIG:
		exit->gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
		break;
	case EXIT_REASON_EXCEPTION_NMI:
		intr_info = vmx_get_intr_info(vcpu);
		if (!(intr_info & INTR_INFO_VALID_MASK) || is_nmi(intr_info) ||
		    is_machine_check(intr_info))
			break;
		exit->event = intr_info & (INTR_INFO_VALID_MASK |
					   INTR_INFO_DELIVER_CODE_MASK |
					   INTR_INFO_INTR_TYPE_MASK |
					   INTR_INFO_VECTOR_MASK);
		if (intr_info & INTR_INFO_DELIVER_CODE_MASK)
			exit->event_err = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
		break;
	}
}

static void vmx_views_clear_pending_dbg(struct kvm_vcpu *vcpu)
{
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

/* VMFUNC did not do it: the root is not loaded, or the guest may not. */
int vmx_views_handle_vmfunc(struct kvm_vcpu *vcpu)
{
	u64 leaf = (u32)kvm_rax_read_raw(vcpu);
	u64 view = (u32)kvm_rcx_read_raw(vcpu);
	u16 from = vcpu->arch.view;
	int r = -ENOENT;

	if (uses_vmfunc(vcpu) && !is_smm(vcpu) && !leaf)
		r = kvm_view_goto(vcpu, view);
	if (!r && from && !view)
		kvm_view_land(vcpu);
	if (!r)
		return kvm_skip_emulated_instruction(vcpu);

	/* RESET is about to end this vCPU's registration: let it, then #UD. */
	if (r == -EBUSY)
		return 1;
	if (r != -ENOENT)
		return r;

	if (vcpu->arch.view)
		return kvm_view_aex_current(vcpu, KVM_VIEW_AEX_REFUSED, 0);

	kvm_queue_exception(vcpu, UD_VECTOR);
	return 1;
}

/* Exits that code in a view may cause, or that are none of its business. */
static bool legal_exit(struct kvm_vcpu *vcpu)
{
	u32 intr_info;

	if (kvm_views_broken(KVM_VIEWS_BREAK_ALLOW_LIST))
		return true;

	switch (vmx_get_exit_reason(vcpu).basic) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_TRIPLE_FAULT:
	case EXIT_REASON_INIT_SIGNAL:
	case EXIT_REASON_SIPI_SIGNAL:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_NMI_WINDOW:
	case EXIT_REASON_CPUID:
	case EXIT_REASON_RDTSC:
	case EXIT_REASON_RDTSCP:
	case EXIT_REASON_PAUSE_INSTRUCTION:
	case EXIT_REASON_MCE_DURING_VMENTRY:
	case EXIT_REASON_TPR_BELOW_THRESHOLD:
	case EXIT_REASON_EOI_INDUCED:
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_PML_FULL:
	case EXIT_REASON_VMFUNC:
	case EXIT_REASON_BUS_LOCK:
	case EXIT_REASON_NOTIFY:
		return true;
	case EXIT_REASON_EXCEPTION_NMI:
		intr_info = vmx_get_intr_info(vcpu);
		/* The VMM debugs the guest: its business. */
		return is_nmi(intr_info) || is_machine_check(intr_info) ||
		       vcpu->guest_debug;
	case EXIT_REASON_VMCALL:
		return kvm_view_legal_hypercall(vcpu, kvm_rip_read(vcpu) +
					vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	default:
		return false;
	}
}

/* An exit in a view other than 0; returns false if it is handled as usual. */
bool vmx_views_handle_exit(struct kvm_vcpu *vcpu, int *ret)
{
	bool exception = vmx_get_exit_reason(vcpu).basic ==
			 EXIT_REASON_EXCEPTION_NMI;

	return kvm_view_handle_exit(vcpu, legal_exit(vcpu), exception, ret);
}

const struct kvm_x86_views_ops vmx_views_ops = {
	.features = vmx_views_features,
	.busy = vmx_views_busy,
	.update = vmx_views_update,
	.set_root = vmx_views_set_root,
	.exit = vmx_views_exit,
	.clear_pending_dbg = vmx_views_clear_pending_dbg,
};
