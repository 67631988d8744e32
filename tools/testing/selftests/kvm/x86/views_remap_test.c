// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: another frame in place of one. It is read-only,
 * and gone as soon as the host takes the memory of the other frame away.
 */
#include <sys/mman.h>

#include "views_util.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RX	(KVM_VIEW_R | KVM_VIEW_X)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define NO_MEM	0x7f000000ull

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull
#define MEM_PAGES	1024
#define ROM_SLOT	11
#define ROM_GPA		0x50000000ull
/* Seen in the view, and without memory itself. */
#define FAR_GPA		0x60000000ull
#define FAR_GVA		0x60000000ull

#define hc_eq(want, ...)	GUEST_ASSERT_EQ(views_hc(__VA_ARGS__), (long)(want))

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 1);
	return 0;
}

static u64 do_call(u64 addr)
{
	return ((u64 (*)(void))addr)();
}

static void expect_denied(u64 (*fn)(u64 arg), u64 gva, u64 gpa, u8 missing)
{
	GUEST_ASSERT_EQ(views_run(1, fn, gva), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.missing, missing);
	GUEST_ASSERT_EQ(last_aex.gpa & ~0xfffull, gpa);
}

#define bad_op(err, change)						\
do {									\
	*op = good;							\
	(change);							\
	hc_eq(err, KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);		\
} while (0)

static void guest_errors(void)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;
	struct kvm_view_op good = {
		.view = 1,
		.type = KVM_VIEW_OP_REMAP,
		.mask = R,
		.gfn = FAR_GPA >> 12,
		.npages = 1,
		.target = MEM_GPA >> 12,
	};
	u64 i;

	views_start(0);
	GUEST_ASSERT(views_has(KVM_VIEWS_F_REMAP));
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_LIMITS, 0, 0) >> 32,
			1024);
	bad_op(-EINVAL, op->view = 0);
	bad_op(-ENOENT, op->view = 9);
	bad_op(-EINVAL, op->mask = RW);
	bad_op(-EINVAL, op->mask = RWX);
	bad_op(-EINVAL, op->mask = KVM_VIEW_X);
	bad_op(-EINVAL, op->flags = KVM_VIEW_OP_VE);
	bad_op(-EINVAL, op->flags = 8);
	bad_op(-EINVAL, op->npages = 0);
	bad_op(-EINVAL, op->npages = 513);
	bad_op(-EINVAL, op->gfn = 1ull << 52);
	bad_op(-EINVAL, op->target = 1ull << 52);
	bad_op(-EINVAL, op->target = ~0ull);
	bad_op(-EFAULT, op->target = NO_MEM >> 12);
	bad_op(-EFAULT, op->target = ROM_GPA >> 12);
	/* The last page of the range is beyond the slot. */
	bad_op(-EFAULT, (op->target = (MEM_GPA >> 12) + MEM_PAGES - 1,
			 op->npages = 2));
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 1,
				 FAR_GPA >> 12) & 0xff, RWX);

	good.type = KVM_VIEW_OP_UNREMAP;
	good.target = 0;
	bad_op(-ENOENT, op->mask = R);
	bad_op(-EINVAL, op->target = 1);
	bad_op(-EINVAL, op->view = 0);
	bad_op(-EINVAL, op->npages = 513);

	/* All or none, and once. */
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 4, R), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 1, R), -EEXIST);
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA - 4096, MEM_GPA, 2, R),
			-EEXIST);
	GUEST_ASSERT_EQ(views_set_flags(1, FAR_GPA + 4096, 1, R,
					KVM_VIEW_OP_VE), -EINVAL);
	GUEST_ASSERT_EQ(views_unremap_pages(1, FAR_GPA, 5, R), -ENOENT);
	GUEST_ASSERT_EQ(views_unremap_pages(1, FAR_GPA - 4096, 2, R), -ENOENT);
	GUEST_ASSERT_EQ(views_unremap_pages(1, FAR_GPA, 4, R), 1);

	/* 1024 in the VM, however they are given back. */
	hc_eq(0, KVM_VIEWS_CREATE, 2, R, 0);
	for (i = 0; i < 3; i++) {
		GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 512, R), 1);
		GUEST_ASSERT_EQ(views_remap_pages(2, FAR_GPA, MEM_GPA, 512, R), 1);
		GUEST_ASSERT_EQ(views_remap_pages(2, FAR_GPA + (512 << 12),
						  MEM_GPA, 1, R), -E2BIG);
		GUEST_ASSERT_EQ(views_unremap_pages(1, FAR_GPA, 512, R), 1);
		GUEST_ASSERT_EQ(views_unremap_pages(2, FAR_GPA + 4096, 511, R), 1);
		GUEST_ASSERT_EQ(views_unremap_pages(2, FAR_GPA, 1, R), 1);
	}
	GUEST_DONE();
}

