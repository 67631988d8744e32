// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's roots, one for each view that it has been in: VMFUNC can reach a
 * root only while the vCPU holds a reference to it, and loses it together with
 * that reference, before the vCPU is entered again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_mmu.h"
#include "views.h"
#include "views_break.h"

static const struct kvm_x86_views_ops *ops(void)
{
	return kvm_x86_ops.views_ops;
}

/*
 * Make @view current, for the MMU.  References move with the roots: that of the
 * old one to its slot, that of the new one out of it.  Hence no lock is needed,
 * and this can run with IRQs off, right after VM-Exit.
 */
void kvm_view_switch(struct kvm_vcpu *vcpu, u16 view)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct kvm_mmu *mmu = &vcpu->arch.root_mmu;

	if (view == vcpu->arch.view)
		return;

	/* VMFUNC must not reach a root that nobody holds any more. */
	if (!VALID_PAGE(mmu->root.hpa))
		ops()->set_root(vcpu, vcpu->arch.view, INVALID_PAGE);
	vv->root[vcpu->arch.view] = mmu->root.hpa;
	mmu->root.hpa = vv->root[view];
	mmu->root_role.view = view;
	mmu->root_role.ad_disabled = kvm_view_ad_disabled(view);
	/* DESTROY looks at it from another vCPU. */
	WRITE_ONCE(vcpu->arch.view, view);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_switch);

/* The current view got a root: let VMFUNC reach it. */
void kvm_view_root_loaded(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu *mmu = &vcpu->arch.root_mmu;

	if (vcpu->arch.mmu != mmu || mmu->root_role.smm)
		return;

	vcpu->arch.views->root[vcpu->arch.view] = mmu->root.hpa;
	ops()->set_root(vcpu, vcpu->arch.view, mmu->root.hpa);
}

/*
 * Make sure that the vCPU has a root for @view, and leave the current as is.
 * The caller holds kvm_views.lock, which keeps the view alive, and has checked
 * that it exists.
 */
int kvm_view_load(struct kvm_vcpu *vcpu, u16 view)
{
	u16 cur = vcpu->arch.view;
	int r;

	if (VALID_PAGE(view == cur ? vcpu->arch.root_mmu.root.hpa :
				     vcpu->arch.views->root[view]))
		return 0;

	kvm_view_switch(vcpu, view);
	r = kvm_mmu_load(vcpu);
	kvm_view_switch(vcpu, cur);
	kvm_mmu_load_pgd(vcpu);
	return r;
}

/*
 * Go to a view: what VMFUNC could not do, or for KVM's own work there.  From
 * here on the view can't be destroyed, because a vCPU is in it.  The caller
 * makes sure that nothing of the guest runs there that may not.
 *
 * Return: 0 or -errno: -ENOENT if there is no such view, -EBUSY if RESET is
 * about to take them all.
 */
int kvm_view_goto(struct kvm_vcpu *vcpu, u64 view)
{
	struct kvm_views *views = vcpu->arch.views->views;
	struct kvm_view *v;
	int r;

	r = kvm_views_lock(views);
	if (r)
		return r;

	v = kvm_view_get(views, view);
	if (v) {
		r = kvm_view_load(vcpu, view);
		if (!r)
			kvm_view_switch(vcpu, view);
	} else {
		r = -ENOENT;
	}
	mutex_unlock(&views->lock);
	if (!r)
		kvm_mmu_load_pgd(vcpu);
	return r;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_goto);

/* Is the view gone, or about to go? */
static bool view_dying(struct kvm_views *views, u16 nr)
{
	struct kvm_view *v = kvm_view_get(views, nr);

	return !v || v->dying;
}

/*
 * Drop the roots of the views, all or those that can't be used any more.  The
 * current view's reference is mmu->root's, which the caller has dropped or kept
 * before this: its slots only follow.
 */
void kvm_view_drop_roots(struct kvm_vcpu *vcpu, bool obsolete_only)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct kvm *kvm = vcpu->kvm;
	u16 i;

	guard(read_lock)(&kvm->mmu_lock);

	for (i = 0; i < vv->max; i++) {
		hpa_t root = vv->root[i];

		if (i == vcpu->arch.view) {
			/*
			 * Don't look at the mirror, mmu->root has the reference.
			 * While the current MMU is another one (SMM), it stays.
			 */
			if (!VALID_PAGE(vcpu->arch.root_mmu.root.hpa)) {
				ops()->set_root(vcpu, i, INVALID_PAGE);
				vv->root[i] = INVALID_PAGE;
			}
			continue;
		}

		if (!VALID_PAGE(root))
			continue;
		if (obsolete_only &&
		    (kvm_views_broken(KVM_VIEWS_BREAK_EPTP_SLOT) ||
		     (!kvm_mmu_root_is_obsolete(kvm, root) &&
		      !view_dying(vv->views, i))))
			continue;

		ops()->set_root(vcpu, i, INVALID_PAGE);
		vv->root[i] = INVALID_PAGE;
		kvm_tdp_mmu_put_root(kvm, root_to_sp(root));
	}
}

