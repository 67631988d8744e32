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

/* Bits of kvm.views_break.  Tests know them by number: append only. */
enum kvm_views_break {
	KVM_VIEWS_BREAK_SEAL,		/* a sealed view can be widened */
	/* What code in a view can do: vmx/views.c; the first four at VCPU_INIT. */
	KVM_VIEWS_BREAK_DESC,		/* descriptor tables are not intercepted */
	KVM_VIEWS_BREAK_MSR,		/* MSR writes as for any other guest */
	KVM_VIEWS_BREAK_CR,		/* CR0.WP and bits of CR4 are the guest's */
	KVM_VIEWS_BREAK_CR3,		/* kvm.views_trap_cr3 has no effect */
	KVM_VIEWS_BREAK_DR,		/* MOV DR exits once only */
	KVM_VIEWS_BREAK_ALLOW_LIST,	/* any exit is handled as in view 0 */
	KVM_VIEWS_BREAK_FASTPATH,	/* fast paths don't look at the view */
	KVM_VIEWS_BREAK_USER,		/* user mode can stay in a view */
	/* The emulator, and memory that is none. */
	KVM_VIEWS_BREAK_EMULATE,	/* emulation for views */
	KVM_VIEWS_BREAK_TRANSLATE,	/* the emulator is above all rights */
	KVM_VIEWS_BREAK_NO_SLOT,	/* a view's rights open devices */
	KVM_VIEWS_BREAK_ASYNC_PF,	/* async page faults in views */
	/* Events. */
	KVM_VIEWS_BREAK_SMM,		/* SMM starts in the view */
	KVM_VIEWS_BREAK_INJECT,		/* events are injected in views */
	KVM_VIEWS_BREAK_REGS,		/* an AEX keeps the view's registers */
	KVM_VIEWS_BREAK_LAND,		/* RSP and IF are kept on the way out */
	KVM_VIEWS_BREAK_LAND_CHECK,	/* nobody looks whether they were */
	KVM_VIEWS_BREAK_IRQ_LIMIT,	/* interrupts can be kept off for ever */
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
