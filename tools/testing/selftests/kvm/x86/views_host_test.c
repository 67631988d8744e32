// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what the VMM and the host do to the guest's
 * memory meanwhile, and the emulator.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "views_util.h"

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull
#define HUGE_PAGES	512
#define TMP_SLOT	11
#define TMP_GPA		0x80000000ull
#define MMIO_GPA	0xc0000000ull
#define ROUNDS		2000

static u64 nr_gp;
static bool stop;

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, READ_ONCE(*(u64 *)addr) + 1);
	return 0;
}

static struct kvm_vcpu *new_vm(void (*guest)(void))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	return vcpu;
}

/* Run until GUEST_SYNC(stage). */
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
		TEST_FAIL("exit reason %u (%s)", vcpu->run->exit_reason,
			  exit_reason_str(vcpu->run->exit_reason));
	}
}

/* A slot of 4 MiB, and where it can be a huge page. */
static void add_mem(struct kvm_vm *vm, u32 flags)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA,
				    MEM_SLOT, 2 * HUGE_PAGES, flags);
	virt_map(vm, MEM_GVA, MEM_GPA, 2 * HUGE_PAGES);
}

/* Writes made in a view are in the dirty log, with and without PML. */
static void guest_dirty(void)
{
	int i;

	views_start(0);
	for (i = 0;; i++) {
		GUEST_SYNC(i);
		GUEST_ASSERT_EQ(views_run(1, do_write, MEM_GVA + 5 * 4096), 0);
	}
}

static void test_dirty_log(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_dirty);
	unsigned long map[2 * HUGE_PAGES / 64];
	int i;

	add_mem(vcpu->vm, 0);
	/* Mapped before logging starts, and writable. */
	run_to(vcpu, 0);
	run_to(vcpu, 1);
	vm_mem_region_set_flags(vcpu->vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, map);
	for (i = 2; i < 8; i++) {
		run_to(vcpu, i);
		memset(map, 0, sizeof(map));
		kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, map);
		TEST_ASSERT(map[0] & BIT(5), "round %d: write lost", i);
		TEST_ASSERT(!(map[0] & ~BIT(5)), "round %d: %lx", i, map[0]);
	}
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("dirty log\n");
}

/* One page in the middle of a huge one has other rights. */
static void guest_huge(void)
{
	u64 hole = MEM_GVA + 100 * 4096, i, stage;

	views_start(0);
	GUEST_ASSERT_EQ(views_run(1, do_write, MEM_GVA), 0);
	views_set(1, hole - MEM_GVA + MEM_GPA, KVM_VIEW_R);
	for (stage = 0;; stage++) {
		for (i = 0; i < 200; i++) {
			u64 want = i == 100 ? AEX_RESULT : 0;

			GUEST_ASSERT_EQ(views_run(1, do_write,
						  MEM_GVA + i * 4096), want);
		}
		GUEST_ASSERT_NE(views_run(1, do_read, hole), AEX_RESULT);
		GUEST_SYNC(stage);
	}
}

static void test_huge(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_huge);
	struct kvm_vm *vm = vcpu->vm;
	int i;

	add_mem(vm, 0);
	/* Logging splits huge pages, its end makes huge pages again. */
	for (i = 0; i < 6; i++) {
		run_to(vcpu, i);
		vm_mem_region_set_flags(vm, MEM_SLOT,
					i & 1 ? 0 : KVM_MEM_LOG_DIRTY_PAGES);
	}
	kvm_vm_free(vm);
	ksft_test_result_pass("rights within a huge page\n");
}

/* The host takes pages away: a view must not see what was in them. */
static void guest_discard(void)
{
	u64 i;

	views_start(0);
	views_set(1, MEM_GPA, KVM_VIEW_R);
	for (i = 0;; i++) {
		WRITE_ONCE(*(u64 *)MEM_GVA, 42);
		GUEST_ASSERT_EQ(views_run(1, do_read, MEM_GVA), 42);
		GUEST_SYNC(i);
		GUEST_ASSERT_EQ(views_run(1, do_read, MEM_GVA), 0);
	}
}

