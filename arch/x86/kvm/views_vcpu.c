// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what a vCPU registers, and its end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include "mmu.h"
#include "views.h"
#include "views_break.h"
#include "x86.h"

static const struct kvm_x86_views_ops *ops(void)
{
	return kvm_x86_ops.views_ops;
}

static bool legal_selector(u16 sel)
{
	/* GDT, RPL 0, and not the null selector. */
	return sel && !(sel & 7);
}

static long check_cfg(struct kvm_vcpu *vcpu, const struct kvm_view_vcpu *cfg)
{
	if (cfg->size != sizeof(*cfg) || cfg->rsvd[0] || cfg->rsvd[1] ||
	    (cfg->flags & ~(KVM_VIEW_VCPU_NO_HW_VE | KVM_VIEW_VCPU_NO_VMFUNC |
			    KVM_VIEW_VCPU_GATE_ONLY | KVM_VIEW_VCPU_IRQ_AEX)) ||
	    cfg->vector != VE_VECTOR ||
	    !legal_selector(cfg->cs) || !legal_selector(cfg->ss) ||
	    is_noncanonical_address(cfg->gs_base, vcpu, 0) ||
	    is_noncanonical_address(cfg->fault_entry, vcpu, 0) ||
	    !PAGE_ALIGNED(cfg->ve_info) || !IS_ALIGNED(cfg->sp_cell, 8))
		return -EINVAL;

	/* Also false for GPAs without memory. */
	if (kvm_is_error_hva(kvm_vcpu_gfn_to_hva(vcpu,
						 gpa_to_gfn(cfg->ve_info))) ||
	    kvm_is_error_hva(kvm_vcpu_gfn_to_hva(vcpu,
						 gpa_to_gfn(cfg->sp_cell))))
		return -EFAULT;
	return 0;
}

/*
 * The CPU writes to the page by its physical address, so it must stay what it
 * is, whatever the VMM does with its mapping.
 */
static struct page *pin_ve_page(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	unsigned long hva = kvm_vcpu_gfn_to_hva(vcpu, gfn);
	struct page *page;

	if (kvm_is_error_hva(hva) ||
	    pin_user_pages_fast(hva, 1, FOLL_WRITE | FOLL_LONGTERM, &page) != 1)
		return NULL;
	return page;
}

static void unpin_ve_page(struct page *page)
{
	if (page)
		unpin_user_pages_dirty_lock(&page, 1, true);
}

/* From now on hear of it when the host unmaps @gfn. */
static void watch_ve_page(struct kvm *kvm, struct kvm_views *views, gfn_t gfn)
{
	guard(write_lock)(&kvm->mmu_lock);
	views->ve_start = views->ve_end ? min(views->ve_start, gfn) : gfn;
	views->ve_end = max(views->ve_end, gfn + 1);
}

static void free_vcpu_views(struct kvm_vcpu_views *vv)
{
	hrtimer_cancel(&vv->irq_timer);
	if (vv->views)
		kvm_views_put(vv->views);
	unpin_ve_page(vv->ve_page);
	free_page((unsigned long)vv->eptp_list);
	kvfree(vv);
}

static struct kvm_vcpu_views *alloc_vcpu_views(struct kvm_vcpu *vcpu, u16 max)
{
	struct kvm_vcpu_views *vv;
	u16 i;

	vv = kvzalloc(struct_size(vv, root, max), GFP_KERNEL_ACCOUNT);
	if (!vv)
		return NULL;

	vv->vcpu = vcpu;
	kvm_views_watch_init(vv);
	vv->max = max;
	for (i = 0; i < max; i++)
		vv->root[i] = INVALID_PAGE;

	/* Not accessed by the CPU before VMFUNC is enabled with it. */
	vv->eptp_list = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vv->eptp_list) {
		kvfree(vv);
		return NULL;
	}
	return vv;
}

