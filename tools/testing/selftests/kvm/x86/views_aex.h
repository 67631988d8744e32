/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An entry for asynchronous exits that notes all registers first, and code that
 * puts something of its own into each of them and then faults.
 */
#ifndef SELFTEST_KVM_VIEWS_AEX_H
#define SELFTEST_KVM_VIEWS_AEX_H

#include "kvm_util.h"

struct regs_found {
	u64 gpr[16];	/* in the order of the CPU's encoding */
	u64 rflags;
	u64 gs_base;
	u64 cs;
	u64 ss;
	u64 cr8;
};

struct regs_found found;

void noting_entry(void);
u64 poison_and_fault(u64 rsp);
void poison_fault_at(void);

asm(".pushsection .text\n"
	".globl noting_entry\n"
	"noting_entry:\n"
	"	mov %rax, found(%rip); mov %rcx, found+8(%rip)\n"
	"	mov %rdx, found+16(%rip); mov %rbx, found+24(%rip)\n"
	"	mov %rsp, found+32(%rip); mov %rbp, found+40(%rip)\n"
	"	mov %rsi, found+48(%rip); mov %rdi, found+56(%rip)\n"
	"	mov %r8, found+64(%rip); mov %r9, found+72(%rip)\n"
	"	mov %r10, found+80(%rip); mov %r11, found+88(%rip)\n"
	"	mov %r12, found+96(%rip); mov %r13, found+104(%rip)\n"
	"	mov %r14, found+112(%rip); mov %r15, found+120(%rip)\n"
	"	pushfq; pop found+128(%rip)\n"
	"	push $2; popfq\n"
	"	rdgsbase %rax; mov %rax, found+136(%rip)\n"
	"	mov %cs, %eax; mov %rax, found+144(%rip)\n"
	"	mov %ss, %eax; mov %rax, found+152(%rip)\n"
	"	mov %cr8, %rax; mov %rax, found+160(%rip)\n"
	"	jmp views_fault_entry\n"
	".globl poison_and_fault\n"
	"poison_and_fault:\n"
	"	mov %rdi, %rsp\n"
	"	mov $0x6666000, %eax; wrgsbase %rax\n"
	/* AC, NT, IOPL 3, IF, DF and the arithmetic flags; not TF. */
	"	push $0x47ed7; popfq\n"
	"	mov $0x66660000, %eax; mov $0x66660001, %ecx\n"
	"	mov $0x66660002, %edx; mov $0x66660003, %ebx\n"
	"	mov $0x66660005, %ebp; mov $0x66660006, %esi\n"
	"	mov $0x66660007, %edi; mov $0x66660008, %r8d\n"
	"	mov $0x66660009, %r9d; mov $0x6666000a, %r10d\n"
	"	mov $0x6666000b, %r11d; mov $0x6666000c, %r12d\n"
	"	mov $0x6666000d, %r13d; mov $0x6666000e, %r14d\n"
	"	mov $0x6666000f, %r15d\n"
	"poison_fault_at:\n"
	"	hlt\n"
	".popsection\n");

#endif /* SELFTEST_KVM_VIEWS_AEX_H */