/* Pages to go from @gfn to the end of the page of size @level around it. */
static u64 pages_left(gfn_t gfn, int level)
{
	return KVM_PAGES_PER_HPAGE(level) -
	       (gfn & (KVM_PAGES_PER_HPAGE(level) - 1));
}

/* The first frame from @gfn on that has memory, at most @end. */
static gfn_t next_memory(struct kvm_vcpu *vcpu, gfn_t gfn, gfn_t end)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_vcpu_memslots(vcpu), gfn,
					  end)
		return max(gfn, iter.slot->base_gfn);
	return end;
}

/*
 * Map one page of the current view, or pass over frames that have nothing to
 * map, however many.  Returns the number of frames done.
 */
static long populate_one(struct kvm_vcpu *vcpu, gfn_t gfn, bool write)
{
	u64 error_code = PFERR_GUEST_FINAL_MASK;
	u8 rights, mapped = PG_LEVEL_4K;
	gfn_t end, next;
	int r;

	rights = kvm_view_extent(vcpu->kvm, vcpu->arch.view, gfn, &end);

	/* Nothing to map, unless the CPU is to raise #VE. */
	if (!(rights & KVM_VIEW_RWX) &&
	    !((rights & KVM_VIEW_VE) && kvm_tdp_is_ept()))
		return end - gfn;

	if ((rights & KVM_VIEW_RWX) && !(rights & KVM_VIEW_REMAPPED)) {
		next = next_memory(vcpu, gfn, end);
		if (next > gfn)
			return next - gfn;
	}

	if (write && (rights & KVM_VIEW_W))
		error_code |= PFERR_WRITE_MASK;

	r = kvm_mmu_view_prefault(vcpu, gfn_to_gpa(gfn), error_code, &mapped);
	return r ?: pages_left(gfn, mapped);
}

/**
 * kvm_view_populate() - map [@gfn, @gfn + @npages) in @view ahead of its use
 * @write: also break copy-on-write where the view may write
 * @budget: the steps left to the hypercall, reduced by those that were made
 *
 * Return: pages done, which can be fewer than asked for, or -errno if the very
 * first one can't be mapped.
 */
long kvm_view_populate(struct kvm_vcpu *vcpu, u16 view, gfn_t gfn, u64 npages,
		       bool write, unsigned int *budget)
{
	u16 cur = vcpu->arch.view;
	u64 done = 0;
	long r;

	r = kvm_view_goto(vcpu, view);
	if (r)
		return r;

	while (done < npages && *budget) {
		--*budget;
		r = signal_pending(current) ? -EINTR :
					      populate_one(vcpu, gfn + done, write);
		if (r <= 0)
			break;
		done += r;
		cond_resched();
	}
	kvm_view_switch(vcpu, cur);
	kvm_mmu_load_pgd(vcpu);

	if (done || r == -EINTR || r == -EAGAIN)
		return min(done, npages);
	return r;
}

/**
 * kvm_view_fault() - resolve one violation in @view that policy may not explain
 * @access: KVM_VIEW_R, _W or _X
 *
 * Return: 0 if the access is allowed and the page is mapped for it, 1 if the
 * policy denies it, or -errno.
 */
long kvm_view_fault(struct kvm_vcpu *vcpu, u16 view, gpa_t gpa, u8 access)
{
	u64 error_code = PFERR_GUEST_FINAL_MASK;
	u16 cur = vcpu->arch.view;
	u8 level;
	long r;

	if (access == KVM_VIEW_W)
		error_code |= PFERR_WRITE_MASK;
	if (access == KVM_VIEW_X)
		error_code |= PFERR_FETCH_MASK;

	r = kvm_view_goto(vcpu, view);
	if (r)
		return r;

	if (kvm_view_missing(vcpu, gpa, error_code)) {
		r = 1;
	} else if (!view && !kvm_vcpu_gfn_to_memslot(vcpu, gpa_to_gfn(gpa))) {
		/* A device, which is emulated. */
		r = 0;
	} else {
		r = kvm_mmu_view_prefault(vcpu, gpa, error_code, &level);
		if (r == -EACCES && kvm_view_missing(vcpu, gpa, error_code))
			r = 1;
	}
	kvm_view_switch(vcpu, cur);
	kvm_mmu_load_pgd(vcpu);
	return r == -EINTR ? -EAGAIN : r;
}
