// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: RESET, the way back to a VM without views, for the
 * next kernel.  Steps, each of which can be continued by a later call:
 *
 * 1. Nothing changes any more, and each vCPU leaves its view and forgets its
 *    registration before it is entered again.
 * 2. Wipe what view 0 may not read.  Who could read it is not there any more,
 *    and nobody else can until this is done.
 * 3. Take away the views, one by one, then what restricts view 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu/tdp_mmu.h"
#include "views.h"
#include "views_break.h"
#include "x86.h"

/* Done, or go on in another call. */
#define RESET_DONE	0
#define RESET_AGAIN	1

/* Frames that one call looks at. */
#define WIPE_MAX	BIT(14)

/* A guest is interrupted like one that runs; the VMM asked for all of it. */
static bool interrupted(struct kvm_vcpu *vcpu, bool vmm)
{
	cond_resched();

	/* Dirty frames have to be fetched by userspace first. */
	return (vmm ? fatal_signal_pending(current) : signal_pending(current)) ||
	       kvm_test_request(KVM_REQ_DIRTY_RING_SOFT_FULL, vcpu);
}

/*
 * Wipe a frame.  One that holds nothing but zeros is left alone: it need not get
 * memory for that, be copied, or count as dirty.  What the host can't read has no
 * memory, unless it is in a file that the VMM need not map.
 */
static int wipe_frame(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
		      void *buf)
{
	if (kvm_read_guest_page(kvm, gfn, buf, 0, PAGE_SIZE))
		return kvm_slot_has_gmem(slot) ? -EFAULT : 0;
	if (!memchr_inv(buf, 0, PAGE_SIZE))
		return 0;
	memset(buf, 0, PAGE_SIZE);
	return kvm_write_guest_page(kvm, gfn, buf, 0, PAGE_SIZE);
}

/* The first memslot that has a part of [start, end). */
static struct kvm_memory_slot *next_slot(struct kvm *kvm, gfn_t start,
					 gfn_t end)
{
	struct kvm_memslot_iter iter;

	kvm_for_each_memslot_in_gfn_range(&iter, kvm_memslots(kvm), start, end)
		return iter.slot;
	return NULL;
}

/*
 * The guest can't have written to a read-only slot, and knows nothing of KVM's
 * own ones.
 */
static bool wipe_slot(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS &&
	       !(slot->flags & KVM_MEM_READONLY);
}

/*
 * Go on with wiping the frames that view 0 may not read.  The policy of view 0
 * does not change any more.
 */
static long wipe(struct kvm_vcpu *vcpu, struct kvm_views *views, bool vmm)
{
	void *buf __free(kfree) = NULL;
	struct kvm_view_policy *policy = views->view[0]->policy;
	gfn_t limit = kvm_mmu_max_gfn() + 1, start, end;
	struct kvm *kvm = vcpu->kvm;
	struct kvm_memory_slot *slot;
	unsigned int left = WIPE_MAX;

	if (kvm_views_broken(KVM_VIEWS_BREAK_WIPE))
		return RESET_DONE;

	buf = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;

	while (views->wiped < limit) {
		if (!left-- || interrupted(vcpu, vmm))
			return RESET_AGAIN;

		if (kvm_view_policy_get(policy, views->wiped, &start, &end) &
		    KVM_VIEW_R) {
			views->wiped = end;
			continue;
		}

		slot = next_slot(kvm, views->wiped, end);
		if (!slot) {
			views->wiped = end;
			continue;
		}

		/* Its memory is on its way to another place. */
		if (slot->flags & KVM_MEMSLOT_INVALID)
			return -EAGAIN;

		if (!wipe_slot(slot)) {
			views->wiped = min(end, slot->base_gfn + slot->npages);
			continue;
		}

		views->wiped = max(views->wiped, slot->base_gfn);
		if (wipe_frame(kvm, slot, views->wiped, buf))
			return -EFAULT;
		views->wiped++;
	}
	return RESET_DONE;
}

