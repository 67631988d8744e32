// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: SWITCH from inside a view, by an attacker who got
 * a VMCALL into text of his own.  With a gate like the kernel's registered he
 * must not get anywhere, whatever the target, the flags, the stack and the place
 * of the instruction are; and the gate itself must still work.
 *
 * ut-backends: all
 */
#include "apic.h"
#include "views_util.h"

#define IRQ_VECTOR	0x55
#define PATTERN		0xaaaaaaaaaaaaaaaaull
#define WORDS		512
#define MARK		0x77
#define GATE_RESULT	0x600d
#define NEXT_RESULT	0xbad

/* Bits 16 and 17 of kvm.views_break. */
#define BREAK_SWITCH_GATE	0x10000ul
#define BREAK_SWITCH_STACK	0x20000ul

/* Views: root, transit, the attacker's, another compartment's. */
enum { ROOT, TRANSIT, OWN, OTHER, NONE };

/* Four pages of a gate; the attacker's text, and what lies behind it. */
enum { G0, G1, G2, G3, TEXT, NEXT, NR_CODE };

/* Where a VMCALL is in the attacker's text, with STI before it. */
#define IN_TEXT		64
#define AT_END		4093

/* What the attacker wants in his registers. */
struct attack {
	u64 view;
	u64 rip;
	u64 rsp;
	u64 rflags;
};

static struct page code[NR_CODE];
static u64 nr_irq, nr_db;
static u64 broken;

/* IRETQ takes RIP, RSP and flags at once; GPRs are free to choose anyway. */
static __attribute__((naked)) void jump_out(struct attack *a)
{
	asm("mov 0(%rdi), %rcx\n\t"
	    "pushq $0x10; pushq 16(%rdi); pushq 24(%rdi); pushq $8\n\t"
	    "pushq 8(%rdi)\n\t"
	    "mov $0x5554, %eax; mov $8, %ebx\n\t"
	    "iretq");
}

static u64 run_attack(u64 arg)
{
	jump_out((struct attack *)arg);
	return 0;
}

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

/* The attacker's way into view 0 ends here: take the caller out of it. */
static void handle_ud(struct ex_regs *regs)
{
	u64 *frame = (u64 *)(regs + 1);

	GUEST_ASSERT_EQ(regs->r15, MARK);
	GUEST_ASSERT_EQ(regs->rip & ~0xfffull, code[NEXT].gva);
	regs->rax = NEXT_RESULT;
	regs->rip = (u64)views_back;
	frame[0] = *views_cell();
}

static u8 *put(u8 *at, const void *bytes, int len)
{
	memcpy(at, bytes, len);
	return at + len;
}

#define PUT(at, ...) put(at, (u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

/* mov $to, %rdx; mov $val, %eax; jmp *%rdx */
static void put_jump(u8 *at, u64 to, u32 val)
{
	at = put(PUT(at, 0x48, 0xba), &to, 8);
	at = put(PUT(at, 0xb8), &val, 4);
	PUT(at, 0xff, 0xe2);
}

static void put_code(void)
{
	u8 *p[NR_CODE], call = views_vmcall_byte();
	int i;

	for (i = 0; i < NR_CODE; i++) {
		p[i] = (u8 *)code[i].gva;
		memset(p[i], 0xcc, 4096);
	}
	PUT(p[G1] + 4093, 0x0f, 0x01, call);
	/* mov $0x5554, %eax; xor %ecx, %ecx; jmp to the end */
	PUT(p[G2], 0xb8, 0x54, 0x55, 0, 0, 0x31, 0xc9, 0xe9, 0xf1, 0x0f, 0, 0);
	PUT(p[G2] + 4093, 0x0f, 0x01, call);
	put_jump(p[G3], (u64)views_back, GATE_RESULT);
	put_jump(p[G3] + 0x800, (u64)views_fault_entry, 0);
	PUT(p[TEXT] + IN_TEXT - 1, 0xfb, 0x0f, 0x01, call);
	PUT(p[TEXT] + AT_END - 1, 0xfb, 0x0f, 0x01, call);
	/* mov $MARK, %r15d; ud2 */
	PUT(p[TEXT] + IN_TEXT + 3, 0x41, 0xbf, MARK, 0, 0, 0, 0x0f, 0x0b);
	PUT(p[NEXT], 0x41, 0xbf, MARK, 0, 0, 0, 0x0f, 0x0b);
}

