/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_VIEWS_H
#define __KVM_X86_SVM_VIEWS_H

#include "../views.h"
#include "svm.h"

#ifdef CONFIG_KVM_VIEWS

const struct kvm_x86_views_ops *svm_views_setup(void);
void svm_views_unsetup(void);
bool svm_views_enabled(struct kvm *kvm);
void svm_views_pgd_loaded(struct kvm_vcpu *vcpu);
bool svm_views_intercept_cr0(struct kvm_vcpu *vcpu);
bool svm_views_intercept_cr8(struct kvm_vcpu *vcpu);
bool svm_views_exit_irqoff(struct kvm_vcpu *vcpu);
bool svm_views_handle_exit(struct kvm_vcpu *vcpu, int *ret);
bool svm_views_find_next_rip(struct kvm_vcpu *vcpu);

#else

static inline const struct kvm_x86_views_ops *svm_views_setup(void)
{
	return NULL;
}

static inline void svm_views_unsetup(void) { }
static inline bool svm_views_enabled(struct kvm *kvm) { return false; }
static inline void svm_views_pgd_loaded(struct kvm_vcpu *vcpu) { }

static inline bool svm_views_intercept_cr0(struct kvm_vcpu *vcpu)
{
	return false;
}

static inline bool svm_views_intercept_cr8(struct kvm_vcpu *vcpu)
{
	return true;
}

static inline bool svm_views_exit_irqoff(struct kvm_vcpu *vcpu) { return true; }

static inline bool svm_views_handle_exit(struct kvm_vcpu *vcpu, int *ret)
{
	return false;
}

static inline bool svm_views_find_next_rip(struct kvm_vcpu *vcpu)
{
	return true;
}

#endif /* CONFIG_KVM_VIEWS */
#endif /* __KVM_X86_SVM_VIEWS_H */
