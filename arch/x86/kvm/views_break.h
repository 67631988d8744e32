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
	KVM_VIEWS_BREAK_ZAP,		/* SPTEs outlive a change of the policy */
	KVM_VIEWS_BREAK_FLUSH,		/* TLBs outlive a change of the policy */
	KVM_VIEWS_BREAK_RECHECK,	/* rights are looked up without mmu_lock only */
	KVM_VIEWS_BREAK_LEVEL,		/* a fault maps across differing rights */
	KVM_VIEWS_BREAK_COLLAPSE,	/* collapsing maps across differing rights */
	KVM_VIEWS_BREAK_SPLIT,		/* splitting grants X against the policy */
	KVM_VIEWS_BREAK_NONE,		/* "no rights" entries outlive the policy */
	KVM_VIEWS_BREAK_SLOT,		/* any memslot that goes takes all roots */
	KVM_VIEWS_BREAK_VE_PAGE,	/* the pinned #VE page is not followed */
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
