/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of guest-controlled EPT views, under events/kvm.
 */
#if !defined(_TRACE_KVM_VIEWS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_VIEWS_H

#include <linux/kvm_host.h>
#include <linux/tracepoint.h>

#include <asm/kvm_views.h>
#include <asm/vmx.h>

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm

#define kvm_view_print_rights(rights)					\
	__print_flags(rights, "", { KVM_VIEW_R, "r" },			\
		      { KVM_VIEW_W, "w" }, { KVM_VIEW_X, "x" })

#define kvm_trace_symbol_view_aex					\
	{ KVM_VIEW_AEX_VIOLATION, "violation" },			\
	{ KVM_VIEW_AEX_EVENT, "event" },				\
	{ KVM_VIEW_AEX_REFUSED, "refused" },				\
	{ KVM_VIEW_AEX_GUARD, "guard" },				\
	{ KVM_VIEW_AEX_RESET, "reset" },				\
	{ KVM_VIEW_AEX_TIMEOUT, "timeout" }

/* The guest created a view. */
TRACE_EVENT(kvm_view_create,
	TP_PROTO(struct kvm_vcpu *vcpu, u16 view, u8 rights),
	TP_ARGS(vcpu, view, rights),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u16, view)
		__field(u8, rights)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->view = view;
		__entry->rights = rights;
	),

	TP_printk("vcpu %u view %u rights [%s]", __entry->vcpu_id,
		  __entry->view, kvm_view_print_rights(__entry->rights))
);

/* The guest changed rights; @ret: 0, or the error that it gets. */
TRACE_EVENT(kvm_view_set,
	TP_PROTO(struct kvm_vcpu *vcpu, const struct kvm_view_op *op, int ret),
	TP_ARGS(vcpu, op, ret),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u64, gfn)
		__field(u64, npages)
		__field(u32, flags)
		__field(int, ret)
		__field(u16, view)
		__field(u8, type)
		__field(u8, rights)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->gfn = op->gfn;
		__entry->npages = op->npages;
		__entry->flags = op->flags;
		__entry->ret = ret;
		__entry->view = op->view;
		__entry->type = op->type;
		__entry->rights = op->mask;
	),

	TP_printk("vcpu %u view %u type %u gfn 0x%llx npages 0x%llx rights [%s] flags 0x%x ret %d",
		  __entry->vcpu_id, __entry->view, __entry->type,
		  __entry->gfn, __entry->npages,
		  kvm_view_print_rights(__entry->rights), __entry->flags,
		  __entry->ret)
);

/* A switch by hypercall; those by VMFUNC pass KVM by. */
TRACE_EVENT(kvm_view_switch,
	TP_PROTO(struct kvm_vcpu *vcpu, u16 from, u16 to),
	TP_ARGS(vcpu, from, to),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(u16, from)
		__field(u16, to)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->rip = kvm_rip_read(vcpu);
		__entry->from = from;
		__entry->to = to;
	),

	TP_printk("vcpu %u view %u to %u rip 0x%lx", __entry->vcpu_id,
		  __entry->from, __entry->to, __entry->rip)
);

/* An asynchronous exit. */
TRACE_EVENT(kvm_view_aex,
	TP_PROTO(struct kvm_vcpu *vcpu, const struct kvm_view_aex *aex),
	TP_ARGS(vcpu, aex),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u64, rip)
		__field(u64, gpa)
		__field(u32, cause)
		__field(u32, exit_reason)
		__field(u32, event)
		__field(u16, view)
		__field(u8, missing)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->rip = aex->rip;
		__entry->gpa = aex->gpa;
		__entry->cause = aex->cause;
		__entry->exit_reason = aex->exit_reason;
		__entry->event = aex->event;
		__entry->view = aex->view;
		__entry->missing = aex->missing;
	),

	TP_printk("vcpu %u view %u cause %s reason %s rip 0x%llx gpa 0x%llx missing [%s] event 0x%x",
		  __entry->vcpu_id, __entry->view,
		  __print_symbolic(__entry->cause, kvm_trace_symbol_view_aex),
		  __print_symbolic(__entry->exit_reason, VMX_EXIT_REASONS),
		  __entry->rip, __entry->gpa,
		  kvm_view_print_rights(__entry->missing), __entry->event)
);

/* KVM delivers #VE because the CPU did not. */
TRACE_EVENT(kvm_view_ve,
	TP_PROTO(struct kvm_vcpu *vcpu, u64 gpa, u64 qual),
	TP_ARGS(vcpu, gpa, qual),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(u64, gpa)
		__field(u64, qual)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->rip = kvm_rip_read(vcpu);
		__entry->gpa = gpa;
		__entry->qual = qual;
	),

	TP_printk("vcpu %u rip 0x%lx gpa 0x%llx qual 0x%llx",
		  __entry->vcpu_id, __entry->rip, __entry->gpa, __entry->qual)
);

/* A VM-Exit that code in a view may not cause. */
TRACE_EVENT(kvm_view_refused,
	TP_PROTO(struct kvm_vcpu *vcpu, u32 exit_reason),
	TP_ARGS(vcpu, exit_reason),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(u32, exit_reason)
		__field(u16, view)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->vcpu_id;
		__entry->rip = kvm_rip_read(vcpu);
		__entry->exit_reason = exit_reason;
		__entry->view = vcpu->arch.view;
	),

	TP_printk("vcpu %u view %u reason %s rip 0x%lx", __entry->vcpu_id,
		  __entry->view,
		  __print_symbolic(__entry->exit_reason, VMX_EXIT_REASONS),
		  __entry->rip)
);

#endif /* _TRACE_KVM_VIEWS_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../../arch/x86/kvm
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE views_trace

/* This part must be outside protection */
#include <trace/define_trace.h>
