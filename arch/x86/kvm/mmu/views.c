// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the MMU does for views: decide faults by policy, change a policy and
 * the mappings made from it, and map pages ahead of their use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kmemleak.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_mmu.h"
#include "views.h"
#include "views_break.h"
#include "x86.h"

/* SMM is above the guest's kernel and not subject to its policy. */
static bool kvm_view_exempt(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.mmu->root_role.smm;
}

/*
 * Rights of @view on @gfn, and the largest page that has the same.  mmu_lock is
 * held.  RESET can have taken the views away while a vCPU was at work in one:
 * view 0 then is all that there is.
 */
u8 kvm_view_rights(struct kvm_views *views, u16 view, gfn_t gfn, int *level)
{
	struct kvm_view *v = views ? kvm_view_get(views, view) : NULL;

	if (!v) {
		if (level)
			*level = PG_LEVEL_4K;
		return views || view ? 0 : KVM_VIEW_RWX;
	}

	if (level)
		*level = kvm_view_policy_level(v->policy, gfn);
	return kvm_view_policy_get(v->policy, gfn, &(gfn_t){}, &(gfn_t){});
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_rights);

/* Rights of @view on @gfn, and the frame from which on they may be others. */
u8 kvm_view_extent(struct kvm *kvm, u16 view, gfn_t gfn, gfn_t *end)
{
	struct kvm_views *views;
	struct kvm_view *v;

	guard(read_lock)(&kvm->mmu_lock);

	views = kvm_views(kvm);
	v = views ? kvm_view_get(views, view) : NULL;
	*end = gfn + 1;
	if (!v)
		return kvm_view_rights(views, view, gfn, NULL);
	return kvm_view_policy_get(v->policy, gfn, &(gfn_t){}, end);
}

int kvm_view_max_level(struct kvm *kvm, u16 view, gfn_t gfn)
{
	int level;

	if ((!kvm_has_views(kvm) && !view) ||
	    kvm_views_broken(KVM_VIEWS_BREAK_COLLAPSE))
		return PG_LEVEL_NUM;
	kvm_view_rights(kvm_views(kvm), view, gfn, &level);
	return level;
}

/* The same for the current view, and in @gfn the frame that it sees there. */
static u8 current_rights(struct kvm_vcpu *vcpu, gfn_t *gfn, int *level)
{
	struct kvm_views *views = kvm_views(vcpu->kvm);
	u16 view = kvm_vcpu_view(vcpu);
	u8 rights;

	lockdep_assert_held(&vcpu->kvm->mmu_lock);

	rights = kvm_view_rights(views, view, *gfn, level);
	if (unlikely(rights & KVM_VIEW_REMAPPED))
		*gfn = kvm_view_remap_find(views, view, *gfn);
	return rights;
}

static struct kvm_memory_slot *view_slot(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm_memory_slot *slot = kvm_vcpu_gfn_to_memslot(vcpu, gfn);

	/* The guest knows nothing of KVM's own slots. */
	return slot && slot->id < KVM_USER_MEM_SLOTS ? slot : NULL;
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
		if (kvm_vcpu_view(vcpu) &&
		    !kvm_views_broken(KVM_VIEWS_BREAK_NO_SLOT))
			return need;
		need |= KVM_VIEW_R | KVM_VIEW_W;
	}
	return need & ~rights;
}

/* What a mapping with @rights must not have. */
static void restrict_fault(struct kvm_page_fault *fault, u8 rights)
{
	fault->view_deny = 0;
	if (!(rights & KVM_VIEW_W))
		fault->view_deny |= ACC_WRITE_MASK;
	if (!(rights & KVM_VIEW_X))
		fault->view_deny |= ACC_EXEC_MASK |
				    (shadow_xu_mask ? ACC_USER_EXEC_MASK : 0);
	fault->view_ve = rights & KVM_VIEW_VE;
}

