// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views on two vCPUs: what one changes holds for the
 * other at once, and an NMI that hits a view.
 *
 * ut-host-cpus: 2
 * ut-backends: all
 */
#include "apic.h"
#include "views_proc.h"
#include "views_two.h"

#define ROUNDS	200

static u64 flag, done, nr_nmi;

/*
 * Reads a page until it may not any more; 1: it read when it was too late.  Once
 * it says that it is ready, the CPU knows the page.
 */
static u64 do_poll(u64 addr)
{
	READ_ONCE(*(u64 *)addr);
	WRITE_ONCE(ready, READ_ONCE(turn));
	for (;;) {
		u64 late = READ_ONCE(flag);

		READ_ONCE(*(u64 *)addr);
		if (late)
			return 1;
		cpu_relax();
	}
}

static u64 do_poll_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 1);
	WRITE_ONCE(ready, READ_ONCE(turn));
	for (;;) {
		u64 late = READ_ONCE(flag);

		WRITE_ONCE(*(u64 *)addr, 1);
		if (late)
			return 1;
		cpu_relax();
	}
}

static u64 do_spin(u64 arg)
{
	WRITE_ONCE(ready, READ_ONCE(turn));
	while (!READ_ONCE(flag))
		cpu_relax();
	return 0;
}

static void guest_tighten(void)
{
	u64 i;

	views_start_first();
	for (i = 2; i < ROUNDS; i++) {
		/* A reader in even rounds, a writer in odd ones. */
		views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R | KVM_VIEW_W);
		WRITE_ONCE(flag, 0);
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		views_set(1, pages[PG_DATA].gpa, i & 1 ? KVM_VIEW_R : 0);
		WRITE_ONCE(flag, 1);
		/* Else the next round would grant what this one denied. */
		wait_for(&done, i);
	}
	WRITE_ONCE(turn, ~0ull);
	GUEST_DONE();
}

static void guest_poller(void)
{
	u64 i;

	views_start_second();
	for (i = 2; i < ROUNDS; i++) {
		while (READ_ONCE(turn) != i && READ_ONCE(turn) != ~0ull)
			cpu_relax();
		GUEST_ASSERT_EQ(views_run_second(1, i & 1 ? do_poll_write :
						 do_poll, pages[PG_DATA].gva),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
		GUEST_ASSERT_EQ(last_aex.missing,
				i & 1 ? KVM_VIEW_W : KVM_VIEW_R);
		WRITE_ONCE(done, i);
	}
	GUEST_DONE();
}

/* One vCPU sends NMIs to the other, which is in a view. */
static void guest_nmi_sender(void)
{
	u64 i;

	x2apic_enable();
	views_start_first();
	for (i = 2; i < 50; i++) {
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		x2apic_write_reg(APIC_ICR, 1ull << 32 | APIC_DM_NMI |
				 APIC_INT_ASSERT);
		wait_for(&nr_nmi, i - 1);
	}
	GUEST_DONE();
}

static void handle_nmi(struct ex_regs *regs)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	/* On the trusted stack, right after the AEX. */
	GUEST_ASSERT_EQ(regs->rip, (u64)views_fault_entry);
	GUEST_ASSERT_EQ(regs->rflags & 0x200, 0);
	WRITE_ONCE(nr_nmi, nr_nmi + 1);
}

static void guest_nmi_target(void)
{
	u64 i;

	x2apic_enable();
	views_start_second();
	for (i = 2; i < 50; i++) {
		wait_for(&turn, i);
		GUEST_ASSERT_EQ(views_run_second(1, do_spin, 0),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event, 0);
	}
	GUEST_DONE();
}

/* INIT hits a vCPU in a view: it forgets all that it had of views. */
static void guest_init_sender(void)
{
	x2apic_enable();
	views_start_first();
	WRITE_ONCE(turn, 2);
	wait_for(&ready, 2);
	x2apic_write_reg(APIC_ICR, 1ull << 32 | APIC_DM_INIT | APIC_INT_ASSERT);
	GUEST_DONE();
}

static void guest_init_target(void)
{
	x2apic_enable();
	views_start_second();
	wait_for(&turn, 2);
	views_run_second(1, do_spin, 0);
	GUEST_FAIL("survived INIT");
}

static void guest_after_init(void)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SWITCH, 1, 0, 0), -ENOENT);
	views_register_second();
	*(u64 *)cell1.gva = 0;
	WRITE_ONCE(flag, 1);
	GUEST_ASSERT_EQ(views_run_second(1, do_spin, 0), 0);
	GUEST_DONE();
}

static void sig_handler(int sig)
{
}

/* Until a signal: after INIT, KVM_RUN waits for SIPI. */
static void *run_init_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	while (!__vcpu_run(vcpu))
		TEST_ASSERT(get_ucall(vcpu, NULL) != UCALL_ABORT, "guest failed");
	TEST_ASSERT_EQ(errno, EINTR);
	return NULL;
}

static void init_test(void)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct kvm_mp_state state = {};
	struct kvm_vcpu *vcpus[2];
	struct kvm_sregs sregs;
	long pins = pinned(), after_init;
	struct kvm_regs regs;
	pthread_t thread;
	struct kvm_vm *vm;

	vm = views_two_vm(vcpus, guest_init_sender, guest_init_target);
	vcpu_sregs_get(vcpus[1], &sregs);
	vcpu_regs_get(vcpus[1], &regs);

	signal(SIGUSR1, sig_handler);
	pthread_create(&thread, NULL, run_init_thread, vcpus[1]);
	views_run_vcpu(vcpus[0]);
	/* INIT is pending; it is taken at the next entry at the latest. */
	usleep(200000);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	vcpu_ioctl(vcpus[1], KVM_GET_MP_STATE, &state);
	TEST_ASSERT_EQ(state.mp_state, KVM_MP_STATE_INIT_RECEIVED);
	/* The other vCPU's #VE page, if the CPU delivers #VE. */
	after_init = pinned() - pins;

	vcpu_sregs_set(vcpus[1], &sregs);
	regs.rip = (u64)guest_after_init;
	vcpu_regs_set(vcpus[1], &regs);
	vcpu_mp_state_set(vcpus[1], &runnable);
	views_run_vcpu(vcpus[1]);
	TEST_ASSERT_EQ(pinned() - pins, 2 * after_init);
	TEST_ASSERT(after_init <= 1, "INIT left a page pinned");
	kvm_vm_free(vm);
	TEST_ASSERT_EQ(pinned(), pins);
	ksft_test_result_pass("INIT in a view\n");
}

static void test_nmi(const char *name)
{
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vm;

	vm = views_two_vm(vcpus, guest_nmi_sender, guest_nmi_target);
	vm_install_exception_handler(vm, NMI_VECTOR, handle_nmi);
	views_two_run(vm, vcpus);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	views_two_test("tightening holds at once", guest_tighten, guest_poller);
	test_nmi("NMI in a view");
	init_test();
	ksft_finished();
}
