// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: vCPUs that come after the seal, and VMs that go
 * and must leave nothing behind.
 */
#include "views_kick.h"
#include "views_proc.h"
#include "views_state.h"

#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define LEAK_VIEWS	8
#define LEAK_RANGES	192
#define LEAK_VMS	24
#define WARM_UP_VMS	6
/* 385 segments of 8 bytes in each view. */
#define LEAK_KIB	(LEAK_VMS * (LEAK_VIEWS - 1) * 4)

static u64 nr_gp, nr_ud;
static struct page cell1, ve1;

/* Three bytes long, as VMFUNC is. */
static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static void vmfunc(u64 view)
{
	asm volatile(".byte 0x0f, 0x01, 0xd4" : : "a" (0), "c" (view) :
		     "memory");
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static void handle_gp(struct ex_regs *regs)
{
	nr_gp++;
	regs->rip += 3;
}

static void handle_ud(struct ex_regs *regs)
{
	nr_ud++;
	regs->rip += 3;
}

static void guest_first(void)
{
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, 0x1234);
	WRITE_ONCE(*(u64 *)pages[PG_DATA].gva, 0x5678);
	views_start(0);
	views_set(0, pages[PG_SECRET].gpa, 0);
	views_set(1, pages[PG_SECRET].gpa, KVM_VIEW_R);
	views_set(1, pages[PG_DATA].gpa, 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SEAL, 0, 0, 0), 0);
	GUEST_SYNC(0);
	/* The newcomer is none of its business. */
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva), 0x1234);
	GUEST_DONE();
}

static void guest_late(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;

	/* View 0, with what is left of its rights, and no way out of it. */
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	GUEST_ASSERT_EQ(read_q(pages[PG_SECRET].gva), 0);
	GUEST_ASSERT_EQ(nr_gp, 1);
	GUEST_ASSERT_EQ(read_q(pages[PG_DATA].gva), 0x5678);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SWITCH, 1, 0, 0), -ENOENT);
	vmfunc(1);
	GUEST_ASSERT_EQ(nr_ud, 1);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, RWX, 0),
			-EPERM);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, RWX, 0), -EPERM);

	views_default_cfg(cfg);
	cfg->sp_cell = cell1.gpa;
	cfg->ve_info = ve1.gpa;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0),
			0);
	GUEST_ASSERT_EQ(views_call(1, do_read, pages[PG_SECRET].gva,
				   (u64 *)cell1.gva), 0x1234);
	GUEST_ASSERT_EQ(views_call(1, do_read, pages[PG_DATA].gva,
				   (u64 *)cell1.gva), AEX_RESULT);
	GUEST_ASSERT_EQ(read_q(pages[PG_SECRET].gva), 0);
	GUEST_ASSERT_EQ(nr_gp, 2);
	GUEST_DONE();
}

static void test_hotplug(void)
{
	struct kvm_vcpu *first, *late;
	struct kvm_vm *vm = vm_create(2);

	first = vm_vcpu_add(vm, 0, guest_first);
	views_setup(vm);
	vm_install_exception_handler(vm, GP_VECTOR, handle_gp);
	vm_install_exception_handler(vm, UD_VECTOR, handle_ud);
	cell1.gva = vm_alloc_page(vm);
	cell1.gpa = addr_gva2gpa(vm, cell1.gva);
	ve1.gva = vm_alloc_page(vm);
	ve1.gpa = addr_gva2gpa(vm, ve1.gva);
	sync_global_to_guest(vm, cell1);
	sync_global_to_guest(vm, ve1);
	views_run_to_stage(first, 0);

	late = vm_vcpu_add(vm, 1, guest_late);
	views_run_vcpu(late);
	views_run_vcpu(first);
	kvm_vm_free(vm);
	ksft_test_result_pass("vCPU added after the seal\n");
}