/* Go on with taking away what the views map. */
static long take_away(struct kvm_vcpu *vcpu, struct kvm_views *views, bool vmm)
{
	gfn_t end = kvm_mmu_max_gfn() + 1;
	struct kvm *kvm = vcpu->kvm;
	struct kvm_view *v;
	u16 i;

	for (i = views->max - 1; i; i--) {
		v = views->view[i];
		if (!v)
			continue;
		if (interrupted(vcpu, vmm))
			return RESET_AGAIN;

		write_lock(&kvm->mmu_lock);
		kvm_tdp_mmu_zap_view(kvm, i, 0, end);
		WRITE_ONCE(views->view[i], NULL);
		kvm_tdp_mmu_free_view(kvm, i);
		write_unlock(&kvm->mmu_lock);

		kvm_view_remap_forget(kvm, views, i, 0, end);
		kvm_view_free(v);
	}

	/* Publish before zapping, which can yield: nothing comes back. */
	write_lock(&kvm->mmu_lock);
	WRITE_ONCE(kvm->arch.views, NULL);
	kvm->stat.views = 0;
	kvm_tdp_mmu_zap_view(kvm, 0, 0, end);
	write_unlock(&kvm->mmu_lock);

	kvm_flush_remote_tlbs(kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_MMU_FREE_OBSOLETE_ROOTS);
	return RESET_DONE;
}

/**
 * kvm_views_reset() - go on with RESET
 * @vmm: it is the VMM that asks, not the guest
 *
 * The calling vCPU is in view 0, and what it executes is to be trusted.
 *
 * Return: 0 when done, 1 if it has to be called again, or -errno.  -EFAULT: a
 * frame can't be wiped; -EAGAIN: a memslot is about to change.  Nothing is
 * disclosed in between.
 */
long kvm_views_reset(struct kvm_vcpu *vcpu, struct kvm_views *views, bool vmm)
{
	struct kvm *kvm = vcpu->kvm;
	long r;

	guard(mutex)(&views->lock);

	/* Another vCPU has just finished it. */
	if (kvm_views(kvm) != views)
		return RESET_DONE;

	if (!views->dead) {
		write_lock(&kvm->mmu_lock);
		WRITE_ONCE(views->dead, true);
		write_unlock(&kvm->mmu_lock);
		kvm_make_all_cpus_request(kvm, KVM_REQ_VIEWS_UPDATE);
	}
	if (kvm_vcpu_has_views(vcpu))
		kvm_views_vcpu_reset(vcpu);

	r = wipe(vcpu, views, vmm);
	if (r == RESET_DONE)
		r = take_away(vcpu, views, vmm);
	if (r == RESET_DONE)
		kvm_views_put(views);
	return r;
}

/**
 * kvm_views_vmm_reset() - the VMM puts a vCPU in real mode, i.e. resets it
 *
 * The vCPU's registers are about to be replaced, so it leaves its view with
 * those that it has.  With the boot CPU, the VM is reset.
 */
int kvm_views_vmm_reset(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_views *views;
	long r;

	if (kvm_vcpu_has_views(vcpu))
		kvm_views_vcpu_reset(vcpu);
	if (!kvm_vcpu_is_bsp(vcpu) || kvm_views_broken(KVM_VIEWS_BREAK_VMM))
		return 0;

	do {
		guard(srcu)(&kvm->srcu);

		views = kvm_views(kvm);
		r = views ? kvm_views_reset(vcpu, views, true) : RESET_DONE;
		if (r == RESET_AGAIN) {
			if (fatal_signal_pending(current))
				return -EINTR;
			if (kvm_test_request(KVM_REQ_DIRTY_RING_SOFT_FULL,
					     vcpu))
				return -EAGAIN;
		}
	} while (r == RESET_AGAIN);
	return r;
}
