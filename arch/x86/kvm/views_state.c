// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what the VMM saves and restores.  A guest goes on
 * with exactly what it had, or the VMM gets an error and nothing has changed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/uaccess.h>

#include "mmu.h"
#include "mmu/tdp_mmu.h"
#include "views.h"
#include "views_break.h"
#include "x86.h"

static u64 state_size(const struct kvm_view_state *head)
{
	return sizeof(*head) +
	       (u64)head->nr_views * sizeof(struct kvm_view_saved) +
	       (u64)head->nr_ranges * sizeof(struct kvm_view_range) +
	       (u64)head->nr_remaps * sizeof(struct kvm_view_remapped);
}

static void count_state(struct kvm_views *views, struct kvm_view_state *head)
{
	u16 i;

	head->max_views = views->max;
	head->flags = views->sealed ? KVM_VIEW_STATE_SEALED : 0;
	/* The guest said so, or it would have no views. */
	if (!kvm_views_check_rw_pt(true))
		head->flags |= KVM_VIEW_STATE_RW_PT;
	for (i = 0; i < views->max; i++) {
		if (!views->view[i])
			continue;
		head->nr_views++;
		head->nr_ranges += views->view[i]->policy->nr;
	}
	head->nr_remaps = views->nr_remaps;
	head->size = state_size(head);
}

static void save_view(struct kvm_view *v, u16 nr, struct kvm_view_saved *saved,
		      struct kvm_view_range *range)
{
	unsigned int i;
	gfn_t gfn;
	u8 val;

	saved->view = nr;
	saved->flags = (v->sealed ? KVM_VIEW_STATE_SEALED : 0) |
		       (v->killed ? KVM_VIEW_STATE_KILLED : 0);
	saved->nr_ranges = v->policy->nr;

	for (i = 0; i < v->policy->nr; i++) {
		val = kvm_view_policy_segment(v->policy, i, &gfn);
		range[i].gfn = gfn;
		range[i].rights = val & KVM_VIEW_RWX;
		range[i].flags = (val & KVM_VIEW_VE ? KVM_VIEW_RANGE_VE : 0) |
				 (val & KVM_VIEW_REMAPPED ?
				  KVM_VIEW_RANGE_REMAPPED : 0);
	}
}

/* Fill @head, and @body with what follows it, in memory of its own. */
static int save_views(struct kvm_views *views, struct kvm_view_state *head,
		      u32 room, void **body)
{
	struct kvm_view_range *range;
	struct kvm_view_saved *saved;
	u16 i;

	guard(mutex)(&views->lock);

	/* The VM is on its way to another kernel: ask again. */
	if (views->dead)
		return -EBUSY;
	count_state(views, head);
	if (head->size > room)
		return -E2BIG;
	saved = kvzalloc(head->size - sizeof(*head), GFP_KERNEL_ACCOUNT);
	if (!saved)
		return -ENOMEM;

	*body = saved;
	range = *body + head->nr_views * sizeof(*saved);
	for (i = 0; i < views->max; i++) {
		if (!views->view[i])
			continue;
		save_view(views->view[i], i, saved, range);
		range += saved->nr_ranges;
		saved++;
	}
	kvm_view_remaps_save(views, (void *)range);
	return 0;
}

int kvm_views_get_state(struct kvm *kvm, struct kvm_view_state __user *user)
{
	void *body __free(kvfree) = NULL;
	struct kvm_view_state head = { .version = KVM_VIEW_STATE_VERSION };
	struct kvm_views *views;
	u32 room;
	int r = 0;

	if (get_user(room, &user->size))
		return -EFAULT;
	if (room < sizeof(head))
		return -EINVAL;

	head.size = sizeof(head);
	scoped_guard(srcu, &kvm->srcu) {
		views = kvm_views(kvm);
		if (views)
			r = save_views(views, &head, room, &body);
	}
	if (r == -E2BIG && put_user(head.size, &user->size))
		return -EFAULT;
	if (r)
		return r;

	/* No lock is held: the VMM may take its time with its own page faults. */
	if (copy_to_user(user, &head, sizeof(head)) ||
	    (body && copy_to_user(user + 1, body, head.size - sizeof(head))))
		return -EFAULT;
	return 0;
}

