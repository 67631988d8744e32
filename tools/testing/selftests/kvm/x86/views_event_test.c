// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what happens in a view that the guest's kernel
 * must hear of, i.e. events, and exits that a view may not cause.
 *
 * ut-backends: all
 */
#include "apic.h"
#include "views_util.h"

#define IRQ_VECTOR	0x55

static u64 nr_irq;

#define INSN(name, text)					\
static u64 insn_##name(u64 arg)					\
{								\
	u64 r = 0;						\
								\
	asm volatile(text : "+a" (r) : "D" (arg) :		\
		     "rbx", "rcx", "rdx", "memory", "cc");	\
	return r;						\
}

INSN(int80, "int $0x80")
INSN(int3, "int3")
INSN(ud2, "ud2")
INSN(div0, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx")
INSN(pf, "mov 0x10, %%rax")
INSN(gp, "mov $1, %%rdi; shl $60, %%rdi; mov (%%rdi), %%rax")
INSN(trap, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")
INSN(out, "mov $0x80, %%edx; out %%al, %%dx")
INSN(in, "mov $0x80, %%edx; in %%dx, %%al")
INSN(hlt, "hlt")
INSN(rdmsr, "mov $0x1b, %%ecx; rdmsr")
INSN(wrmsr, "mov $0x1b, %%ecx; xor %%edx, %%edx; mov $0xfee00900, %%eax; wrmsr")
INSN(eoi, "mov $0x80b, %%ecx; xor %%edx, %%edx; xor %%eax, %%eax; wrmsr")
INSN(cr0, "mov %%cr0, %%rax; xor $0x10000, %%rax; and $~0x80000000, %%eax; mov %%rax, %%cr0")
INSN(cr4, "mov %%cr4, %%rax; xor $0x2000, %%rax; mov %%rax, %%cr4")
INSN(dr7, "mov $0x400, %%eax; mov %%rax, %%dr7")
INSN(xsetbv, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; xsetbv")
INSN(invd, "invd")
INSN(vmcall, "mov $5, %%eax\n\t" VIEWS_VMCALL("%%"))
INSN(vmcall_set, "mov $0x5554, %%eax; mov $5, %%ebx; mov %%rdi, %%rcx; mov $1, %%edx\n\t"
	VIEWS_VMCALL("%%"))
INSN(vmfunc_leaf, "mov $1, %%eax; xor %%ecx, %%ecx; vmfunc")
INSN(vmfunc_none, "xor %%eax, %%eax; mov $7, %%ecx; vmfunc")
INSN(vmfunc_big, "xor %%eax, %%eax; mov $0x10000, %%ecx; vmfunc")
INSN(cpuid, "xor %%eax, %%eax; cpuid; mov $1, %%eax")
INSN(rdtsc, "rdtsc; mov $1, %%eax")
INSN(pause, "mov $100000, %%ecx; 1: pause; loop 1b; mov $1, %%eax")
INSN(mmio, "mov (%%rdi), %%rax")
INSN(sti_spin, "sti; mov $1000, %%ecx; 1: loop 1b")

static const struct {
	const char *name;
	u64 (*fn)(u64 arg);
	u32 cause;
	u32 reason;
	u32 event;
	u32 err;
} cases[] = {
	{ "int 0x80", insn_int80, KVM_VIEW_AEX_EVENT, 48, 0x80000480 },
	{ "int3", insn_int3, KVM_VIEW_AEX_EVENT, 48, 0x80000603 },
	{ "#UD", insn_ud2, KVM_VIEW_AEX_EVENT, 0, 0x80000306 },
	{ "#DE", insn_div0, KVM_VIEW_AEX_EVENT, 48, 0x80000300 },
	{ "#PF", insn_pf, KVM_VIEW_AEX_EVENT, 48, 0x80000b0e },
	{ "#GP", insn_gp, KVM_VIEW_AEX_EVENT, 48, 0x80000b0d },
	{ "#DB", insn_trap, KVM_VIEW_AEX_EVENT, 0, 0x80000301 },
	{ "out", insn_out, KVM_VIEW_AEX_REFUSED, 30 },
	{ "in", insn_in, KVM_VIEW_AEX_REFUSED, 30 },
	{ "hlt", insn_hlt, KVM_VIEW_AEX_REFUSED, 12 },
	{ "rdmsr", insn_rdmsr, KVM_VIEW_AEX_REFUSED, 31 },
	{ "wrmsr", insn_wrmsr, KVM_VIEW_AEX_REFUSED, 32 },
	{ "mov cr0", insn_cr0, KVM_VIEW_AEX_REFUSED, 28 },
	{ "mov cr4", insn_cr4, KVM_VIEW_AEX_REFUSED, 28 },
	{ "mov dr7", insn_dr7, KVM_VIEW_AEX_REFUSED, 29 },
	{ "xsetbv", insn_xsetbv, KVM_VIEW_AEX_REFUSED, 55 },
	{ "invd", insn_invd, KVM_VIEW_AEX_REFUSED, 13 },
	{ "vmcall", insn_vmcall, KVM_VIEW_AEX_REFUSED, 18 },
	{ "vmcall SET", insn_vmcall_set, KVM_VIEW_AEX_REFUSED, 18 },
	{ "vmfunc leaf 1", insn_vmfunc_leaf, KVM_VIEW_AEX_REFUSED, 59 },
	{ "vmfunc to no view", insn_vmfunc_none, KVM_VIEW_AEX_REFUSED, 59 },
	{ "vmfunc beyond the list", insn_vmfunc_big, KVM_VIEW_AEX_REFUSED, 59 },
};

static void guest_cases(void)
{
	u32 cause, reason, event;
	u64 rsp;
	int i;

	views_start(0);
	asm volatile("mov %%rsp, %0" : "=r" (rsp));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		cause = cases[i].cause;
		reason = cases[i].reason;
		event = cases[i].event;
		if ((reason == 59 && views_by_host) ||
		    (reason == 55 && !this_cpu_has(X86_FEATURE_XSAVE))) {
			/* No VMFUNC, or no XSAVE: an invalid opcode. */
			cause = KVM_VIEW_AEX_EVENT;
			reason = 0;
			event = 0x80000306;
		}
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, cases[i].fn, pages[PG_ARGS].gpa),
				AEX_RESULT);
		__GUEST_ASSERT(last_aex.cause == cause &&
			       views_same(last_aex.exit_reason, reason) &&
			       views_same(last_aex.event, event),
			       "%s: cause %u, reason %u, event %x",
			       cases[i].name, last_aex.cause,
			       last_aex.exit_reason, last_aex.event);
		GUEST_ASSERT_EQ(last_aex.view, 1);
		GUEST_ASSERT(last_aex.regs[4] < rsp &&
			     last_aex.regs[4] > rsp - 8192);
		GUEST_ASSERT_EQ(last_aex.rflags & 2, 2);
	}
	GUEST_ASSERT_EQ(nr_aex, ARRAY_SIZE(cases));

	/* What a view may do. */
	GUEST_ASSERT_EQ(views_run(1, insn_cpuid, 0), 1);
	GUEST_ASSERT_EQ(views_run(1, insn_rdtsc, 0), 1);
	GUEST_ASSERT_EQ(views_run(1, insn_pause, 0), 1);
	GUEST_ASSERT_EQ(nr_aex, ARRAY_SIZE(cases));
	GUEST_DONE();
}

