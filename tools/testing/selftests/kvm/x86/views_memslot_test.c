// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and memslots that come, move and go, with and
 * without the quirk that makes KVM zap everything then: no view sees what was
 * in a slot that is gone, and what it had of other slots stays mapped.
 *
 * ut-host-cpus: 2
 */
#include "views_stress.h"

#define NR_PAGES	64
#define TMP_SLOT	11
#define TMP_GPA		0x80000000ull
#define TMP_GVA		0x80000000ull
#define MOVED_GPA	0x90000000ull
#define MOVED_GVA	0x90000000ull
#define NR_VCPUS	3
#define ROUNDS		300
/* A host that checks itself makes fewer. */
#define MIN_ROUNDS	20
#define MAX_SECONDS	60
#define NX_PARAM	"/sys/module/kvm/parameters/nx_huge_pages"

static u64 lost, go, stop;
static bool vmm_stop;

/* All pages of the slot that stays are touched in view 1: how many exits? */
static u64 touch_all(u64 arg)
{
	u64 i;

	for (i = 0; i < NR_PAGES; i++)
		READ_ONCE(*(u64 *)(MEM_GVA + i * 4096));
	return 0;
}

static void guest_stays(void)
{
	u64 pt, before, exits;

	views_start(0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 1, MEM_GPA >> 12, NR_PAGES),
			NR_PAGES);
	views_run(1, touch_all, 0);
	before = views_exits();
	views_run(1, touch_all, 0);
	GUEST_ASSERT_EQ(views_exits() - before, VIEWS_EXITS_RUN);
	pt = views_query(KVM_VIEWS_Q_PT_PAGES, 1, 0);

	GUEST_SYNC(0);
	lost = views_query(KVM_VIEWS_Q_PT_PAGES, 1, 0) != pt;
	views_run(1, do_read, pages[PG_DATA].gva);
	before = views_exits();
	views_run(1, touch_all, 0);
	exits = views_exits() - before - VIEWS_EXITS_RUN;
	GUEST_PRINTF("# %lu of %u pages exit again, tables %s\n", exits, NR_PAGES,
		     lost ? "lost" : "kept");
	lost += exits;
	GUEST_DONE();
}

static void expect_no_memory(u64 gva, u64 gpa)
{
	GUEST_ASSERT_EQ(views_run(1, do_read, gva + 16), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_R);
	GUEST_ASSERT_EQ(last_aex.gpa, gpa + 16);
	GUEST_ASSERT_EQ(views_run(1, do_write, gva + 8), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_W);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 1, gpa >> 12, 1), 1);
	GUEST_ASSERT_EQ(views_run(1, do_read, gva + 16), AEX_RESULT);
}

static void guest_gone(void)
{
	u64 i;

	views_start(0);
	for (i = 0; i < 5; i++) {
		GUEST_SYNC(0);		/* add */
		GUEST_ASSERT_EQ(views_run(1, do_read, TMP_GVA + 16), 0);
		views_plant(TMP_GVA);
		GUEST_ASSERT_EQ(views_run(1, do_read, TMP_GVA + 16), 0x1234);
		GUEST_ASSERT_EQ(views_run(1, do_write, TMP_GVA + 8), 0);
		GUEST_SYNC(1);		/* move */
		expect_no_memory(TMP_GVA, TMP_GPA);
		GUEST_ASSERT_EQ(views_run(1, do_read, MOVED_GVA + 16), 0x1234);
		GUEST_SYNC(2);		/* delete */
		expect_no_memory(MOVED_GVA, MOVED_GPA);
	}
	GUEST_DONE();
}

static u64 do_count(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, READ_ONCE(*(u64 *)addr) + 1);
	return 0;
}

/* Each vCPU in a view of its own, and in view 1, while slots come and go. */
static void guest_busy(int nr)
{
	u64 *cell = (u64 *)(MEM_GVA + nr * 4096), i, dead = 0;

	for (i = 0; !READ_ONCE(stop); i++) {
		GUEST_ASSERT_EQ(views_run_on(nr, i & 1 ? 1 : nr + 2, do_count,
					     (u64)cell), 0);
		GUEST_ASSERT_EQ(views_run_on(nr, 1, do_read,
					     pages[PG_SECRET].gva), AEX_RESULT);
		dead += views_run_on(nr, 1, do_write, TMP_GVA + nr * 8) ==
			AEX_RESULT;
	}
	GUEST_ASSERT_EQ(*cell, i);
	GUEST_PRINTF("# vCPU %d: %lu rounds, without the slot %lu times\n", nr,
		     i, dead);
	GUEST_DONE();
}

