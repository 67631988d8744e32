// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: code in a view that keeps an interrupt waiting,
 * by IF or by CR8, is ended by the host; other code may take its time.
 */
#include "apic.h"
#include "views_util.h"
#include "views_weaken.h"

#define LIMIT_PARAM	"/sys/module/kvm/parameters/views_irq_limit_us"
#define IRQ_VECTOR	0x55
#define LIMIT_US	20000
/* Far more than that, and an end if nobody stops it. */
#define SPIN_US		400000

static u64 nr_irq;
/* Set by the host. */
static u64 spin_cycles;
static u64 want_irq, want_cr8, want_end;

static void handle_irq(struct ex_regs *regs)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	nr_irq++;
	x2apic_write_reg(APIC_EOI, 0);
}

static u64 spin(u64 cr8)
{
	u64 end = rdtsc() + spin_cycles;

	if (cr8) {
		set_cr8(15);
		sti();
	}
	while (rdtsc() < end)
		;
	return 1;
}

static void guest(void)
{
	u64 r, start, cycles;

	views_start(0);
	x2apic_enable();
	cli();
	if (want_irq)
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);

	start = rdtsc();
	r = views_run(1, spin, want_cr8);
	cycles = rdtsc() - start;
	GUEST_PRINTF("# %s after %lu %% of the time\n",
		     r == 1 ? "returned" : "ended", cycles * 100 / spin_cycles);
	if (want_end) {
		GUEST_ASSERT_EQ(r, 1);
		GUEST_ASSERT_EQ(nr_aex, 0);
	} else {
		GUEST_ASSERT_EQ(r, AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_TIMEOUT);
		GUEST_ASSERT_EQ(last_aex.event, 0);
		GUEST_ASSERT_EQ(last_aex.view, 1);
		GUEST_ASSERT(last_aex.rip >= (u64)spin &&
			     last_aex.rip < (u64)spin + 256);
		GUEST_ASSERT(cycles < spin_cycles);
	}

	/* Nothing was lost, and it comes here. */
	GUEST_ASSERT_EQ(nr_irq, 0);
	if (want_cr8)
		set_cr8(0);
	sti_nop();
	GUEST_ASSERT_EQ(nr_irq, want_irq);
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
	spin_cycles = (u64)__vcpu_ioctl(vcpu, KVM_GET_TSC_KHZ, NULL) *
		      SPIN_US / 1000;
	sync_global_to_guest(vm, spin_cycles);
	sync_global_to_guest(vm, want_irq);
	sync_global_to_guest(vm, want_cr8);
	sync_global_to_guest(vm, want_end);
}

static char old_limit[32];

static void restore_limit(void)
{
	views_write_param(LIMIT_PARAM, old_limit);
}

static void set_limit(unsigned int us)
{
	char value[32];

	snprintf(value, sizeof(value), "%u", us);
	views_write_param(LIMIT_PARAM, value);
}

static const struct {
	const char *name;
	unsigned int limit;
	bool weaken, irq, cr8, end;
} cases[] = {
	{ "IF is 0", LIMIT_US, false, true, false, false },
	{ "CR8 is 15", LIMIT_US, false, true, true, false },
	{ "nothing waits", LIMIT_US, false, false, false, true },
	{ "no limit", 0, false, true, false, true },
	{ "IF is 0, without the watch", LIMIT_US, true, true, false, true },
	{ "CR8 is 15, without the watch", LIMIT_US, true, true, true, true },
};

int main(void)
{
	int i, fd;

	views_require();
	fd = open(LIMIT_PARAM, O_RDONLY);
	TEST_ASSERT(fd >= 0 && read(fd, old_limit, sizeof(old_limit) - 1) > 0,
		    "can't read " LIMIT_PARAM);
	close(fd);
	atexit(restore_limit);

	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(cases));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].weaken && !views_can_weaken()) {
			ksft_test_result_skip("%s\n", cases[i].name);
			continue;
		}
		if (cases[i].cr8 && views_svm_emulated()) {
			ksft_test_result_skip("%s: the emulator would abort\n",
					      cases[i].name);
			continue;
		}
		if (cases[i].weaken)
			views_weaken(BIT(KVM_VIEWS_BREAK_IRQ_LIMIT));
		set_limit(cases[i].limit);
		want_irq = cases[i].irq;
		want_cr8 = cases[i].cr8;
		want_end = cases[i].end;
		views_test(cases[i].name, guest, prepare);
		views_strengthen();
	}
	ksft_finished();
}