/* Let VMFUNC reach all views that exist, as far as memory allows. */
static void preload_roots(struct kvm_vcpu *vcpu, struct kvm_views *views)
{
	u16 i;

	for (i = 1; i < views->max; i++)
		if (kvm_view_get(views, i) && kvm_view_load(vcpu, i))
			break;
}

/* Take what @vv->cfg says, if there is nothing wrong with it. */
static long apply_cfg(struct kvm_vcpu *vcpu, struct kvm_views *views,
		      struct kvm_vcpu_views *vv)
{
	gfn_t gfn = gpa_to_gfn(vv->cfg.ve_info);
	long r;

	r = check_cfg(vcpu, &vv->cfg);
	if (r)
		return r;
	if (kvm_gfn_to_hva_cache_init(vcpu->kvm, &vv->sp_cell, vv->cfg.sp_cell,
				      sizeof(u64)))
		return -EFAULT;
	if ((ops()->features() & KVM_VIEWS_F_HW_VE) &&
	    !(vv->cfg.flags & KVM_VIEW_VCPU_NO_HW_VE)) {
		watch_ve_page(vcpu->kvm, views, gfn);
		vv->ve_page = pin_ve_page(vcpu, gfn);
		if (!vv->ve_page)
			return -EFAULT;
	}
	return 0;
}

/*
 * Make the registration known; from here on RESET waits for the vCPU.
 * kvm_views.lock is held.
 */
static void publish(struct kvm_vcpu *vcpu, struct kvm_views *views,
		    struct kvm_vcpu_views *vv)
{
	refcount_inc(&views->users);
	vv->views = views;
	vcpu->arch.views = vv;
	kvm_view_root_loaded(vcpu);
	kvm_mmu_load_pgd(vcpu);
	ops()->update(vcpu);
}

long kvm_views_vcpu_init(struct kvm_vcpu *vcpu, struct kvm_views *views,
			 gpa_t gpa)
{
	struct kvm_vcpu_views *vv;
	long r;

	/* Once per reset: who is in control later must not redirect AEX. */
	if (vcpu->arch.views || ops()->busy(vcpu))
		return -EBUSY;
	if (!IS_ALIGNED(gpa, 8) ||
	    offset_in_page(gpa) > PAGE_SIZE - sizeof(vv->cfg))
		return -EINVAL;

	vv = alloc_vcpu_views(vcpu, views->max);
	if (!vv)
		return -ENOMEM;

	r = -EFAULT;
	if (kvm_vcpu_read_guest(vcpu, gpa, &vv->cfg, sizeof(vv->cfg)))
		goto err;
	r = apply_cfg(vcpu, views, vv);
	if (r)
		goto err;

	r = kvm_views_lock(views);
	if (r)
		goto err;
	publish(vcpu, views, vv);
	preload_roots(vcpu, views);
	/* The host may have begun to unmap the page before it was watched. */
	kvm_make_request(KVM_REQ_VIEWS_UPDATE, vcpu);
	mutex_unlock(&views->lock);
	return 0;
err:
	free_vcpu_views(vv);
	return r;
}

/*
 * What another KVM saved, on a vCPU that has not run yet.  Roots are loaded when
 * they are needed: what they depend on may still change.
 */
long kvm_views_vcpu_restore(struct kvm_vcpu *vcpu, struct kvm_views *views,
			    const struct kvm_view_vcpu *cfg, u16 view)
{
	struct kvm_vcpu_views *vv;
	long r;

	vv = alloc_vcpu_views(vcpu, views->max);
	if (!vv)
		return -ENOMEM;

	vv->cfg = *cfg;
	r = apply_cfg(vcpu, views, vv);
	if (r)
		goto err;

	r = kvm_views_lock(views);
	if (r)
		goto err;
	if (!kvm_view_get(views, view)) {
		mutex_unlock(&views->lock);
		r = -ENOENT;
		goto err;
	}
	publish(vcpu, views, vv);
	kvm_view_switch(vcpu, view);
	kvm_make_request(KVM_REQ_VIEWS_UPDATE, vcpu);
	mutex_unlock(&views->lock);
	kvm_mmu_load_pgd(vcpu);
	return 0;
err:
	free_vcpu_views(vv);
	return r;
}