/* As views_start(), with a gate in four pages, and an attacker's text. */
static void start(void)
{
	static const u8 x[NR_CODE] = {
		[G0] = BIT(ROOT), [G1] = BIT(OWN), [G2] = BIT(TRANSIT),
		[G3] = BIT(ROOT), [TEXT] = BIT(OWN), [NEXT] = BIT(ROOT) | BIT(OTHER),
	};
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;
	int i, view;

	views_by_host = 1;
	x2apic_enable();
	put_code();
	GUEST_ASSERT_EQ(views_enable(16), 0);
	views_default_cfg(cfg);
	cfg->flags = KVM_VIEW_VCPU_GATE_ONLY;
	cfg->fault_entry = code[G3].gva + 0x800;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0),
			0);
	for (view = ROOT; view <= OTHER; view++) {
		if (view) {
			GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, view,
						 KVM_VIEW_R | KVM_VIEW_W |
						 KVM_VIEW_X, 0), 0);
			views_set(view, idt_gpa, 0);
			views_set(view, pages[PG_DATA].gpa, KVM_VIEW_R);
		}
		for (i = 0; i < NR_CODE; i++)
			views_set(view, code[i].gpa, KVM_VIEW_R |
				  (x[i] & BIT(view) ? KVM_VIEW_X : 0));
	}
}

static int victim_changes(void)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	int i, changed = 0;

	for (i = 0; i < WORDS; i++)
		changed += victim[i] != PATTERN;
	return changed;
}

/* @irq: one is pending; STI before the VMCALL lets it come right after. */
static u64 fire(u64 view, u64 rip, u64 rflags, bool irq)
{
	u64 *victim = (u64 *)pages[PG_DATA].gva;
	struct attack a = {
		.view = view,
		.rip = rip,
		.rsp = (u64)(victim + WORDS / 2),
		.rflags = rflags,
	};
	u64 result, before = nr_irq;
	int i;

	for (i = 0; i < WORDS; i++)
		victim[i] = PATTERN;
	memset(&last_aex, 0, sizeof(last_aex));
	cli();
	if (irq)
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
	result = views_run(OWN, run_attack, (u64)&a);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	if (broken & BREAK_SWITCH_STACK)
		return result;

	GUEST_ASSERT_EQ(victim_changes(), 0);
	if (irq) {
		if (last_aex.event == (0x80000000 | IRQ_VECTOR)) {
			x2apic_write_reg(APIC_EOI, 0);
			x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		}
		GUEST_ASSERT_EQ(nr_irq, before);
		sti_nop();
		GUEST_ASSERT_EQ(nr_irq, before + 1);
	}
	return result;
}

static void expect_aex(u64 result, u32 cause, u64 view)
{
	GUEST_ASSERT_EQ(result, AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, cause);
	GUEST_ASSERT_EQ(last_aex.view, view);
	GUEST_ASSERT_NE(last_aex.regs[15], MARK);
	GUEST_ASSERT_EQ(nr_db, 0);
}

static const u64 targets[] = {
	ROOT, TRANSIT, OWN, OTHER, NONE, 15, 16, 511, 512, 1ull << 32, ~0ull,
};

static void guest_text(void)
{
	u64 text = code[TEXT].gva;
	int i;

	start();
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		expect_aex(fire(targets[i], text + IN_TEXT, 2, false),
			   KVM_VIEW_AEX_REFUSED, OWN);
		expect_aex(fire(targets[i], text + AT_END, 2, false),
			   KVM_VIEW_AEX_REFUSED, OWN);
		expect_aex(fire(targets[i], text + AT_END, 0x102, false),
			   KVM_VIEW_AEX_REFUSED, OWN);
		expect_aex(fire(targets[i], text + AT_END - 1, 2, true),
			   KVM_VIEW_AEX_REFUSED, OWN);
	}
	GUEST_DONE();
}

