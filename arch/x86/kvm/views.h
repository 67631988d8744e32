/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-controlled EPT views.
 *
 * Locking order: kvm->lock > vcpu->mutex > kvm_views.lock > kvm->mmu_lock.
 * Policies are read with mmu_lock held, for read or for write, and replaced
 * with both kvm_views.lock and mmu_lock (for write) held.  All of struct
 * kvm_vcpu_views belongs to the task that holds vcpu->mutex.
 *
 * kvm->arch.views goes away with RESET.  Who holds mmu_lock or kvm->srcu can go
 * on using what it found there; a hypercall that got kvm_views.lock must look
 * whether RESET came first (kvm_views_lock()).  A struct kvm_view is freed
 * once it can't be found any more with kvm_views.lock or mmu_lock held.
 */
#ifndef __KVM_X86_VIEWS_H
#define __KVM_X86_VIEWS_H

#include <linux/hrtimer.h>
#include <linux/kvm_host.h>

#include "views_break.h"

struct kvm_page_fault;
struct x86_exception;

#ifdef CONFIG_KVM_VIEWS

#include <asm/kvm_views.h>
#include <asm/kvm_views_state.h>

#define KVM_VIEW_RWX		(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
/* In a policy only: a violation becomes #VE (view 0). */
#define KVM_VIEW_VE		BIT(3)
/* In a policy only: another frame is there (views other than 0). */
#define KVM_VIEW_REMAPPED	BIT(4)

/* Bounds what one guest can make the host allocate and search. */
#define KVM_VIEW_MAX_RANGES	8192
#define KVM_VIEW_MAX_REMAPS	1024
#define KVM_VIEW_REMAP_PAGES	512

/* View 0 and one more. */
#define KVM_VIEWS_MIN		2

/*
 * How many pages of any size, or gaps, one hypercall looks at for POPULATE.  The
 * VMM can't change memslots meanwhile.
 */
#define KVM_VIEW_POPULATE_STEPS	BIT(15)

/**
 * struct kvm_view_policy - the rights of one view, for every gfn
 * @nr: number of segments, at least 1
 * @seg: sorted; bits 7:0 are the rights from gfn (seg >> 8) up to the next
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
	bool killed;			/* nothing is executable any more */
	bool dying;			/* being destroyed: don't reach it */
};

/* In @view, @target is seen in place of @gfn. */
struct kvm_view_remap {
	u16 view;
	gfn_t gfn;
	gfn_t target;
};

/**
 * struct kvm_views - the views of a VM
 * @lock: serializes changes
 * @users: kvm->arch.views, and each vCPU that is registered
 * @kvm: the VM
 * @rcu: to free it
 * @max: size of @view
 * @sealed: no view can be created any more
 * @dead: RESET has begun: nothing changes, nobody gets into a view any more
 * @wiped: RESET has wiped what lies below this gfn
 * @ve_start: #VE pages are from here on; both are read with mmu_lock held
 * @ve_end: end of that
 * @remaps: KVM_VIEW_MAX_REMAPS entries, NULL before the first REMAP
 * @nr_remaps: entries in use; both are read with mmu_lock held
 * @view: NULL where there is none
 */
