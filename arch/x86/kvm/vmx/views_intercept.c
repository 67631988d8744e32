// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMX lets a guest do without a VM-Exit, and a guest with views must not:
 * code in a view could change what the rest of the kernel relies on.  A VMFUNC
 * changes no control, so each of these exits in view 0 as well, where it is
 * handled as for any other guest.  Hence only what a kernel does rarely.
 *
 * Not here, because view 0 does it all the time or VMX can't intercept it:
 * CR0.TS and CLTS, MOV CR3 (see views_trap_cr3), MOV CR8, SWAPGS, WRFSBASE,
 * WRGSBASE, XRSTORS, and writes of the MSRs in passes_msr_write().  A guest must
 * keep these out of its views' text.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "regs.h"
#include "views.h"
#include "x86_ops.h"

static bool __read_mostly views_trap_cr3;
module_param(views_trap_cr3, bool, 0644);
MODULE_PARM_DESC(views_trap_cr3,
		 "Intercept MOV to CR3 of vCPUs that register for EPT views from now on: a view can't change the page tables then, but each switch of address spaces costs a VM-Exit (default off)");

static bool registered(struct kvm_vcpu *vcpu, enum kvm_views_break what)
{
	return kvm_vcpu_has_views(vcpu) && !kvm_views_broken(what);
}

/* LGDT, LIDT, LLDT, LTR, and the instructions that store the same. */
bool vmx_views_intercept_desc(struct kvm_vcpu *vcpu)
{
	return registered(vcpu, KVM_VIEWS_BREAK_DESC) &&
	       (vmcs_config.cpu_based_2nd_exec_ctrl & SECONDARY_EXEC_DESC);
}

/* Each MOV DR, not only the first after the last exit. */
bool vmx_views_intercept_dr(struct kvm_vcpu *vcpu)
{
	return registered(vcpu, KVM_VIEWS_BREAK_DR);
}

/* Any change of CR4, and of CR0 but for TS: the gate has to be fast. */
bool vmx_views_intercept_cr(struct kvm_vcpu *vcpu)
{
	return registered(vcpu, KVM_VIEWS_BREAK_CR);
}

/* Harmless to the kernel's integrity, and frequent in view 0. */
static bool passes_msr_write(u32 msr)
{
	switch (msr) {
	case MSR_IA32_SPEC_CTRL:
	case MSR_IA32_PRED_CMD:
	case X2APIC_MSR(APIC_TASKPRI):
	case X2APIC_MSR(APIC_EOI):
		return true;
	default:
		return false;
	}
}

/* Whatever else wants to let the guest write @msr itself. */
bool vmx_views_intercept_msr_write(struct kvm_vcpu *vcpu, u32 msr)
{
	return registered(vcpu, KVM_VIEWS_BREAK_MSR) && !passes_msr_write(msr);
}

static bool intercept_cr3(struct kvm_vcpu *vcpu)
{
	if (!READ_ONCE(views_trap_cr3) ||
	    !registered(vcpu, KVM_VIEWS_BREAK_CR3))
		return false;

	/* Else KVM uses the same control for CR0.PG = 0, and turns it off. */
	if (!enable_unrestricted_guest)
		pr_warn_once("views_trap_cr3 needs unrestricted_guest, and is off\n");
	return enable_unrestricted_guest;
}

/* The vCPU has registered, or is no longer registered. */
void vmx_views_update_intercepts(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	unsigned long cr0, cr4;

	/* In KVM's cache, before it changes from where that is filled. */
	cr0 = kvm_read_cr0(vcpu);
	cr4 = kvm_read_cr4(vcpu);
	kvm_read_cr3(vcpu);

	exec_controls_changebit(vmx, CPU_BASED_CR3_LOAD_EXITING,
				intercept_cr3(vcpu));
	secondary_exec_controls_changebit(vmx, SECONDARY_EXEC_DESC,
					  vmx_views_intercept_desc(vcpu));

	vcpu->arch.cr0_guest_owned_bits = vmx_l1_guest_owned_cr0_bits();
	if (vmx_views_intercept_cr(vcpu))
		vcpu->arch.cr0_guest_owned_bits &= X86_CR0_TS;
	vmcs_writel(CR0_GUEST_HOST_MASK, ~vcpu->arch.cr0_guest_owned_bits);
	set_cr4_guest_host_mask(vmx);

	/* Read shadows of the bits that changed hands; UMIP's use of DESC. */
	vmx_set_cr0(vcpu, cr0);
	vmx_set_cr4(vcpu, cr4);

	vmx_recalc_intercepts(vcpu);
	vmx_recalc_x2apic_intercepts(vcpu);
}
