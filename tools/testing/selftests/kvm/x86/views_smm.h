/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of EPT views and SMM share: an SMI handler that shows where it
 * is, and code in a view that waits to be interrupted.
 */
#ifndef SELFTEST_KVM_VIEWS_SMM_H
#define SELFTEST_KVM_VIEWS_SMM_H

#include "smm.h"
#include "views_kick.h"

#define SMRAM_GPA	0x1000000
#define SECRET		0x12345678u
#define PORT		0xe
#define SECRET_SLOT	(BIT(16) | 2)

/* In real mode; the address of the secret is filled in. */
static u8 smi_reads[] = {
	0xb0, 0xfe,				/* mov $0xfe, %al */
	0xe4, PORT,				/* in $PORT, %al */
	0x67, 0x66, 0xa1, 0, 0, 0, 0,		/* mov secret, %eax */
	0x66, 0xe7, PORT,			/* out %eax, $PORT */
	0x0f, 0xaa,				/* rsm */
};

/* To be interrupted in a view, and to read then what it may not. */
static u64 view_code(u64 secret)
{
	views_spin(0);
	return *(u32 *)secret;
}

static inline u64 port_value(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, PORT);
	vcpu_regs_get(vcpu, &regs);
	return regs.rax & 0xffffffff;
}

/* SMM has memslots of its own; the secret is in them, too. */
static inline void show_secret(struct kvm_vm *vm)
{
	u64 gpa = pages[PG_SECRET].gpa;

	vm_set_user_memory_region(vm, SECRET_SLOT, 0, gpa, 4096,
				  addr_gpa2hva(vm, gpa));
}

static inline void prepare_smm(struct kvm_vm *vm, struct kvm_vcpu *vcpu,
			       const u8 *handler, size_t size)
{
	u64 gpa;

	views_setup(vm);
	gpa = pages[PG_SECRET].gpa;
	TEST_ASSERT(!(gpa >> 32), "the secret is out of reach");
	memcpy(smi_reads + 7, &gpa, 4);
	virt_map(vm, SMRAM_GPA, SMRAM_GPA, 1);
	setup_smram(vm, vcpu, SMRAM_GPA, handler, size);
	show_secret(vm);
}

static inline void run_to_spin(struct kvm_vcpu *vcpu)
{
	views_run_to(vcpu, (u64)views_spin, (u64)views_spin_end);
}

/* Up to the handler's first exit. */
static inline void enter_smm(struct kvm_vcpu *vcpu)
{
	inject_smi(vcpu);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(port_value(vcpu) & 0xff, 0xfe);
}

/* The rest of it, before RSM. */
static inline void end_smm(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(port_value(vcpu), SECRET);
}

#endif /* SELFTEST_KVM_VIEWS_SMM_H */
