/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_VMX_VIEWS_H
#define __KVM_X86_VMX_VIEWS_H

#include "../views.h"
#include "vmx.h"

#ifdef CONFIG_KVM_VIEWS

extern const struct kvm_x86_views_ops vmx_views_ops;

u32 vmx_views_exec_control(struct kvm_vcpu *vcpu);
void vmx_views_pgd_loaded(struct kvm_vcpu *vcpu, u64 eptp);
bool vmx_views_exit_irqoff(struct kvm_vcpu *vcpu);
bool vmx_views_handle_exit(struct kvm_vcpu *vcpu, int *ret);
int vmx_views_handle_vmfunc(struct kvm_vcpu *vcpu);

/* vmx/views_intercept.c */
bool vmx_views_intercept_desc(struct kvm_vcpu *vcpu);
bool vmx_views_intercept_dr(struct kvm_vcpu *vcpu);
bool vmx_views_intercept_cr(struct kvm_vcpu *vcpu);
bool vmx_views_intercept_msr_write(struct kvm_vcpu *vcpu, u32 msr);
void vmx_views_update_intercepts(struct kvm_vcpu *vcpu);

#else

static inline u32 vmx_views_exec_control(struct kvm_vcpu *vcpu) { return 0; }
static inline void vmx_views_pgd_loaded(struct kvm_vcpu *vcpu, u64 eptp) { }
static inline bool vmx_views_exit_irqoff(struct kvm_vcpu *vcpu) { return true; }

static inline bool vmx_views_handle_exit(struct kvm_vcpu *vcpu, int *ret)
{
	return false;
}

static inline int vmx_views_handle_vmfunc(struct kvm_vcpu *vcpu)
{
	kvm_queue_exception(vcpu, UD_VECTOR);
	return 1;
}

static inline bool vmx_views_intercept_desc(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline bool vmx_views_intercept_dr(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline bool vmx_views_intercept_cr(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline bool vmx_views_intercept_msr_write(struct kvm_vcpu *vcpu, u32 msr)
{
	return false;
}

#endif /* CONFIG_KVM_VIEWS */
#endif /* __KVM_X86_VMX_VIEWS_H */