/* Code that returns a number. */
static void write_code(u64 gva, u32 number)
{
	u8 *code = (u8 *)gva;

	code[0] = 0xb8;
	memcpy(code + 1, &number, sizeof(number));
	code[5] = 0xc3;
}

static void guest_remap(void)
{
	u64 data = pages[PG_DATA].gva, gpa = pages[PG_DATA].gpa;
	u64 code = pages[PG_CODE].gva;

	views_start(0);
	WRITE_ONCE(*(u64 *)data, 11);
	WRITE_ONCE(*(u64 *)MEM_GVA, 22);
	WRITE_ONCE(*(u64 *)(MEM_GVA + 4096), 33);
	write_code(code, 1);
	write_code(MEM_GVA + 8192, 2);
	GUEST_ASSERT_EQ(views_run(1, do_read, data), 11);
	GUEST_ASSERT_EQ(views_run(1, do_call, code), 1);

	GUEST_ASSERT_EQ(views_remap_pages(1, gpa, MEM_GPA, 1, R), 1);
	hc_eq(R | KVM_VIEWS_POLICY_REMAPPED | 1 << 8, KVM_VIEWS_QUERY,
	      KVM_VIEWS_Q_POLICY, 1, gpa >> 12);
	GUEST_ASSERT_EQ(views_run(1, do_read, data), 22);
	GUEST_ASSERT_EQ(*(u64 *)data, 11);
	GUEST_ASSERT_EQ(views_run(1, do_read, MEM_GVA), 22);
	/* What is written to the frame shows, the view itself can't write. */
	WRITE_ONCE(*(u64 *)MEM_GVA, 23);
	GUEST_ASSERT_EQ(views_run(1, do_read, data), 23);
	expect_denied(do_write, data, gpa, KVM_VIEW_W);
	expect_denied(do_call, data, gpa, KVM_VIEW_X);
	GUEST_ASSERT_EQ(*(u64 *)MEM_GVA, 23);
	GUEST_ASSERT_EQ(*(u64 *)data, 11);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, KVM_VIEW_W);
	hc_eq(0, KVM_VIEWS_FAULT, 1, gpa, R);

	/* Rights can be changed, but not to write. */
	views_set(1, gpa, 0);
	expect_denied(do_read, data, gpa, R);
	GUEST_ASSERT_EQ(views_set_flags(1, gpa, 1, RW, 0), -EINVAL);
	GUEST_ASSERT_EQ(views_set_flags(1, 0, 0x100000, RWX, 0), -EINVAL);
	views_set(1, gpa, R);
	GUEST_ASSERT_EQ(views_run(1, do_read, data), 23);

	/* Populated ahead, next to each other, from elsewhere. */
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 2, R), 1);
	hc_eq(2, KVM_VIEWS_POPULATE, 1, FAR_GPA >> 12, 2);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), 23);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA + 4096), 33);
	expect_denied(do_write, FAR_GVA, FAR_GPA, KVM_VIEW_W);

	GUEST_ASSERT_EQ(views_remap_pages(1, pages[PG_CODE].gpa, MEM_GPA + 8192,
					  1, RX), 1);
	GUEST_ASSERT_EQ(views_run(1, do_call, code), 2);
	GUEST_ASSERT_EQ(do_call(code), 1);

	/* After the seal neither, but rights can be taken away. */
	hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
	hc_eq(0, KVM_VIEWS_SEAL, 1, 2, 0);
	GUEST_ASSERT_EQ(views_remap_pages(2, gpa, MEM_GPA, 1, R), -EPERM);
	hc_eq(0, KVM_VIEWS_SEAL, 1, 1, 0);
	GUEST_ASSERT_EQ(views_unremap_pages(1, gpa, 1, R), -EPERM);
	GUEST_ASSERT_EQ(views_set_flags(1, gpa, 1, RX, 0), -EPERM);
	views_set(1, gpa, 0);
	expect_denied(do_read, data, gpa, R);
	GUEST_DONE();
}

