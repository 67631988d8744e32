/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-controlled EPT views.
 *
 * Locking order: vcpu->mutex > kvm_views.lock > kvm->mmu_lock.  Policies are
 * read with mmu_lock held, for read or for write, and replaced with both
 * kvm_views.lock and mmu_lock (for write) held.  All of struct kvm_vcpu_views
 * belongs to the task that holds vcpu->mutex.
 */
#ifndef __KVM_X86_VIEWS_H
#define __KVM_X86_VIEWS_H

#include <linux/kvm_host.h>

struct kvm_page_fault;
struct x86_exception;

#ifdef CONFIG_KVM_VIEWS

#include <asm/kvm_views.h>

#define KVM_VIEW_RWX		(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
/* In a policy only: a violation becomes #VE (view 0). */
#define KVM_VIEW_VE		BIT(3)

/* Bounds what one guest can make the host allocate and search. */
#define KVM_VIEW_MAX_RANGES	8192

/**
 * struct kvm_view_policy - the rights of one view, for every gfn
 * @nr: number of segments, at least 1
 * @seg: sorted; bits 3:0 are the rights from gfn (seg >> 4) up to the next
 *	segment, neighbours differ, and the first segment starts at gfn 0
 *
 * Immutable once published; a change publishes a new one.
 */
struct kvm_view_policy {
	unsigned int nr;
	u64 seg[] __counted_by(nr);
};

struct kvm_view {
	struct kvm_view_policy *policy;
	bool sealed;
};

struct kvm_views {
	struct mutex lock;		/* serializes changes */
	u16 max;
	bool sealed;			/* no view can be created any more */
	struct kvm_view *view[];	/* [max]; entries never go away */
};

/* One exit as the vendor module saw it. */
struct kvm_view_exit {
	u32 reason;
	u32 event;		/* intercepted exception, KVM_VIEW_EVENT_VALID */
	u32 event_err;
	u64 qual;
	u64 gla;
	u64 gpa;
};

/**
 * struct kvm_vcpu_views - a vCPU that did VCPU_INIT
 * @cfg: what the guest registered
 * @sp_cell: cached translation of cfg.sp_cell
 * @ve_page: pinned page of cfg.ve_info, NULL if the CPU does not deliver #VE
 * @ve_hva: where that page was mapped when it was pinned
 * @eptp_list: page with the EPTPs that VMFUNC can reach, 0: none
 * @cur_eptp: value last known to be in the VMCS
 * @host_exits: exits caused by the host since VCPU_INIT
 * @max: size of @root
 * @root: roots that the vCPU holds a reference to.  The current view's entry
 *	mirrors mmu->root.hpa and the reference is mmu->root's.
 */
struct kvm_vcpu_views {
	struct kvm_view_vcpu cfg;
	struct gfn_to_hva_cache sp_cell;
	struct page *ve_page;
	unsigned long ve_hva;
	u64 *eptp_list;
	u64 cur_eptp;
	u64 host_exits;
	u16 max;
	hpa_t root[] __counted_by(max);
};

/* What the vendor module provides; kvm_x86_ops.views_ops, NULL: no views. */
struct kvm_x86_views_ops {
	u64 (*features)(void);
	bool (*busy)(struct kvm_vcpu *vcpu);
	void (*update)(struct kvm_vcpu *vcpu);
	void (*set_root)(struct kvm_vcpu *vcpu, u16 view, hpa_t root);
	void (*exit)(struct kvm_vcpu *vcpu, struct kvm_view_exit *exit);
	void (*clear_pending_dbg)(struct kvm_vcpu *vcpu);
};

extern int guest_views;
extern bool views_guard;

static inline struct kvm_views *kvm_views(struct kvm *kvm)
{
	/* Pairs with the release in ENABLE. */
	return smp_load_acquire(&kvm->arch.views);
}

static inline bool kvm_has_views(struct kvm *kvm)
{
	return unlikely(READ_ONCE(kvm->arch.views));
}

static inline bool kvm_vcpu_has_views(struct kvm_vcpu *vcpu)
{
	return unlikely(vcpu->arch.views);
}

static inline u16 kvm_vcpu_view(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.view;
}

static inline bool kvm_view_legal_rights(u64 mask)
{
	return mask == 0 || mask == KVM_VIEW_R ||
	       mask == (KVM_VIEW_R | KVM_VIEW_W) ||
	       mask == (KVM_VIEW_R | KVM_VIEW_X) || mask == KVM_VIEW_RWX;
}

static inline struct kvm_view *kvm_view_get(struct kvm_views *views, u64 nr)
{
	if (nr >= views->max)
		return NULL;
	nr = array_index_nospec(nr, views->max);
	/* Pairs with the release in kvm_view_add(). */
	return smp_load_acquire(&views->view[nr]);
}

/* mmu/view_policy.c */
struct kvm_view_policy *kvm_view_policy_new(u8 val);
struct kvm_view_policy *kvm_view_policy_set(const struct kvm_view_policy *old,
					    gfn_t start, gfn_t end, u8 val);
u8 kvm_view_policy_get(const struct kvm_view_policy *p, gfn_t gfn,
		       gfn_t *start, gfn_t *end);
bool kvm_view_policy_within(const struct kvm_view_policy *p, gfn_t start,
			    gfn_t end, u8 rights);
int kvm_view_policy_level(const struct kvm_view_policy *p, gfn_t gfn);