static int check_head(struct kvm *kvm, const struct kvm_view_state *head)
{
	int r;

	if (head->version != KVM_VIEW_STATE_VERSION ||
	    (head->flags & ~(KVM_VIEW_STATE_SEALED | KVM_VIEW_STATE_RW_PT)) ||
	    head->rsvd[0] || head->rsvd[1] ||
	    head->nr_remaps > KVM_VIEW_MAX_REMAPS ||
	    head->size != state_size(head))
		return -EINVAL;

	/* The guest had no views: nothing to do. */
	if (!head->max_views)
		return head->nr_views || head->nr_ranges || head->nr_remaps ||
		       head->flags ? -EINVAL : 0;

	if (head->max_views < KVM_VIEWS_MIN ||
	    head->max_views > KVM_VIEWS_MAX || !head->nr_views ||
	    head->nr_views > head->max_views ||
	    head->nr_ranges > (u32)head->nr_views * KVM_VIEW_MAX_RANGES)
		return -EINVAL;

	r = kvm_views_supported(kvm);
	if (r == -EOPNOTSUPP)
		return r;
	if (r || head->max_views > kvm_views_limit(kvm))
		return -EPERM;
	return kvm_views_check_rw_pt(head->flags & KVM_VIEW_STATE_RW_PT);
}

static int range_value(const struct kvm_view_range *range, u16 view)
{
	if (!kvm_view_legal_rights(range->rights))
		return -EINVAL;

	/* As SET does: see legal_op(). */
	switch (range->flags) {
	case 0:
		return range->rights;
	case KVM_VIEW_RANGE_VE:
		return (range->rights & KVM_VIEW_W) ?
		       -EINVAL : range->rights | KVM_VIEW_VE;
	case KVM_VIEW_RANGE_REMAPPED:
		return !view || (range->rights & KVM_VIEW_W) ?
		       -EINVAL : range->rights | KVM_VIEW_REMAPPED;
	default:
		return -EINVAL;
	}
}

static struct kvm_view_policy *
restore_policy(u16 view, u32 nr, const struct kvm_view_range __user *user)
{
	struct kvm_view_policy *p __free(kvfree) = NULL;
	struct kvm_view_range range;
	u32 i;
	int r;

	p = kvm_view_policy_alloc(nr);
	if (!p)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < nr; i++) {
		if (copy_from_user(&range, user + i, sizeof(range)))
			return ERR_PTR(-EFAULT);
		r = range_value(&range, view);
		if (r < 0)
			return ERR_PTR(r);
		if (!kvm_view_policy_fill(p, i, range.gfn, r) &&
		    !kvm_views_broken(KVM_VIEWS_BREAK_RESTORE_CHECK))
			return ERR_PTR(-EINVAL);
		cond_resched();
	}
	return no_free_ptr(p);
}

static int restore_view(struct kvm_views *views,
			const struct kvm_view_saved *saved,
			const struct kvm_view_range __user *range)
{
	struct kvm_view_policy *policy;
	struct kvm_view *v;

	policy = restore_policy(saved->view, saved->nr_ranges, range);
	if (IS_ERR(policy))
		return PTR_ERR(policy);

	v = kzalloc_obj(*v, GFP_KERNEL_ACCOUNT);
	if (!v) {
		kvfree(policy);
		return -ENOMEM;
	}
	v->policy = policy;
	v->killed = saved->flags & KVM_VIEW_STATE_KILLED;
	v->sealed = (saved->flags & KVM_VIEW_STATE_SEALED) &&
		    !kvm_views_broken(KVM_VIEWS_BREAK_RESTORE_SEAL);
	views->view[saved->view] = v;
	return 0;
}

/* @views is not the VM's yet; the caller frees it if this fails. */
static int restore_views(struct kvm_views *views,
			 const struct kvm_view_state *head,
			 const struct kvm_view_saved __user *user)
{
	const struct kvm_view_remapped __user *remaps;
	const struct kvm_view_range __user *range;
	struct kvm_view_saved saved;
	u32 i, next = 0, left = head->nr_ranges;
	int r;

	range = (const void __user *)(user + head->nr_views);
	for (i = 0; i < head->nr_views; i++) {
		if (copy_from_user(&saved, user + i, sizeof(saved)))
			return -EFAULT;
		if (saved.view < next || saved.view >= views->max ||
		    (!i && saved.view) || saved.rsvd ||
		    (saved.flags & ~(KVM_VIEW_STATE_SEALED |
				     KVM_VIEW_STATE_KILLED)) ||
		    (!i && (saved.flags & KVM_VIEW_STATE_KILLED)) ||
		    !saved.nr_ranges || saved.nr_ranges > left ||
		    saved.nr_ranges > KVM_VIEW_MAX_RANGES)
			return -EINVAL;

		r = restore_view(views, &saved, range);
		if (r)
			return r;
		range += saved.nr_ranges;
		left -= saved.nr_ranges;
		next = saved.view + 1;
	}
	if (left)
		return -EINVAL;
	views->sealed = (head->flags & KVM_VIEW_STATE_SEALED) &&
			!kvm_views_broken(KVM_VIEWS_BREAK_RESTORE_SEAL);
	remaps = (const void __user *)range;
	return kvm_view_remaps_restore(views, remaps, head->nr_remaps);
}

