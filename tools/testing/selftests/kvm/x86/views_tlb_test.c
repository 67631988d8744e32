// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: when SET returns, what it took away is gone from
 * the TLBs of all vCPUs: also of one that is in the view and does not leave it,
 * the only case in which a missing flush shows where VMFUNC flushes the TLB.
 *
 * ut-host-cpus: 2
 */
#include "views_stress.h"

#define ROUNDS	60
#define LINGER	20000

enum { ARMED, TAKEN, OVER };

static u64 turn, ready, done, phase, late;

static void wait_for(u64 *what, u64 val)
{
	while (READ_ONCE(*what) != val)
		cpu_relax();
}

static void delay(u64 n)
{
	while (n--)
		cpu_relax();
}

static const struct {
	u8 need, before, after;
} kinds[] = {
	{ KVM_VIEW_R, V_RWX, V_NONE },
	{ KVM_VIEW_W, V_RWX, V_RX },
	{ KVM_VIEW_X, V_RX, V_R },
};

/* Does not leave the view, unless it is thrown out; counts what is too late. */
static u64 hammer(u64 need)
{
	u64 addr = pages[PG_CODE].gva, now, n = 0;

	do {
		/* By now its TLB has it. */
		if (n++ == 100)
			WRITE_ONCE(ready, READ_ONCE(turn));
		now = READ_ONCE(phase);
		if (need == KVM_VIEW_R)
			do_read(addr + 16);
		else if (need == KVM_VIEW_W)
			do_write(addr + 8);
		else
			do_exec(addr);
		if (now != ARMED)
			WRITE_ONCE(late, late + 1);
		cpu_relax();
	} while (now != OVER);
	return 0;
}

static void guest_changer(void)
{
	u64 i;

	views_plant(pages[PG_CODE].gva);
	views_start(0);
	WRITE_ONCE(turn, 1);
	wait_for(&ready, 1);
	for (i = 2; i < ROUNDS; i++) {
		int k = i % ARRAY_SIZE(kinds);

		views_set(1, pages[PG_CODE].gpa, kinds[k].before);
		WRITE_ONCE(phase, ARMED);
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		views_set(1, pages[PG_CODE].gpa, kinds[k].after);
		WRITE_ONCE(phase, TAKEN);
		delay(LINGER);
		WRITE_ONCE(phase, OVER);
		wait_for(&done, i);
	}
	WRITE_ONCE(turn, ~0ull);
	GUEST_DONE();
}

static void guest_hammer(void)
{
	u64 i;

	wait_for(&turn, 1);
	views_start_vcpu(1, 0);
	WRITE_ONCE(ready, 1);
	for (i = 2; i < ROUNDS; i++) {
		while (READ_ONCE(turn) < i)
			cpu_relax();
		views_run_on(1, 1, hammer, kinds[i % ARRAY_SIZE(kinds)].need);
		WRITE_ONCE(done, i);
	}
	GUEST_DONE();
}

static u64 attack(void)
{
	struct kvm_vcpu *vcpus[2];
	pthread_t thread;
	struct kvm_vm *vm;

	vm = vm_create_with_vcpus(2, guest_changer, vcpus);
	vcpu_arch_set_entry_point(vcpus[1], guest_hammer);
	views_setup(vm);
	views_setup_vcpus(vm, 2);

	pthread_create(&thread, NULL, views_vcpu_thread, vcpus[1]);
	views_pin(pthread_self(), 0);
	views_pin(thread, 1);
	views_vcpu_thread(vcpus[0]);
	pthread_join(thread, NULL);
	sync_global_from_guest(vm, late);
	kvm_vm_free(vm);
	return late;
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(2);
	TEST_ASSERT_EQ(attack(), 0);
	ksft_test_result_pass("rights are gone from other vCPUs' TLBs\n");
	views_broken_test("without the flush", KVM_VIEWS_BREAK_FLUSH, attack);
	ksft_finished();
}
