// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: a VM that goes on in another VM, from wherever it
 * was, with the rights that it had.
 */
#include <sys/time.h>

#include "views_state.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RX	(KVM_VIEW_R | KVM_VIEW_X)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define TRIES	20000
#define NR_TIMED	32

static u64 nr_ve, flag, in_view;

/* Three bytes long, which the handler relies on. */
static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 1);
	return 0;
}

/* Wait in the view for the new VM, and say where that was. */
static u64 do_wait(u64 arg)
{
	in_view = 1;
	while (!READ_ONCE(flag))
		cpu_relax();
	return arg + views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0);
}

static void handle_ve(struct ex_regs *regs)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;

	if (views_no_ve(info))
		return;
	GUEST_ASSERT_EQ(info->gpa, pages[PG_SECRET].gpa);
	GUEST_ASSERT_EQ(info->busy, ~0u);
	WRITE_ONCE(info->busy, 0);
	nr_ve++;
	regs->rip += 3;
}

static void guest_prepare(u32 flags)
{
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, 0x1234);
	WRITE_ONCE(*(u64 *)pages[PG_DATA].gva, 0x5678);
	views_start(flags);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 3, R, 0), 0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	views_set(1, pages[PG_DATA].gpa, R);
	views_set(3, pages[PG_CODE].gpa, RX);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE), 1);
}

/* Nothing more, nothing less than what guest_prepare() granted. */
static void guest_check(void)
{
	u64 ves = nr_ve;

	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
			AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(views_run(1, do_write, pages[PG_DATA].gva), AEX_RESULT);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_DATA].gva), 0x5678);
	GUEST_ASSERT_EQ(read_q(pages[PG_SECRET].gva), 0);
	GUEST_ASSERT_EQ(nr_ve, ves + 1);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 3,
				 pages[PG_CODE].gpa >> 12) & 7, RX);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 2, 0),
			-ENOENT);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0),
			-EBUSY);
	GUEST_ASSERT_EQ(views_enable(16), -EEXIST);
}

static void guest_round_trip(void)
{
	guest_prepare(0);
	GUEST_SYNC(0);
	guest_check();
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 4, RWX, 0), 0);
	views_set(1, pages[PG_DATA].gpa, RW);
	GUEST_ASSERT_EQ(views_run(1, do_write, pages[PG_DATA].gva), 0);
	GUEST_DONE();
}

static void guest_sealed(void)
{
	guest_prepare(0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SEAL, 0, 0, 0), 0);
	GUEST_SYNC(0);
	if (READ_ONCE(flag)) {
		/* The host forgot the seal. */
		GUEST_ASSERT_EQ(views_set_flags(1, pages[PG_SECRET].gpa, 1, R,
						0), 1);
		GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
				0x1234);
		GUEST_DONE();
		return;
	}
	guest_check();
	GUEST_ASSERT_EQ(views_set_flags(1, pages[PG_SECRET].gpa, 1, R, 0),
			-EPERM);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, R, 0),
			-EPERM);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 4, R, 0), -EPERM);
	GUEST_DONE();
}

static void guest_in_view(void)
{
	guest_prepare(0);
	GUEST_ASSERT_EQ(views_run(1, do_wait, 0x100), 0x101);
	GUEST_ASSERT_EQ(nr_aex, 0);
	guest_check();
	GUEST_DONE();
}

static void guest_pending_ve(void)
{
	u64 i;

	guest_prepare(KVM_VIEW_VCPU_NO_HW_VE);
	GUEST_SYNC(0);
	for (i = 1; !READ_ONCE(flag); i++) {
		/* The VMM takes the time of the first ones. */
		if (i == NR_TIMED + 1)
			GUEST_SYNC(1);
		GUEST_ASSERT_EQ(read_q(pages[PG_SECRET].gva), 0);
		GUEST_ASSERT_EQ(nr_ve, i);
	}
	guest_check();
	GUEST_DONE();
}

static struct kvm_vcpu *new_vm(void (*guest)(void))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	vm_install_exception_handler(vm, 20, handle_ve);
	return vcpu;
}

static void set_flag(struct kvm_vm *vm)
{
	flag = 1;
	sync_global_to_guest(vm, flag);
	flag = 0;
}

static void test_round_trip(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_round_trip);
	struct kvm_view_vcpu_state vcpu_again;
	struct kvm_view_state *again;
	struct views_saved s;

	views_run_to_stage(vcpu, 0);
	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.vm->max_views, 16);
	TEST_ASSERT_EQ(s.vm->nr_views, 3);
	TEST_ASSERT_EQ(s.vm->flags, views_state_flags());
	TEST_ASSERT_EQ(s.vcpu.flags, KVM_VIEW_VCPU_REGISTERED);
	TEST_ASSERT_EQ(s.vcpu.view, 0);
	TEST_ASSERT_EQ(s.vcpu.cfg.ve_info, pages[PG_VE].gpa);

	vcpu = views_new_vm(vcpu->vm, &s);
	views_restore(vcpu, &s);
	again = views_get_state(vcpu->vm);
	TEST_ASSERT_EQ(again->size, s.vm->size);
	TEST_ASSERT(!memcmp(again, s.vm, s.vm->size), "restored another state");
	vcpu_ioctl(vcpu, KVM_X86_GET_VCPU_VIEW_STATE, &vcpu_again);
	TEST_ASSERT(!memcmp(&vcpu_again, &s.vcpu, sizeof(s.vcpu)),
		    "restored another vCPU state");
	TEST_ASSERT_EQ(vm_get_stat(vcpu->vm, views), 3);
	free(again);
	views_run_vcpu(vcpu);

	/* Now it has run. */
	TEST_ASSERT(__vm_ioctl(vcpu->vm, KVM_X86_SET_VIEW_STATE, s.vm) &&
		    errno == EBUSY, "views replaced under a VM that runs");
	TEST_ASSERT(__vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, &s.vcpu) &&
		    errno == EBUSY, "vCPU registered twice");
	kvm_vm_free(vcpu->vm);
	views_drop(&s);
	ksft_test_result_pass("round trip\n");
}

