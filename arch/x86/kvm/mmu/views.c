// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the MMU does for views: decide faults by policy, change a policy and
 * the mappings made from it, and map pages ahead of their use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_mmu.h"
#include "views.h"
#include "x86.h"

/* SMM is above the guest's kernel and not subject to its policy. */
static bool kvm_view_exempt(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.mmu->root_role.smm;
}

/* Rights of @view on @gfn, and the largest page that has the same. */
u8 kvm_view_rights(struct kvm *kvm, u16 view, gfn_t gfn, int *level)
{
	struct kvm_view *v = kvm_view_get(kvm_views(kvm), view);

	lockdep_assert_held(&kvm->mmu_lock);

	if (level)
		*level = PG_LEVEL_4K;
	if (WARN_ON_ONCE(!v))
		return 0;
	if (level)
		*level = kvm_view_policy_level(v->policy, gfn);
	return kvm_view_policy_get(v->policy, gfn, &(gfn_t){}, &(gfn_t){});
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_rights);

int kvm_view_max_level(struct kvm *kvm, u16 view, gfn_t gfn)
{
	int level;

	if (!kvm_has_views(kvm))
		return PG_LEVEL_NUM;
	kvm_view_rights(kvm, view, gfn, &level);
	return level;
}

static u8 missing_rights(struct kvm_vcpu *vcpu, u8 rights, bool has_slot,
			 bool write, bool exec)
{
	u8 need = exec ? KVM_VIEW_X : write ? KVM_VIEW_W : KVM_VIEW_R;

	/*
	 * Without memory there is a device, which is emulated: never for a
	 * view, and else only with the rights that the emulator may use.
	 */
	if (!has_slot) {
		if (kvm_vcpu_view(vcpu))
			return need;
		need |= KVM_VIEW_R | KVM_VIEW_W;
	}
	return need & ~rights;
}

/* First decision about a fault, before anything is faulted in for it. */
int kvm_view_check_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	u8 rights;

	if (kvm_view_exempt(vcpu))
		return RET_PF_CONTINUE;

	scoped_guard(read_lock, &kvm->mmu_lock)
		rights = kvm_view_rights(kvm, kvm_vcpu_view(vcpu), fault->gfn,
					 NULL);

	if (!missing_rights(vcpu, rights, fault->slot, fault->write,
			    fault->exec))
		return RET_PF_CONTINUE;

	/* Mark the page, that the CPU raises #VE without a VM-Exit. */
	if (fault->prefetch && (rights & KVM_VIEW_VE) &&
	    !(rights & KVM_VIEW_RWX) && kvm_tdp_is_ept()) {
		fault->view_none = true;
		fault->mmu_seq = kvm->mmu_invalidate_seq;
		return RET_PF_CONTINUE;
	}
	return RET_PF_VIEW;
}

/* Final decision, with mmu_lock held until the SPTE is installed. */
int kvm_view_check_mapping(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	u8 rights;
	int level;

	if (kvm_view_exempt(vcpu))
		return RET_PF_CONTINUE;

	rights = kvm_view_rights(vcpu->kvm, kvm_vcpu_view(vcpu), fault->gfn,
				 &level);

	if (fault->view_none)
		return (rights & (KVM_VIEW_VE | KVM_VIEW_RWX)) == KVM_VIEW_VE ?
		       RET_PF_CONTINUE : RET_PF_RETRY;

	if (missing_rights(vcpu, rights, fault->slot, fault->write,
			   fault->exec))
		return RET_PF_VIEW;

	if (!(rights & KVM_VIEW_W))
		fault->view_deny |= ACC_WRITE_MASK;
	if (!(rights & KVM_VIEW_X))
		fault->view_deny |= ACC_EXEC_MASK |
				    (shadow_xu_mask ? ACC_USER_EXEC_MASK : 0);
	fault->view_ve = rights & KVM_VIEW_VE;
	fault->max_level = min_t(u8, fault->max_level, level);
	return RET_PF_CONTINUE;
}

/*
 * Record in a new SPTE what KVM must not grant later, and let the CPU raise
 * #VE where the guest wants it.  Only if W is denied and X is as the policy
 * says: then no access that the policy allows can violate the SPTE.
 */
u64 kvm_view_finish_spte(u64 spte, struct kvm_page_fault *fault)
{
	bool deny_exec = fault->view_deny & ACC_EXEC_MASK;

	if (deny_exec)
		spte |= SPTE_VIEW_NX;

	/* In NPT, bit 63 forbids execution. */
	if (kvm_tdp_is_ept() && fault->view_ve &&
	    (fault->view_deny & ACC_WRITE_MASK) &&
	    deny_exec == !(spte & shadow_xs_mask)) {
		spte |= SPTE_VIEW_VE;
		spte &= ~VMX_EPT_SUPPRESS_VE_BIT;
	}
	return spte;
}

/* The rights that an access lacks in the current view, 0: none. */
u8 kvm_view_missing(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	bool slot = kvm_vcpu_gfn_to_memslot(vcpu, gpa_to_gfn(gpa));
	u8 rights;

	if (kvm_view_exempt(vcpu))
		return 0;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		rights = kvm_view_rights(vcpu->kvm, kvm_vcpu_view(vcpu),
					 gpa_to_gfn(gpa), NULL);

	return missing_rights(vcpu, rights, slot, error_code & PFERR_WRITE_MASK,
			      error_code & PFERR_FETCH_MASK);
}

/*
 * Every access of the emulator, and of its page walks, passes here with the
 * GPA that it is about to use.
 */
gpa_t kvm_view_translate(struct kvm_vcpu *vcpu, gpa_t gpa, u64 access,
			 struct x86_exception *e)
{
	if (!kvm_view_missing(vcpu, gpa, access))
		return gpa;

	if (e)
		*e = (struct x86_exception) {
			.vector = GP_VECTOR,
			.error_code_valid = true,
		};
	return INVALID_GPA;
}

/* Add view @nr with the same rights everywhere; kvm_views.lock is held. */
int kvm_view_add(struct kvm *kvm, struct kvm_views *views, u16 nr, u8 val)
{
	struct kvm_view *v;

	v = kzalloc_obj(*v, GFP_KERNEL_ACCOUNT);
	if (!v)
		return -ENOMEM;

	v->policy = kvm_view_policy_new(val);
	if (!v->policy) {
		kfree(v);
		return -ENOMEM;
	}

	/* Pairs with the acquire in kvm_view_get(). */
	smp_store_release(&views->view[nr], v);
	return 0;
}

/**
 * kvm_view_protect() - change the rights on [@start, @end) in view @nr
 *
 * kvm_views.lock is held.  Sets @flush if a TLB flush is needed before the
 * change can be relied on.
 */
int kvm_view_protect(struct kvm *kvm, struct kvm_view *v, u16 nr, gfn_t start,
		     gfn_t end, u8 val, bool *flush)
{
	struct kvm_view_policy *old = v->policy, *new;
	gfn_t first, last;

	if (kvm_view_policy_get(old, start, &first, &last) == val &&
	    last >= end)
		return 0;

	new = kvm_view_policy_set(old, start, end, val);
	if (IS_ERR(new))
		return PTR_ERR(new);

	/*
	 * Publish before zapping: from here on no fault can map with the old
	 * rights, while zapping may have to yield the lock.
	 */
	write_lock(&kvm->mmu_lock);
	v->policy = new;
	*flush |= kvm_tdp_mmu_zap_view(kvm, nr, start, end);
	write_unlock(&kvm->mmu_lock);

	kvfree(old);
	return 0;
}