/*
 * The CPU writes #VE information past the EPT, where dirty logging doesn't see
 * it.  If the guest has not read it, it has not written to the page either, for
 * which else is no other need than to clear "busy".
 */
void kvm_views_vcpu_run_end(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct kvm_ve_info *info;

	if (!vv->ve_page || kvm_views_broken(KVM_VIEWS_BREAK_VE_DIRTY))
		return;
	info = page_address(vv->ve_page);
	if (READ_ONCE(info->busy))
		kvm_vcpu_mark_page_dirty(vcpu, gpa_to_gfn(vv->cfg.ve_info));
}

/*
 * INIT, or a reset of the vCPU or the VM: back to view 0, and nothing is
 * registered any more.
 */
void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	kvm_view_drop_roots(vcpu, false);
	if (vcpu->arch.view) {
		/* Put the current view's root, view 0's is loaded later. */
		kvm_mmu_unload(vcpu);
		kvm_view_switch(vcpu, 0);
	}
	vcpu->arch.smm_view = 0;
	vcpu->arch.views = NULL;
	ops()->update(vcpu);
	free_vcpu_views(vv);
}

/* The vCPU goes away, its roots are gone and it won't run again. */
void kvm_views_vcpu_free(struct kvm_vcpu *vcpu)
{
	if (!vcpu->arch.views)
		return;

	free_vcpu_views(vcpu->arch.views);
	vcpu->arch.views = NULL;
}

/*
 * The host unmaps, or a memslot that goes away had, [@start, @end).  mmu_lock is
 * held: a vCPU that does not run yet will see the request before it does.
 */
void kvm_views_unmap(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_views *views = kvm_views(kvm);

	if (views && start < views->ve_end && end > views->ve_start &&
	    !kvm_views_broken(KVM_VIEWS_BREAK_VE_PAGE))
		kvm_make_all_cpus_request(kvm, KVM_REQ_VIEWS_UPDATE);
}

/* A memslot was deleted or moved, maybe without unmapping its range alone. */
void kvm_views_memslot_changed(struct kvm *kvm)
{
	if (kvm_has_views(kvm))
		kvm_make_all_cpus_request(kvm, KVM_REQ_VIEWS_UPDATE);
}

/*
 * Something has changed that each vCPU must know before it is entered: RESET, a
 * view that goes away, memslots, or what is mapped at the #VE page's address.
 * Pin what is there now, or let #VE go on by software, which goes through the
 * memslots, if nothing is.
 */
void kvm_views_vcpu_update(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct kvm *kvm = vcpu->kvm;
	unsigned long seq;
	struct page *old;
	gfn_t gfn;

	if (!vv)
		return;

	if (READ_ONCE(vv->views->dead)) {
		/* In SMM the registers are not those of the view: after RSM. */
		if (is_smm(vcpu)) {
			kvm_view_drop_roots(vcpu, false);
			return;
		}
		if (!kvm_views_broken(KVM_VIEWS_BREAK_EXPEL))
			kvm_view_expel(vcpu);
		kvm_views_vcpu_reset(vcpu);
		return;
	}
	kvm_view_drop_roots(vcpu, true);

	if (!vv->ve_page)
		return;

	gfn = gpa_to_gfn(vv->cfg.ve_info);
	seq = kvm->mmu_invalidate_seq;
	/* Pairs with the smp_wmb() in kvm_mmu_invalidate_end(). */
	smp_rmb();

	old = vv->ve_page;
	vv->ve_page = pin_ve_page(vcpu, gfn);
	if (vv->ve_page != old)
		ops()->update(vcpu);
	unpin_ve_page(old);

	/* Not done unmapping: the vCPU does not run before it is. */
	guard(read_lock)(&kvm->mmu_lock);
	if (mmu_invalidate_retry_gfn(kvm, seq, gfn))
		kvm_make_request(KVM_REQ_VIEWS_UPDATE, vcpu);
}
