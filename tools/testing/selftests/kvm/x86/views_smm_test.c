// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and SMM: an SMI that hits code in a view is handled
 * above all views, and goes back to that view, whose rights are in force again.
 * Nothing of that can be used to leave the view.
 */
#include "views_smm.h"
#include "views_weaken.h"

static const u8 smi_vmfunc[] = {
	0x66, 0x31, 0xc0,			/* xor %eax, %eax */
	0x66, 0xb9, 1, 0, 0, 0,			/* mov $1, %ecx */
	0x0f, 0x01, 0xd4,			/* vmfunc */
	0xb0, 0xfd,				/* mov $0xfd, %al */
	0xe6, PORT,				/* out %al, $PORT */
	0x0f, 0xaa,				/* rsm */
};

static u64 read_u32(u64 gva)
{
	return *(u32 *)gva;
}

static void start(void)
{
	views_start(0);
	*(u32 *)pages[PG_SECRET].gva = SECRET;
	views_set(1, pages[PG_SECRET].gpa, 0);
	/* Rights are no matter: the view has no SMRAM. */
	views_set(1, SMRAM_GPA, KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X);
}

static void guest_view(void)
{
	start();
	GUEST_ASSERT_EQ(views_run(1, view_code, pages[PG_SECRET].gva),
			AEX_RESULT);
	/* Not the SMI has ended it, but the read, in the view. */
	GUEST_ASSERT_EQ(nr_aex, 1);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.view, 1);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_R);
	GUEST_ASSERT_EQ(last_aex.gpa, pages[PG_SECRET].gpa);
	GUEST_ASSERT_EQ(*(u32 *)pages[PG_SECRET].gva, SECRET);

	GUEST_ASSERT_EQ(views_run(1, read_u32, SMRAM_GPA), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.gpa, SMRAM_GPA);
	GUEST_DONE();
}

static void guest_transit(void)
{
	start();
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, KVM_VIEW_R | KVM_VIEW_X, 0), 0);
	views_set(2, idt_gpa, 0);
	GUEST_ASSERT_EQ(views_transit(2, views_cell()), 1);
	GUEST_ASSERT_EQ(nr_aex, 0);
	GUEST_DONE();
}

static void guest_root(void)
{
	start();
	views_spin(0);
	GUEST_ASSERT_EQ(views_run(1, read_u32, pages[PG_SECRET].gva),
			AEX_RESULT);
	GUEST_DONE();
}

static struct kvm_vm *prepare(void (*guest)(void), struct kvm_vcpu **vcpu,
			      const u8 *handler, size_t size)
{
	struct kvm_vm *vm = vm_create_with_one_vcpu(vcpu, guest);

	prepare_smm(vm, *vcpu, handler, size);
	return vm;
}

static void to_spin(struct kvm_vcpu *vcpu, void (*guest)(void))
{
	if (guest == guest_transit)
		views_run_to(vcpu, (u64)views_transit_spin,
			     (u64)views_transit_spin_end);
	else
		run_to_spin(vcpu);
}

/* SMM runs with all of memory, its exits are its own, and RSM goes back. */
static void test_there_and_back(const char *name, void (*guest)(void))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int i;

	vm = prepare(guest, &vcpu, smi_reads, sizeof(smi_reads));
	for (i = 0; i < 3; i++) {
		to_spin(vcpu, guest);
		enter_smm(vcpu);
		end_smm(vcpu);
	}
	to_spin(vcpu, guest);
	views_let_go(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

/* #UD, which SMM in this state can't take. */
static void test_vmfunc(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = prepare(guest_view, &vcpu, smi_vmfunc, sizeof(smi_vmfunc));
	to_spin(vcpu, guest_view);
	inject_smi(vcpu);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_SHUTDOWN);
	kvm_vm_free(vm);
	ksft_test_result_pass("no VMFUNC in SMM\n");
}

/* SMM in the view: the handler's first exit is one that a view may not cause. */
static void test_weakened(void)
{
	const char *name = "without that, SMM is held to the view's rules";
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	if (!views_can_weaken()) {
		ksft_test_result_skip("%s\n", name);
		return;
	}
	vm = prepare(guest_view, &vcpu, smi_reads, sizeof(smi_reads));
	to_spin(vcpu, guest_view);
	views_weaken(BIT(KVM_VIEWS_BREAK_SMM));
	inject_smi(vcpu);
	__vcpu_run(vcpu);
	ksft_test_result(vcpu->run->exit_reason != KVM_EXIT_IO ||
			 vcpu->run->io.port != PORT, "%s\n", name);
	views_strengthen();
	kvm_vm_free(vm);
}

int main(void)
{
	views_require();
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_X86_SMM));
	ksft_print_header();
	ksft_set_plan(5);
	test_there_and_back("SMI in a view", guest_view);
	/* A walk of the page tables would write to them. */
	if (host_cpu_is_intel)
		test_there_and_back("SMI in a view without anything writable",
				    guest_transit);
	else
		ksft_test_result_skip("a view without anything writable\n");
	test_there_and_back("SMI in view 0", guest_root);
	test_vmfunc();
	test_weakened();
	ksft_finished();
}
