/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Guest-controlled EPT views: the ABI between a guest kernel and KVM.
 *
 * Every multi-byte field is little endian.  Reserved fields must be zero.
 * The host never writes a result of a hypercall to guest memory; the only thing
 * that a hypercall writes there is the zeros of RESET.
 */
#ifndef _UAPI_ASM_X86_KVM_VIEWS_H
#define _UAPI_ASM_X86_KVM_VIEWS_H

#ifndef __ASSEMBLER__
#include <linux/types.h>
#endif

/*
 * Hypercall number.  Private until one is assigned: KVM returns -KVM_ENOSYS
 * for it on a host without views, which is how a guest probes.
 */
#define KVM_HC_VIEWS			0x5554

/*
 * Operations, in RBX.  Arguments in RCX, RDX, RSI.  Result in RAX.
 *
 * DESTROY, RCX = view: it is as if it had never been.  -EBUSY while a vCPU is
 * in it, -EPERM when it is sealed.
 * FAULT, RCX = view, RDX = GPA, RSI = KVM_VIEW_R, _W or _X: 0: the view allows
 * this access, and the page is mapped for it; 1: it does not.
 * KILL, RCX = view: nothing is executable in it any more, now and until
 * DESTROY; legal after the seal.
 * RESET, RCX = 0: wipe the frames that view 0 may not read, then drop all views
 * of the VM, as before ENABLE; legal after the seal.  1: call again.  vCPUs in a
 * view leave it by an asynchronous exit; no vCPU is registered any more.
 */
#define KVM_VIEWS_QUERY			0
#define KVM_VIEWS_ENABLE		1
#define KVM_VIEWS_VCPU_INIT		2
#define KVM_VIEWS_CREATE		3
#define KVM_VIEWS_DESTROY		4
#define KVM_VIEWS_SET			5
#define KVM_VIEWS_POPULATE		6
#define KVM_VIEWS_FAULT			7
#define KVM_VIEWS_SWITCH		8
#define KVM_VIEWS_SEAL			9
#define KVM_VIEWS_KILL			10
#define KVM_VIEWS_RESET			11

#define KVM_VIEWS_VERSION		1
#define KVM_VIEWS_MAX			512
#define KVM_VIEWS_SET_MAX		128

/* QUERY: what to ask for, in RCX. */
#define KVM_VIEWS_Q_FEATURES		0
#define KVM_VIEWS_Q_LIMITS		1
#define KVM_VIEWS_Q_CURRENT		2
#define KVM_VIEWS_Q_POLICY		3	/* RDX = view, RSI = gfn */
#define KVM_VIEWS_Q_EXITS		4	/* VM exits of this vCPU, all */
#define KVM_VIEWS_Q_HOST_EXITS		5	/* of those: caused by the host */
#define KVM_VIEWS_Q_PT_PAGES		6	/* table pages; RDX = view */

/* Answer to Q_POLICY, beside rights (2:0) and size of the page (15:8). */
#define KVM_VIEWS_POLICY_REMAPPED	0x10

/* Features, from bit 8 of the answer to Q_FEATURES (bits 7:0: version). */
#define KVM_VIEWS_F_VMFUNC		0x100
#define KVM_VIEWS_F_HW_VE		0x200
#define KVM_VIEWS_F_REMAP		0x800
/*
 * The CPU writes to page tables when it reads them (AMD): a view must have those
 * that are in use with the rights rw, and what runs in it can then change
 * them.  That is sound only if no other view, 0 included, uses the same ones.
 */
#define KVM_VIEWS_F_RW_PT		0x2000

/*
 * ENABLE flags, in RDX.  The guest knows KVM_VIEWS_F_RW_PT and sees to it that
 * views share no page tables.  Without it, ENABLE fails with -EOPNOTSUPP on such
 * a host; it is illegal on others.
 */
#define KVM_VIEWS_ENABLE_RW_PT		0x1

/* Rights.  Only none, r, rw, rx and rwx are legal. */
#define KVM_VIEW_R			0x1
#define KVM_VIEW_W			0x2
#define KVM_VIEW_X			0x4

/* VCPU_INIT flags. */
#define KVM_VIEW_VCPU_NO_HW_VE		0x1
#define KVM_VIEW_VCPU_NO_VMFUNC		0x2
/*
 * In a view other than 0, SWITCH is legal at two places only: to view 0 as the
 * last instruction before the page that fault_entry is in, and to other views
 * as the last instruction before the page below that one.
 */
#define KVM_VIEW_VCPU_GATE_ONLY		0x4
#define KVM_VIEW_VCPU_IRQ_AEX		0x8 /* AEX for an interrupt that waits */

#ifndef __ASSEMBLER__

