// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and huge pages: whatever the host splits or
 * collapses, no right crosses the border between frames that differ; frames
 * that don't differ are mapped by huge pages; and so are those without rights.
 */
#include "views_stress.h"

#define HUGE_PAGES	512
#define NR_HUGE		5
#define NR_PAGES	(NR_HUGE * HUGE_PAGES)

/* The first huge page is mixed, each other one has the same rights all over. */
static const u8 huge_mask[NR_HUGE] = { V_RW, V_RX, V_RWX, V_RW, V_R };

/* What is tried: the odd ones out, their neighbours, and the borders. */
static const u16 probes[] = {
	0, 1, 99, 100, 101, 199, 200, 201, 299, 300, 301, 510, 511,
	512, 700, 1023, 1024, 1300, 1535, 1536, 1537, 1800, 2047, 2048, 2559,
};

static struct views_outcome outcome;
static u64 pt_empty, pt_full, pt_again;

static u8 mask_of(u16 i)
{
	switch (i) {
	case 100:
		return V_R;
	case 200:
		return V_RX;
	case 300:
		return V_NONE;
	default:
		return huge_mask[i / HUGE_PAGES];
	}
}

static void set_masks(void)
{
	u64 i;

	for (i = 0; i < NR_HUGE; i++)
		GUEST_ASSERT_EQ(views_set_flags(1, MEM_GPA + (i << 21),
						HUGE_PAGES, huge_mask[i], 0), 1);
	for (i = 100; i <= 300; i += 100)
		views_set(1, MEM_GPA + (i << 12), mask_of(i));
}

static void probe_all(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		views_probe(0, 1, MEM_GVA + probes[i] * 4096ull,
			    mask_of(probes[i]), &outcome);
}

static void populate(void)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 1, MEM_GPA >> 12,
				 NR_PAGES | 1ull << 63), NR_PAGES);
}

/* The host changes something at each sync, and everything is tried again. */
static void guest_masks(void)
{
	u64 i;

	for (i = 0; i < NR_PAGES; i++)
		views_plant(MEM_GVA + i * 4096);
	views_plant(pages[PG_CODE].gva);
	views_start(0);
	/* What the test itself needs in the view. */
	for (i = 0; i < 2; i++)
		views_probe(0, 1, pages[PG_CODE].gva, V_RWX, &outcome);
	pt_empty = views_pt_pages(1);
	populate();
	set_masks();
	populate();
	pt_full = views_pt_pages(1);
	probe_all();
	for (i = 0; i < 4; i++) {
		GUEST_SYNC(i);
		if (i == 3)
			pt_again = views_pt_pages(1);
		probe_all();
	}
	GUEST_DONE();
}

static struct kvm_vcpu *new_vm(void (*guest)(void))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	views_setup_vcpus(vm, 1);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA,
				    MEM_SLOT, NR_PAGES, 0);
	virt_map_level(vm, MEM_GVA, MEM_GPA, NR_HUGE << 21, PG_LEVEL_2M);
	sync_global_to_guest(vm, views_attacking);
	return vcpu;
}

/* Logging splits huge pages, its end makes huge pages again; twice. */
static void run_masks(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_masks);
	struct kvm_vm *vm = vcpu->vm;
	u64 stage;

	while ((stage = views_run_to_sync(vcpu)) != ~0ull)
		vm_mem_region_set_flags(vm, MEM_SLOT, stage & 1 ? 0 :
					KVM_MEM_LOG_DIRTY_PAGES);
	sync_global_from_guest(vm, outcome);
	sync_global_from_guest(vm, pt_empty);
	sync_global_from_guest(vm, pt_full);
	sync_global_from_guest(vm, pt_again);
	kvm_vm_free(vm);
}

static void test_masks(const char *name)
{
	run_masks();
	ksft_print_msg("%s: table pages: %lu, all mapped %lu, after split and collapse %lu\n",
		       name, pt_empty, pt_full, pt_again);
	TEST_ASSERT_EQ(outcome.leaks, 0);
	TEST_ASSERT_EQ(outcome.denied, 0);
	/* A page directory, and a table for the mixed huge page only. */
	TEST_ASSERT_EQ(pt_full - pt_empty, 2);
	ksft_test_result_pass("%s\n", name);
}

static u64 attack_masks(void)
{
	run_masks();
	return outcome.leaks;
}

/* No rights in view 0, with #VE: as few entries as possible say so. */
#define NONE_GPA	0x80000000ull
#define NONE_GVA	0x80000000ull

static u64 nr_ve, stuck;

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

