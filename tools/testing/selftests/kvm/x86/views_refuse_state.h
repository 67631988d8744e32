/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an instruction in a view could change, read from view 0.
 */
#ifndef SELFTEST_KVM_VIEWS_REFUSE_STATE_H
#define SELFTEST_KVM_VIEWS_REFUSE_STATE_H

#include "apic.h"
#include "processor.h"

enum state {
	ST_GDTR, ST_IDTR, ST_LDTR, ST_TR, ST_CR0, ST_CR3, ST_CR4, ST_CR8,
	ST_DR0, ST_DR7, ST_XCR0,
	/* These are MSRs, as below. */
	ST_FS_BASE, ST_GS_BASE, ST_KERNEL_GS_BASE, ST_SYSENTER_CS,
	ST_SYSENTER_ESP, ST_SYSENTER_EIP, ST_STAR, ST_LSTAR, ST_CSTAR,
	ST_SFMASK, ST_EFER, ST_PAT, ST_APICBASE, ST_TSC_DEADLINE, ST_LVTT,
	ST_ICR, ST_IRR,
	ST_NR
};

static const u32 state_msrs[ST_NR] = {
	[ST_FS_BASE] = MSR_FS_BASE,
	[ST_GS_BASE] = MSR_GS_BASE,
	[ST_KERNEL_GS_BASE] = MSR_KERNEL_GS_BASE,
	[ST_SYSENTER_CS] = MSR_IA32_SYSENTER_CS,
	[ST_SYSENTER_ESP] = MSR_IA32_SYSENTER_ESP,
	[ST_SYSENTER_EIP] = MSR_IA32_SYSENTER_EIP,
	[ST_STAR] = MSR_STAR,
	[ST_LSTAR] = MSR_LSTAR,
	[ST_CSTAR] = MSR_CSTAR,
	[ST_SFMASK] = MSR_SYSCALL_MASK,
	[ST_EFER] = MSR_EFER,
	[ST_PAT] = MSR_IA32_CR_PAT,
	[ST_APICBASE] = MSR_IA32_APICBASE,
	[ST_TSC_DEADLINE] = MSR_IA32_TSC_DEADLINE,
	[ST_LVTT] = 0x800 + (APIC_LVTT >> 4),
	[ST_ICR] = 0x800 + (APIC_ICR >> 4),
	/* Vectors 0x60 to 0x7f. */
	[ST_IRR] = 0x823,
};

struct state_snap {
	u64 val[ST_NR];
};

static inline void state_read(struct state_snap *s)
{
	struct desc_ptr gdt = get_gdt(), idt = get_idt();
	u16 sel;
	int i;

	s->val[ST_GDTR] = gdt.address + gdt.size;
	s->val[ST_IDTR] = idt.address + idt.size;
	asm volatile("sldt %0" : "=r" (sel));
	s->val[ST_LDTR] = sel;
	asm volatile("str %0" : "=r" (sel));
	s->val[ST_TR] = sel;
	s->val[ST_CR0] = get_cr0();
	s->val[ST_CR3] = get_cr3();
	s->val[ST_CR4] = get_cr4();
	s->val[ST_CR8] = get_cr8();
	asm volatile("mov %%dr0, %0" : "=r" (s->val[ST_DR0]));
	asm volatile("mov %%dr7, %0" : "=r" (s->val[ST_DR7]));
	s->val[ST_XCR0] = get_cr4() & X86_CR4_OSXSAVE ? xgetbv(0) : 0;
	for (i = 0; i < ST_NR; i++)
		if (state_msrs[i])
			s->val[i] = rdmsr(state_msrs[i]);
}

/* Bits of enum state. */
static inline u64 state_differs(const struct state_snap *a,
				const struct state_snap *b)
{
	u64 found = 0;
	int i;

	for (i = 0; i < ST_NR; i++)
		if (a->val[i] != b->val[i])
			found |= BIT_ULL(i);
	return found;
}

/* Put back what an attack has changed, with the defence off. */
static inline void state_restore(const struct state_snap *s, u64 which,
				 const struct desc_ptr *gdt,
				 const struct desc_ptr *idt)
{
	int i;

	if (which & BIT_ULL(ST_GDTR))
		asm volatile("lgdt %0" : : "m" (*gdt));
	if (which & BIT_ULL(ST_IDTR))
		set_idt(idt);
	if (which & BIT_ULL(ST_CR0))
		asm volatile("mov %0, %%cr0" : : "r" (s->val[ST_CR0]));
	if (which & BIT_ULL(ST_CR4))
		set_cr4(s->val[ST_CR4]);
	if (which & BIT_ULL(ST_DR0))
		asm volatile("mov %0, %%dr0" : : "r" (s->val[ST_DR0]));
	if (which & BIT_ULL(ST_XCR0))
		xsetbv(0, s->val[ST_XCR0]);
	/* What is in the IRR stays there: IF is 0. */
	for (i = 0; i < ST_IRR; i++)
		if (state_msrs[i] && (which & BIT_ULL(i)))
			wrmsr(state_msrs[i], s->val[i]);
}

#endif /* SELFTEST_KVM_VIEWS_REFUSE_STATE_H */
