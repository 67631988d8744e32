// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: changing rights, and mapping pages ahead of
 * their use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "views.h"
#include "views_break.h"

#define POPULATE_WRITE_FLAG	BIT_ULL(63)
#define SET_FLAGS		(KVM_VIEW_OP_POPULATE | \
				 KVM_VIEW_OP_POPULATE_WRITE | KVM_VIEW_OP_VE)

static bool legal_range(u64 gfn, u64 npages)
{
	u64 limit = kvm_mmu_max_gfn() + 1;

	return npages && gfn < limit && npages <= limit - gfn;
}

static long check_op(struct kvm_views *views, const struct kvm_view_op *op)
{
	if (op->type == KVM_VIEW_OP_REMAP || op->type == KVM_VIEW_OP_UNREMAP)
		return -EOPNOTSUPP;
	if (op->type != KVM_VIEW_OP_PROTECT || (op->flags & ~SET_FLAGS) ||
	    op->target || !kvm_view_legal_rights(op->mask) ||
	    !legal_range(op->gfn, op->npages))
		return -EINVAL;

	/*
	 * #VE in a view would be delivered by an IDT that the view can't read;
	 * and with W, no SPTE could tell a violation from KVM's own faults.
	 */
	if ((op->flags & KVM_VIEW_OP_VE) &&
	    (op->view || (op->mask & KVM_VIEW_W)))
		return -EINVAL;

	if (!kvm_view_get(views, op->view))
		return -ENOENT;
	return 0;
}

static long set_one(struct kvm *kvm, struct kvm_views *views,
		    const struct kvm_view_op *op)
{
	struct kvm_view *v;
	u8 val = op->mask;
	long r;

	r = check_op(views, op);
	if (r)
		return r;

	v = kvm_view_get(views, op->view);
	if (v->sealed && !kvm_views_broken(KVM_VIEWS_BREAK_SEAL) &&
	    !kvm_view_policy_within(v->policy, op->gfn, op->gfn + op->npages,
				    val))
		return -EPERM;

	if (op->flags & KVM_VIEW_OP_VE)
		val |= KVM_VIEW_VE;

	return kvm_view_protect(kvm, v, op->view, op->gfn,
				op->gfn + op->npages, val);
}

/* A hint: what can't be mapped now is mapped when it is used. */
static void set_populate(struct kvm_vcpu *vcpu, const struct kvm_view_op *ops,
			 long count)
{
	unsigned int budget = KVM_VIEW_POPULATE_STEPS;
	long i;

	for (i = 0; i < count; i++) {
		if (!(ops[i].flags & (KVM_VIEW_OP_POPULATE |
				      KVM_VIEW_OP_POPULATE_WRITE)))
			continue;
		if (kvm_view_populate(vcpu, ops[i].view, ops[i].gfn,
				      ops[i].npages, ops[i].flags &
				      KVM_VIEW_OP_POPULATE_WRITE, &budget) <
		    (long)ops[i].npages)
			break;
	}
}

/**
 * kvm_views_set() - the SET operation
 *
 * Return: the number of entries done, or -errno if the first one is wrong.
 * What was tightened holds on every vCPU when this returns.
 */
long kvm_views_set(struct kvm_vcpu *vcpu, gpa_t gpa, u64 count)
{
	struct kvm_view_op *ops __free(kvfree) = NULL;
	struct kvm_views *views = kvm_views(vcpu->kvm);
	long i, r = 0;

	if (!count || count > KVM_VIEWS_SET_MAX)
		return -E2BIG;
	if (!IS_ALIGNED(gpa, 8))
		return -EINVAL;

	/* A private copy: other vCPUs can write to the original. */
	ops = kvmalloc_array(count, sizeof(*ops), GFP_KERNEL_ACCOUNT);
	if (!ops)
		return -ENOMEM;
	if (kvm_vcpu_read_guest(vcpu, gpa, ops, count * sizeof(*ops)))
		return -EFAULT;

	scoped_guard(mutex, &views->lock) {
		for (i = 0; i < count; i++) {
			r = set_one(vcpu->kvm, views, &ops[i]);
			if (r)
				break;
			cond_resched();
		}
	}

	if (kvm_vcpu_has_views(vcpu))
		set_populate(vcpu, ops, i);
	return i ?: r;
}

long kvm_views_populate(struct kvm_vcpu *vcpu, u64 view, u64 gfn, u64 npages)
{
	struct kvm_views *views = kvm_views(vcpu->kvm);
	unsigned int budget = KVM_VIEW_POPULATE_STEPS;
	bool write = npages & POPULATE_WRITE_FLAG;

	npages &= ~POPULATE_WRITE_FLAG;
	if (!legal_range(gfn, npages))
		return -EINVAL;
	if (!kvm_vcpu_has_views(vcpu) || !kvm_view_get(views, view))
		return -ENOENT;
	return kvm_view_populate(vcpu, view, gfn, npages, write, &budget);
}