/**
 * struct kvm_view_vcpu - argument of VCPU_INIT, at the GPA in RCX (8-aligned,
 * within one page)
 * @size: sizeof(struct kvm_view_vcpu)
 * @flags: KVM_VIEW_VCPU_*
 * @ve_info: GPA of this vCPU's #VE information page (4 KiB aligned)
 * @sp_cell: GPA of the u64 that holds the trusted stack pointer, 0 in it when
 *	no crossing is in progress on this vCPU (8-aligned)
 * @gs_base: the kernel's GS base on this vCPU
 * @fault_entry: linear address at which the guest continues after an
 *	asynchronous exit (AEX)
 * @cs: code selector to continue with
 * @ss: stack selector to continue with
 * @vector: vector of a synthesized #VE (20)
 */
struct kvm_view_vcpu {
	__u32 size;
	__u32 flags;
	__u64 ve_info;
	__u64 sp_cell;
	__u64 gs_base;
	__u64 fault_entry;
	__u16 cs;
	__u16 ss;
	__u32 vector;
	__u64 rsvd[2];
};

/* kvm_view_op.type */
#define KVM_VIEW_OP_PROTECT		1
#define KVM_VIEW_OP_REMAP		2
#define KVM_VIEW_OP_UNREMAP		3

/* kvm_view_op.flags */
#define KVM_VIEW_OP_POPULATE		0x1
#define KVM_VIEW_OP_POPULATE_WRITE	0x2
#define KVM_VIEW_OP_VE			0x4 /* a violation becomes #VE */

/**
 * struct kvm_view_op - one change, element of the array given to SET
 * @view: the view to change
 * @type: KVM_VIEW_OP_PROTECT: change the rights, on whatever is there; _REMAP:
 *	in this view, see the frames from @target on in place of these, never
 *	writable; _UNREMAP: see them again.  The latter two not in view 0, and
 *	not after the seal
 * @mask: new rights, KVM_VIEW_R|W|X; without W for REMAP, and for PROTECT on
 *	frames that are remapped
 * @flags: KVM_VIEW_OP_*; _VE is illegal with W, and on frames that are remapped.
 *	Without it, or where #VE can't be delivered, a violation is an exit that
 *	ends in an asynchronous exit or, in view 0, #GP
 * @gfn: first guest frame
 * @npages: number of 4 KiB frames, at least 1; at most 512 but for PROTECT
 * @target: REMAP only: memory that is not read-only
 */
struct kvm_view_op {
	__u16 view;
	__u8 type;
	__u8 mask;
	__u32 flags;
	__u64 gfn;
	__u64 npages;
	__u64 target;
};

/**
 * struct kvm_ve_info - the #VE information page
 *
 * The first 34 bytes are what the CPU writes; KVM writes the same and adds
 * the fields from @ut_flags when it synthesizes a #VE.
 */
struct kvm_ve_info {
	__u32 reason;
	__u32 busy;
	__u64 qual;
	__u64 gla;
	__u64 gpa;
	__u16 eptp;
	__u16 pad0[15];
	__u32 ut_flags;
	__u32 insn_len;
	__u16 view;
	__u16 pad1[3];
};

/* kvm_view_aex.cause */
#define KVM_VIEW_AEX_VIOLATION		1 /* EPT violation, no event in flight */
#define KVM_VIEW_AEX_EVENT		2 /* event arrived or was about to */
#define KVM_VIEW_AEX_REFUSED		3 /* exit that a view may not cause */
#define KVM_VIEW_AEX_GUARD		4 /* view 0, RIP not executable there */
#define KVM_VIEW_AEX_RESET		5 /* RESET, by another vCPU */
#define KVM_VIEW_AEX_TIMEOUT		6 /* kept an interrupt waiting for long */

/*
 * kvm_view_aex.exit_reason: the basic exit reason of VMX.  An exit of SVM that
 * VMX has no like of is this bit and SVM's exit code.
 */
#define KVM_VIEW_EXIT_SVM		0x40000000u

/* kvm_view_aex.event: as IDT-vectoring information, or 0 */
#define KVM_VIEW_EVENT_VALID		0x80000000u

/**
 * struct kvm_view_aex - record of an asynchronous exit
 *
 * The host writes it to the trusted stack, right below the address in the
 * sp_cell, sets RSP to its start, clears the other general registers, sets
 * RFLAGS to 2 (interrupts off), the registered GS base, CS and SS, view 0,
 * and continues at fault_entry.  NMI and #MC in flight are then injected on
 * top; any other event in flight was dropped and stands in @event: the guest
 * must end (APIC EOI) and re-raise a maskable interrupt.
 *
 * Cause EVENT with @event 0: NMI, #MC or an interrupt that is still pending.
 * The view's registers are whole: the guest may go on with them in that view.
 */
struct kvm_view_aex {
	__u64 regs[16];		/* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
	__u64 rip;
	__u64 rflags;
	__u64 qual;
	__u64 gla;
	__u64 gpa;
	__u64 cr2;
	__u32 cause;
	__u32 exit_reason;
	__u32 event;
	__u32 event_err;
	__u16 view;
	__u8 missing;		/* KVM_VIEW_R|W|X asked for and not granted */
	__u8 pad[5];
	__u64 rsvd[3];
};

#endif /* __ASSEMBLER__ */

#endif /* _UAPI_ASM_X86_KVM_VIEWS_H */