struct kvm_views {
	struct mutex lock;		/* serializes changes */
	refcount_t users;
	struct kvm *kvm;
	struct rcu_head rcu;
	u16 max;
	bool sealed;
	bool dead;
	gfn_t wiped;
	gfn_t ve_start, ve_end;
	struct kvm_view_remap *remaps;
	unsigned int nr_remaps;
	struct kvm_view *view[];
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
 * @views: the VM's views at that time, still there after RESET
 * @cfg: what the guest registered
 * @sp_cell: cached translation of cfg.sp_cell
 * @ve_page: pinned page of cfg.ve_info, NULL if the CPU does not deliver #VE
 * @eptp_list: page with the EPTPs that VMFUNC can reach, 0: none
 * @cur_eptp: value last known to be in the VMCS
 * @host_exits: exits caused by the host since VCPU_INIT
 * @seen_view: the view that the last VM-Exit was in
 * @landed: since then the vCPU was taken to view 0, by kvm_view_land()
 * @irq_timer: to look again at a view that keeps an interrupt waiting
 * @irq_task: the task that ran the vCPU when that began, NULL: none waits
 * @irq_since: that task's time on a CPU then
 * @vcpu: whose this is
 * @max: size of @root
 * @root: roots that the vCPU holds a reference to.  The current view's entry
 *	mirrors mmu->root.hpa and the reference is mmu->root's.
 */
struct kvm_vcpu_views {
	struct kvm_views *views;
	struct kvm_view_vcpu cfg;
	struct gfn_to_hva_cache sp_cell;
	struct page *ve_page;
	u64 *eptp_list;
	u64 cur_eptp;
	u64 host_exits;
	u16 seen_view;
	bool landed;
	struct hrtimer irq_timer;
	struct task_struct *irq_task;
	u64 irq_since;
	struct kvm_vcpu *vcpu;
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

/* Call this with kvm_views.lock or mmu_lock held. */
static inline struct kvm_view *kvm_view_get(struct kvm_views *views, u64 nr)
{
	if (nr >= views->max)
		return NULL;
	return READ_ONCE(views->view[array_index_nospec(nr, views->max)]);
}

/* Get the lock, unless RESET has begun. */
static inline int kvm_views_lock(struct kvm_views *views)
{
	mutex_lock(&views->lock);
	if (!views->dead)
		return 0;
	mutex_unlock(&views->lock);
	return -EBUSY;
}

/* mmu/view_policy.c */
struct kvm_view_policy *kvm_view_policy_new(u8 val);
struct kvm_view_policy *kvm_view_policy_set(const struct kvm_view_policy *old,
					    gfn_t start, gfn_t end, u8 keep,
					    u8 val);
u8 kvm_view_policy_get(const struct kvm_view_policy *p, gfn_t gfn,
		       gfn_t *start, gfn_t *end);
bool kvm_view_policy_within(const struct kvm_view_policy *p, gfn_t start,
			    gfn_t end, u8 rights);
u8 kvm_view_policy_any(const struct kvm_view_policy *p, gfn_t start, gfn_t end);
int kvm_view_policy_level(const struct kvm_view_policy *p, gfn_t gfn);
struct kvm_view_policy *kvm_view_policy_alloc(unsigned int nr);
bool kvm_view_policy_fill(struct kvm_view_policy *p, unsigned int i, gfn_t gfn,
			  u8 val);
u8 kvm_view_policy_segment(const struct kvm_view_policy *p, unsigned int i,
			   gfn_t *gfn);

/* mmu/views.c */
u8 kvm_view_rights(struct kvm_views *views, u16 view, gfn_t gfn, int *level);
u8 kvm_view_extent(struct kvm *kvm, u16 view, gfn_t gfn, gfn_t *end);
int kvm_view_max_level(struct kvm *kvm, u16 view, gfn_t gfn);
int kvm_view_add(struct kvm *kvm, struct kvm_views *views, u16 nr, u8 val);
void kvm_view_free(struct kvm_view *v);
int kvm_view_protect(struct kvm *kvm, struct kvm_view *v, u16 nr, gfn_t start,
		     gfn_t end, u8 keep, u8 val);
int kvm_view_check_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault);
int kvm_view_check_mapping(struct kvm_vcpu *vcpu,
			   struct kvm_page_fault *fault);
u64 kvm_view_finish_spte(u64 spte, struct kvm_page_fault *fault);
u8 kvm_view_missing(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);
gpa_t kvm_view_translate(struct kvm_vcpu *vcpu, gpa_t gpa, u64 access,
			 struct x86_exception *e);

/* mmu/view_remap.c */
gfn_t kvm_view_remap_find(struct kvm_views *views, u16 view, gfn_t gfn);
long kvm_view_remap(struct kvm *kvm, struct kvm_views *views,
		    const struct kvm_view_op *op);
long kvm_view_unremap(struct kvm *kvm, struct kvm_views *views,
		      const struct kvm_view_op *op);
void kvm_view_remap_forget(struct kvm *kvm, struct kvm_views *views, u16 view,
			   gfn_t start, gfn_t end);
bool kvm_view_unmap_targets(struct kvm *kvm, gfn_t start, gfn_t end,
			    bool flush);
bool kvm_view_legal_target(struct kvm *kvm, gfn_t gfn, u64 npages);
bool kvm_view_remaps_alloc(struct kvm_views *views);

/* mmu/view_roots.c */
void kvm_view_switch(struct kvm_vcpu *vcpu, u16 view);
int kvm_view_load(struct kvm_vcpu *vcpu, u16 view);
int kvm_view_goto(struct kvm_vcpu *vcpu, u64 view);
void kvm_view_root_loaded(struct kvm_vcpu *vcpu);
void kvm_view_drop_roots(struct kvm_vcpu *vcpu, bool obsolete_only);
long kvm_view_populate(struct kvm_vcpu *vcpu, u16 view, gfn_t gfn,
		       u64 npages, bool write, unsigned int *budget);
long kvm_view_fault(struct kvm_vcpu *vcpu, u16 view, gpa_t gpa, u8 access);

/* mmu/mmu.c: not static for the sake of views.c */
int kvm_mmu_view_prefault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code,
			  u8 *level);