static void guest_busy0(void)
{
	u64 i;

	views_start(0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	for (i = 0; i < NR_VCPUS; i++) {
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, i + 2, V_RWX, 0), 0);
		views_set(i + 2, idt_gpa, 0);
	}
	WRITE_ONCE(go, 1);
	guest_busy(0);
}

static void guest_busy1(void)
{
	while (!READ_ONCE(go))
		cpu_relax();
	views_start_vcpu(1, 0);
	guest_busy(1);
}

static void guest_busy2(void)
{
	while (!READ_ONCE(go))
		cpu_relax();
	views_start_vcpu(2, KVM_VIEW_VCPU_NO_HW_VE);
	guest_busy(2);
}

static void setup(struct kvm_vm *vm, bool quirk)
{
	views_setup(vm);
	views_setup_vcpus(vm, NR_VCPUS);
	if (!quirk)
		vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2,
			      KVM_X86_QUIRK_SLOT_ZAP_ALL);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    NR_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, NR_PAGES);
	virt_map(vm, TMP_GVA, TMP_GPA, 1);
	virt_map(vm, MOVED_GVA, MOVED_GPA, 1);
}

static void add_tmp(struct kvm_vm *vm)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TMP_GPA, TMP_SLOT,
				    1, 0);
}

static u64 run_stays(bool quirk)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_stays);
	setup(vm, quirk);
	views_run_to_sync(vcpu);
	add_tmp(vm);
	vm_mem_region_delete(vm, TMP_SLOT);
	views_run_vcpu(vcpu);
	sync_global_from_guest(vm, lost);
	kvm_vm_free(vm);
	return lost;
}

static u64 attack_stays(void)
{
	return run_stays(true);
}

static void run_gone(bool quirk)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 stage;

	vm = vm_create_with_one_vcpu(&vcpu, guest_gone);
	setup(vm, quirk);
	while ((stage = views_run_to_sync(vcpu)) != ~0ull) {
		if (!stage)
			add_tmp(vm);
		else if (stage == 1)
			vm_mem_region_move(vm, TMP_SLOT, MOVED_GPA);
		else
			vm_mem_region_delete(vm, TMP_SLOT);
	}
	kvm_vm_free(vm);
}

/*
 * Roots become obsolete, while several vCPUs are in views, when the mitigation
 * for huge pages is switched.
 */
static void *zap_thread(void *arg)
{
	bool on = false;

	while (!READ_ONCE(vmm_stop)) {
		on = !on;
		views_write_param(NX_PARAM, on ? "force" : "off");
		usleep(2000);
	}
	views_write_param(NX_PARAM, "auto");
	return NULL;
}

static void run_busy(bool quirk)
{
	void (*guests[])(void) = { guest_busy0, guest_busy1, guest_busy2 };
	pthread_t threads[NR_VCPUS], zap;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct timespec start;
	struct kvm_vm *vm;
	int i, rounds = views_svm_emulated() ? ROUNDS / 50 : ROUNDS;

	vm = vm_create_with_vcpus(NR_VCPUS, guest_busy0, vcpus);
	setup(vm, quirk);
	vmm_stop = false;
	for (i = 0; i < NR_VCPUS; i++) {
		vcpu_arch_set_entry_point(vcpus[i], guests[i]);
		pthread_create(&threads[i], NULL, views_vcpu_thread, vcpus[i]);
		views_pin(threads[i], i);
	}
	pthread_create(&zap, NULL, zap_thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < rounds; i++) {
		if (i >= MIN_ROUNDS &&
		    timespec_elapsed(start).tv_sec >= MAX_SECONDS)
			break;
		add_tmp(vm);
		if (i & 1)
			vm_mem_region_move(vm, TMP_SLOT, MOVED_GPA);
		vm_mem_region_delete(vm, TMP_SLOT);
	}
	ksft_print_msg("slots came and went %d times\n", i);
	stop = 1;
	sync_global_to_guest(vm, stop);
	for (i = 0; i < NR_VCPUS; i++)
		pthread_join(threads[i], NULL);
	WRITE_ONCE(vmm_stop, true);
	pthread_join(zap, NULL);
	kvm_vm_free(vm);
	stop = 0;
}

int main(void)
{
	int quirk;

	views_require();
	ksft_print_header();
	ksft_set_plan(7);
	for (quirk = 1; quirk >= 0; quirk--) {
		TEST_ASSERT_EQ(run_stays(quirk), 0);
		ksft_test_result_pass("other slots stay mapped, quirk %d\n",
				      quirk);
		run_gone(quirk);
		ksft_test_result_pass("a slot that is gone, quirk %d\n", quirk);
		run_busy(quirk);
		ksft_test_result_pass("three vCPUs in views, quirk %d\n", quirk);
	}
	views_broken_test("zap everything", KVM_VIEWS_BREAK_SLOT, attack_stays);
	ksft_finished();
}
