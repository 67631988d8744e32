// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what a vCPU registers, and its end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include "mmu.h"
#include "views.h"
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
	    (cfg->flags & ~(KVM_VIEW_VCPU_NO_HW_VE |
			    KVM_VIEW_VCPU_NO_VMFUNC |
			    KVM_VIEW_VCPU_IRQ_AEX)) ||
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
 * The CPU writes to the page by its physical address, so it must stay where it
 * is, whatever the VMM does with its mapping.
 */
static long pin_ve_page(struct kvm_vcpu *vcpu, struct kvm_vcpu_views *vv)
{
	unsigned long hva;

	hva = kvm_vcpu_gfn_to_hva(vcpu, gpa_to_gfn(vv->cfg.ve_info));
	if (kvm_is_error_hva(hva) ||
	    pin_user_pages_fast(hva, 1, FOLL_WRITE | FOLL_LONGTERM,
				&vv->ve_page) != 1) {
		vv->ve_page = NULL;
		return -EFAULT;
	}
	vv->ve_hva = hva;
	return 0;
}

static void free_vcpu_views(struct kvm_vcpu_views *vv)
{
	if (vv->ve_page)
		unpin_user_pages_dirty_lock(&vv->ve_page, 1, true);
	free_page((unsigned long)vv->eptp_list);
	kvfree(vv);
}

static struct kvm_vcpu_views *alloc_vcpu_views(u16 max)
{
	struct kvm_vcpu_views *vv;
	u16 i;

	vv = kvzalloc(struct_size(vv, root, max), GFP_KERNEL_ACCOUNT);
	if (!vv)
		return NULL;

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

long kvm_views_vcpu_init(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct kvm_views *views = kvm_views(vcpu->kvm);
	struct kvm_vcpu_views *vv;
	long r;

	/* Once per reset: who is in control later must not redirect AEX. */
	if (vcpu->arch.views || ops()->busy(vcpu))
		return -EBUSY;
	if (!IS_ALIGNED(gpa, 8) ||
	    offset_in_page(gpa) > PAGE_SIZE - sizeof(vv->cfg))
		return -EINVAL;

	vv = alloc_vcpu_views(views->max);
	if (!vv)
		return -ENOMEM;

	r = -EFAULT;
	if (kvm_vcpu_read_guest(vcpu, gpa, &vv->cfg, sizeof(vv->cfg)))
		goto err;
	r = check_cfg(vcpu, &vv->cfg);
	if (r)
		goto err;
	r = -EFAULT;
	if (kvm_gfn_to_hva_cache_init(vcpu->kvm, &vv->sp_cell, vv->cfg.sp_cell,
				      sizeof(u64)))
		goto err;
	if ((ops()->features() & KVM_VIEWS_F_HW_VE) &&
	    !(vv->cfg.flags & KVM_VIEW_VCPU_NO_HW_VE)) {
		r = pin_ve_page(vcpu, vv);
		if (r)
			goto err;
	}

	vcpu->arch.views = vv;
	kvm_view_root_loaded(vcpu);
	kvm_mmu_load_pgd(vcpu);
	ops()->update(vcpu);
	preload_roots(vcpu, views);
	return 0;
err:
	free_vcpu_views(vv);
	return r;
}

/* INIT or reset: back to view 0, and nothing is registered any more. */
void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	kvm_view_drop_roots(vcpu, false);
	if (vcpu->arch.view) {
		/* Put the current view's root, view 0's is loaded later. */
		kvm_mmu_unload(vcpu);
		kvm_view_switch(vcpu, 0);
	}
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

/* A memslot was deleted or moved: the CPU must not write to what is not RAM. */
void kvm_views_memslot_changed(struct kvm *kvm)
{
	if (kvm_has_views(kvm))
		kvm_make_all_cpus_request(kvm, KVM_REQ_VIEWS_UPDATE);
}

void kvm_views_vcpu_update(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	struct page *page;

	if (!vv || !vv->ve_page ||
	    kvm_vcpu_gfn_to_hva(vcpu, gpa_to_gfn(vv->cfg.ve_info)) ==
	    vv->ve_hva)
		return;

	/* #VE goes on by software, through the memslots. */
	page = vv->ve_page;
	vv->ve_page = NULL;
	ops()->update(vcpu);
	unpin_user_pages_dirty_lock(&page, 1, true);
}
