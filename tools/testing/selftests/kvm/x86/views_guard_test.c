// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: events that hit a vCPU between a switch to view
 * 0 and the fault of the first fetch there, with a stack pointer that code in
 * the view chose.  Without the guard in KVM they write to that stack: this is
 * the attack, and it has to succeed with the guard off, else the test is wrong.
 *
 * ut-backends: all
 */
#include "apic.h"
#include "views_util.h"

#define IRQ_VECTOR	0x55
#define PATTERN		0xaaaaaaaaaaaaaaaaull
#define VICTIM_WORDS	512
#define TRIES		50

/* Bit 17 of kvm.views_break. */
#define BREAK_SWITCH_STACK	"0x20000"

static u64 nr_irq, nr_db;
static bool guard;
static struct page text[2];

static void handle_irq(struct ex_regs *regs)
{
	nr_irq++;
	x2apic_write_reg(APIC_EOI, 0);
}

static void handle_db(struct ex_regs *regs)
{
	nr_db++;
	regs->rflags &= ~0x100ull;
}

/* On the last bytes of a page: an instruction, a switch to view 0; no way back. */
static u64 attack(u64 target)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;

	asm volatile("mov %0, %%rsp; xor %%ecx, %%ecx; jmp *%1" : :
		     "r" (victim + VICTIM_WORDS / 2), "r" (target),
		     "a" (views_by_host ? KVM_HC_VIEWS : 0),
		     "b" (KVM_VIEWS_SWITCH) : "rcx");
	__builtin_unreachable();
}

static int victim_changes(void)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	int i, changed = 0;

	for (i = 0; i < VICTIM_WORDS; i++)
		changed += victim[i] != PATTERN &&
			   i != VICTIM_WORDS / 2;
	return changed;
}

static void victim_reset(u64 flags)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	int i;

	for (i = 0; i < VICTIM_WORDS; i++)
		victim[i] = PATTERN;
	/* What POPF finds; ignored by the others. */
	victim[VICTIM_WORDS / 2] = flags;
	memset(&last_aex, 0, sizeof(last_aex));
}

/* @insn before the switch to view 0, the page after it not executable in view 0. */
static void arm(u8 insn)
{
	u8 *page = (u8 *)text[0].gva;
	int i;

	views_set(0, text[0].gpa, KVM_VIEW_R | KVM_VIEW_W);
	page[4092] = insn;
	page[4093] = 0x0f;
	page[4094] = 0x01;
	page[4095] = views_by_host ? views_vmcall_byte() : 0xd4;
	for (i = 0; i < 2; i++) {
		views_set(0, text[i].gpa, KVM_VIEW_R);
		views_set(1, text[i].gpa, i ? 0 : KVM_VIEW_R | KVM_VIEW_X);
	}
	views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R);
}

static void fire(void)
{
	GUEST_ASSERT_EQ(views_run(1, attack, text[0].gva + 4092), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_GUARD);
	GUEST_ASSERT_EQ(last_aex.view, 0);
	GUEST_ASSERT_EQ(last_aex.rip, text[1].gva);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
}

static void guest_irq(void)
{
	int i, hits = 0;

	views_start(0);
	x2apic_enable();
	arm(0xfb);	/* sti: the interrupt comes after the next instruction */
	for (i = 1; i <= TRIES; i++) {
		cli();
		victim_reset(PATTERN);
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		fire();
		if (victim_changes())
			hits++;
		if (last_aex.event) {
			GUEST_ASSERT_EQ(last_aex.event, 0x80000000 | IRQ_VECTOR);
			x2apic_write_reg(APIC_EOI, 0);
			x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		}
		sti_nop();
		GUEST_ASSERT_EQ(nr_irq, i);
	}
	GUEST_PRINTF("# guard %s: victim hit %d times in %d\n",
		     guard ? "on" : "off", hits, TRIES);
	if (guard)
		GUEST_ASSERT_EQ(hits, 0);
	else
		GUEST_ASSERT(hits);
	GUEST_DONE();
}

static void guest_trap(void)
{
	int hits;

	views_start(0);
	arm(0x9d);	/* popf, with TF */
	victim_reset(0x102);
	fire();
	hits = victim_changes();
	GUEST_PRINTF("# guard %s: %d words of the victim changed\n",
		     guard ? "on" : "off", hits);
	if (guard) {
		GUEST_ASSERT_EQ(hits, 0);
		GUEST_ASSERT_EQ(last_aex.event, 0x80000301);
		GUEST_ASSERT_EQ(nr_db, 0);
	} else {
		GUEST_ASSERT(hits);
		GUEST_ASSERT_EQ(nr_db, 1);
	}
	GUEST_DONE();
}

/* No event: the fetch faults, never as #VE, and the stack is not touched. */
static void guest_fetch(void)
{
	views_start(0);
	arm(0x90);
	victim_reset(PATTERN);
	fire();
	GUEST_ASSERT_EQ(last_aex.exit_reason, 48);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_X);
	GUEST_ASSERT_EQ(last_aex.gpa, text[1].gpa);
	GUEST_ASSERT_EQ(victim_changes(), 0);
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	int i;

	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
	vm_install_exception_handler(vm, DB_VECTOR, handle_db);
	text[0].gva = vm_alloc_pages(vm, 2);
	text[1].gva = text[0].gva + 4096;
	for (i = 0; i < 2; i++)
		text[i].gpa = addr_gva2gpa(vm, text[i].gva);
	sync_global_to_guest(vm, text);
	sync_global_to_guest(vm, guard);
}

static void set_param(const char *name, const char *val)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/module/kvm/parameters/%s", name);
	fd = open(path, O_WRONLY);
	TEST_ASSERT(fd >= 0 && write(fd, val, strlen(val)) > 0, "can't set %s",
		    path);
	close(fd);
}

/*
 * Where the host switches, it replaces RSP and IF as well: that is a second
 * defence, and off along with the guard.
 */
static void set_guard(bool on)
{
	set_param("views_guard", on ? "Y" : "N");
	set_param("views_break", on ? "0" : BREAK_SWITCH_STACK);
	guard = on;
}

static void restore_guard(void)
{
	set_guard(true);
}

int main(void)
{
	views_require();
	atexit(restore_guard);
	ksft_print_header();
	ksft_set_plan(5);
	set_guard(false);
	views_test("interrupt hits the victim without the guard", guest_irq, prepare);
	views_test("#DB hits the victim without the guard", guest_trap, prepare);
	set_guard(true);
	views_test("interrupt", guest_irq, prepare);
	views_test("#DB", guest_trap, prepare);
	views_test("fetch", guest_fetch, prepare);
	ksft_finished();
}