/* Reads of @gva that end in #VE, out of @tries. */
static u64 count_ve(u64 gva, u64 tries)
{
	u64 before = nr_ve;

	while (tries--)
		read_q(gva);
	return nr_ve - before;
}

static void guest_none(void)
{
	u32 flags = KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE;
	u64 before, pt, i;

	for (i = 0; i < NR_PAGES; i++)
		views_plant(MEM_GVA + i * 4096);
	views_start(0);

	/* Two huge pages of memory: what they had in tables is gone. */
	pt = views_pt_pages(0);
	GUEST_ASSERT_EQ(views_set_flags(0, MEM_GPA, 2 * HUGE_PAGES, V_NONE,
					flags), 1);
	GUEST_ASSERT(views_pt_pages(0) <= pt);

	/* A whole GiB: one entry, and no memory is needed for it. */
	pt = views_pt_pages(0);
	GUEST_ASSERT_EQ(views_set_flags(0, NONE_GPA, 1 << 18, V_NONE, flags), 1);
	GUEST_ASSERT_EQ(views_pt_pages(0), pt);

	/* The host maps the guest's own tables and the handler's pages. */
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + 16, 1), 1);
	GUEST_ASSERT_EQ(count_ve(NONE_GVA + 16, 1), 1);
	before = views_guest_exits();
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + 0x1ff010, 100), 100);
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + 0x3ff010, 100), 100);
	GUEST_ASSERT_EQ(count_ve(NONE_GVA + 0x10, 100), 100);
	before = views_guest_exits() - before;
	GUEST_PRINTF("# 300 reads without rights: %lu exits\n", before);
	/* One for each entry would be the first #VE, by the host. */
	if (views_has(KVM_VIEWS_F_HW_VE))
		GUEST_ASSERT(before < 3);

	/* Wider again for one page in the middle, and for all. */
	views_set(0, MEM_GPA + (77 << 12), V_RW);
	stuck += count_ve(MEM_GVA + (77 << 12) + 16, 10);
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + (76 << 12) + 16, 3), 3);
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + (78 << 12) + 16, 3), 3);
	GUEST_ASSERT_EQ(views_set_flags(0, MEM_GPA, 2 * HUGE_PAGES, V_RWX, 0), 1);
	stuck += count_ve(MEM_GVA + (76 << 12) + 16, 10);
	stuck += count_ve(MEM_GVA + (600 << 12) + 16, 10);
	if (!stuck)
		GUEST_ASSERT_EQ(read_q(MEM_GVA + (600 << 12) + 16), 0x1234);

	/* And none where there is a table with pages of use. */
	GUEST_ASSERT_EQ(views_set_flags(0, MEM_GPA, HUGE_PAGES, V_NONE, flags), 1);
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + (77 << 12) + 16, 5), 5);
	GUEST_ASSERT_EQ(count_ve(MEM_GVA + 16, 5), 5);
	GUEST_DONE();
}

static u64 run_none(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_none);

	virt_map_level(vcpu->vm, NONE_GVA, NONE_GPA, 1 << 21, PG_LEVEL_2M);
	vm_install_exception_handler(vcpu->vm, 20, handle_ve);
	views_run_vcpu(vcpu);
	sync_global_from_guest(vcpu->vm, stuck);
	kvm_vm_free(vcpu->vm);
	return stuck;
}

static void test_none(void)
{
	TEST_ASSERT_EQ(run_none(), 0);
	ksft_test_result_pass("no rights, at any level\n");
}

static void set_mitigation(const char *mode)
{
	TEST_ASSERT(!views_param_write("nx_huge_pages", mode),
		    "nx_huge_pages=%s", mode);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(8);

	set_mitigation("off");
	test_masks("split and collapse");
	views_broken_test("a fault that maps across differing rights",
			  KVM_VIEWS_BREAK_LEVEL, attack_masks);
	views_broken_test("collapsing across differing rights",
			  KVM_VIEWS_BREAK_COLLAPSE, attack_masks);
	set_mitigation("force");
	test_masks("split and collapse, nx_huge_pages=force");
	views_broken_test("splitting grants X", KVM_VIEWS_BREAK_SPLIT,
			  attack_masks);
	set_mitigation("auto");

	test_none();
	if (host_cpu_is_intel)
		views_broken_test("entries without rights that stay",
				  KVM_VIEWS_BREAK_NONE, run_none);
	else
		ksft_test_result_skip("NPT has no entries without rights\n");
	views_broken_test("pages that outlive a change", KVM_VIEWS_BREAK_ZAP,
			  attack_masks);
	ksft_finished();
}