/* Some of everything that a VM can have of views. */
static void guest_leak(void)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;
	u64 view, i;

	views_start(0);
	for (view = 1; view < LEAK_VIEWS; view++) {
		if (view > 1)
			GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, view,
						 KVM_VIEW_R, 0), 0);
		for (i = 0; i < LEAK_RANGES; i++) {
			op[i % 64] = (struct kvm_view_op) {
				.view = view,
				.type = KVM_VIEW_OP_PROTECT,
				.gfn = 0x100000 + 2 * i,
				.npages = 1,
			};
			if (i % 64 == 63)
				GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SET,
							 pages[PG_ARGS].gpa, 64,
							 0), 64);
		}
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, view,
					 pages[0].gpa >> 12, 1), 1);
	}
	GUEST_ASSERT_EQ(views_remap_pages(2, 1ull << 32, pages[0].gpa, 1,
					  KVM_VIEW_R), 1);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 2, 1ull << 20, 1), 1);
	views_set(1, pages[PG_SECRET].gpa, 0);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva), AEX_RESULT);
	GUEST_SYNC(0);
	views_run(1, views_spin, 0);
}

/* Its vCPU is in a view when it goes. */
static void one_vm(bool show)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_leak);
	views_setup(vm);
	views_run_to_stage(vcpu, 0);
	TEST_ASSERT_EQ(vm_get_stat(vm, views), LEAK_VIEWS);
	TEST_ASSERT(vm_get_stat(vm, view_pt_pages) >= 3 * (LEAK_VIEWS - 1),
		    "views without tables");
	if (show)
		ksft_print_msg("a VM: %lu table pages of views, %ld KiB of tables, %ld pinned\n",
			       (u64)vm_get_stat(vm, view_pt_pages),
			       proc_number("/proc/meminfo", "SecPageTables"),
			       pinned());
	views_run_to(vcpu, (u64)views_spin, (u64)views_spin_end);
	kvm_vm_free(vm);
}

/* Memory is freed after a while: wait for it, within reason. */
static long settle(const char *name, long limit)
{
	long val = 0;
	int i;

	for (i = 0; i < 40; i++) {
		val = proc_number("/proc/meminfo", name);
		if (val <= limit)
			break;
		usleep(50000);
	}
	return val;
}

/* How much the kernel's memory grows over many VMs, in KiB. */
static long growth(void)
{
	long before, after;
	int i;

	for (i = 0; i < WARM_UP_VMS; i++)
		one_vm(false);
	usleep(500000);
	before = proc_number("/proc/meminfo", "Slab");
	for (i = 0; i < LEAK_VMS; i++)
		one_vm(false);
	after = settle("Slab", before + LEAK_KIB / 4);
	return after - before;
}

static void test_destroy(void)
{
	long tables, pins, after;

	one_vm(false);
	usleep(500000);
	tables = proc_number("/proc/meminfo", "SecPageTables");
	pins = pinned();
	one_vm(true);
	after = settle("SecPageTables", tables);
	TEST_ASSERT(after <= tables, "%ld KiB of tables, before %ld", after,
		    tables);
	TEST_ASSERT_EQ(pinned(), pins);

	after = growth();
	ksft_print_msg("%d VMs: %ld KiB more in slabs\n", LEAK_VMS, after);
	TEST_ASSERT(after < LEAK_KIB / 2, "%ld KiB lost", after);
	after = settle("SecPageTables", tables);
	TEST_ASSERT(after <= tables, "%ld KiB of tables, before %ld", after,
		    tables);
	TEST_ASSERT_EQ(pinned(), pins);
	ksft_test_result_pass("a VM leaves nothing behind\n");

	views_weaken(BIT(KVM_VIEWS_BREAK_FREE));
	after = growth();
	views_weaken(0);
	ksft_print_msg("%d VMs whose policies are not freed: %ld KiB more\n",
		       LEAK_VMS, after);
	TEST_ASSERT(after > LEAK_KIB / 2, "a leak of %d KiB is not seen",
		    LEAK_KIB);
	ksft_test_result_pass("what is left behind is noticed\n");
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	test_hotplug();
	test_destroy();
	ksft_finished();
}
