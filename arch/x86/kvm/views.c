// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the hypercall.  Whatever the guest passes is
 * checked here; no result is ever written to guest memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_para.h>

#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/tdp_mmu.h"
#include "regs.h"
#include "views.h"
#include "views_break.h"
#include "x86.h"

#define CREATE_TRACE_POINTS
#include "views_trace.h"

bool views_guard = true;
module_param(views_guard, bool, 0644);
MODULE_PARM_DESC(views_guard,
		 "Don't inject events while a vCPU is in view 0 at code that view 0 may not execute (default on). For tests only: NEVER turn this off");

#ifdef CONFIG_KVM_VIEWS_BREAK
unsigned long views_break;
EXPORT_SYMBOL_FOR_KVM_INTERNAL(views_break);
module_param(views_break, ulong, 0644);
MODULE_PARM_DESC(views_break,
		 "Switch defences of EPT views off, see arch/x86/kvm/views_break.h. For tests only");
#endif

static const struct kvm_x86_views_ops *ops(void)
{
	return kvm_x86_ops.views_ops;
}

/* A VM's views, none of them there yet. */
struct kvm_views *kvm_views_alloc(struct kvm *kvm, u16 max)
{
	struct kvm_views *views;

	views = kvzalloc(struct_size(views, view, max), GFP_KERNEL_ACCOUNT);
	if (!views)
		return NULL;
	mutex_init(&views->lock);
	refcount_set(&views->users, 1);
	views->kvm = kvm;
	views->max = max;
	return views;
}

/*
 * Make @views those of the VM, unless it has some.  mmu_lock orders this
 * against VMXON, see handle_vmxon(), and against the start of a migration, see
 * kvm_views_prepare_memslot().
 */
long kvm_views_publish(struct kvm *kvm, struct kvm_views *views)
{
	struct kvm_vcpu *v;
	unsigned long i;

	guard(write_lock)(&kvm->mmu_lock);

	if (kvm->arch.views)
		return -EEXIST;
	kvm_for_each_vcpu(i, v, kvm)
		if (ops()->busy(v))
			return -EBUSY;
	if (kvm->arch.views_logged_slots && kvm_views_unmigratable(kvm))
		return -EBUSY;

	kvm->stat.views = 0;
	for (i = 0; i < views->max; i++)
		kvm->stat.views += !!views->view[i];

	/* Pairs with the acquire in kvm_views(). */
	smp_store_release(&kvm->arch.views, views);
	return 0;
}

static long views_enable(struct kvm_vcpu *vcpu, u64 max, u64 flags)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_views *views;
	long r;

	if (max < KVM_VIEWS_MIN || max > kvm_views_limit(kvm) || flags)
		return -EINVAL;
	views = kvm_views(kvm);
	if (views)
		return READ_ONCE(views->dead) ? -EBUSY : -EEXIST;

	views = kvm_views_alloc(kvm, max);
	if (!views)
		return -ENOMEM;

	r = kvm_view_add(kvm, views, 0, KVM_VIEW_RWX);
	if (!r)
		r = kvm_views_publish(kvm, views);
	if (r)
		kvm_views_free(views);
	return r;
}

static long views_create(struct kvm_vcpu *vcpu, struct kvm_views *views,
			 u64 nr, u64 rights)
{
	long r;

	if (!nr || nr >= views->max || !kvm_view_legal_rights(rights))
		return -EINVAL;

	r = kvm_views_lock(views);
	if (r)
		return r;

	if (views->sealed)
		r = -EPERM;
	else if (views->view[nr])
		r = -EEXIST;
	else
		r = kvm_view_add(vcpu->kvm, views, nr, rights);
	if (!r)
		vcpu->kvm->stat.views++;
	mutex_unlock(&views->lock);
	if (!r)
		trace_kvm_view_create(vcpu, nr, rights);

	/* Other vCPUs get the root when they first use it. */
	if (!r && kvm_vcpu_has_views(vcpu))
		r = kvm_view_load(vcpu, nr);

	mutex_unlock(&views->lock);
	return r;
}

static long views_seal(struct kvm_views *views, u64 flags, u64 nr)
{
	struct kvm_view *v;
	long r;
	u16 i;

	if (flags > 1)
		return -EINVAL;

	r = kvm_views_lock(views);
	if (r)
		return r;

	if (flags) {
		v = kvm_view_get(views, nr);
		if (v)
			v->sealed = true;
		else
			r = -ENOENT;
	} else {
		views->sealed = true;
		for (i = 0; i < views->max; i++)
			if (views->view[i])
				views->view[i]->sealed = true;
	}
	mutex_unlock(&views->lock);
	return r;
}

