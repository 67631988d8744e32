/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What code in a view may try, one function each.  The argument points to
 * struct operands; a function that gets to its end returns 1, or what it read.
 */
#ifndef SELFTEST_KVM_VIEWS_REFUSE_INSN_H
#define SELFTEST_KVM_VIEWS_REFUSE_INSN_H

#include "processor.h"

struct operands {
	struct desc_ptr gdt;	/* another one than the one in use */
	u8 pad0[6];
	struct desc_ptr idt;
	u8 pad1[6];
	u8 scratch[64];
};

#define INSN(name, text)					\
static u64 insn_##name(u64 arg)					\
{								\
	u64 r = 0;						\
								\
	asm volatile(text : "+a" (r), "+D" (arg) : :		\
		     "rbx", "rcx", "rdx", "rsi", "memory", "cc"); \
	return r;						\
}

/* Something, and then say that it was done. */
#define DO(name, text) INSN(name, text "; mov $1, %%eax")

#define WRMSR(name, msr, lo, hi)				\
	DO(wrmsr_##name, "mov $" #msr ", %%ecx; mov $" #lo ", %%eax;"	\
	   "mov $" #hi ", %%edx; wrmsr")

#define FLIP(name, reg, bit)					\
	DO(name, "mov %%" #reg ", %%rax; btc $" #bit ", %%rax;"	\
	   "mov %%rax, %%" #reg)

DO(lgdt, "lgdt (%%rdi)")
DO(lidt, "lidt 16(%%rdi)")
DO(sgdt, "sgdt 32(%%rdi)")
DO(sidt, "sidt 32(%%rdi)")
DO(lldt, "xor %%eax, %%eax; lldt %%ax")
DO(ltr, "mov $0x18, %%eax; ltr %%ax")
DO(sldt, "sldt %%ax")
DO(str, "str %%ax")
DO(lmsw, "smsw %%ax; xor $2, %%eax; lmsw %%ax")
FLIP(cr0_wp, cr0, 16)
FLIP(cr0_am, cr0, 18)
FLIP(cr4_tsd, cr4, 2)
FLIP(cr4_de, cr4, 3)
FLIP(cr4_pge, cr4, 7)
FLIP(cr4_pce, cr4, 8)
FLIP(cr4_fsgsbase, cr4, 16)
FLIP(cr4_vmxe, cr4, 13)
/* What the gate does, and what undoes it, in view 0 as well as in others. */
INSN(ts, "mov %%cr0, %%rax; or $8, %%rax; mov %%rax, %%cr0;"
	 "mov %%cr0, %%rax; clts; mov %%cr0, %%rdx; xor %%rdx, %%rax")
DO(cr3, "mov %%cr3, %%rax; mov %%rax, %%cr3")
INSN(cr8, "mov %%cr8, %%rcx; mov $3, %%eax; mov %%rax, %%cr8;"
	  "mov %%cr8, %%rax; mov %%rcx, %%cr8")
DO(dr0, "mov $0x1234, %%eax; mov %%rax, %%dr0")
DO(dr7, "mov $0x401, %%eax; mov %%rax, %%dr7")
DO(read_dr0, "mov %%dr0, %%rax")
DO(xsetbv, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $3, %%eax; xsetbv")
INSN(swapgs, "swapgs; rdgsbase %%rax; swapgs")
INSN(wrgsbase, "rdgsbase %%rcx; mov $0x7000, %%edx; wrgsbase %%rdx;"
	       "rdgsbase %%rax; wrgsbase %%rcx")

WRMSR(fs_base, 0xc0000100, 0x1000, 0)
WRMSR(gs_base, 0xc0000101, 0x2000, 0)
WRMSR(kernel_gs_base, 0xc0000102, 0x3000, 0)
WRMSR(sysenter_cs, 0x174, 0x10, 0)
WRMSR(sysenter_esp, 0x175, 0x4000, 0)
WRMSR(sysenter_eip, 0x176, 0x5000, 0)
WRMSR(star, 0xc0000081, 0, 0x10)
WRMSR(lstar, 0xc0000082, 0x6000, 0)
WRMSR(cstar, 0xc0000083, 0x6000, 0)
WRMSR(sfmask, 0xc0000084, 0x200, 0)
WRMSR(efer, 0xc0000080, 0xd01, 0)
WRMSR(pat, 0x277, 0x00070106, 0x00070106)
WRMSR(apicbase, 0x1b, 0xfee00900, 0)
WRMSR(tsc, 0x10, 1, 0)
WRMSR(tsc_adjust, 0x3b, 1, 0)
WRMSR(spec_ctrl, 0x48, 0, 0)
WRMSR(misc_enable, 0x1a0, 0, 0)
WRMSR(debugctl, 0x1d9, 0, 0)
WRMSR(u_cet, 0x6a0, 0, 0)
WRMSR(pl0_ssp, 0x6a4, 0, 0)
WRMSR(xss, 0xda0, 0, 0)
WRMSR(kvm_clock, 0x4b564d01, 0, 0)
WRMSR(kvm_async_pf, 0x4b564d02, 0, 0)
WRMSR(tsc_deadline, 0x6e0, 0, 0x10000)
WRMSR(x2_tpr, 0x808, 0, 0)
WRMSR(x2_eoi, 0x80b, 0, 0)
WRMSR(x2_icr, 0x830, 0x60, 0)
WRMSR(x2_lvtt, 0x832, 0x10062, 0)
WRMSR(x2_self_ipi, 0x83f, 0x61, 0)
DO(rdmsr_efer, "mov $0xc0000080, %%ecx; rdmsr")
DO(rdmsr_tsc, "mov $0x10, %%ecx; rdmsr")

DO(in, "mov $0x80, %%edx; in %%dx, %%al")
DO(out, "mov $0x80, %%edx; out %%al, %%dx")
DO(ins, "mov $0x80, %%edx; lea 32(%%rdi), %%rdi; insb")
DO(outs, "mov $0x80, %%edx; lea 32(%%rdi), %%rsi; outsb")
DO(hlt, "hlt")
DO(rdpmc, "xor %%ecx, %%ecx; rdpmc")
DO(invd, "invd")
DO(wbinvd, "wbinvd")
DO(monitor, "lea 32(%%rdi), %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor")
DO(mwait, "xor %%ecx, %%ecx; xor %%eax, %%eax; mwait")
DO(vmxon, "vmxon 32(%%rdi)")
DO(vmxoff, "vmxoff")
DO(vmclear, "vmclear 32(%%rdi)")
DO(vmptrld, "vmptrld 32(%%rdi)")
DO(vmptrst, "vmptrst 32(%%rdi)")
DO(vmlaunch, "vmlaunch")
DO(vmresume, "vmresume")
DO(vmread, "xor %%eax, %%eax; vmread %%rax, %%rdx")
DO(vmwrite, "xor %%eax, %%eax; vmwrite %%rax, %%rdx")
DO(invept, "mov $2, %%eax; invept 32(%%rdi), %%rax")
DO(invvpid, "mov $2, %%eax; invvpid 32(%%rdi), %%rax")
DO(vmcall_other, "mov $1, %%eax\n\t" VIEWS_VMCALL("%%"))
/* CREATE, of view 9. */
DO(vmcall_create, "mov $0x5554, %%eax; mov $3, %%ebx; mov $9, %%ecx;"
		  "mov $7, %%edx\n\t" VIEWS_VMCALL("%%"))
DO(vmfunc_leaf, "mov $1, %%eax; xor %%ecx, %%ecx; vmfunc")
DO(vmfunc_none, "xor %%eax, %%eax; mov $7, %%ecx; vmfunc")
DO(vmfunc_512, "xor %%eax, %%eax; mov $512, %%ecx; vmfunc")
DO(vmfunc_64, "mov $64, %%eax; xor %%ecx, %%ecx; vmfunc")

DO(ud2, "ud2")
DO(int3, "int3")
DO(icebp, ".byte 0xf1")
DO(rsm, "rsm")

DO(cpuid, "xor %%eax, %%eax; cpuid")
DO(rdtsc, "rdtsc")
DO(pause, "mov $10000, %%ecx; 1: pause; loop 1b")
DO(sti_cli, "sti; nop; cli")
DO(popf, "pushfq; pushfq; orl $0x40400, (%%rsp); popfq; popfq")
DO(invlpg, "invlpg (%%rdi)")
DO(invpcid, "mov $2, %%eax; invpcid 32(%%rdi), %%rax")

#endif /* SELFTEST_KVM_VIEWS_REFUSE_INSN_H */
