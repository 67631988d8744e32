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
	vcpu->arch.view = view;
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

/* Make sure that the vCPU has a root for @view, and leave the current as is. */
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
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_view_load);

/*
 * Drop the roots of the views.  The current view's reference is mmu->root's,
 * which the caller has dropped or kept before this: its slots only follow.
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
		if (obsolete_only && !kvm_mmu_root_is_obsolete(kvm, root))
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

/* Map one page of the current view, return the number of pages that it has. */
static long populate_one(struct kvm_vcpu *vcpu, gfn_t gfn, bool write)
{
	u64 error_code = PFERR_GUEST_FINAL_MASK;
	u8 rights, mapped = PG_LEVEL_4K;
	int level, r;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		rights = kvm_view_rights(vcpu->kvm, vcpu->arch.view, gfn,
					 &level);

	/* Nothing to map, unless the CPU is to raise #VE. */
	if (!(rights & KVM_VIEW_RWX) &&
	    !((rights & KVM_VIEW_VE) && kvm_tdp_is_ept()))
		return pages_left(gfn, level);
	if ((rights & KVM_VIEW_RWX) && !kvm_vcpu_gfn_to_memslot(vcpu, gfn))
		return 1;

	if (write && (rights & KVM_VIEW_W))
		error_code |= PFERR_WRITE_MASK;

	r = kvm_mmu_view_prefault(vcpu, gfn_to_gpa(gfn), error_code, &mapped);
	return r ?: pages_left(gfn, mapped);
}

/* One call maps at most this many pages, so that signals are looked at. */
#define POPULATE_MAX	BIT(18)

/**
 * kvm_view_populate() - map [@gfn, @gfn + @npages) in @view ahead of its use
 * @write: also break copy-on-write where the view may write
 *
 * Return: pages done, which can be fewer than asked for, or -errno if the very
 * first one can't be mapped.
 */
long kvm_view_populate(struct kvm_vcpu *vcpu, u16 view, gfn_t gfn, u64 npages,
		       bool write)
{
	u16 cur = vcpu->arch.view;
	u64 done = 0, steps = 0;
	long r;

	r = kvm_view_load(vcpu, view);
	if (r)
		return r;

	kvm_view_switch(vcpu, view);
	while (done < npages && steps++ < POPULATE_MAX) {
		r = populate_one(vcpu, gfn + done, write);
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
