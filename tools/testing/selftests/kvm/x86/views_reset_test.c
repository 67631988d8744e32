// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: RESET, by the guest and by the VMM. Afterwards
 * there are no views, who was in one is out of it, and what only views could
 * read is zeros.
 *
 * ut-host-cpus: 2
 */
#include "views_two.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define SECRET	0x5ec2e7ull
#define ROUNDS	50

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull
/* More than one call wipes. */
#define MEM_PAGES	20000
#define ROM_SLOT	11
#define ROM_GPA		0x50000000ull
#define ROM_GVA		0x50000000ull

#define hc_eq(want, ...)	GUEST_ASSERT_EQ(views_hc(__VA_ARGS__), (long)(want))

static u64 flag, calls;

static u64 do_nothing(u64 arg)
{
	return arg;
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_hypercall(u64 op)
{
	return views_hc(op, 0, 0, 0);
}

static u8 vmfunc_vector(u64 view)
{
	return kvm_asm_safe(".byte 0x0f, 0x01, 0xd4", "a"(0), "c"(view));
}

static void reset(void)
{
	long r;

	do {
		r = views_hc(KVM_VIEWS_RESET, 0, 0, 0);
		calls++;
	} while (r == 1);
	GUEST_ASSERT_EQ(r, 0);
}

/* As if there had never been any. */
static void expect_no_views(void)
{
	u64 gfn = pages[PG_SECRET].gpa >> 12;

	hc_eq(0, KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 0, gfn);
	hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 1, 0);
	hc_eq(0, KVM_VIEWS_QUERY, KVM_VIEWS_Q_HOST_EXITS, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_CREATE, 2, R, 0);
	hc_eq(-ENOENT, KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);
	hc_eq(-ENOENT, KVM_VIEWS_POPULATE, 0, gfn, 1);
	hc_eq(-ENOENT, KVM_VIEWS_SWITCH, 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_SEAL, 0, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_RESET, 0, 0, 0);
	GUEST_ASSERT_EQ(vmfunc_vector(0), UD_VECTOR);
	GUEST_ASSERT_EQ(vmfunc_vector(1), UD_VECTOR);
}

/* Restrict view 0: the secret is the view's, the data can only be read. */
static void protect(void)
{
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, SECRET);
	WRITE_ONCE(*(u64 *)pages[PG_DATA].gva, 42);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE), 1);
	views_set(0, pages[PG_DATA].gpa, R);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva), SECRET);
	/* The CPU knows, too. */
	hc_eq(1, KVM_VIEWS_POPULATE, 0, pages[PG_SECRET].gpa >> 12, 1);
}

static void guest_reset(void)
{
	u64 *secret = (u64 *)pages[PG_SECRET].gva;
	u64 *data = (u64 *)pages[PG_DATA].gva;
	u64 i;

	hc_eq(-ENOENT, KVM_VIEWS_RESET, 0, 0, 0);
	for (i = 0; i < 10; i++) {
		views_start(0);
		hc_eq(-EINVAL, KVM_VIEWS_RESET, 1, 0, 0);
		protect();
		hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
		GUEST_ASSERT_EQ(views_remap_pages(2, pages[PG_DATA].gpa,
						  pages[PG_SECRET].gpa, 1, R), 1);

		/* Not from a view. */
		GUEST_ASSERT_EQ(views_run(1, do_hypercall, KVM_VIEWS_RESET),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_REFUSED);

		if (i & 1)
			hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
		reset();
		expect_no_views();
		GUEST_ASSERT_EQ(*secret, 0);
		GUEST_ASSERT_EQ(*data, 42);
		WRITE_ONCE(*secret, 1);
		WRITE_ONCE(*data, 1);
	}
	GUEST_DONE();
}

/* Which frames are wiped, and what that does to them. */
static void guest_wipe(void)
{
	u64 *mem = (u64 *)MEM_GVA, i;

	views_start(0);
	for (i = 0; i < MEM_PAGES; i += 100)
		mem[i * 512 + 511] = SECRET;
	/* Some can be read by view 0. */
	GUEST_ASSERT_EQ(views_set_flags(0, MEM_GPA, MEM_PAGES, 0, 0), 1);
	views_set(0, MEM_GPA + 4096 * 200, R);
	GUEST_ASSERT_EQ(views_set_flags(0, ROM_GPA, 4, 0, 0), 1);
	GUEST_SYNC(0);
	reset();
	GUEST_SYNC(calls);
	for (i = 0; i < MEM_PAGES; i += 100)
		GUEST_ASSERT_EQ(mem[i * 512 + 511], i == 200 ? SECRET : 0);
	GUEST_ASSERT_EQ(*(u64 *)ROM_GVA, 77);
	GUEST_DONE();
}