static void test_discard(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_discard);
	int i;

	add_mem(vcpu->vm, 0);
	for (i = 0; i < 20; i++) {
		run_to(vcpu, i);
		TEST_ASSERT_EQ(madvise(addr_gpa2hva(vcpu->vm, MEM_GPA), 4096,
				       MADV_DONTNEED), 0);
	}
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("discarded memory\n");
}

/* Memslots come and go, which invalidates all roots. */
static void *slot_thread(void *arg)
{
	struct kvm_vm *vm = arg;

	while (!READ_ONCE(stop)) {
		vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TMP_GPA,
					    TMP_SLOT, 1, 0);
		vm_mem_region_delete(vm, TMP_SLOT);
	}
	return NULL;
}

static void guest_slots(void)
{
	u64 secret = pages[PG_SECRET].gva, i;

	views_start(0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	for (i = 0; i < ROUNDS; i++) {
		GUEST_ASSERT_EQ(views_run(1, do_write, pages[PG_DATA].gva), 0);
		GUEST_ASSERT_EQ(views_run(1, do_read, secret), AEX_RESULT);
	}
	GUEST_ASSERT_EQ(*(u64 *)pages[PG_DATA].gva, ROUNDS);
	GUEST_DONE();
}

static void test_slots(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_slots);
	pthread_t thread;

	stop = false;
	pthread_create(&thread, NULL, slot_thread, vcpu->vm);
	views_run_vcpu(vcpu);
	WRITE_ONCE(stop, true);
	pthread_join(thread, NULL);
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("memslots come and go\n");
}

/* String instructions from a device to memory that view 0 may not write. */
static void handle_gp(struct ex_regs *regs)
{
	nr_gp++;
	regs->rip += 1;
}

static void movsb(u64 to, u64 from)
{
	asm volatile(".byte 0xa4" : "+D" (to), "+S" (from) : : "memory");
}

static void guest_emulator(void)
{
	u8 *data = (u8 *)pages[PG_DATA].gva;

	views_start(0);
	WRITE_ONCE(data[0], 1);
	movsb((u64)data, MMIO_GPA);
	GUEST_ASSERT_EQ(READ_ONCE(data[0]), 0x5a);
	GUEST_ASSERT_EQ(nr_gp, 0);

	WRITE_ONCE(data[0], 1);
	views_set(0, pages[PG_DATA].gpa, KVM_VIEW_R);
	movsb((u64)data, MMIO_GPA);
	GUEST_ASSERT_EQ(nr_gp, 1);
	GUEST_ASSERT_EQ(READ_ONCE(data[0]), 1);

	/* And the reverse. */
	views_set(0, pages[PG_SECRET].gpa, 0);
	movsb(MMIO_GPA, pages[PG_SECRET].gva);
	GUEST_ASSERT_EQ(nr_gp, 2);

	/* A device without rights. */
	views_set(0, MMIO_GPA, 0);
	movsb((u64)data + 8, MMIO_GPA);
	GUEST_ASSERT_EQ(nr_gp, 3);
	GUEST_DONE();
}

static void test_emulator(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_emulator);

	virt_map(vcpu->vm, MMIO_GPA, MMIO_GPA, 1);
	vm_install_exception_handler(vcpu->vm, GP_VECTOR, handle_gp);
	for (;;) {
		struct ucall uc;

		vcpu_run(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
			TEST_ASSERT(!vcpu->run->mmio.is_write, "disclosed");
			vcpu->run->mmio.data[0] = 0x5a;
			continue;
		}
		if (get_ucall(vcpu, &uc) == UCALL_DONE)
			break;
		if (uc.cmd == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
		TEST_FAIL("exit reason %u", vcpu->run->exit_reason);
	}
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("emulator in view 0\n");
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(5);
	test_dirty_log();
	test_huge();
	test_discard();
	test_slots();
	test_emulator();
	ksft_finished();
}