static bool any_vcpu_ran(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu->arch.last_vmentry_cpu != -1)
			return true;
	return false;
}

/* The mutex of every vCPU is held: none can run, nor be created. */
static int publish_locked(struct kvm *kvm, struct kvm_views *views)
{
	int r;

	if (any_vcpu_ran(kvm))
		return -EBUSY;

	r = kvm_views_publish(kvm, views);
	if (r || kvm_views_broken(KVM_VIEWS_BREAK_RESTORE_ZAP))
		return r;

	/* KVM_PRE_FAULT_MEMORY maps without any vCPU having run. */
	guard(write_lock)(&kvm->mmu_lock);
	kvm_tdp_mmu_zap_view(kvm, 0, 0, kvm_mmu_max_gfn() + 1);
	return 0;
}

static int publish(struct kvm *kvm, struct kvm_views *views)
{
	int r;

	guard(mutex)(&kvm->lock);

	/* Who holds a vCPU's mutex may be about to run it. */
	if (kvm_is_vcpu_creation_in_progress(kvm) || kvm_trylock_all_vcpus(kvm))
		return -EBUSY;

	r = publish_locked(kvm, views);
	kvm_unlock_all_vcpus(kvm);
	return r;
}

int kvm_views_set_state(struct kvm *kvm, struct kvm_view_state __user *user)
{
	struct kvm_view_state head;
	struct kvm_views *views;
	int r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	r = check_head(kvm, &head);
	if (r || !head.max_views)
		return r;

	views = kvm_views_alloc(kvm, head.max_views);
	if (!views)
		return -ENOMEM;
	r = restore_views(views, &head, (const void __user *)(user + 1));
	if (!r)
		r = publish(kvm, views);
	if (r)
		kvm_views_free(views);
	return r;
}

/* The view is not the one that the guest's kernel is in. */
static bool in_smm(struct kvm_vcpu *vcpu)
{
	return is_smm(vcpu) && !kvm_views_broken(KVM_VIEWS_BREAK_SMM_SAVE);
}

int kvm_views_vcpu_get_state(struct kvm_vcpu *vcpu,
			     struct kvm_view_vcpu_state __user *user)
{
	struct kvm_view_vcpu_state state = {
		.size = sizeof(state),
		.version = KVM_VIEW_STATE_VERSION,
	};

	if (kvm_vcpu_has_views(vcpu) && in_smm(vcpu))
		return -EBUSY;

	if (kvm_vcpu_has_views(vcpu)) {
		state.flags = KVM_VIEW_VCPU_REGISTERED;
		state.view = kvm_vcpu_view(vcpu);
		state.cfg = vcpu->arch.views->cfg;
	}
	return copy_to_user(user, &state, sizeof(state)) ? -EFAULT : 0;
}

/* vcpu->mutex is held. */
int kvm_views_vcpu_set_state(struct kvm_vcpu *vcpu,
			     struct kvm_view_vcpu_state __user *user)
{
	struct kvm_view_vcpu_state state;
	struct kvm_views *views;
	int r;

	if (copy_from_user(&state, user, sizeof(state)))
		return -EFAULT;
	if (state.size != sizeof(state) ||
	    state.version != KVM_VIEW_STATE_VERSION || state.pad ||
	    (state.flags & ~KVM_VIEW_VCPU_REGISTERED) || state.rsvd[0] ||
	    state.rsvd[1])
		return -EINVAL;

	if (!state.flags)
		return state.view || memchr_inv(&state.cfg, 0,
						sizeof(state.cfg)) ?
		       -EINVAL : 0;

	if (kvm_vcpu_has_views(vcpu) || vcpu->arch.last_vmentry_cpu != -1 ||
	    in_smm(vcpu))
		return -EBUSY;

	kvm_vcpu_srcu_read_lock(vcpu);
	views = kvm_views(vcpu->kvm);
	r = views ? kvm_views_vcpu_restore(vcpu, views, &state.cfg,
					   state.view) : -ENOENT;
	kvm_vcpu_srcu_read_unlock(vcpu);
	return r;
}
