// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the part of the saved state that says which frames
 * are seen in place of others.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/sort.h>
#include <linux/uaccess.h>

#include "mmu.h"
#include "views.h"
#include "views_break.h"

static int by_view_and_gfn(const void *a, const void *b)
{
	const struct kvm_view_remapped *x = a, *y = b;

	return cmp_int(x->view, y->view) ?: cmp_int(x->gfn, y->gfn);
}

/* The list, in order; kvm_views.lock is held. */
void kvm_view_remaps_save(struct kvm_views *views,
			  struct kvm_view_remapped *to)
{
	unsigned int i;

	for (i = 0; i < views->nr_remaps; i++)
		to[i] = (struct kvm_view_remapped) {
			.gfn = views->remaps[i].gfn,
			.target = views->remaps[i].target,
			.view = views->remaps[i].view,
		};
	sort(to, views->nr_remaps, sizeof(*to), by_view_and_gfn, NULL);
}

static u64 remapped_in(const struct kvm_view_policy *p)
{
	gfn_t gfn, end;
	unsigned int i;
	u64 nr = 0;

	for (i = 0; i < p->nr; i++) {
		end = kvm_mmu_max_gfn() + 1;
		if (i + 1 < p->nr)
			kvm_view_policy_segment(p, i + 1, &end);
		if (kvm_view_policy_segment(p, i, &gfn) & KVM_VIEW_REMAPPED)
			nr += end - gfn;
	}
	return nr;
}

/* How many frames do the policies say are remapped? */
static u64 count_remapped(struct kvm_views *views)
{
	u64 nr = 0;
	u16 i;

	for (i = 1; i < views->max; i++) {
		if (views->view[i])
			nr += remapped_in(views->view[i]->policy);
		cond_resched();
	}
	return nr;
}

/* Is @m, which comes after @last, what REMAP could have made? */
static bool legal_remapped(struct kvm_views *views,
			   const struct kvm_view_remapped *m,
			   const struct kvm_view_remapped *last)
{
	struct kvm_view *v = m->view ? kvm_view_get(views, m->view) : NULL;
	gfn_t start, end;

	if (!v || m->pad[0] || m->pad[1] || m->pad[2] ||
	    m->gfn > kvm_mmu_max_gfn() || m->target > kvm_mmu_max_gfn())
		return false;
	if (last && by_view_and_gfn(last, m) >= 0 &&
	    !kvm_views_broken(KVM_VIEWS_BREAK_RESTORE_CHECK))
		return false;
	return kvm_view_policy_get(v->policy, m->gfn, &start, &end) &
	       KVM_VIEW_REMAPPED;
}

/**
 * kvm_view_remaps_restore() - the list of views that nobody knows yet
 *
 * It is exactly what the policies say: as many frames, each of them remapped
 * there, and none twice.
 */
int kvm_view_remaps_restore(struct kvm_views *views,
			    const struct kvm_view_remapped __user *user,
			    u32 nr)
{
	struct kvm_view_remapped *from __free(kvfree) = NULL;
	u32 i;

	if (count_remapped(views) != nr)
		return -EINVAL;
	if (!nr)
		return 0;
	from = kvmalloc_array(nr, sizeof(*from), GFP_KERNEL_ACCOUNT);
	if (!from || !kvm_view_remaps_alloc(views))
		return -ENOMEM;
	if (copy_from_user(from, user, nr * sizeof(*from)))
		return -EFAULT;

	for (i = 0; i < nr; i++)
		if (!legal_remapped(views, &from[i], i ? &from[i - 1] : NULL))
			return -EINVAL;

	guard(srcu)(&views->kvm->srcu);

	for (i = 0; i < nr; i++) {
		if (!kvm_view_legal_target(views->kvm, from[i].target, 1))
			return -EFAULT;
		views->remaps[i] = (struct kvm_view_remap) {
			.view = from[i].view,
			.gfn = from[i].gfn,
			.target = from[i].target,
		};
	}
	views->nr_remaps = nr;
	return 0;
}
