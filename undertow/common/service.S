/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a compartment asks for a service.
 */

#include <linux/export.h>
#include <linux/linkage.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>

	.section .text..undertow.common, "ax"

/*
 * long undertow_service_call(const void *service, void *block, size_t bytes)
 *
 * Goes to the gate, by its own way out. It comes back with the result in RAX and
 * all other registers cleared; with R11 for the stack pointer, right after the
 * call, which nothing returns from. Where views are not enforced it calls the
 * function of the same name without the prefix.
 */
SYM_FUNC_START(_R_ut_undertow_service_call)
	ENDBR
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %r11
	movl	$1, %r10d
	ANNOTATE_RETPOLINE_SAFE
	call	*undertow_service_way(%rip)
SYM_INNER_LABEL(undertow_service_back, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	RET
SYM_FUNC_END(_R_ut_undertow_service_call)
EXPORT_SYMBOL_GPL(_R_ut_undertow_service_call)