bool kvm_mmu_root_is_obsolete(struct kvm *kvm, hpa_t root);

/* views_consent.c */
bool kvm_views_for_all(void);
int kvm_views_offered(struct kvm *kvm);
u16 kvm_views_limit(struct kvm *kvm);
long kvm_views_supported(struct kvm *kvm);
long kvm_views_guest_supported(struct kvm_vcpu *vcpu);
int kvm_views_enable_cap(struct kvm *kvm, struct kvm_enable_cap *cap);
bool kvm_views_unmigratable(struct kvm *kvm);
int kvm_views_prepare_memslot(struct kvm *kvm,
			      const struct kvm_memory_slot *old,
			      const struct kvm_memory_slot *new);

/* views_state.c */
int kvm_views_get_state(struct kvm *kvm, struct kvm_view_state __user *user);
int kvm_views_set_state(struct kvm *kvm, struct kvm_view_state __user *user);
int kvm_views_vcpu_get_state(struct kvm_vcpu *vcpu,
			     struct kvm_view_vcpu_state __user *user);
int kvm_views_vcpu_set_state(struct kvm_vcpu *vcpu,
			     struct kvm_view_vcpu_state __user *user);

/* views_state_remap.c */
void kvm_view_remaps_save(struct kvm_views *views,
			  struct kvm_view_remapped *to);
int kvm_view_remaps_restore(struct kvm_views *views,
			    const struct kvm_view_remapped __user *user,
			    u32 nr);

/* views.c, views_set.c */
struct kvm_views *kvm_views_alloc(struct kvm *kvm, u16 max);
long kvm_views_publish(struct kvm *kvm, struct kvm_views *views);
long kvm_views_hypercall(struct kvm_vcpu *vcpu, u64 op, u64 a0, u64 a1, u64 a2);
long kvm_views_set(struct kvm_vcpu *vcpu, struct kvm_views *views, gpa_t gpa,
		   u64 count);
long kvm_views_populate(struct kvm_vcpu *vcpu, u64 view, u64 gfn, u64 npages);
long kvm_views_fault(struct kvm_vcpu *vcpu, u64 view, u64 gpa, u64 access);

