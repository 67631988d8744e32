/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory and string routines of compartments.
 *
 * The compiler calls these by itself.  The kernel's own are patched for the CPU
 * and may not be executed in a view, so compartments have plain ones, with no
 * alternatives and nothing that a table of the kernel refers to.
 *
 * undertow_link puts the prefix before the name of each call.  Keep the list in
 * scripts/undertow/names.rs in step.
 */

#include <linux/export.h>
#include <linux/linkage.h>
#include <asm/ibt.h>

	.section .text..undertow.common, "ax"

/*
 * The distance of a call can hold the bytes of a forbidden instruction, and one
 * to memcpy() did: e8 0f 30 01 00.  Keep these routines elsewhere.
 */
	.fill	64, 1, 0xcc

/*
 * void *memcpy(void *to, const void *from, size_t len)
 *
 * rdi = to, rsi = from, rdx = len; rax = to on return.  Clobbers rcx.
 */
SYM_FUNC_START(_R_ut_memcpy)
	ENDBR
	movq	%rdi, %rax
	movq	%rdx, %rcx
	rep movsb
	RET
SYM_FUNC_END(_R_ut_memcpy)
EXPORT_SYMBOL_GPL(_R_ut_memcpy)

/*
 * void *memmove(void *to, const void *from, size_t len)
 *
 * As memcpy, but the two may overlap.  Only when the destination starts inside
 * the source does a forward copy read what it has already overwritten; copy from
 * the end then, by words, and without the direction flag, which is slow and
 * would outlive an exit from the compartment in the middle of the copy.
 */
SYM_FUNC_START(_R_ut_memmove)
	ENDBR
	movq	%rdi, %rax
	movq	%rdx, %rcx
	movq	%rdi, %r8
	subq	%rsi, %r8
	cmpq	%rdx, %r8		/* to - from < len, unsigned */
	jb	.Lbackward
	rep movsb
	RET

.Lbackward:				/* rcx = bytes that remain */
	cmpq	$8, %rcx
	jb	.Lbackward_bytes
.Lbackward_words:
	movq	-8(%rsi, %rcx), %r8
	movq	%r8, -8(%rdi, %rcx)
	subq	$8, %rcx
	cmpq	$8, %rcx
	jae	.Lbackward_words
.Lbackward_bytes:
	testq	%rcx, %rcx
	jz	.Lmoved
	movb	-1(%rsi, %rcx), %r8b
	movb	%r8b, -1(%rdi, %rcx)
	decq	%rcx
	jmp	.Lbackward_bytes
.Lmoved:
	RET
SYM_FUNC_END(_R_ut_memmove)
EXPORT_SYMBOL_GPL(_R_ut_memmove)

/*
 * void *memset(void *to, int byte, size_t len)
 *
 * rdi = to, esi = byte, rdx = len; rax = to on return.  Clobbers rcx, r8.
 */
SYM_FUNC_START(_R_ut_memset)
	ENDBR
	movq	%rdi, %r8
	movl	%esi, %eax
	movq	%rdx, %rcx
	rep stosb
	movq	%r8, %rax
	RET
SYM_FUNC_END(_R_ut_memset)
EXPORT_SYMBOL_GPL(_R_ut_memset)

/*
 * int memcmp(const void *a, const void *b, size_t len)
 *
 * rdi = a, rsi = b, rdx = len; eax = difference of the first bytes that differ,
 * 0 if none does.  Words that are equal need no look at their bytes.
 */
SYM_FUNC_START(_R_ut_memcmp)
	ENDBR
.Lcompare_words:
	cmpq	$8, %rdx
	jb	.Lcompare_bytes
	movq	(%rdi), %rax
	cmpq	(%rsi), %rax
	jne	.Lcompare_bytes
	addq	$8, %rdi
	addq	$8, %rsi
	subq	$8, %rdx
	jmp	.Lcompare_words

.Lcompare_bytes:
	testq	%rdx, %rdx
	jz	.Lequal
	movzbl	(%rdi), %eax
	movzbl	(%rsi), %ecx
	subl	%ecx, %eax
	jne	.Ldiffer
	incq	%rdi
	incq	%rsi
	decq	%rdx
	jmp	.Lcompare_bytes
.Lequal:
	xorl	%eax, %eax
.Ldiffer:
	RET
SYM_FUNC_END(_R_ut_memcmp)
EXPORT_SYMBOL_GPL(_R_ut_memcmp)

SYM_FUNC_ALIAS(_R_ut_bcmp, _R_ut_memcmp)
EXPORT_SYMBOL_GPL(_R_ut_bcmp)

/*
 * size_t strlen(const char *string)
 *
 * rdi = string; rax = bytes before its end.
 */
SYM_FUNC_START(_R_ut_strlen)
	ENDBR
	xorl	%eax, %eax
.Lnext:
	cmpb	$0, (%rdi, %rax)
	je	.Lfound
	incq	%rax
	jmp	.Lnext
.Lfound:
	RET
SYM_FUNC_END(_R_ut_strlen)
EXPORT_SYMBOL_GPL(_R_ut_strlen)