static u64 run_to_sync(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		return uc.args[1];
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("exit reason %u (%s)", vcpu->run->exit_reason,
			  exit_reason_str(vcpu->run->exit_reason));
	}
}

static unsigned long dirty[(MEM_PAGES + 63) / 64];

/* Pages of this process in memory, without the shared one of zeros. */
static u64 resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	u64 pages;

	TEST_ASSERT(file, "no /proc/self/statm");
	TEST_ASSERT_EQ(fscanf(file, "%*u %lu", &pages), 1);
	fclose(file);
	return pages;
}

static void test_wipe(const char *name)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 i, n, before;

	/* With room for the page tables. */
	vm = __vm_create_with_one_vcpu(&vcpu, 100, guest_wipe);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, MEM_PAGES);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, ROM_GPA, ROM_SLOT,
				    4, KVM_MEM_READONLY);
	virt_map(vm, ROM_GVA, ROM_GPA, 4);
	*(u64 *)addr_gpa2hva(vm, ROM_GPA) = 77;

	run_to_sync(vcpu);
	before = resident();
	/* The slot is of a size as for migration, which this VMM can't do. */
	views_write_param("/sys/module/kvm/parameters/guest_views_migrate", "1");
	vm_mem_region_set_flags(vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	views_write_param("/sys/module/kvm/parameters/guest_views_migrate", "0");
	kvm_vm_get_dirty_log(vm, MEM_SLOT, dirty);
	n = run_to_sync(vcpu);
	TEST_ASSERT(n > 1, "one call wiped %u frames", MEM_PAGES);
	ksft_print_msg("%lu calls for %u frames\n", n, MEM_PAGES);

	memset(dirty, 0, sizeof(dirty));
	kvm_vm_get_dirty_log(vm, MEM_SLOT, dirty);
	for (i = 0; i < MEM_PAGES; i++)
		TEST_ASSERT(!!(dirty[i / 64] & BIT(i % 64)) ==
			    (!(i % 100) && i != 200), "dirty log of frame %lu", i);
	/* What had no memory got none. */
	TEST_ASSERT(resident() < before + MEM_PAGES / 20,
		    "%lu pages in memory, before %lu", resident(), before);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

static void guest_survives(void)
{
	views_start(0);
	protect();
	reset();
	GUEST_ASSERT_EQ(*(u64 *)pages[PG_SECRET].gva, SECRET);
	GUEST_DONE();
}

static void test_survives(const char *name)
{
	views_test(name, guest_survives, NULL);
}

/* In a view when RESET comes: must not go on, neither there nor in view 0. */
static u64 do_stay(u64 addr)
{
	WRITE_ONCE(ready, READ_ONCE(turn));
	while (!READ_ONCE(flag))
		cpu_relax();
	WRITE_ONCE(*(u64 *)addr, SECRET);
	return 1;
}

static void guest_resets(void)
{
	u64 i;

	for (i = 1; i < ROUNDS; i++) {
		WRITE_ONCE(flag, 0);
		views_start(0);
		protect();
		views_set(1, pages[PG_DATA].gpa, R);
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		reset();
		WRITE_ONCE(flag, 1);
		wait_for(&ready, i | 1ull << 32);
		GUEST_ASSERT_EQ(*(u64 *)pages[PG_DATA].gva, 42);
		GUEST_ASSERT_EQ(*(u64 *)pages[PG_SECRET].gva, 0);
	}
	GUEST_DONE();
}

static void guest_is_reset(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_STACK].gva;
	u64 i;

	for (i = 1; i < ROUNDS; i++) {
		wait_for(&turn, i);
		views_default_cfg(cfg);
		cfg->sp_cell = cell1.gpa;
		cfg->ve_info = pages[PG_CODE].gpa;
		hc_eq(0, KVM_VIEWS_VCPU_INIT, pages[PG_STACK].gpa, 0, 0);
		GUEST_ASSERT_EQ(views_run_second(1, do_stay, pages[PG_DATA].gva),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_RESET);
		GUEST_ASSERT_EQ(last_aex.view, 1);
		GUEST_ASSERT_EQ(last_aex.missing, 0);
		wait_for(&flag, 1);
		expect_no_views();
		WRITE_ONCE(ready, i | 1ull << 32);
	}
	GUEST_DONE();
}