/* Back to what was there. */
static void guest_unremap(void)
{
	u64 data = pages[PG_DATA].gva, gpa = pages[PG_DATA].gpa, i;

	views_start(0);
	WRITE_ONCE(*(u64 *)data, 11);
	WRITE_ONCE(*(u64 *)MEM_GVA, 22);
	for (i = 0; i < 50; i++) {
		GUEST_ASSERT_EQ(views_remap_pages(1, gpa, MEM_GPA, 1, R), 1);
		GUEST_ASSERT_EQ(views_run(1, do_read, data), 22);
		GUEST_ASSERT_EQ(views_unremap_pages(1, gpa, 1, i & 1 ? RW : R), 1);
		GUEST_ASSERT_EQ(views_run(1, do_read, data), 11);
		hc_eq((i & 1 ? RW : R) | 1 << 8, KVM_VIEWS_QUERY,
		      KVM_VIEWS_Q_POLICY, 1, gpa >> 12);
	}
	WRITE_ONCE(*(u64 *)data, 0);
	GUEST_ASSERT_EQ(views_run(1, do_write, data), 0);
	GUEST_ASSERT_EQ(*(u64 *)data, 1);
	GUEST_ASSERT_EQ(*(u64 *)MEM_GVA, 22);
	GUEST_DONE();
}

static void add_mem(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, MEM_GPA,
				    MEM_SLOT, MEM_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, MEM_PAGES);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, ROM_GPA, ROM_SLOT,
				    4, KVM_MEM_READONLY);
	virt_map(vm, FAR_GVA, FAR_GPA, 4);
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

static struct kvm_vcpu *new_vm(void (*guest)(void), u64 quirks_off)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	if (quirks_off)
		vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, quirks_off);
	views_setup(vm);
	add_mem(vm, vcpu);
	return vcpu;
}

/*
 * The view has the frame mapped at another place only. What it reads there
 * after the memory has gone: 0 from new memory, or what was in the old one.
 */
static u64 after_discard;

static void guest_discard(void)
{
	u64 i;

	views_start(0);
	views_set(1, MEM_GPA, 0);
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 1, R), 1);
	for (i = 0;; i++) {
		WRITE_ONCE(*(u64 *)MEM_GVA, 42);
		GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), 42);
		GUEST_SYNC(i);
		GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), after_discard);
	}
}

static void discard(const char *name, u64 after, int rounds)
{
	struct kvm_vcpu *vcpu = new_vm(guest_discard, 0);
	void *hva = addr_gpa2hva(vcpu->vm, MEM_GPA);
	int i;

	after_discard = after;
	sync_global_to_guest(vcpu->vm, after_discard);
	for (i = 0; i < rounds; i++) {
		run_to(vcpu, i);
		if (i & 1)
			TEST_ASSERT(mmap(hva, 4096, PROT_READ | PROT_WRITE,
					 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0) == hva, "mmap failed");
		else
			TEST_ASSERT_EQ(madvise(hva, 4096, MADV_DONTNEED), 0);
	}
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("%s\n", name);
}

static void test_discard(const char *name)
{
	discard(name, 0, 20);
}

static void test_stale(const char *name)
{
	discard(name, 42, 2);
}

