// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: changing rights and what is behind a frame, and
 * mapping pages ahead of their use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "views.h"
#include "views_break.h"
#include "views_trace.h"

#define POPULATE_WRITE_FLAG	BIT_ULL(63)
#define MAP_FLAGS		(KVM_VIEW_OP_POPULATE | \
				 KVM_VIEW_OP_POPULATE_WRITE)

static bool legal_range(u64 gfn, u64 npages)
{
	u64 limit = kvm_mmu_max_gfn() + 1;

	return npages && gfn < limit && npages <= limit - gfn;
}

static bool legal_remap(const struct kvm_view_op *op)
{
	return op->view && !(op->flags & KVM_VIEW_OP_VE) &&
	       op->npages <= KVM_VIEW_REMAP_PAGES;
}

/* What can be said of an entry without a look at the VM. */
static bool legal_op(const struct kvm_view_op *op)
{
	if ((op->flags & ~(MAP_FLAGS | KVM_VIEW_OP_VE)) ||
	    !kvm_view_legal_rights(op->mask) ||
	    !legal_range(op->gfn, op->npages))
		return false;

	switch (op->type) {
	case KVM_VIEW_OP_PROTECT:
		/*
		 * With W, no SPTE could tell a violation from KVM's own faults.
		 * Whether a view has what it takes to deliver #VE is the guest's
		 * business: if not, it becomes an asynchronous exit.
		 */
		if ((op->flags & KVM_VIEW_OP_VE) && (op->mask & KVM_VIEW_W))
			return false;
		return !op->target;
	case KVM_VIEW_OP_REMAP:
		/* Never writable: dirty logging looks at the other gfn. */
		return legal_remap(op) && !(op->mask & KVM_VIEW_W) &&
		       legal_range(op->target, op->npages);
	case KVM_VIEW_OP_UNREMAP:
		return legal_remap(op) && !op->target;
	default:
		return false;
	}
}

/* After the seal rights can only be tightened, and nothing else. */
static bool sealed_against(const struct kvm_view *v,
			   const struct kvm_view_op *op)
{
	if (!v->sealed || kvm_views_broken(KVM_VIEWS_BREAK_SEAL))
		return false;

	return op->type != KVM_VIEW_OP_PROTECT ||
	       !kvm_view_policy_within(v->policy, op->gfn,
				       op->gfn + op->npages, op->mask);
}

static long protect(struct kvm *kvm, struct kvm_view *v,
		    const struct kvm_view_op *op)
{
	gfn_t end = op->gfn + op->npages;
	u8 val = op->mask;

	if (((op->mask & KVM_VIEW_W) || (op->flags & KVM_VIEW_OP_VE)) &&
	    (kvm_view_policy_any(v->policy, op->gfn, end) &
	     KVM_VIEW_REMAPPED))
		return -EINVAL;

	if (op->flags & KVM_VIEW_OP_VE)
		val |= KVM_VIEW_VE;

	return kvm_view_protect(kvm, v, op->view, op->gfn, end,
				KVM_VIEW_REMAPPED, val);
}

static long set_one(struct kvm *kvm, struct kvm_views *views,
		    const struct kvm_view_op *op)
{
	struct kvm_view *v;

	if (!legal_op(op))
		return -EINVAL;

	v = kvm_view_get(views, op->view);
	if (!v)
		return -ENOENT;
	if (sealed_against(v, op) || (v->killed && (op->mask & KVM_VIEW_X)))
		return -EPERM;

	switch (op->type) {
	case KVM_VIEW_OP_REMAP:
		return kvm_view_remap(kvm, views, op);
	case KVM_VIEW_OP_UNREMAP:
		return kvm_view_unremap(kvm, views, op);
	default:
		return protect(kvm, v, op);
	}
}

/* A hint: what can't be mapped now is mapped when it is used. */
static void set_populate(struct kvm_vcpu *vcpu, const struct kvm_view_op *ops,
			 long count)
{
	unsigned int budget = KVM_VIEW_POPULATE_STEPS;
	long i;

	for (i = 0; i < count; i++) {
		if (!(ops[i].flags & MAP_FLAGS))
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
long kvm_views_set(struct kvm_vcpu *vcpu, struct kvm_views *views, gpa_t gpa,
		   u64 count)
{
	struct kvm_view_op *ops __free(kvfree) = NULL;
	long i, r;

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

	r = kvm_views_lock(views);
	if (r)
		return r;

	for (i = 0; i < count; i++) {
		r = set_one(vcpu->kvm, views, &ops[i]);
		trace_kvm_view_set(vcpu, &ops[i], r);
		if (r)
			break;
		cond_resched();
	}
	mutex_unlock(&views->lock);

	if (kvm_vcpu_has_views(vcpu))
		set_populate(vcpu, ops, i);
	return i ?: r;
}

long kvm_views_populate(struct kvm_vcpu *vcpu, u64 view, u64 gfn, u64 npages)
{
	unsigned int budget = KVM_VIEW_POPULATE_STEPS;
	bool write = npages & POPULATE_WRITE_FLAG;

	npages &= ~POPULATE_WRITE_FLAG;
	if (!legal_range(gfn, npages))
		return -EINVAL;
	if (!kvm_vcpu_has_views(vcpu) || view >= KVM_VIEWS_MAX)
		return -ENOENT;
	return kvm_view_populate(vcpu, view, gfn, npages, write, &budget);
}

long kvm_views_fault(struct kvm_vcpu *vcpu, u64 view, u64 gpa, u64 access)
{
	if (access != KVM_VIEW_R && access != KVM_VIEW_W &&
	    access != KVM_VIEW_X)
		return -EINVAL;
	if (!legal_range(gpa_to_gfn(gpa), 1))
		return -EINVAL;
	if (!kvm_vcpu_has_views(vcpu) || view >= KVM_VIEWS_MAX)
		return -ENOENT;
	return kvm_view_fault(vcpu, view, gpa, access);
}