static void test_two(const char *name)
{
	views_two_test(name, guest_resets, guest_is_reset);
}

/* Without the defence: one round, as the second vCPU can't come back. */
static void guest_resets_badly(void)
{
	views_start_first();
	protect();
	views_set(1, pages[PG_DATA].gpa, R);
	WRITE_ONCE(turn, 2);
	wait_for(&ready, 2);
	reset();
	WRITE_ONCE(flag, 1);
	wait_for((u64 *)pages[PG_DATA].gva, SECRET);
	GUEST_DONE();
}

static u64 do_stay_and_end(u64 addr)
{
	do_stay(addr);
	GUEST_DONE();
	return 0;
}

static void guest_goes_on(void)
{
	views_start_second();
	wait_for(&turn, 2);
	views_run_second(1, do_stay_and_end, pages[PG_DATA].gva);
}

static void test_goes_on(const char *name)
{
	views_two_test(name, guest_resets_badly, guest_goes_on);
}

/* The VMM resets the VM, and boots it again. */
static void guest_first_boot(void)
{
	views_start(0);
	protect();
	hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
	GUEST_DONE();
}

static void guest_second_boot(void)
{
	hc_eq(-ENOENT, KVM_VIEWS_RESET, 0, 0, 0);
	GUEST_ASSERT_EQ(*(u64 *)pages[PG_SECRET].gva, 0);
	GUEST_ASSERT_EQ(*(u64 *)pages[PG_DATA].gva, 42);
	*views_cell() = 0;
	memset((void *)pages[PG_VE].gva, 0, 4096);
	views_start(0);
	protect();
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 5), 5);
	GUEST_DONE();
}

static void guest_still_there(void)
{
	hc_eq(-EEXIST, KVM_VIEWS_ENABLE, 16, views_enable_flags(), 0);
	hc_eq(R | 1 << 8, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 0,
	      pages[PG_DATA].gpa >> 12);
	/* Registered it is no more. */
	hc_eq(-ENOENT, KVM_VIEWS_SWITCH, 1, 0, 0);
	GUEST_DONE();
}

/* As after a reset, as far as KVM looks: real mode. */
static void reset_vcpu(struct kvm_vcpu *vcpu, const struct kvm_sregs *good)
{
	struct kvm_sregs sregs = *good;

	sregs.cr0 = 0x60000010;
	sregs.cr3 = 0;
	sregs.cr4 = 0;
	sregs.efer = 0;
	sregs.cs.l = 0;
	sregs.cs.selector = 0xf000;
	sregs.cs.base = 0xffff0000;
	vcpu_sregs_set(vcpu, &sregs);
}

static void test_vmm(const char *name)
{
	struct kvm_sregs sregs[2];
	struct kvm_regs regs[2];
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vm;
	int i, round;

	vm = vm_create_with_vcpus(2, guest_first_boot, vcpus);
	views_setup(vm);
	for (i = 0; i < 2; i++) {
		vcpu_sregs_get(vcpus[i], &sregs[i]);
		vcpu_regs_get(vcpus[i], &regs[i]);
	}
	views_run_vcpu(vcpus[0]);

	/* Another vCPU is reset: the views stay. */
	reset_vcpu(vcpus[1], &sregs[1]);
	vcpu_sregs_set(vcpus[1], &sregs[1]);
	regs[1].rip = (u64)guest_still_there;
	vcpu_regs_set(vcpus[1], &regs[1]);
	views_run_vcpu(vcpus[1]);

	for (round = 0; round < 3; round++) {
		reset_vcpu(vcpus[0], &sregs[0]);
		reset_vcpu(vcpus[1], &sregs[1]);
		vcpu_sregs_set(vcpus[0], &sregs[0]);
		regs[0].rip = (u64)guest_second_boot;
		vcpu_regs_set(vcpus[0], &regs[0]);
		views_run_vcpu(vcpus[0]);
	}
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(6);
	views_test("reset, and start again", guest_reset, NULL);
	test_wipe("what is wiped");
	views_weakened_test(KVM_VIEWS_BREAK_WIPE, "... and is not without the defence",
			    test_survives);
	test_two("another vCPU is in a view");
	views_weakened_test(KVM_VIEWS_BREAK_EXPEL,
			    "... and goes on in view 0 without the defence",
			    test_goes_on);
	test_vmm("reset by the VMM");
	ksft_finished();
}
