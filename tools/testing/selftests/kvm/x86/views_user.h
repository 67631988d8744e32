/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code for the guest's user mode, and the way there and back.
 */
#ifndef SELFTEST_KVM_VIEWS_USER_H
#define SELFTEST_KVM_VIEWS_USER_H

#include "kvm_util.h"

u64 kernel_rsp;

void user_start(void);
void user_exits(void);
void user_is_back(void);
void user_end(void);
void user_enter(u64 rip, u64 rsp);
void back_in_kernel(void);

/* A hypercall; then a switch, something that exits, and the way back. */
asm(".pushsection .text\n"
	"user_start:\n"
	"	mov $0x5554, %eax; xor %ebx, %ebx; mov $2, %ecx; vmcall\n"
	"	mov %rax, %r12\n"
	"	mov $1, %ecx; xor %eax, %eax; vmfunc\n"
	"	xor %eax, %eax\n"
	"user_exits:\n"
	"	cpuid\n"
	"	xor %eax, %eax; xor %ecx, %ecx; vmfunc\n"
	"user_is_back:\n"
	"	ud2\n"
	"user_end:\n"
	/* Until something in user mode makes the kernel come back. */
	"user_enter:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, kernel_rsp(%rip)\n"
	"	push $0x33; push %rsi; push $2; push $0x2b; push %rdi\n"
	"	iretq\n"
	"back_in_kernel:\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".popsection\n");

#endif /* SELFTEST_KVM_VIEWS_USER_H */
