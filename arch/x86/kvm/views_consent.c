// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: who may have them.  The host's owner decides by
 * module parameters, the VMM by a capability, and the guest asks.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_para.h>

#include "mmu.h"
#include "mmu/spte.h"
#include "cpuid.h"
#include "views.h"
#include "x86.h"

/* Values of kvm.guest_views. */
enum { VIEWS_OFF, VIEWS_BY_CAP, VIEWS_FOR_ALL };

static int guest_views;
module_param(guest_views, int, 0444);
MODULE_PARM_DESC(guest_views,
		 "EPT views for guests: 0 off (default), 1 where the VMM enables KVM_CAP_X86_VIEWS, 2 for every VM whose guest asks");

static unsigned int views_max = 64;
module_param(views_max, uint, 0444);
MODULE_PARM_DESC(views_max,
		 "How many views a VM can have, view 0 included (default 64, at most 512)");

static bool guest_views_migrate;
module_param(guest_views_migrate, bool, 0644);
MODULE_PARM_DESC(guest_views_migrate,
		 "Let VMMs that did not enable KVM_CAP_X86_VIEWS migrate guests with views, which then lose them (default off)");

/* A memslot up to this size can be a frame buffer, which is always logged. */
#define LOGGED_SLOT_MAX		(SZ_64M >> PAGE_SHIFT)

static u16 host_max(void)
{
	return min_t(unsigned int, views_max, KVM_VIEWS_MAX);
}

/* Can this host do it? */
static bool host_supported(void)
{
	if (!kvm_x86_ops.views_ops || !tdp_mmu_enabled || !kvm_ad_enabled ||
	    host_max() < KVM_VIEWS_MIN)
		return false;

#if IS_ENABLED(CONFIG_HYPERV)
	/* A hypervisor below us flushes one root per VM only. */
	if (kvm_x86_ops.flush_remote_tlbs)
		return false;
#endif
	return true;
}

static bool vm_supported(struct kvm *kvm)
{
	return host_supported() && kvm->arch.vm_type == KVM_X86_DEFAULT_VM;
}

/* May any guest have views, without its VMM knowing? */
bool kvm_views_for_all(void)
{
	return guest_views == VIEWS_FOR_ALL && host_supported();
}

/* What KVM_CHECK_EXTENSION says; @kvm is NULL on /dev/kvm. */
int kvm_views_offered(struct kvm *kvm)
{
	if (guest_views != VIEWS_BY_CAP && guest_views != VIEWS_FOR_ALL)
		return 0;
	return (kvm ? vm_supported(kvm) : host_supported()) ? host_max() : 0;
}

/* How many views the guest can have; 0: none, because nobody allowed it. */
u16 kvm_views_limit(struct kvm *kvm)
{
	u16 granted = READ_ONCE(kvm->arch.views_granted);

	switch (guest_views) {
	case VIEWS_BY_CAP:
		return granted;
	case VIEWS_FOR_ALL:
		return granted ?: host_max();
	default:
		return 0;
	}
}

/* Can this VM have views at all? */
long kvm_views_supported(struct kvm *kvm)
{
	if (!kvm_views_limit(kvm) || !kvm_x86_ops.views_ops)
		return -KVM_ENOSYS;
	return vm_supported(kvm) ? 0 : -EOPNOTSUPP;
}

/* The same for a guest that asks. */
long kvm_views_guest_supported(struct kvm_vcpu *vcpu)
{
	if (!guest_pv_has(vcpu, KVM_FEATURE_VIEWS))
		return -KVM_ENOSYS;
	return kvm_views_supported(vcpu->kvm);
}

/**
 * kvm_views_check_rw_pt() - does the guest know what this host's CPU does?
 * @knows: it says that its views share no page tables
 *
 * Where the CPU writes to the guest's page tables whenever it walks them, all
 * views share writable page tables, unless the guest does something about it.
 * Only a guest that says so gets views; to others they would promise too much.
 */
int kvm_views_check_rw_pt(bool knows)
{
	bool needed = kvm_x86_ops.views_ops->features() & KVM_VIEWS_F_RW_PT;

	if (knows == needed)
		return 0;
	if (knows)
		return -EINVAL;
	return kvm_views_broken(KVM_VIEWS_BREAK_RW_PT) ? 0 : -EOPNOTSUPP;
}

/*
 * Once, before there is a vCPU, so that the guest can't have made use of more
 * than what it gets.
 */
int kvm_views_enable_cap(struct kvm *kvm, struct kvm_enable_cap *cap)
{
	int offered = kvm_views_offered(kvm);

	if (!offered || cap->args[0] < KVM_VIEWS_MIN ||
	    cap->args[0] > offered || cap->args[1] || cap->args[2] ||
	    cap->args[3])
		return -EINVAL;

	guard(mutex)(&kvm->lock);

	if (kvm->created_vcpus || kvm_has_views(kvm) ||
	    kvm->arch.views_granted)
		return -EBUSY;
	WRITE_ONCE(kvm->arch.views_granted, cap->args[0]);
	return 0;
}

/* Would a migration that is about to start lose the guest's views? */
bool kvm_views_unmigratable(struct kvm *kvm)
{
	return !kvm->arch.views_granted && !READ_ONCE(guest_views_migrate);
}

static bool logged(const struct kvm_memory_slot *slot)
{
	return slot && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES) &&
	       slot->npages > LOGGED_SLOT_MAX;
}

/*
 * A memslot is about to change, which is when a migration starts.  mmu_lock
 * orders this against the guest, which may be about to enable views.
 */
int kvm_views_prepare_memslot(struct kvm *kvm,
			      const struct kvm_memory_slot *old,
			      const struct kvm_memory_slot *new)
{
	if (logged(old) == logged(new))
		return 0;

	guard(write_lock)(&kvm->mmu_lock);

	if (!logged(new)) {
		kvm->arch.views_logged_slots--;
		return 0;
	}
	if (kvm_has_views(kvm) && kvm_views_unmigratable(kvm))
		return -EPERM;
	kvm->arch.views_logged_slots++;
	return 0;
}