static void guest_gate(void)
{
	u64 g1 = code[G1].gva + 4093;
	int i;

	start();
	for (i = 0; i < 3; i++)
		GUEST_ASSERT_EQ(fire(TRANSIT, g1, 2, false), GATE_RESULT);
	/* Not past the transit view. */
	expect_aex(fire(ROOT, g1, 2, false), KVM_VIEW_AEX_REFUSED, OWN);
	expect_aex(fire(ROOT, g1, 0x102, false), KVM_VIEW_AEX_REFUSED, OWN);
	/* G2 is executable in the transit view alone. */
	expect_aex(fire(OWN, g1, 2, false), KVM_VIEW_AEX_VIOLATION, OWN);
	expect_aex(fire(OTHER, g1, 2, false), KVM_VIEW_AEX_VIOLATION, OTHER);
	expect_aex(fire(NONE, g1, 2, false), KVM_VIEW_AEX_VIOLATION, OWN);
	expect_aex(fire(~0ull, g1, 2, false), KVM_VIEW_AEX_VIOLATION, OWN);
	/* Not with a trap in flight, nor with interrupts on. */
	expect_aex(fire(TRANSIT, g1, 0x102, false), KVM_VIEW_AEX_EVENT, TRANSIT);
	GUEST_ASSERT_EQ(last_aex.event, 0x80000301);
	expect_aex(fire(TRANSIT, g1, 0x202, true), KVM_VIEW_AEX_EVENT, OWN);
	/* G2 and G3 can't be gone to. */
	expect_aex(fire(ROOT, code[G2].gva + 4093, 2, false),
		   KVM_VIEW_AEX_VIOLATION, OWN);
	expect_aex(fire(ROOT, code[G3].gva, 2, false),
		   KVM_VIEW_AEX_VIOLATION, OWN);
	GUEST_DONE();
}

/* Without the rule, code behind the attacker's text runs elsewhere. */
static void guest_no_rule(void)
{
	u64 end = code[TEXT].gva + AT_END;

	start();
	GUEST_ASSERT_EQ(fire(ROOT, end, 2, false), NEXT_RESULT);
	GUEST_ASSERT_EQ(fire(OTHER, end, 2, false), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.view, OTHER);
	GUEST_ASSERT_EQ(last_aex.regs[15], MARK);
	/* Still on the trusted stack, and without interrupts. */
	GUEST_ASSERT_EQ(fire(ROOT, end - 1, 2, true), NEXT_RESULT);
	GUEST_DONE();
}

/* ... and without the other one, on a stack of his choice. */
static void guest_no_stack_either(void)
{
	start();
	GUEST_ASSERT_EQ(fire(ROOT, code[TEXT].gva + AT_END - 1, 2, true),
			NEXT_RESULT);
	GUEST_ASSERT_EQ(nr_irq, 1);
	GUEST_ASSERT_NE(victim_changes(), 0);
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	int i;

	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
	vm_install_exception_handler(vm, DB_VECTOR, handle_db);
	vm_install_exception_handler(vm, UD_VECTOR, handle_ud);
	code[0].gva = vm_alloc_pages(vm, NR_CODE);
	for (i = 0; i < NR_CODE; i++) {
		code[i].gva = code[0].gva + i * 4096;
		code[i].gpa = addr_gva2gpa(vm, code[i].gva);
	}
	sync_global_to_guest(vm, code);
	sync_global_to_guest(vm, broken);
}

static void set_break(u64 what)
{
	char val[32];
	int fd;

	fd = open("/sys/module/kvm/parameters/views_break", O_WRONLY);
	snprintf(val, sizeof(val), "%lu", what);
	TEST_ASSERT(fd >= 0 && write(fd, val, strlen(val)) > 0,
		    "can't set kvm.views_break");
	close(fd);
	broken = what;
}

static void restore_break(void)
{
	set_break(0);
}

int main(void)
{
	views_require();
	atexit(restore_break);
	ksft_print_header();
	ksft_set_plan(4);
	set_break(BREAK_SWITCH_GATE);
	views_test("without the rule text behind his own runs", guest_no_rule,
		   prepare);
	set_break(BREAK_SWITCH_GATE | BREAK_SWITCH_STACK);
	views_test("without the trusted stack an interrupt hits the victim",
		   guest_no_stack_either, prepare);
	set_break(0);
	views_test("a VMCALL outside the gate", guest_text, prepare);
	views_test("the gate's VMCALL", guest_gate, prepare);
	ksft_finished();
}