/* mmu/views.c, mmu/view_roots.c */
u8 kvm_view_rights(struct kvm *kvm, u16 view, gfn_t gfn, int *level);
int kvm_view_max_level(struct kvm *kvm, u16 view, gfn_t gfn);
int kvm_view_add(struct kvm *kvm, struct kvm_views *views, u16 nr, u8 val);
int kvm_view_protect(struct kvm *kvm, struct kvm_view *v, u16 nr, gfn_t start,
		     gfn_t end, u8 val, bool *flush);
int kvm_view_check_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault);
int kvm_view_check_mapping(struct kvm_vcpu *vcpu,
			   struct kvm_page_fault *fault);
u64 kvm_view_finish_spte(u64 spte, struct kvm_page_fault *fault);
u8 kvm_view_missing(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);
gpa_t kvm_view_translate(struct kvm_vcpu *vcpu, gpa_t gpa, u64 access,
			 struct x86_exception *e);
void kvm_view_switch(struct kvm_vcpu *vcpu, u16 view);
int kvm_view_load(struct kvm_vcpu *vcpu, u16 view);
void kvm_view_root_loaded(struct kvm_vcpu *vcpu);
void kvm_view_drop_roots(struct kvm_vcpu *vcpu, bool obsolete_only);
long kvm_view_populate(struct kvm_vcpu *vcpu, u16 view, gfn_t gfn,
		       u64 npages, bool write);

/* mmu/mmu.c: not static for the sake of views.c */
int kvm_mmu_view_prefault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code,
			  u8 *level);
bool kvm_mmu_root_is_obsolete(struct kvm *kvm, hpa_t root);

/* views.c, views_set.c, views_vcpu.c */
long kvm_views_hypercall(struct kvm_vcpu *vcpu, u64 op, u64 a0, u64 a1, u64 a2);
long kvm_views_set(struct kvm_vcpu *vcpu, gpa_t gpa, u64 count);
long kvm_views_populate(struct kvm_vcpu *vcpu, u64 view, u64 gfn, u64 npages);
long kvm_views_vcpu_init(struct kvm_vcpu *vcpu, gpa_t gpa);
void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu);
void kvm_views_vcpu_free(struct kvm_vcpu *vcpu);
void kvm_views_vcpu_update(struct kvm_vcpu *vcpu);
void kvm_views_destroy(struct kvm *kvm);
void kvm_views_memslot_changed(struct kvm *kvm);

/* views_aex.c */
int kvm_view_aex(struct kvm_vcpu *vcpu, u32 cause,
		 const struct kvm_view_exit *exit, u8 missing);
int kvm_view_aex_current(struct kvm_vcpu *vcpu, u32 cause, u8 missing);
u64 kvm_view_trusted_sp(struct kvm_vcpu *vcpu);
void kvm_view_leave(struct kvm_vcpu *vcpu);

/* views_event.c */
bool kvm_view_interrupt_waits(struct kvm_vcpu *vcpu);
void kvm_views_before_injection(struct kvm_vcpu *vcpu);
int kvm_view_violation(struct kvm_vcpu *vcpu, u8 missing);

#else /* !CONFIG_KVM_VIEWS */

static inline bool kvm_has_views(struct kvm *kvm) { return false; }
static inline bool kvm_vcpu_has_views(struct kvm_vcpu *vcpu) { return false; }
static inline u16 kvm_vcpu_view(struct kvm_vcpu *vcpu) { return 0; }

static inline int kvm_view_max_level(struct kvm *kvm, u16 view, gfn_t gfn)
{
	return PG_LEVEL_NUM;
}

static inline int kvm_view_check_fault(struct kvm_vcpu *vcpu,
				       struct kvm_page_fault *fault)
{
	return 0;
}

static inline int kvm_view_check_mapping(struct kvm_vcpu *vcpu,
					 struct kvm_page_fault *fault)
{
	return 0;
}

static inline u64 kvm_view_finish_spte(u64 spte, struct kvm_page_fault *fault)
{
	return spte;
}

static inline u8 kvm_view_missing(struct kvm_vcpu *vcpu, gpa_t gpa,
				  u64 error_code)
{
	return 0;
}

static inline int kvm_view_violation(struct kvm_vcpu *vcpu, u8 missing)
{
	return 1;
}

static inline gpa_t kvm_view_translate(struct kvm_vcpu *vcpu, gpa_t gpa,
				       u64 access, struct x86_exception *e)
{
	return gpa;
}

static inline void kvm_view_root_loaded(struct kvm_vcpu *vcpu) { }
static inline void kvm_view_drop_roots(struct kvm_vcpu *vcpu,
				       bool obsolete_only) { }
static inline void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_vcpu_free(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_vcpu_update(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_destroy(struct kvm *kvm) { }
static inline void kvm_views_memslot_changed(struct kvm *kvm) { }
static inline void kvm_views_before_injection(struct kvm_vcpu *vcpu) { }

#endif /* CONFIG_KVM_VIEWS */

/* Something needs the emulator that a view must not have. */
static inline int kvm_view_refuse_emulation(struct kvm_vcpu *vcpu)
{
#ifdef CONFIG_KVM_VIEWS
	return kvm_view_aex_current(vcpu, KVM_VIEW_AEX_REFUSED, 0);
#else
	return 1;
#endif
}

#endif /* __KVM_X86_VIEWS_H */
