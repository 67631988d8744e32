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

int guest_views;
module_param(guest_views, int, 0444);
MODULE_PARM_DESC(guest_views,
		 "EPT views for guests: 0 off (default), 1 reserved for VMMs that ask for them, off for now, 2 for every VM whose guest asks");

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

/* Can this VM have views at all? */
static long views_supported(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;

	if (guest_views != 2 || !ops())
		return -KVM_ENOSYS;

	if (kvm->arch.vm_type != KVM_X86_DEFAULT_VM || !tdp_mmu_enabled ||
	    !kvm_ad_enabled)
		return -EOPNOTSUPP;

#if IS_ENABLED(CONFIG_HYPERV)
	/* A hypervisor below us flushes one root per VM only. */
	if (kvm_x86_ops.flush_remote_tlbs)
		return -EOPNOTSUPP;
#endif
	return 0;
}

/*
 * Where the CPU writes to the guest's page tables whenever it walks them, all
 * views share writable page tables, unless the guest does something about it.
 * Only a guest that says so gets views; to others they would promise too much.
 */
static long check_enable_flags(u64 flags)
{
	u64 legal = ops()->features() & KVM_VIEWS_F_RW_PT ?
		    KVM_VIEWS_ENABLE_RW_PT : 0;

	if (flags & ~legal)
		return -EINVAL;
	if (flags != legal && !kvm_views_broken(KVM_VIEWS_BREAK_RW_PT))
		return -EOPNOTSUPP;
	return 0;
}

static long views_enable(struct kvm_vcpu *vcpu, u64 max, u64 flags)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_views *views;
	struct kvm_vcpu *v;
	unsigned long i;
	long r;

	if (max < 2 || max > KVM_VIEWS_MAX)
		return -EINVAL;
	r = check_enable_flags(flags);
	if (r)
		return r;
	if (kvm_views(kvm))
		return -EEXIST;

	views = kvzalloc(struct_size(views, view, max), GFP_KERNEL_ACCOUNT);
	if (!views)
		return -ENOMEM;

	mutex_init(&views->lock);
	views->max = max;
	r = kvm_view_add(kvm, views, 0, KVM_VIEW_RWX);
	if (r) {
		kvfree(views);
		return r;
	}

	/* mmu_lock orders this against VMXON, see handle_vmxon(). */
	write_lock(&kvm->mmu_lock);
	if (kvm->arch.views)
		r = -EEXIST;
	kvm_for_each_vcpu(i, v, kvm)
		if (ops()->busy(v))
			r = -EBUSY;
	if (!r)
		/* Pairs with the acquire in kvm_views(). */
		smp_store_release(&kvm->arch.views, views);
	write_unlock(&kvm->mmu_lock);

	if (r) {
		kvfree(views->view[0]->policy);
		kfree(views->view[0]);
		kvfree(views);
	}
	return r;
}

void kvm_views_destroy(struct kvm *kvm)
{
	struct kvm_views *views = kvm->arch.views;
	u16 i;

	if (!views)
		return;

	for (i = 0; i < views->max; i++) {
		if (!views->view[i])
			continue;
		kvfree(views->view[i]->policy);
		kfree(views->view[i]);
	}
	mutex_destroy(&views->lock);
	kvfree(views);
	kvm->arch.views = NULL;
}

static long views_create(struct kvm_vcpu *vcpu, struct kvm_views *views,
			 u64 nr, u64 rights)
{
	long r;

	if (!nr || nr >= views->max || !kvm_view_legal_rights(rights))
		return -EINVAL;

	scoped_guard(mutex, &views->lock) {
		if (views->sealed)
			return -EPERM;
		if (views->view[nr])
			return -EEXIST;
		r = kvm_view_add(vcpu->kvm, views, nr, rights);
	}

	/* Other vCPUs get the root when they first use it. */
	if (!r && kvm_vcpu_has_views(vcpu))
		r = kvm_view_load(vcpu, nr);
	return r;
}

static long views_seal(struct kvm_views *views, u64 flags, u64 nr)
{
	struct kvm_view *v;
	u16 i;

	if (flags > 1)
		return -EINVAL;

	scoped_guard(mutex, &views->lock) {
		if (flags) {
			v = kvm_view_get(views, nr);
			if (!v)
				return -ENOENT;
			v->sealed = true;
		} else {
			views->sealed = true;
			for (i = 0; i < views->max; i++)
				if (views->view[i])
					views->view[i]->sealed = true;
		}
	}
	return 0;
}

/*
 * From a view, RSP and IF are not to be trusted: nothing may be injected in
 * view 0 before they are replaced.  The rest of the switch is that of VMFUNC.
 */
static long views_switch(struct kvm_vcpu *vcpu, struct kvm_views *views, u64 nr)
{
	u64 sp;
	long r;

	if (!kvm_vcpu_has_views(vcpu) || !kvm_view_get(views, nr))
		return -ENOENT;
	if (nr == vcpu->arch.view)
		return 0;

	r = kvm_view_load(vcpu, nr);
	if (r)
		return r;

	if (!nr) {
		sp = kvm_view_trusted_sp(vcpu);
		if (sp)
			kvm_rsp_write(vcpu, sp);
		kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) & ~X86_EFLAGS_IF);
	}
	kvm_view_switch(vcpu, nr);
	kvm_mmu_load_pgd(vcpu);
	return 0;
}

static long views_query_view(struct kvm_vcpu *vcpu, struct kvm_views *views,
			     u64 what, u64 nr, u64 gfn)
{
	struct kvm *kvm = vcpu->kvm;
	int level;
	u8 rights;

	if (!views || !kvm_view_get(views, nr))
		return -ENOENT;

	guard(read_lock)(&kvm->mmu_lock);

	if (what == KVM_VIEWS_Q_PT_PAGES)
		return kvm_tdp_mmu_count_view(kvm, nr);

	if (gfn > kvm_mmu_max_gfn())
		return -EINVAL;
	rights = kvm_view_rights(kvm, nr, gfn, &level);
	return (rights & KVM_VIEW_RWX) | level << 8;
}

static long views_query(struct kvm_vcpu *vcpu, u64 what, u64 a1, u64 a2)
{
	switch (what) {
	case KVM_VIEWS_Q_FEATURES:
		return KVM_VIEWS_VERSION | ops()->features();
	case KVM_VIEWS_Q_LIMITS:
		return KVM_VIEWS_MAX | (KVM_VIEW_MAX_RANGES / 16) << 16;
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

	r = views_supported(vcpu);
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

	views = kvm_views(vcpu->kvm);
	if (!views)
		return -ENOENT;

	switch (op) {
	case KVM_VIEWS_VCPU_INIT:
		return kvm_views_vcpu_init(vcpu, a0);
	case KVM_VIEWS_CREATE:
		return views_create(vcpu, views, a0, a1);
	case KVM_VIEWS_SET:
		return kvm_views_set(vcpu, a0, a1);
	case KVM_VIEWS_POPULATE:
		return kvm_views_populate(vcpu, a0, a1, a2);
	case KVM_VIEWS_SWITCH:
		return views_switch(vcpu, views, a0);
	case KVM_VIEWS_SEAL:
		return views_seal(views, a0, a1);
	default:
		return -EOPNOTSUPP;
	}
}
