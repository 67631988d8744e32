// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and dirty logging: what is written in a view is in
 * the log, nothing else is, and the guest doesn't notice.
 */
#include <asm/barrier.h>

#include "views_state.h"

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull
#define MEM_PAGES	1024
#define ROUNDS		6
#define RING_BYTES	65536

/* Pages of the slot. */
#define READ_ONLY	9
#define NOTIFIED	11

enum log { BITMAP, MANUAL, MANUAL_ALL_SET, RING, LOG_MODES };

static const char * const log_names[] = {
	"bitmap", "manual protection", "manual protection, initially all set",
	"ring",
};

static u64 nr_ve;

static u64 gva_of(u64 page)
{
	return MEM_GVA + page * 4096;
}

/* The pages that a round writes: one often, one once, one in another 2M. */
static u64 written(u64 round, int i)
{
	const u64 page[] = { 5, 100 + round, 700 + round % 3 };

	return page[i];
}

static u64 do_round(u64 round)
{
	int i;

	for (i = 0; i < 3; i++)
		WRITE_ONCE(*(u64 *)gva_of(written(round, i)), round + 1);
	return READ_ONCE(*(u64 *)gva_of(200 + round));
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 1);
	return 0;
}

static void handle_ve(struct ex_regs *regs)
{
	nr_ve++;
	WRITE_ONCE(((struct kvm_ve_info *)pages[PG_VE].gva)->busy, 0);
}

static void guest_code(void)
{
	u64 round, i;

	views_start(0);
	views_set(1, MEM_GPA + READ_ONLY * 4096, KVM_VIEW_R);
	GUEST_ASSERT_EQ(views_set_flags(0, MEM_GPA + NOTIFIED * 4096, 1,
					KVM_VIEW_R, KVM_VIEW_OP_VE), 1);
	/* Mapped, and writable, before there is a log. */
	for (i = 0; i < MEM_PAGES; i++)
		if (i != READ_ONLY)
			GUEST_ASSERT_EQ(views_run(1, do_write, gva_of(i)), 0);
	GUEST_SYNC(0);

	for (round = 1;; round++) {
		GUEST_ASSERT_EQ(views_run(1, do_round, round), 1);
		READ_ONCE(*(u64 *)gva_of(NOTIFIED));
		GUEST_ASSERT_EQ(nr_aex, round - 1);
		GUEST_ASSERT_EQ(views_run(1, do_write, gva_of(READ_ONLY)),
				AEX_RESULT);
		GUEST_ASSERT_EQ(nr_ve, 0);
		GUEST_SYNC(round);
	}
}

static u32 ring_collect(struct kvm_vcpu *vcpu, unsigned long *map)
{
	struct kvm_dirty_gfn *gfns = vcpu_map_dirty_ring(vcpu);
	static u32 fetch;
	u32 count = 0;

	if (!map) {
		fetch = 0;
		return 0;
	}
	for (;; fetch++, count++) {
		struct kvm_dirty_gfn *e = &gfns[fetch % (RING_BYTES /
							 sizeof(*e))];

		/* KVM writes the flags last. */
		if (smp_load_acquire(&e->flags) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		TEST_ASSERT_EQ(e->slot, MEM_SLOT);
		TEST_ASSERT(e->offset < MEM_PAGES, "page %llu", e->offset);
		map[e->offset / 64] |= BIT(e->offset % 64);
		/* And may reuse the entry after this. */
		smp_store_release(&e->flags, KVM_DIRTY_GFN_F_RESET);
	}
	TEST_ASSERT_EQ(kvm_vm_reset_dirty_ring(vcpu->vm), count);
	return count;
}

/* What was written since the last time. */
static void collect(struct kvm_vcpu *vcpu, enum log mode, unsigned long *map)
{
	memset(map, 0, MEM_PAGES / 8);
	if (mode == RING) {
		ring_collect(vcpu, map);
		return;
	}
	kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, map);
	if (mode != BITMAP)
		kvm_vm_clear_dirty_log(vcpu->vm, MEM_SLOT, map, 0, MEM_PAGES);
}

static struct kvm_vcpu *new_vm(enum log mode, bool huge)
{
	struct kvm_vm *vm = vm_create(1);
	struct kvm_vcpu *vcpu;

	if (mode == RING)
		vm_enable_dirty_ring(vm, RING_BYTES);
	if (mode == MANUAL || mode == MANUAL_ALL_SET)
		vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			      (mode == MANUAL_ALL_SET ?
			       KVM_DIRTY_LOG_INITIALLY_SET : 0));
	vcpu = vm_vcpu_add(vm, 0, guest_code);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, huge ? VM_MEM_SRC_ANONYMOUS_THP :
					       VM_MEM_SRC_ANONYMOUS, MEM_GPA,
				    MEM_SLOT, MEM_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, MEM_PAGES);
	vm_install_exception_handler(vm, 20, handle_ve);
	return vcpu;
}