/* views_end.c, views_reset.c */
long kvm_views_kill(struct kvm *kvm, struct kvm_views *views, u64 nr);
long kvm_views_destroy_view(struct kvm *kvm, struct kvm_views *views, u64 nr);
long kvm_views_reset(struct kvm_vcpu *vcpu, struct kvm_views *views, bool vmm);
int kvm_views_vmm_reset(struct kvm_vcpu *vcpu);
void kvm_views_free(struct kvm_views *views);
void kvm_views_put(struct kvm_views *views);

/* views_vcpu.c */
long kvm_views_vcpu_init(struct kvm_vcpu *vcpu, struct kvm_views *views,
			 gpa_t gpa);
long kvm_views_vcpu_restore(struct kvm_vcpu *vcpu, struct kvm_views *views,
			    const struct kvm_view_vcpu *cfg, u16 view);
void kvm_views_vcpu_run_end(struct kvm_vcpu *vcpu);
void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu);
void kvm_views_vcpu_free(struct kvm_vcpu *vcpu);
void kvm_views_vcpu_update(struct kvm_vcpu *vcpu);
void kvm_views_destroy(struct kvm *kvm);
void kvm_views_memslot_changed(struct kvm *kvm);
void kvm_views_unmap(struct kvm *kvm, gfn_t start, gfn_t end);

/* views_aex.c */
int kvm_view_aex(struct kvm_vcpu *vcpu, u32 cause,
		 const struct kvm_view_exit *exit, u8 missing);
int kvm_view_aex_current(struct kvm_vcpu *vcpu, u32 cause, u8 missing);
void kvm_view_leave_user_mode(struct kvm_vcpu *vcpu);
void kvm_view_expel(struct kvm_vcpu *vcpu);

/* views_land.c, views_watch.c */
u64 kvm_view_trusted_sp(struct kvm_vcpu *vcpu);
u64 kvm_view_land(struct kvm_vcpu *vcpu);
bool kvm_views_may_enter(struct kvm_vcpu *vcpu);
void kvm_views_watch_init(struct kvm_vcpu_views *vv);
void kvm_views_watch_irq(struct kvm_vcpu *vcpu);

/* views_event.c */
bool kvm_view_astray(struct kvm_vcpu *vcpu, struct kvm_views *views);
bool kvm_view_interrupt_waits(struct kvm_vcpu *vcpu);
void kvm_views_before_injection(struct kvm_vcpu *vcpu);
void kvm_views_smm_changed(struct kvm_vcpu *vcpu, bool entering);
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
static inline bool kvm_view_unmap_targets(struct kvm *kvm, gfn_t start,
					  gfn_t end, bool flush)
{
	return flush;
}

static inline int kvm_views_vmm_reset(struct kvm_vcpu *vcpu) { return 0; }
static inline void kvm_views_vcpu_reset(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_vcpu_free(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_vcpu_update(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_destroy(struct kvm *kvm) { }
static inline void kvm_views_memslot_changed(struct kvm *kvm) { }
static inline void kvm_views_vcpu_run_end(struct kvm_vcpu *vcpu) { }
static inline bool kvm_views_for_all(void) { return false; }
static inline int kvm_views_offered(struct kvm *kvm) { return 0; }

static inline int kvm_views_enable_cap(struct kvm *kvm,
				       struct kvm_enable_cap *cap)
{
	return -EINVAL;
}

static inline int kvm_views_prepare_memslot(struct kvm *kvm,
					    const struct kvm_memory_slot *old,
					    const struct kvm_memory_slot *new)
{
	return 0;
}

static inline void kvm_views_unmap(struct kvm *kvm, gfn_t start, gfn_t end) { }
static inline void kvm_views_before_injection(struct kvm_vcpu *vcpu) { }
static inline void kvm_views_watch_irq(struct kvm_vcpu *vcpu) { }
static inline bool kvm_views_may_enter(struct kvm_vcpu *vcpu) { return true; }
static inline void kvm_views_smm_changed(struct kvm_vcpu *vcpu,
					 bool entering) { }

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