/*
 * The same on a stack that can't be pushed to, in a view whose IDT can be read:
 * the second of the two places where a delivery can fail.
 */
#define INSN_ON(name, text)					\
static u64 on_stack_##name(u64 rsp)				\
{								\
	asm volatile("mov %0, %%rsp; " text : : "r" (rsp));	\
	__builtin_unreachable();				\
}

INSN_ON(int80, "int $0x80")
INSN_ON(int3, "int3")
INSN_ON(ud2, "ud2")
INSN_ON(div0, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx")
INSN_ON(pf, "mov 0x10, %%rax")
INSN_ON(gp, "mov $1, %%rdi; shl $60, %%rdi; mov (%%rdi), %%rax")
INSN_ON(push, "push $0")
INSN_ON(irq, "sti; mov $100000, %%ecx; 1: loop 1b")

static const struct {
	const char *name;
	u64 (*fn)(u64 rsp);
	u32 cause;
	u32 reason;
	u32 event;
} on_stack[] = {
	{ "int 0x80", on_stack_int80, KVM_VIEW_AEX_EVENT, 48, 0x80000480 },
	{ "int3", on_stack_int3, KVM_VIEW_AEX_EVENT, 48, 0x80000603 },
	{ "#UD", on_stack_ud2, KVM_VIEW_AEX_EVENT, 0, 0x80000306 },
	{ "#DE", on_stack_div0, KVM_VIEW_AEX_EVENT, 48, 0x80000300 },
	{ "#PF", on_stack_pf, KVM_VIEW_AEX_EVENT, 48, 0x80000b0e },
	{ "#GP", on_stack_gp, KVM_VIEW_AEX_EVENT, 48, 0x80000b0d },
	{ "push", on_stack_push, KVM_VIEW_AEX_VIOLATION, 48, 0 },
};

static void guest_stacks(void)
{
	static const u8 rights[] = { KVM_VIEW_R, 0 };
	u64 *stack = (u64 *)pages[PG_STACK].gva;
	u64 rsp = (u64)(stack + 256);
	int i, j;

	views_start(0);
	views_set(1, idt_gpa, KVM_VIEW_R);
	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		views_set(1, pages[PG_STACK].gpa, rights[i]);
		for (j = 0; j < ARRAY_SIZE(on_stack); j++) {
			memset(&last_aex, 0, sizeof(last_aex));
			GUEST_ASSERT_EQ(views_run(1, on_stack[j].fn, rsp),
					AEX_RESULT);
			__GUEST_ASSERT(last_aex.cause == on_stack[j].cause &&
				       last_aex.exit_reason == on_stack[j].reason &&
				       views_same(last_aex.event, on_stack[j].event),
				       "%s: cause %u, reason %u, event %x",
				       on_stack[j].name, last_aex.cause,
				       last_aex.exit_reason, last_aex.event);
			GUEST_ASSERT_EQ(last_aex.regs[4], rsp);
		}
	}
	for (i = 0; i < 512; i++)
		GUEST_ASSERT_EQ(stack[i], 0);

	/* An interrupt that comes from KVM never gets as far as the stack. */
	x2apic_enable();
	cli();
	x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
	GUEST_ASSERT_EQ(views_run(1, on_stack_irq, rsp), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
	GUEST_ASSERT_EQ(last_aex.event, 0);
	GUEST_ASSERT_EQ(nr_irq, 0);
	sti_nop();
	GUEST_ASSERT_EQ(nr_irq, 1);
	GUEST_DONE();
}

static void handle_irq(struct ex_regs *regs)
{
	/* Not on a stack or in a view that something else chose. */
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	GUEST_ASSERT_EQ(*views_cell(), 0);
	nr_irq++;
	x2apic_write_reg(APIC_EOI, 0);
}

static void guest_irq(void)
{
	u64 i;

	views_start(0);
	x2apic_enable();
	for (i = 1; i <= 20; i++) {
		cli();
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, insn_sti_spin, 0), AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(nr_irq, i - 1);
		if (last_aex.event) {
			/* The vector is in service: end and raise it again. */
			GUEST_ASSERT_EQ(last_aex.event, 0x80000000 | IRQ_VECTOR);
			x2apic_write_reg(APIC_EOI, 0);
			x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		}
		sti_nop();
		GUEST_ASSERT_EQ(nr_irq, i);
	}

	/* One that waits until the view is left costs no AEX. */
	cli();
	x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
	GUEST_ASSERT_EQ(views_run(1, insn_cpuid, 0), 1);
	GUEST_ASSERT_EQ(nr_irq, 20);
	sti_nop();
	GUEST_ASSERT_EQ(nr_irq, 21);
	GUEST_ASSERT_EQ(nr_aex, 20);

	/* The APIC is out of reach. */
	GUEST_ASSERT_EQ(views_run(1, insn_eoi, 0), AEX_RESULT);
	GUEST_DONE();
}