/* The memslot of the target goes away, and another one comes. */
static void guest_slot(void)
{
	u64 i;

	views_start(0);
	GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA, MEM_GPA, 1, R), 1);
	for (i = 0;; i += 2) {
		WRITE_ONCE(*(u64 *)MEM_GVA, 42);
		GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), 42);
		GUEST_SYNC(i);
		expect_denied(do_read, FAR_GVA, FAR_GPA, R);
		GUEST_ASSERT_EQ(views_remap_pages(1, FAR_GPA + 4096, MEM_GPA, 1,
						  R), -EFAULT);
		GUEST_SYNC(i + 1);
		GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), 0);
	}
}

static void test_slot(const char *name, u64 quirks_off)
{
	struct kvm_vcpu *vcpu = new_vm(guest_slot, quirks_off);
	struct kvm_vm *vm = vcpu->vm;
	int i;

	for (i = 0; i < 10; i += 2) {
		run_to(vcpu, i);
		vm_mem_region_delete(vm, MEM_SLOT);
		run_to(vcpu, i + 1);
		vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA,
					    MEM_SLOT, MEM_PAGES, 0);
	}
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

/*
 * Frames in the middle of huge pages, on either side, while logging starts
 * (splits) and ends (makes them huge again).
 */
static void guest_huge(void)
{
	u64 here = MEM_GVA + 100 * 4096, there = MEM_GVA + 700 * 4096, i;

	views_start(0);
	WRITE_ONCE(*(u64 *)here, 1000);
	WRITE_ONCE(*(u64 *)there, 2000);
	GUEST_ASSERT_EQ(views_run(1, do_read, here), 1000);
	GUEST_ASSERT_EQ(views_remap_pages(1, MEM_GPA + 100 * 4096,
					  MEM_GPA + 700 * 4096, 1, R), 1);
	for (i = 0;; i++) {
		WRITE_ONCE(*(u64 *)there, 2000 + i);
		GUEST_ASSERT_EQ(views_run(1, do_read, here), 2000 + i);
		GUEST_ASSERT_EQ(views_run(1, do_read, there), 2000 + i);
		GUEST_ASSERT_EQ(views_run(1, do_write, here + 4096), 0);
		expect_denied(do_write, here, MEM_GPA + 100 * 4096, KVM_VIEW_W);
		GUEST_SYNC(i);
	}
}

static void test_huge(const char *name)
{
	struct kvm_vcpu *vcpu = new_vm(guest_huge, 0);
	unsigned long map[MEM_PAGES / 64];
	int i;

	for (i = 0; i < 8; i += 2) {
		run_to(vcpu, i);
		vm_mem_region_set_flags(vcpu->vm, MEM_SLOT,
					KVM_MEM_LOG_DIRTY_PAGES);
		kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, map);
		/* Reading dirties nothing, whichever frame it is. */
		run_to(vcpu, i + 1);
		memset(map, 0, sizeof(map));
		kvm_vm_get_dirty_log(vcpu->vm, MEM_SLOT, map);
		TEST_ASSERT(map[100 / 64] == BIT(101 % 64), "%lx", map[100 / 64]);
		TEST_ASSERT(map[700 / 64] == BIT(700 % 64), "%lx", map[700 / 64]);
		vm_mem_region_set_flags(vcpu->vm, MEM_SLOT, 0);
	}
	TEST_ASSERT_EQ(*(u64 *)addr_gpa2hva(vcpu->vm, MEM_GPA + 100 * 4096),
		       1000);
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(8);
	views_test("what is refused", guest_errors, add_mem);
	views_test("remap", guest_remap, add_mem);
	views_test("unremap", guest_unremap, add_mem);
	test_discard("the target's memory goes away");
	views_weakened_test(KVM_VIEWS_BREAK_REVERSE,
			    "... and is read without the defence", test_stale);
	test_slot("the target's memslot goes away", 0);
	test_slot("... and only that is zapped", KVM_X86_QUIRK_SLOT_ZAP_ALL);
	test_huge("in huge pages, with dirty logging");
	ksft_finished();
}
