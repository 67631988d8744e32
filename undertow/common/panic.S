/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a panic ends a call into a compartment.
 *
 * Nothing of the compartment can be trusted or cleaned up, so the handler only
 * raises an exception.  The host turns it into an exit from the view, and the
 * kernel recognises it by its address: undertow_common_panic.
 */

#include <linux/export.h>
#include <linux/linkage.h>
#include <asm/ibt.h>

	.section .text..undertow.common, "ax"

/*
 * rust_begin_unwind, under the name that undertow_link gives it.
 *
 * rdi = &PanicInfo.  It is the compartment's memory and its claim: who reads it
 * outside must expect anything there.
 */
SYM_FUNC_START(_R_ut_7___rustc17rust_begin_unwind)
	ENDBR
SYM_INNER_LABEL(undertow_common_panic, SYM_L_GLOBAL)
	ud2
SYM_FUNC_END(_R_ut_7___rustc17rust_begin_unwind)
EXPORT_SYMBOL_GPL(_R_ut_7___rustc17rust_begin_unwind)

/*
 * Division of u128, which the kernel does not have: a panic, as outside.
 *
 * There is no PanicInfo.
 */
SYM_FUNC_START(_R_ut___rust__udivti3)
	ENDBR
	xorl	%edi, %edi
	jmp	undertow_common_panic
SYM_FUNC_END(_R_ut___rust__udivti3)
EXPORT_SYMBOL_GPL(_R_ut___rust__udivti3)