/* Once in @view with an interrupt that waits; is the guest told of it? */
static void one_that_waits(u64 view, u64 cr8, bool told)
{
	u64 irqs = nr_irq, aexs = nr_aex;

	cli();
	asm volatile("mov %0, %%cr8" : : "r" (cr8) : "memory");
	x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
	memset(&last_aex, 0, sizeof(last_aex));
	GUEST_ASSERT_EQ(views_run(view, insn_cpuid, 0), told ? AEX_RESULT : 1);
	GUEST_ASSERT_EQ(nr_aex, aexs + told);
	if (told) {
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event, 0);
		GUEST_ASSERT_EQ(last_aex.view, view);
	}

	/* It still waits, for as long as it would have without a view. */
	GUEST_ASSERT_EQ(nr_irq, irqs);
	sti_nop();
	GUEST_ASSERT_EQ(nr_irq, irqs + !cr8);
	asm volatile("mov %0, %%cr8" : : "r" (0ull) : "memory");
	GUEST_ASSERT_EQ(nr_irq, irqs + 1);
}

static void guest_irq_aex(u32 flags)
{
	bool told = flags & KVM_VIEW_VCPU_IRQ_AEX;
	u64 cr8;

	views_start(flags);
	x2apic_enable();
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, KVM_VIEW_R | KVM_VIEW_W |
				 KVM_VIEW_X, 0), 0);
	views_set(2, idt_gpa, 0);
	for (cr8 = 0; cr8 <= 15; cr8 += 15) {
		one_that_waits(2, cr8, told);
		one_that_waits(1, cr8, false);
	}

	/* None waits: nothing to tell. */
	GUEST_ASSERT_EQ(views_run(2, insn_cpuid, 0), 1);
	GUEST_DONE();
}

