// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the end of a view, and what is left after it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/tdp_mmu.h"
#include "views.h"
#include "views_break.h"

/**
 * kvm_views_kill() - nothing is executable in a view any more
 *
 * Whoever is inside faults at its next fetch, as the TLB flush makes each vCPU
 * exit.  Legal after the seal: it only takes away.
 */
long kvm_views_kill(struct kvm *kvm, struct kvm_views *views, u64 nr)
{
	u8 keep = (u8)~KVM_VIEW_X;
	struct kvm_view *v;
	long r;

	if (!nr || nr >= views->max)
		return -EINVAL;

	r = kvm_views_lock(views);
	if (r)
		return r;

	v = kvm_view_get(views, nr);
	if (kvm_views_broken(KVM_VIEWS_BREAK_KILL))
		keep |= KVM_VIEW_X;
	if (v)
		r = kvm_view_protect(kvm, v, nr, 0, kvm_mmu_max_gfn() + 1,
				     keep, 0);
	else
		r = -ENOENT;
	if (!r)
		v->killed = true;
	mutex_unlock(&views->lock);
	return r;
}

static void set_dying(struct kvm *kvm, struct kvm_view *v, bool dying)
{
	guard(write_lock)(&kvm->mmu_lock);
	v->dying = dying;
}

/*
 * Is a vCPU in the view?  None can go there any more: hypercalls and exits need
 * kvm_views.lock for it, which the caller holds; and VMFUNC needs a slot in the
 * EPTP list, which each vCPU clears before it is entered again.  The request
 * waits for them to exit, after which they know from their EPT_POINTER where
 * they are.  One in SMM, which is in view 0, goes back to its view by RSM.
 */
static bool in_use(struct kvm *kvm, u16 nr)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_make_all_cpus_request(kvm, KVM_REQ_VIEWS_UPDATE);

	kvm_for_each_vcpu(i, vcpu, kvm)
		if (READ_ONCE(vcpu->arch.view) == nr ||
		    (READ_ONCE(vcpu->arch.smm_view) == nr &&
		     !kvm_views_broken(KVM_VIEWS_BREAK_SMM_DESTROY)))
			return !kvm_views_broken(KVM_VIEWS_BREAK_BUSY);
	return false;
}

/*
 * Free a view that nobody is in or can go to: all that it maps, then what is
 * known of it, then its tables.  As long as it maps something it stays where
 * MMU notifiers and changes of memslots find it, because zapping can yield.
 */
static void free_view(struct kvm *kvm, struct kvm_views *views, u16 nr)
{
	struct kvm_view *v = kvm_view_get(views, nr);

	write_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_zap_view(kvm, nr, 0, kvm_mmu_max_gfn() + 1);
	WRITE_ONCE(views->view[nr], NULL);
	kvm->stat.views--;
	kvm_tdp_mmu_free_view(kvm, nr);
	write_unlock(&kvm->mmu_lock);

	kvm_view_remap_forget(kvm, views, nr, 0, kvm_mmu_max_gfn() + 1);

	/*
	 * EP4TAs are reused with the pages: what is cached under the old one
	 * must be gone, and so must references to the old root.
	 */
	kvm_flush_remote_tlbs(kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_MMU_FREE_OBSOLETE_ROOTS);
	kvm_view_free(v);
}

/**
 * kvm_views_destroy_view() - take a view away that nobody is in
 */
long kvm_views_destroy_view(struct kvm *kvm, struct kvm_views *views, u64 nr)
{
	struct kvm_view *v;
	long r;

	if (!nr || nr >= views->max)
		return -EINVAL;

	r = kvm_views_lock(views);
	if (r)
		return r;

	v = kvm_view_get(views, nr);
	if (!v) {
		r = -ENOENT;
	} else if (v->sealed) {
		r = -EPERM;
	} else {
		set_dying(kvm, v, true);
		if (in_use(kvm, nr)) {
			set_dying(kvm, v, false);
			r = -EBUSY;
		} else {
			free_view(kvm, views, nr);
		}
	}
	mutex_unlock(&views->lock);
	return r;
}

/* Nobody knows @views, or will any more. */
void kvm_views_free(struct kvm_views *views)
{
	u16 i;

	for (i = 0; i < views->max; i++)
		if (views->view[i])
			kvm_view_free(views->view[i]);
	kvfree(views->remaps);
	mutex_destroy(&views->lock);
	kvfree(views);
}

static void free_views_rcu(struct rcu_head *rcu)
{
	kvm_views_free(container_of(rcu, struct kvm_views, rcu));
}

/* A hypercall may still be waiting for the lock, with kvm->srcu held. */
void kvm_views_put(struct kvm_views *views)
{
	if (refcount_dec_and_test(&views->users))
		call_srcu(&views->kvm->srcu, &views->rcu, free_views_rcu);
}

/* The VM goes away, its vCPUs and their roots are gone. */
void kvm_views_destroy(struct kvm *kvm)
{
	struct kvm_views *views = kvm->arch.views;

	if (!views)
		return;

	kvm->arch.views = NULL;
	kvm_views_put(views);
}
