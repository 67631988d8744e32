// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that are not what they seem: in a view, another frame is seen in place
 * of one, read-only.  The MMU finds the SPTEs of a frame by its gfn, and these
 * stand elsewhere; so keep a list, and zap them by it when the host takes the
 * frame's memory away.  As they are never writable, nothing else that KVM does
 * with a frame concerns them: dirty logging, write tracking.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu_internal.h"
#include "tdp_mmu.h"
#include "views.h"
#include "views_break.h"

/* The frame that @view sees at @gfn, which is remapped; mmu_lock is held. */
gfn_t kvm_view_remap_find(struct kvm_views *views, u16 view, gfn_t gfn)
{
	unsigned int i;

	for (i = 0; i < views->nr_remaps; i++)
		if (views->remaps[i].view == view &&
		    views->remaps[i].gfn == gfn)
			return views->remaps[i].target;

	WARN_ON_ONCE(1);
	return INVALID_GPA >> PAGE_SHIFT;
}

/* Memory of the guest that it may write: no ROM, no slot that is going away. */
bool kvm_view_legal_target(struct kvm *kvm, gfn_t gfn, u64 npages)
{
	struct kvm_memory_slot *slot;
	u64 i;

	for (i = 0; i < npages; i++) {
		slot = gfn_to_memslot(kvm, gfn + i);
		if (!slot || slot->id >= KVM_USER_MEM_SLOTS ||
		    (slot->flags & (KVM_MEM_READONLY | KVM_MEMSLOT_INVALID)))
			return false;
	}
	return true;
}

/* Nobody looks at the list as long as it is empty. */
bool kvm_view_remaps_alloc(struct kvm_views *views)
{
	if (!views->remaps)
		views->remaps = kvmalloc_array(KVM_VIEW_MAX_REMAPS,
					       sizeof(*views->remaps),
					       GFP_KERNEL_ACCOUNT);
	return views->remaps;
}

/**
 * kvm_view_remap() - make a view see other frames in place of its own
 *
 * kvm_views.lock is held, and the caller has checked what needs no look at the
 * state of the VM.  Done as a whole or not at all.
 */
long kvm_view_remap(struct kvm *kvm, struct kvm_views *views,
		    const struct kvm_view_op *op)
{
	gfn_t start = op->gfn, end = op->gfn + op->npages;
	struct kvm_view *v = kvm_view_get(views, op->view);
	unsigned int nr = views->nr_remaps;
	u64 i;
	long r;

	if (kvm_view_policy_any(v->policy, start, end) & KVM_VIEW_REMAPPED)
		return -EEXIST;
	if (!kvm_view_legal_target(kvm, op->target, op->npages))
		return -EFAULT;
	if (op->npages > KVM_VIEW_MAX_REMAPS - nr)
		return -E2BIG;

	if (!kvm_view_remaps_alloc(views))
		return -ENOMEM;

	/* First the list, so that it is complete when SPTEs appear. */
	write_lock(&kvm->mmu_lock);
	for (i = 0; i < op->npages; i++)
		views->remaps[nr + i] = (struct kvm_view_remap) {
			.view = op->view,
			.gfn = start + i,
			.target = op->target + i,
		};
	views->nr_remaps = nr + op->npages;
	write_unlock(&kvm->mmu_lock);

	r = kvm_view_protect(kvm, v, op->view, start, end, 0,
			     op->mask | KVM_VIEW_REMAPPED);
	if (r)
		kvm_view_remap_forget(kvm, views, op->view, start, end);
	return r;
}

/* Is each frame of the range remapped? */
static bool all_remapped(const struct kvm_view_policy *p, gfn_t gfn, gfn_t end)
{
	gfn_t start;

	while (gfn < end)
		if (!(kvm_view_policy_get(p, gfn, &start, &gfn) &
		      KVM_VIEW_REMAPPED))
			return false;
	return true;
}

/* Undo it; the frames get the rights that the caller says. */
long kvm_view_unremap(struct kvm *kvm, struct kvm_views *views,
		      const struct kvm_view_op *op)
{
	gfn_t start = op->gfn, end = op->gfn + op->npages;
	struct kvm_view *v = kvm_view_get(views, op->view);
	long r;

	if (!all_remapped(v->policy, start, end))
		return -ENOENT;

	r = kvm_view_protect(kvm, v, op->view, start, end, 0, op->mask);
	if (!r)
		kvm_view_remap_forget(kvm, views, op->view, start, end);
	return r;
}

/*
 * Take frames off the list.  What valid roots had of them is gone and can't come
 * back; roots that became invalid before that can still have it, until who made
 * them invalid gets there.
 */
void kvm_view_remap_forget(struct kvm *kvm, struct kvm_views *views, u16 view,
			   gfn_t start, gfn_t end)
{
	struct kvm_view_remap *m = views->remaps;
	bool flush = false;
	unsigned int i;

	guard(write_lock)(&kvm->mmu_lock);

	for (i = 0; i < views->nr_remaps;) {
		if (m[i].view != view || m[i].gfn < start || m[i].gfn >= end) {
			i++;
			continue;
		}
		flush = kvm_tdp_mmu_zap_remapped(kvm, view, m[i].gfn, flush);
		m[i] = m[--views->nr_remaps];
	}
	if (flush)
		kvm_flush_remote_tlbs(kvm);
}

/*
 * The memory behind [@start, @end) goes away: no view may see it at another
 * gfn, either.  Returns true if a TLB flush is needed.
 */
bool kvm_view_unmap_targets(struct kvm *kvm, gfn_t start, gfn_t end,
			    bool flush)
{
	struct kvm_views *views = kvm_views(kvm);
	struct kvm_view_remap *m;
	unsigned int i;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!views || kvm_views_broken(KVM_VIEWS_BREAK_REVERSE))
		return flush;

	for (i = 0; i < views->nr_remaps; i++) {
		m = &views->remaps[i];
		if (m->target >= start && m->target < end)
			flush = kvm_tdp_mmu_zap_remapped(kvm, m->view, m->gfn,
							 flush);
	}
	return flush;
}