static void guest_irq_told(void)
{
	guest_irq_aex(KVM_VIEW_VCPU_IRQ_AEX);
}

static void guest_irq_not_told(void)
{
	guest_irq_aex(0);
}

static void prepare_irq(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
}

#define MMIO_GPA	0xc0000000ull

static void guest_mmio(void)
{
	views_start(0);
	views_set(1, MMIO_GPA, KVM_VIEW_R | KVM_VIEW_W);
	GUEST_ASSERT_EQ(views_run(1, insn_mmio, MMIO_GPA), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.gpa, MMIO_GPA);
	GUEST_DONE();
}

static void prepare_mmio(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	virt_map(vm, MMIO_GPA, MMIO_GPA, 1);
}

/* Without a trusted stack, there is no way on. */
static void guest_no_stack(void)
{
	views_start(0);
	views_vmfunc(1);
	insn_ud2(0);
	GUEST_FAIL("went on after #UD in a view");
}

static void test_no_stack(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_no_stack);
	views_setup(vm);
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_SHUTDOWN);
	kvm_vm_free(vm);
	ksft_test_result_pass("no trusted stack\n");
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(7);
	views_test("events and exits", guest_cases, NULL);
	views_test("events on a stack that is none", guest_stacks, prepare_irq);
	views_test("interrupts", guest_irq, prepare_irq);
	views_test("interrupts that wait", guest_irq_told, prepare_irq);
	views_test("nobody asked to be told", guest_irq_not_told, prepare_irq);
	views_test("no device for a view", guest_mmio, prepare_mmio);
	test_no_stack();
	ksft_finished();
}
