// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what depends on the CPU and shows on silicon only.
 * Each test looks at what the CPU does, and is skipped, with the reason, where
 * that is not what the manual says.
 */
#include "views_stress.h"

#define NR_LAZY		8192
#define PTE_ACCESSED	BIT(5)
#define PTE_DIRTY	BIT(6)

static struct page table;
static u64 silent, spurious;

/*
 * A page table that a view may only read: the CPU has to set an accessed or
 * dirty flag in it, and must exit instead.
 */
static void walk(u64 flag, u64 (*access)(u64 addr))
{
	u64 *pte = (u64 *)table.gva + ((pages[PG_DATA].gva >> 12) & 511);
	u64 r;

	WRITE_ONCE(*pte, READ_ONCE(*pte) & ~flag);
	asm volatile("invlpg (%0)" : : "r" (pages[PG_DATA].gva) : "memory");
	r = views_run(1, access, pages[PG_DATA].gva);
	if (READ_ONCE(*pte) & flag) {
		silent++;
		return;
	}
	GUEST_ASSERT_EQ(r, AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_W);
	GUEST_ASSERT_EQ(last_aex.gpa & ~0xfffull, table.gpa);
	/* Not the access itself: the walk for it. */
	GUEST_ASSERT_EQ(last_aex.qual & BIT(8), 0);

	WRITE_ONCE(*pte, READ_ONCE(*pte) | PTE_ACCESSED | PTE_DIRTY);
	GUEST_ASSERT_NE(views_run(1, access, pages[PG_DATA].gva), AEX_RESULT);
}

static void guest_walk(void)
{
	u64 *ptes = (u64 *)table.gva, i;

	views_start(0);
	/* All but the one that is tried must not need it. */
	for (i = 0; i < 512; i++)
		if (ptes[i])
			ptes[i] |= PTE_ACCESSED | PTE_DIRTY;
	views_set(1, table.gpa, V_R);
	walk(PTE_ACCESSED, do_read);
	walk(PTE_DIRTY, do_write);
	GUEST_DONE();
}

static void test_walk(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 *pte, *hva;

	vm = vm_create_with_one_vcpu(&vcpu, guest_walk);
	views_setup(vm);
	pte = vm_get_pte(vm, pages[PG_DATA].gva);
	hva = (u64 *)((u64)pte & ~0xfffull);
	table.gpa = addr_hva2gpa(vm, hva);
	table.gva = vm_alloc_page(vm);
	/* The guest sees its own table there. */
	*vm_get_pte(vm, table.gva) = (*vm_get_pte(vm, table.gva) &
				      ~(BIT_ULL(52) - 4096)) | table.gpa;
	sync_global_to_guest(vm, table);
	views_run_vcpu(vcpu);
	sync_global_from_guest(vm, silent);
	kvm_vm_free(vm);
	if (silent)
		ksft_test_result_skip("walk of read-only tables: the CPU sets A/D past the EPT\n");
	else
		ksft_test_result_pass("walk of read-only tables\n");
}

/*
 * Some CPUs are said to raise #VE although bit 63 of the entry is set, with EPT
 * without A/D bits, as views have it: the rate, over faults that are the host's
 * own.  A view has no IDT, so each ends the call.
 */
static u64 do_touch(u64 addr)
{
	u64 i;

	for (i = 0; i < 512; i++)
		READ_ONCE(*(u64 *)(addr + i * 4096));
	return 0;
}

static void guest_spurious(void)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;
	u64 i;

	views_start(0);
	if (!views_has(KVM_VIEWS_F_HW_VE))
		GUEST_DONE();
	for (i = 0; i < NR_LAZY / 512; i++) {
		/* The view forgets what it had of these pages. */
		GUEST_ASSERT_EQ(views_set_flags(1, MEM_GPA, 512, V_R, 0), 1);
		GUEST_ASSERT_EQ(views_set_flags(1, MEM_GPA, 512, V_RW, 0), 1);
		if (views_run(1, do_touch, MEM_GVA) == AEX_RESULT)
			spurious += READ_ONCE(info->busy) != 0;
		WRITE_ONCE(info->busy, 0);
	}
	GUEST_DONE();
}

static void test_spurious(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_spurious);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    512, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, 512);
	views_run_vcpu(vcpu);
	sync_global_from_guest(vm, spurious);
	kvm_vm_free(vm);
	ksft_print_msg("%lu #VE out of order in %u faults of the host's own\n",
		       spurious, NR_LAZY);
	ksft_test_result_pass("rate of spurious #VE\n");
}

int main(void)
{
	views_require();
	__TEST_REQUIRE(host_cpu_is_intel, "is about EPT and #VE by the CPU");
	ksft_print_header();
	ksft_set_plan(2);
	test_walk();
	test_spurious();
	ksft_finished();
}
