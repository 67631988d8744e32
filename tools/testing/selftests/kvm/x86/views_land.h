/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code for a view that leaves for view 0, with RSP and IF of its own making.
 */
#ifndef SELFTEST_KVM_VIEWS_LAND_H
#define SELFTEST_KVM_VIEWS_LAND_H

#include "kvm_util.h"

u64 landed_flags;
u64 *cell;

u64 leave_by_switch(u64 rsp);
u64 leave_by_vmfunc(u64 rsp);
void leave_by_vmfunc_spin(void);
void leave_by_vmfunc_go(void);

/* RSP and IF are the view's, the next instruction is fine in view 0. */
asm(".pushsection .text\n"
	".globl leave_by_switch\n"
	"leave_by_switch:\n"
	"	mov %rdi, %rsp\n"
	"	mov $0x5554, %eax; mov $8, %ebx; xor %ecx, %ecx\n"
	"	cmpb $0, host_cpu_is_amd_compatible(%rip); jne 1f\n"
	"	sti; vmcall\n"
	"	jmp landed\n"
	"1:	sti; vmmcall\n"
	"	jmp landed\n"
	".globl leave_by_vmfunc\n"
	"leave_by_vmfunc:\n"
	"	mov %rdi, %rsp\n"
	"leave_by_vmfunc_spin:\n"
	"	cmpq $0, views_go(%rip); je leave_by_vmfunc_spin\n"
	"leave_by_vmfunc_go:\n"
	"	xor %eax, %eax; xor %ecx, %ecx\n"
	"	sti; vmfunc\n"
	"landed:\n"
	"	mov %rsp, %rax; mov cell(%rip), %rdx; mov (%rdx), %rsp\n"
	"	pushfq; pop landed_flags(%rip)\n"
	"	cli\n"
	"	jmp views_back\n"
	".popsection\n");

#endif /* SELFTEST_KVM_VIEWS_LAND_H */