/* First decision about a fault, before anything is faulted in for it. */
int kvm_view_check_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	gfn_t gfn = fault->gfn;
	u8 rights;

	if (kvm_view_exempt(vcpu))
		return RET_PF_CONTINUE;

	scoped_guard(read_lock, &kvm->mmu_lock)
		rights = current_rights(vcpu, &gfn, NULL);

	/* From here on the fault is about the frame that the view sees. */
	if (unlikely(rights & KVM_VIEW_REMAPPED)) {
		fault->view_remapped = true;
		fault->gfn = gfn;
		fault->slot = view_slot(vcpu, gfn);
		fault->max_level = PG_LEVEL_4K;
	}

	if (!missing_rights(vcpu, rights, fault->slot, fault->write,
			    fault->exec)) {
		restrict_fault(fault, rights);
		return RET_PF_CONTINUE;
	}

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
	struct kvm_views *views = kvm_views(vcpu->kvm);
	gfn_t gfn = gpa_to_gfn(fault->addr);
	u8 rights;
	int level;

	if (kvm_view_exempt(vcpu))
		return RET_PF_CONTINUE;

	/* RESET zaps what views have, and nothing may come after it. */
	if (kvm_vcpu_view(vcpu) && (!views || views->dead))
		return RET_PF_VIEW;

	if (kvm_views_broken(KVM_VIEWS_BREAK_RECHECK) && !fault->view_none)
		return RET_PF_CONTINUE;

	rights = current_rights(vcpu, &gfn, &level);
	if (fault->view_remapped != !!(rights & KVM_VIEW_REMAPPED) ||
	    gfn != fault->gfn)
		return RET_PF_RETRY;

	if (fault->view_none) {
		if ((rights & (KVM_VIEW_VE | KVM_VIEW_RWX)) != KVM_VIEW_VE)
			return RET_PF_RETRY;
		/* Needs no memory behind it, hence as large as it fits. */
		fault->goal_level = level;
		return RET_PF_CONTINUE;
	}

	if (missing_rights(vcpu, rights, fault->slot, fault->write,
			   fault->exec))
		return RET_PF_VIEW;

	restrict_fault(fault, rights);
	if (!kvm_views_broken(KVM_VIEWS_BREAK_LEVEL))
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
	gfn_t gfn = gpa_to_gfn(gpa);
	bool slot;
	u8 rights;

	if (kvm_view_exempt(vcpu))
		return 0;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		rights = current_rights(vcpu, &gfn, NULL);

	if (rights & KVM_VIEW_REMAPPED)
		slot = view_slot(vcpu, gfn);
	else
		slot = kvm_vcpu_gfn_to_memslot(vcpu, gfn);

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
	if (!kvm_view_missing(vcpu, gpa, access) ||
	    kvm_views_broken(KVM_VIEWS_BREAK_TRANSLATE))
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

	write_lock(&kvm->mmu_lock);
	views->view[nr] = v;
	write_unlock(&kvm->mmu_lock);
	return 0;
}

/* Nobody can find it any more. */
void kvm_view_free(struct kvm_view *v)
{
	/* What a test leaves behind on purpose must not hide what is lost. */
	if (kvm_views_broken(KVM_VIEWS_BREAK_FREE))
		kmemleak_ignore(v->policy);
	else
		kvfree(v->policy);
	kfree(v);
}

/**
 * kvm_view_protect() - change the rights on [@start, @end) in view @nr
 * @keep: what stays of the rights and marks that it has
 * @val: what is added to that
 *
 * kvm_views.lock is held.  The change holds on every vCPU when this returns.
 */
int kvm_view_protect(struct kvm *kvm, struct kvm_view *v, u16 nr, gfn_t start,
		     gfn_t end, u8 keep, u8 val)
{
	struct kvm_view_policy *old = v->policy, *new;
	gfn_t first, last;
	u8 is;

	is = kvm_view_policy_get(old, start, &first, &last);
	if (((is & keep) | val) == is && last >= end)
		return 0;

	new = kvm_view_policy_set(old, start, end, keep, val);
	if (IS_ERR(new))
		return PTR_ERR(new);

	/*
	 * Publish before zapping: from here on no fault can map with the old
	 * rights, while zapping may have to yield the lock.
	 */
	write_lock(&kvm->mmu_lock);
	v->policy = new;
	if (!kvm_views_broken(KVM_VIEWS_BREAK_ZAP))
		kvm_tdp_mmu_zap_view(kvm, nr, start, end);
	write_unlock(&kvm->mmu_lock);

	kvfree(old);
	return 0;
}
