/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bare floor: what a crossing costs when nothing is checked, cleared or
 * guarded. For comparison in the benchmark only: its page is executable in
 * all views that it passes through, which is what the gate exists to avoid.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/unwind_hints.h>

	.section .text..undertow.gate, "ax"
	.balign	PAGE_SIZE, 0xcc

/* undertow_floor(arg: %rdi, entry: %rsi, stack: %rdx, view: %rcx) */
SYM_CODE_START(undertow_floor)
	UNWIND_HINT_UNDEFINED
	ENDBR
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rbp
	xorl	%eax, %eax
	.byte	0x0f, 0x01, 0xd4		/* vmfunc -> view k */
	movq	%rdx, %rsp
	ANNOTATE_RETPOLINE_SAFE
	call	*%rsi
	xorl	%eax, %eax
	movl	$1, %ecx
	.byte	0x0f, 0x01, 0xd4		/* vmfunc -> view 1 */
	movq	%rbp, %rsp
	xorl	%ecx, %ecx
	.byte	0x0f, 0x01, 0xd4		/* vmfunc -> view 0 */
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ANNOTATE_UNRET_SAFE
	ret
	int3
	.balign	PAGE_SIZE, 0xcc
SYM_CODE_END(undertow_floor)