static void test_log(enum log mode, bool huge)
{
	struct kvm_vcpu *vcpu = new_vm(mode, huge);
	unsigned long map[MEM_PAGES / 64], want[MEM_PAGES / 64];
	struct kvm_vm *vm = vcpu->vm;
	u64 round;
	int i;

	views_run_to(vcpu, 0);
	vm_mem_region_set_flags(vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	if (mode == RING)
		ring_collect(vcpu, NULL);
	collect(vcpu, mode, map);
	for (i = 0; i < MEM_PAGES / 64; i++)
		TEST_ASSERT_EQ(map[i], mode == MANUAL_ALL_SET ? ~0ul : 0);

	for (round = 1; round <= ROUNDS; round++) {
		views_run_to(vcpu, round);
		collect(vcpu, mode, map);
		memset(want, 0, sizeof(want));
		for (i = 0; i < 3; i++)
			want[written(round, i) / 64] |=
				BIT(written(round, i) % 64);
		for (i = 0; i < MEM_PAGES / 64; i++)
			TEST_ASSERT(map[i] == want[i],
				    "round %lu, pages from %d: %lx, not %lx",
				    round, i * 64, map[i], want[i]);
		TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_aex), round);
		TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_ve_synthesized), 0);
	}
	kvm_vm_free(vm);
	ksft_test_result_pass("%s, %s pages\n", log_names[mode],
			      huge ? "huge" : "small");
}

#ifdef VIEWS_WITH_PML
/* As if a view had the A/D bits that the CPU has: its writes are lost. */
static void test_lost(void)
{
	struct kvm_vcpu *vcpu = new_vm(BITMAP, false);
	unsigned long map[MEM_PAGES / 64];
	u64 round, lost = 0;
	int i;

	views_run_to(vcpu, 0);
	views_weaken(BIT(KVM_VIEWS_BREAK_WRITE_PROTECT));
	vm_mem_region_set_flags(vcpu->vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	collect(vcpu, BITMAP, map);
	for (round = 1; round <= ROUNDS; round++) {
		views_run_to(vcpu, round);
		collect(vcpu, BITMAP, map);
		for (i = 0; i < 3; i++)
			lost += !(map[written(round, i) / 64] &
				  BIT(written(round, i) % 64));
	}
	views_weaken(0);
	kvm_vm_free(vcpu->vm);
	ksft_print_msg("%lu of %d writes lost\n", lost, 3 * ROUNDS);
	TEST_ASSERT_EQ(lost, 3 * ROUNDS);
	ksft_test_result_pass("lost writes are noticed\n");
}
#endif

/* Three bytes long, which the handler relies on. */
static void read_secret(void)
{
	u64 val;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "=a" (val) :
		     "D" (pages[PG_SECRET].gva) : "memory");
}

/* Has not read the information yet when the VM is stopped. */
static void handle_ve_late(struct ex_regs *regs)
{
	nr_ve++;
	regs->rip += 3;
}

static void guest_info(void)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;
	u64 i;

	views_start(0);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE),
			1);
	/* Whatever the handler needs is mapped after this one. */
	read_secret();
	WRITE_ONCE(info->busy, 0);
	for (i = 0;; i += 2) {
		GUEST_SYNC(i);
		read_secret();
		GUEST_ASSERT_EQ(nr_ve, i / 2 + 2);
		GUEST_SYNC(i + 1);
		GUEST_ASSERT_EQ(READ_ONCE(info->busy), ~0u);
		WRITE_ONCE(info->busy, 0);
	}
}

/* The CPU writes #VE information where no log sees it. */
static void test_info(void)
{
	struct userspace_mem_region *region;
	struct kvm_vcpu *vcpu;
	unsigned long *map;
	struct kvm_vm *vm;
	u64 i, page, npages, synthesized = 0;

	vm = vm_create_with_one_vcpu(&vcpu, guest_info);
	views_setup(vm);
	vm_install_exception_handler(vm, 20, handle_ve_late);
	region = memslot2region(vm, 0);
	npages = region->region.memory_size / 4096;
	page = (pages[PG_VE].gpa - region->region.guest_phys_addr) / 4096;
	map = calloc(npages / 64 + 1, sizeof(*map));

	vm_mem_region_set_flags(vm, 0, KVM_MEM_LOG_DIRTY_PAGES);
	for (i = 0; i < 12; i++) {
		/* In the last rounds the host forgets it. */
		if (i == 8)
			views_weaken(BIT(KVM_VIEWS_BREAK_VE_DIRTY));
		views_run_to(vcpu, i);
		if (!i)
			synthesized = vcpu_get_stat(vcpu, view_ve_synthesized);
		kvm_vm_get_dirty_log(vm, 0, map);
		if (i & 1)
			TEST_ASSERT(!(map[page / 64] & BIT(page % 64)) == (i > 8),
				    "round %lu", i);
	}
	views_weaken(0);
	TEST_ASSERT_EQ(vcpu_get_stat(vcpu, view_ve_synthesized), synthesized);
	free(map);
	kvm_vm_free(vm);
	ksft_test_result_pass("#VE information\n");
}

int main(void)
{
	int mode;

	views_require();
#ifdef VIEWS_WITH_PML
	TEST_REQUIRE(get_kvm_intel_param_bool("pml"));
#endif
	ksft_print_header();
#ifdef VIEWS_WITH_PML
	ksft_set_plan(2 * LOG_MODES + 2);
	test_lost();
#else
	ksft_set_plan(2 * LOG_MODES + 1);
#endif
	for (mode = 0; mode < LOG_MODES; mode++) {
		test_log(mode, false);
		test_log(mode, true);
	}
	if (host_cpu_is_intel)
		test_info();
	else
		ksft_test_result_skip("#VE information: the CPU writes none\n");
	ksft_finished();
}