/* Does what VMFUNC does, but on the way to view 0 see kvm_view_land(). */
static long views_switch(struct kvm_vcpu *vcpu, u64 nr)
{
	u16 from = vcpu->arch.view;
	long r;

	if (!kvm_vcpu_has_views(vcpu))
		return -ENOENT;
	if (nr == from)
		return 0;

	/* To view 0, too: nothing is injected before this returns. */
	r = kvm_view_goto(vcpu, nr);
	if (r)
		return r;

	if (!nr && !kvm_views_broken(KVM_VIEWS_BREAK_SWITCH_STACK))
		kvm_view_land(vcpu);
	trace_kvm_view_switch(vcpu, from, nr);
	return 0;
}

static long views_query_view(struct kvm_vcpu *vcpu, struct kvm_views *views,
			     u64 what, u64 nr, u64 gfn)
{
	struct kvm *kvm = vcpu->kvm;
	int level;
	u8 rights;

	guard(read_lock)(&kvm->mmu_lock);

	if (!views || !kvm_view_get(views, nr))
		return -ENOENT;

	if (what == KVM_VIEWS_Q_PT_PAGES)
		return kvm_tdp_mmu_count_view(kvm, nr);

	if (gfn > kvm_mmu_max_gfn())
		return -EINVAL;
	rights = kvm_view_rights(views, nr, gfn, &level);
	return (rights & KVM_VIEW_RWX) | level << 8 |
	       (rights & KVM_VIEW_REMAPPED ? KVM_VIEWS_POLICY_REMAPPED : 0);
}

static long views_query(struct kvm_vcpu *vcpu, u64 what, u64 a1, u64 a2)
{
	switch (what) {
	case KVM_VIEWS_Q_FEATURES:
		return KVM_VIEWS_VERSION | KVM_VIEWS_F_REMAP | ops()->features();
	case KVM_VIEWS_Q_LIMITS:
		return kvm_views_limit(vcpu->kvm) |
		       (KVM_VIEW_MAX_RANGES / 16) << 16 |
		       (u64)KVM_VIEW_MAX_REMAPS << 32;
	case KVM_VIEWS_Q_CURRENT:
		return kvm_vcpu_view(vcpu);
	case KVM_VIEWS_Q_EXITS:
		return vcpu->stat.exits;
	case KVM_VIEWS_Q_HOST_EXITS:
		return kvm_vcpu_has_views(vcpu) ?
		       vcpu->arch.views->host_exits : 0;
	case KVM_VIEWS_Q_POLICY:
	case KVM_VIEWS_Q_PT_PAGES:
		return views_query_view(vcpu, kvm_views(vcpu->kvm), what, a1,
					a2);
	default:
		return -EINVAL;
	}
}

/* The caller has made sure that the guest's CPL is 0. */
long kvm_views_hypercall(struct kvm_vcpu *vcpu, u64 op, u64 a0, u64 a1, u64 a2)
{
	struct kvm_views *views;
	long r;

	r = kvm_views_guest_supported(vcpu);
	if (r)
		return r;

	if (!is_64_bit_mode(vcpu) || is_smm(vcpu) || is_guest_mode(vcpu))
		return -EPERM;

	if (op == KVM_VIEWS_QUERY)
		return views_query(vcpu, a0, a1, a2);
	if (op == KVM_VIEWS_ENABLE)
		return views_enable(vcpu, a0, a1);

	if (op > KVM_VIEWS_RESET)
		return -EINVAL;

	/* Stays until the vCPU is entered again, thanks to kvm->srcu. */
	views = kvm_views(vcpu->kvm);
	if (!views)
		return -ENOENT;

	switch (op) {
	case KVM_VIEWS_VCPU_INIT:
		return kvm_views_vcpu_init(vcpu, views, a0);
	case KVM_VIEWS_CREATE:
		return views_create(vcpu, views, a0, a1);
	case KVM_VIEWS_DESTROY:
		return kvm_views_destroy_view(vcpu->kvm, views, a0);
	case KVM_VIEWS_SET:
		return kvm_views_set(vcpu, views, a0, a1);
	case KVM_VIEWS_POPULATE:
		return kvm_views_populate(vcpu, a0, a1, a2);
	case KVM_VIEWS_FAULT:
		return kvm_views_fault(vcpu, a0, a1, a2);
	case KVM_VIEWS_SWITCH:
		return views_switch(vcpu, a0);
	case KVM_VIEWS_SEAL:
		return views_seal(views, a0, a1);
	case KVM_VIEWS_KILL:
		return kvm_views_kill(vcpu->kvm, views, a0);
	case KVM_VIEWS_RESET:
		return a0 ? -EINVAL : kvm_views_reset(vcpu, views, false);
	default:
		return -EINVAL;
	}
}
