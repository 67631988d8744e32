/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNDERTOW_INTERNAL_H
#define _UNDERTOW_INTERNAL_H

#include <linux/linkage.h>
#include <linux/percpu.h>
#include <linux/undertow.h>
#include <asm/trapnr.h>

/* As the assembly returns it, in RAX and RDX. */
struct undertow_ret {
	u64 value;
	s64 status;
};

typedef struct undertow_ret (*undertow_enter_fn)(void *arg, unsigned long entry,
						 void *stack, u64 view);

struct undertow_ret undertow_enter_vmfunc(void *arg, unsigned long entry,
					  void *stack, u64 view);
struct undertow_ret undertow_enter_switch(void *arg, unsigned long entry,
					  void *stack, u64 view);

struct undertow_ret undertow_floor(void *arg, unsigned long entry, void *stack,
				   u64 view);

const struct undertow_gate *undertow_gate_select(bool vmfunc);
extern undertow_enter_fn undertow_enter;

extern char undertow_gate_vmfunc[];
extern char undertow_gate_switch[];
extern char undertow_fault_entry_vmfunc[];
extern char undertow_fault_entry_switch[];
extern char undertow_landed_vmfunc[];
extern char undertow_landed_switch[];
extern char undertow_tail_vmfunc[];
extern char undertow_tail_switch[];
extern char undertow_tail_end_vmfunc[];
extern char undertow_tail_end_switch[];
extern char undertow_ve_vmfunc[];
extern char undertow_request_vmfunc[];
extern char undertow_request_switch[];
/* Right after the call in _R_ut_undertow_service_call. */
extern char undertow_service_back[];

/* What undertow_sp points to; gate.S pushes it. */
struct undertow_frame {
	u64 outer;
	u64 cr8;
	u64 fsbase;
	u64 rflags;
};

asmlinkage struct undertow_ret undertow_fault(struct kvm_view_aex *aex,
					      struct undertow_resume *resume);
asmlinkage struct undertow_ret undertow_ve_inside(unsigned long saved,
						  struct kvm_view_aex *aex,
						  struct undertow_resume *resume);
bool undertow_ve_in_transit(const struct kvm_view_aex *aex);
void undertow_ve_settle(const struct kvm_view_aex *aex,
			struct kvm_ve_info *info);
bool undertow_ve_take(struct kvm_ve_info *info);
struct undertow_ret undertow_stopped(struct kvm_view_aex *aex,
				     const struct kvm_ve_info *info,
				     struct undertow_resume *resume);

asmlinkage struct undertow_ret undertow_serve(const void *service, u64 block,
					      u64 bytes,
					      struct undertow_resume *resume,
					      u64 rsp);

bool undertow_stack_has_room(void);
void undertow_step_out(const struct undertow_crossing *crossing);
s64 undertow_step_back(struct undertow_crossing *crossing);

void undertow_reset_init(void);
void undertow_serve_init(void);
extern unsigned long undertow_service_way;

#ifdef CONFIG_UNDERTOW_SELFTEST
extern bool undertow_selftest_unregistered;
#else
#define undertow_selftest_unregistered	false
#endif

DECLARE_PER_CPU(unsigned long, undertow_sp);
DECLARE_PER_CPU(struct undertow_crossing *, undertow_crossing);
DECLARE_PER_CPU(bool, undertow_cpu_ready);

/* #VE information, alone on its page: it is absent in every view >= 1. */
struct undertow_ve_page {
	struct kvm_ve_info info;
} __aligned(PAGE_SIZE);

DECLARE_PER_CPU_PAGE_ALIGNED(struct undertow_ve_page, undertow_ve_page);

/* As the host says it: the CPU raised vector 20, and could not deliver it. */
#define UNDERTOW_EVENT_VE	(KVM_VIEW_EVENT_VALID | 0x300 | X86_TRAP_VE)

/* Type field of event information; 0 is a maskable interrupt. */
#define UNDERTOW_EVENT_TYPE	0x700

#endif /* _UNDERTOW_INTERNAL_H */
