// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views on two vCPUs: what one changes holds for the
 * other at once, and an NMI that hits a view.
 *
 * ut-host-cpus: 2
 * ut-backends: all
 */
#include <pthread.h>

#include "apic.h"
#include "views_util.h"

#define ROUNDS	200

static u64 turn, flag, ready, done, nr_nmi;
static struct page cell1;

static void wait_for(u64 *what, u64 val)
{
	while (READ_ONCE(*what) != val)
		cpu_relax();
}

/* Reads a page until it may not any more; 1: it read when it was too late. */
static u64 do_poll(u64 addr)
{
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

	views_start(0);
	WRITE_ONCE(turn, 1);
	wait_for(&ready, 1);
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

static void start_second(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_STACK].gva;

	wait_for(&turn, 1);
	views_default_cfg(cfg);
	cfg->sp_cell = cell1.gpa;
	cfg->ve_info = pages[PG_CODE].gpa;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_STACK].gpa, 0, 0),
			0);
	WRITE_ONCE(ready, 1);
}

static void guest_poller(void)
{
	u64 i;

	start_second();
	for (i = 2; i < ROUNDS; i++) {
		while (READ_ONCE(turn) != i && READ_ONCE(turn) != ~0ull)
			cpu_relax();
		GUEST_ASSERT_EQ(views_call(1, i & 1 ? do_poll_write : do_poll,
					   pages[PG_DATA].gva, (u64 *)cell1.gva),
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

	views_start(0);
	x2apic_enable();
	WRITE_ONCE(turn, 1);
	wait_for(&ready, 1);
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
	start_second();
	for (i = 2; i < 50; i++) {
		wait_for(&turn, i);
		GUEST_ASSERT_EQ(views_call(1, do_spin, 0, (u64 *)cell1.gva),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event, 0);
	}
	GUEST_DONE();
}

/* INIT hits a vCPU in a view: it forgets all that it had of views. */
static void guest_init_sender(void)
{
	views_start(0);
	x2apic_enable();
	WRITE_ONCE(turn, 1);
	wait_for(&ready, 1);
	WRITE_ONCE(turn, 2);
	wait_for(&ready, 2);
	x2apic_write_reg(APIC_ICR, 1ull << 32 | APIC_DM_INIT | APIC_INT_ASSERT);
	GUEST_DONE();
}

static void guest_init_target(void)
{
	x2apic_enable();
	start_second();
	wait_for(&turn, 2);
	views_call(1, do_spin, 0, (u64 *)cell1.gva);
	GUEST_FAIL("survived INIT");
}

static void guest_after_init(void)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SWITCH, 1, 0, 0), -ENOENT);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_STACK].gpa, 0, 0),
			0);
	*(u64 *)cell1.gva = 0;
	WRITE_ONCE(flag, 1);
	GUEST_ASSERT_EQ(views_call(1, do_spin, 0, (u64 *)cell1.gva), 0);
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
	struct kvm_regs regs;
	pthread_t thread;
	struct kvm_vm *vm;

	vm = vm_create_with_vcpus(2, guest_init_sender, vcpus);
	vcpu_arch_set_entry_point(vcpus[1], guest_init_target);
	views_setup(vm);
	cell1.gva = vm_alloc_page(vm);
	cell1.gpa = addr_gva2gpa(vm, cell1.gva);
	sync_global_to_guest(vm, cell1);
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

	vcpu_sregs_set(vcpus[1], &sregs);
	regs.rip = (u64)guest_after_init;
	vcpu_regs_set(vcpus[1], &regs);
	vcpu_mp_state_set(vcpus[1], &runnable);
	views_run_vcpu(vcpus[1]);
	kvm_vm_free(vm);
	ksft_test_result_pass("INIT in a view\n");
}

static void *run_thread(void *vcpu)
{
	views_run_vcpu(vcpu);
	return NULL;
}

/* Who waits for the other vCPU spins: give each a CPU of its own if possible. */
static void pin(pthread_t thread, int cpu)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		__pin_task_to_cpu(thread, cpu);
}

static void smp_test(const char *name, void (*guest0)(void),
		     void (*guest1)(void))
{
	struct kvm_vcpu *vcpus[2];
	pthread_t thread;
	struct kvm_vm *vm;

	vm = vm_create_with_vcpus(2, guest0, vcpus);
	vcpu_arch_set_entry_point(vcpus[1], guest1);
	views_setup(vm);
	cell1.gva = vm_alloc_page(vm);
	cell1.gpa = addr_gva2gpa(vm, cell1.gva);
	sync_global_to_guest(vm, cell1);
	vm_install_exception_handler(vm, NMI_VECTOR, handle_nmi);

	pthread_create(&thread, NULL, run_thread, vcpus[1]);
	pin(pthread_self(), 0);
	pin(thread, 1);
	views_run_vcpu(vcpus[0]);
	pthread_join(thread, NULL);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	smp_test("tightening holds at once", guest_tighten, guest_poller);
	smp_test("NMI in a view", guest_nmi_sender, guest_nmi_target);
	init_test();
	ksft_finished();
}