static void test_sealed(bool broken)
{
	struct kvm_vcpu *vcpu = new_vm(guest_sealed);
	struct kvm_vm *vm = vcpu->vm;
	struct views_saved s;

	views_run_to_stage(vcpu, 0);
	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.vm->flags,
		       KVM_VIEW_STATE_SEALED | views_state_flags());
	vcpu = views_new_vm(vm, &s);
	if (broken) {
		set_flag(vm);
		views_weaken(BIT(KVM_VIEWS_BREAK_RESTORE_SEAL));
	}
	views_restore(vcpu, &s);
	views_weaken(0);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("%s\n", broken ? "a seal that is forgotten is missed" :
			      "sealed stays sealed");
}

static void sig_handler(int sig)
{
}

/*
 * Let the guest run for a moment of the timer's choice.  It may fire before the
 * guest runs, on a slow host, and so fires again.
 */
static void run_a_bit(struct kvm_vcpu *vcpu, unsigned int us)
{
	struct itimerval timer = {
		.it_value.tv_usec = us,
		.it_interval.tv_usec = us,
	};
	struct itimerval off = {};
	struct ucall uc;

	setitimer(ITIMER_REAL, &timer, NULL);
	if (!__vcpu_run(vcpu)) {
		if (get_ucall(vcpu, &uc) == UCALL_ABORT)
			REPORT_GUEST_ASSERT(uc);
		TEST_FAIL("exit reason %u", vcpu->run->exit_reason);
	}
	TEST_ASSERT_EQ(errno, EINTR);
	setitimer(ITIMER_REAL, &off, NULL);
}

static void test_in_view(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_in_view);
	struct kvm_vm *vm = vcpu->vm;
	struct views_saved s;
	int i;

	for (i = 0; i < TRIES && !in_view; i++) {
		run_a_bit(vcpu, 2000);
		sync_global_from_guest(vm, in_view);
	}
	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.vcpu.view, 1);

	vcpu = views_new_vm(vm, &s);
	/* Its view is not there yet. */
	TEST_ASSERT(__vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, &s.vcpu) &&
		    errno == ENOENT, "a view without views");
	views_restore(vcpu, &s);
	run_a_bit(vcpu, 2000);
	set_flag(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("saved inside a view\n");
}

/* #VE that KVM is about to deliver when the VMM stops the vCPU. */
static void test_pending_ve(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_pending_ve);
	struct kvm_vcpu_events events;
	struct kvm_vm *vm = vcpu->vm;
	struct timespec start, took;
	struct views_saved s;
	unsigned int us;
	int i;

	/* How fast the host is nobody knows. */
	views_run_to_stage(vcpu, 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	views_run_to_stage(vcpu, 1);
	took = timespec_elapsed(start);
	us = timespec_to_ns(took) / 1000 / NR_TIMED + 1;
	ksft_print_msg("a #VE takes %u us\n", us);

	for (i = 0; i < TRIES; i++) {
		/* From two of them to sixteen, never the same twice. */
		run_a_bit(vcpu, 2 * us + us * (i % 97) / 7);
		vcpu_events_get(vcpu, &events);
		if (events.exception.injected && events.exception.nr == 20)
			break;
	}
	TEST_ASSERT(i < TRIES, "no #VE was pending");
	ksft_print_msg("a #VE was pending after %d tries\n", i + 1);

	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.x86->events.exception.nr, 20);
	TEST_ASSERT_EQ(s.x86->events.exception.injected, 1);
	vcpu = views_new_vm(vm, &s);
	views_restore(vcpu, &s);
	run_a_bit(vcpu, 5000);
	set_flag(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("saved with a #VE pending\n");
}

/* Mappings that were made before view 0 got its rights. */
static void guest_prefaulted(void)
{
	guest_prepare(KVM_VIEW_VCPU_NO_HW_VE);
	GUEST_SYNC(0);
	if (READ_ONCE(flag)) {
		GUEST_ASSERT_EQ(read_q(pages[PG_SECRET].gva), 0x1234);
		GUEST_ASSERT_EQ(nr_ve, 0);
	} else {
		guest_check();
	}
	GUEST_DONE();
}

static void test_prefaulted(bool broken)
{
	struct kvm_vcpu *vcpu = new_vm(guest_prefaulted);
	struct kvm_pre_fault_memory range = {
		.gpa = pages[PG_SECRET].gpa,
		.size = 4096,
	};
	struct kvm_vm *vm = vcpu->vm;
	struct views_saved s;

	views_run_to_stage(vcpu, 0);
	views_save(vcpu, &s);
	vcpu = views_new_vm(vm, &s);
	vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range);
	TEST_ASSERT_EQ(range.size, 0);
	if (broken) {
		set_flag(vm);
		views_weaken(BIT(KVM_VIEWS_BREAK_RESTORE_ZAP));
	}
	views_restore(vcpu, &s);
	views_weaken(0);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("%s\n", broken ? "a mapping that survives is seen" :
			      "mapped before the rights were there");
}

int main(void)
{
	views_require();
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PRE_FAULT_MEMORY));
	ksft_print_header();
	ksft_set_plan(7);
	signal(SIGALRM, sig_handler);
	test_round_trip();
	test_sealed(false);
	test_sealed(true);
	test_in_view();
	test_pending_ve();
	test_prefaulted(false);
	test_prefaulted(true);
	ksft_finished();
}
