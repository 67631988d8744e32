// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: whenever the host takes a vCPU from a view to view 0, it does so
 * here, and checks before the vCPU runs again that it did.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "regs.h"
#include "views.h"
#include "x86.h"

/* The trusted stack pointer; 0: no crossing in progress, or unreadable. */
u64 kvm_view_trusted_sp(struct kvm_vcpu *vcpu)
{
	u64 sp;

	if (kvm_read_guest_cached(vcpu->kvm, &vcpu->arch.views->sp_cell, &sp,
				  sizeof(sp)))
		return 0;
	return sp;
}

/**
 * kvm_view_land() - take a vCPU from whatever view it is in to view 0
 *
 * The host can inject an event as soon as the vCPU is in view 0, and the CPU
 * can deliver one by itself.  RSP and IF are of the view's making: load the
 * trusted stack pointer, and keep interrupts off until the guest's own code
 * wants them.  User mode outside a crossing has no say in what stack its kernel
 * uses, and keeps its registers.
 *
 * Return: the trusted stack pointer, or 0.
 */
u64 kvm_view_land(struct kvm_vcpu *vcpu)
{
	u64 sp = kvm_view_trusted_sp(vcpu);

	kvm_view_switch(vcpu, 0);
	/* If view 0 has no root now, loading one does this. */
	kvm_mmu_load_pgd(vcpu);

	if (kvm_views_broken(KVM_VIEWS_BREAK_LAND))
		return sp;

	if (sp || !kvm_x86_call(get_cpl)(vcpu)) {
		if (sp)
			kvm_rsp_write(vcpu, sp);
		kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) & ~X86_EFLAGS_IF);
	}
	vcpu->arch.views->landed = true;
	return sp;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_land);

/**
 * kvm_views_may_enter() - did the vCPU get to its view in an orderly way?
 *
 * It left the CPU in a view and is to be entered in view 0: then it has landed,
 * or KVM has a bug with which a view chooses the stack of view 0.  SMM is in
 * view 0 by itself, on its own stack, and goes back to the view.
 */
bool kvm_views_may_enter(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	return !vv->seen_view || vcpu->arch.view || vv->landed ||
	       is_smm(vcpu) || kvm_views_broken(KVM_VIEWS_BREAK_LAND_CHECK) ||
	       kvm_views_broken(KVM_VIEWS_BREAK_SWITCH_STACK);
}
