/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Defences that a test can switch off, one at a time, to show that it notices:
 * bits of the module parameter kvm.views_break.  All of this is constant false,
 * and no parameter exists, without CONFIG_KVM_VIEWS_BREAK.
 */
#ifndef __KVM_X86_VIEWS_BREAK_H
#define __KVM_X86_VIEWS_BREAK_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Bits of kvm.views_break, in groups by what a test needs at a time.  A number
 * is never used again for something else: tests and boot parameters know it.
 */
enum kvm_views_break {
	/* Changes of the policy, and the mappings made from it. */
	KVM_VIEWS_BREAK_SEAL,		/* a sealed view can be widened */
	KVM_VIEWS_BREAK_ZAP,		/* SPTEs outlive a change of the policy */
	KVM_VIEWS_BREAK_FLUSH,		/* TLBs outlive a change of the policy */
	KVM_VIEWS_BREAK_RECHECK,	/* rights are looked up without mmu_lock only */
	KVM_VIEWS_BREAK_LEVEL,		/* a fault maps across differing rights */
	KVM_VIEWS_BREAK_COLLAPSE,	/* collapsing maps across differing rights */
	KVM_VIEWS_BREAK_SPLIT,		/* splitting grants X against the policy */
	KVM_VIEWS_BREAK_NONE,		/* "no rights" entries outlive the policy */
	KVM_VIEWS_BREAK_SLOT,	/* any memslot that goes takes all roots */
	KVM_VIEWS_BREAK_VE_PAGE,	/* the pinned #VE page is not followed */

	/* The end of views. */
	KVM_VIEWS_BREAK_WIPE = 10,	/* RESET wipes nothing */
	KVM_VIEWS_BREAK_EXPEL,		/* RESET lets vCPUs in views go on */
	KVM_VIEWS_BREAK_KILL,		/* KILL leaves X where it is */
	KVM_VIEWS_BREAK_BUSY,		/* DESTROY takes views that are in use */
	KVM_VIEWS_BREAK_EPTP_SLOT,	/* ... and leaves EPTP list slots set */
	KVM_VIEWS_BREAK_REVERSE,	/* nobody is told when a remap's target goes */
	KVM_VIEWS_BREAK_VMM = 36,	/* a reset by the VMM leaves the VM's views */

	/* SWITCH. */
	KVM_VIEWS_BREAK_SWITCH_GATE = 16, /* SWITCH from a view at any place */
	KVM_VIEWS_BREAK_SWITCH_STACK,	/* ... with RSP and IF as they are */

	/* What code in a view can do: vmx/views.c; the first four at VCPU_INIT. */
	KVM_VIEWS_BREAK_DESC = 18,	/* descriptor tables are not intercepted */
	KVM_VIEWS_BREAK_MSR,		/* MSR writes as for any other guest */
	KVM_VIEWS_BREAK_CR,		/* CR0.WP and bits of CR4 are the guest's */
	KVM_VIEWS_BREAK_CR3,		/* kvm.views_trap_cr3 has no effect */
	KVM_VIEWS_BREAK_DR,		/* MOV DR exits once only */
	KVM_VIEWS_BREAK_ALLOW_LIST,	/* any exit is handled as in view 0 */
	KVM_VIEWS_BREAK_FASTPATH,	/* fast paths don't look at the view */
	KVM_VIEWS_BREAK_USER,		/* user mode can stay in a view */

	/* The emulator, and memory that is none. */
	KVM_VIEWS_BREAK_EMULATE = 26,	/* emulation for views */
	KVM_VIEWS_BREAK_EMULATE_FAULT = 50, /* ... is asked for by a fault */
	KVM_VIEWS_BREAK_TRANSLATE = 27,	/* the emulator is above all rights */
	KVM_VIEWS_BREAK_NO_SLOT,	/* a view's rights open devices */
	KVM_VIEWS_BREAK_ASYNC_PF,	/* async page faults in views */

	/* Events. */
	KVM_VIEWS_BREAK_SMM = 30,	/* SMM starts in the view */
	KVM_VIEWS_BREAK_SMM_DESTROY = 51, /* DESTROY takes what RSM goes back to */
	KVM_VIEWS_BREAK_SMM_SAVE,	/* the VMM saves view 0 for a vCPU in SMM */
	KVM_VIEWS_BREAK_INJECT = 31,	/* events are injected in views */
	KVM_VIEWS_BREAK_REGS,		/* an AEX keeps the view's registers */
	KVM_VIEWS_BREAK_LAND,		/* RSP and IF are kept on the way out */
	KVM_VIEWS_BREAK_LAND_CHECK,	/* nobody looks whether they were */
	KVM_VIEWS_BREAK_IRQ_LIMIT,	/* interrupts can be kept off for ever */

	/* SVM. */
	KVM_VIEWS_BREAK_RW_PT = 40,	/* ENABLE needs no consent to RW_PT */
	KVM_VIEWS_BREAK_SVM_INTERCEPTS,	/* a view has no intercepts of its own */
	KVM_VIEWS_BREAK_SVM_ALLOW_LIST,	/* any exit is handled as in view 0 */

	/* Dirty logging; saved and restored views. */
	KVM_VIEWS_BREAK_WRITE_PROTECT = 44, /* asks the CPU about A/D, not the view */
	KVM_VIEWS_BREAK_VE_DIRTY,	/* a page with a #VE in it isn't logged */
	KVM_VIEWS_BREAK_RESTORE_ZAP,	/* old mappings survive a restore */
	KVM_VIEWS_BREAK_RESTORE_SEAL,	/* restored views are not sealed */
	KVM_VIEWS_BREAK_RESTORE_CHECK,	/* the order of ranges is not checked */
	KVM_VIEWS_BREAK_FREE,		/* policies outlive their VM */
};

#ifdef CONFIG_KVM_VIEWS_BREAK
extern unsigned long views_break;

static inline bool kvm_views_broken(enum kvm_views_break what)
{
	return unlikely(READ_ONCE(views_break) & BIT(what));
}
#else
static inline bool kvm_views_broken(enum kvm_views_break what)
{
	return false;
}
#endif

#endif /* __KVM_X86_VIEWS_BREAK_H */
