// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: KVM's binary statistics against what the guest
 * counted, exactly.
 */
#include "views_util.h"

#define VIEWS		5
#define READS		7
#define OUTS		4
#define VES		3
#define MAPPED		9

static u64 nr_ve, pt_pages;
static struct page mapped;

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_out(u64 arg)
{
	asm volatile("out %%al, $0x80" : : "a" (0));
	return 0;
}

static u64 do_ud2(u64 arg)
{
	asm volatile("ud2");
	return 0;
}

static u64 do_add(u64 arg)
{
	return arg + 1;
}

static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static void handle_ve(struct ex_regs *regs)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;

	if (views_no_ve(info))
		return;
	WRITE_ONCE(info->busy, 0);
	nr_ve++;
	regs->rip += 3;
}

static u64 count_pt_pages(void)
{
	u64 sum = 0, i;

	for (i = 1; i <= VIEWS; i++)
		sum += views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, i, 0);
	return sum;
}

static void guest_code(void)
{
	u64 i;

	GUEST_SYNC(0);
	views_start(KVM_VIEW_VCPU_NO_HW_VE);
	for (i = 2; i <= VIEWS; i++)
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, i, KVM_VIEW_R, 0), 0);
	GUEST_SYNC(1);

	views_set(1, pages[PG_SECRET].gpa, 0);
	for (i = 0; i < READS; i++)
		GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
				AEX_RESULT);
	GUEST_ASSERT_EQ(views_run(1, do_ud2, 0), AEX_RESULT);
	GUEST_SYNC(2);

	for (i = 0; i < OUTS; i++)
		GUEST_ASSERT_EQ(views_run(1, do_out, 0), AEX_RESULT);
	GUEST_SYNC(3);

	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE), 1);
	for (i = 0; i < VES; i++)
		read_q(pages[PG_SECRET].gva);
	GUEST_SYNC(4);

	/* What must count nothing. */
	for (i = 0; i < 10; i++)
		GUEST_ASSERT_EQ(views_run(1, do_add, i), i + 1);
	GUEST_SYNC(5);

	for (i = 1; i <= VIEWS; i++)
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, i,
					 mapped.gpa >> 12, MAPPED), MAPPED);
	pt_pages = count_pt_pages();
	GUEST_SYNC(6);
	GUEST_DONE();
}

static void run_to(struct kvm_vcpu *vcpu, u64 stage)
{
	struct ucall uc;

	vcpu_run(vcpu);
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		TEST_ASSERT_EQ(uc.args[1], stage);
		return;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("exit reason %u", vcpu->run->exit_reason);
	}
}

/* Run to @stage, and check that the counters are these now. */
static void expect(struct kvm_vcpu *vcpu, u64 stage, u64 views, u64 aex,
		   u64 refused, u64 ve)
{
	run_to(vcpu, stage);
	sync_global_from_guest(vcpu->vm, nr_aex);
	sync_global_from_guest(vcpu->vm, nr_ve);
	TEST_ASSERT_EQ(nr_aex, aex);
	TEST_ASSERT_EQ(nr_ve, ve);
	TEST_ASSERT_EQ(vm_get_stat(vcpu->vm, views), views);
	TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_aex), aex);
	TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_refused), refused);
	TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_ve_synthesized), ve);
}

int main(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	views_require();
	ksft_print_header();
	ksft_set_plan(3);

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	views_setup(vm);
	vm_install_exception_handler(vm, 20, handle_ve);
	mapped.gva = vm_alloc_pages(vm, MAPPED);
	mapped.gpa = addr_gva2gpa(vm, mapped.gva);
	sync_global_to_guest(vm, mapped);

	expect(vcpu, 0, 0, 0, 0, 0);
	TEST_ASSERT_EQ(vm_get_stat(vm, view_pt_pages), 0);
	expect(vcpu, 1, VIEWS + 1, 0, 0, 0);
	ksft_test_result_pass("number of views\n");

	expect(vcpu, 2, VIEWS + 1, READS + 1, 0, 0);
	expect(vcpu, 3, VIEWS + 1, READS + 1 + OUTS, OUTS, 0);
	expect(vcpu, 4, VIEWS + 1, READS + 1 + OUTS, OUTS, VES);
	expect(vcpu, 5, VIEWS + 1, READS + 1 + OUTS, OUTS, VES);
	ksft_test_result_pass("exits and #VE\n");

	run_to(vcpu, 6);
	sync_global_from_guest(vm, pt_pages);
	TEST_ASSERT(pt_pages >= VIEWS * 3, "%lu table pages", pt_pages);
	TEST_ASSERT_EQ(vm_get_stat(vm, view_pt_pages), pt_pages);
	/*
	 * Roots that can't be used any more take their tables with them.  Only a
	 * host that drops all roots with each slot gets there so easily.
	 */
	if (views_can_weaken())
		views_weaken(BIT(KVM_VIEWS_BREAK_SLOT));
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, 0x80000000ull,
				    11, 1, 0);
	vm_mem_region_delete(vm, 11);
	views_strengthen();
	TEST_ASSERT_EQ(vm_get_stat(vm, views), VIEWS + 1);
	ksft_print_msg("%lu table pages, %lu after a memslot went\n", pt_pages,
		       (u64)vm_get_stat(vm, view_pt_pages));
	TEST_ASSERT(!views_can_weaken() ||
		    vm_get_stat(vm, view_pt_pages) < pt_pages,
		    "table pages of views that no vCPU uses are not freed");
	kvm_vm_free(vm);
	ksft_test_result_pass("table pages\n");
	ksft_finished();
}
