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
	/* SVM. */
	KVM_VIEWS_BREAK_RW_PT = 40,	/* ENABLE needs no consent to RW_PT */
	KVM_VIEWS_BREAK_SVM_INTERCEPTS,	/* a view has no intercepts of its own */
	KVM_VIEWS_BREAK_SVM_ALLOW_LIST,	/* any exit is handled as in view 0 */
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
