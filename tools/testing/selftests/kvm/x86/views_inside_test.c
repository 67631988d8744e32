// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: #VE in a view other than 0, by an IDT that the
 * view sees in place of the guest's; and what becomes of it, and of all other
 * events, where it can't be delivered.
 */
#include "views_util.h"

#define ROUNDS		1000
#define VE_EVENT	0x80000314

static u64 tss_gva;
struct kvm_ve_info in_view;
u64 nr_in_view, ve_page;
static struct page idt;

/* All accesses are three bytes long. */
static __attribute__((naked)) void in_view_ve(void)
{
	asm volatile("push %rax; push %rcx\n\t"
		     "mov ve_page(%rip), %rax\n\t"
		     "mov 8(%rax), %rcx; mov %rcx, in_view+8(%rip)\n\t"
		     "mov 24(%rax), %rcx; mov %rcx, in_view+24(%rip)\n\t"
		     "movzwl 32(%rax), %ecx; mov %cx, in_view+32(%rip)\n\t"
		     "incq nr_in_view(%rip)\n\t"
		     "movl $0, 4(%rax)\n\t"
		     "addq $3, 16(%rsp)\n\t"
		     "pop %rcx; pop %rax\n\t"
		     "iretq");
}

static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static u64 write_q(u64 addr)
{
	asm volatile(".byte 0x48, 0x89, 0x07" : : "a" (7), "D" (addr) :
		     "memory");
	return 0;
}

static u64 read_many(u64 addr)
{
	u64 i, sum = 0;

	for (i = 0; i < ROUNDS; i++)
		sum += read_q(addr);
	return sum;
}

static u64 read_busy(u64 addr)
{
	WRITE_ONCE(((struct kvm_ve_info *)ve_page)->busy, 1);
	return read_q(addr);
}

/* On a stack that the view may not write. */
static u64 read_stackless(u64 addr)
{
	u64 sp = pages[PG_STACK].gva + 2048;

	asm volatile("mov %%rsp, %%r12; mov %0, %%rsp\n\t"
		     ".byte 0x48, 0x8b, 0x07\n\t"
		     "mov %%r12, %%rsp" : : "r" (sp), "D" (addr) :
		     "rax", "r12", "memory");
	return 0;
}

static u64 insn_int3(u64 arg)
{
	asm volatile("int3");
	return 0;
}

static u64 insn_int80(u64 arg)
{
	asm volatile("int $0x80");
	return 0;
}

static u64 insn_ud2(u64 arg)
{
	asm volatile("ud2");
	return 0;
}

static u64 insn_gp(u64 arg)
{
	return read_q(1ull << 60);
}

static u64 insn_pf(u64 arg)
{
	return read_q(0x10);
}

static void set_gate(unsigned int vector, void *handler, u8 ist)
{
	u64 *gate = (u64 *)idt.gva + 2 * vector, addr = (u64)handler;

	gate[0] = (addr & 0xffff) | VIEWS_CS << 16 | (u64)ist << 32 |
		  0x8eull << 40 | (addr >> 16 & 0xffff) << 48;
	gate[1] = addr >> 32;
}

static void expect_aex(u32 cause, u32 event)
{
	GUEST_ASSERT_EQ(last_aex.cause, cause);
	GUEST_ASSERT(views_same(last_aex.event, event));
	GUEST_ASSERT_EQ(last_aex.view, 1);
	GUEST_ASSERT_EQ(nr_in_view, 0);
}

/* View 1 sees an IDT of its own; IST 1 is a stack that it may not write. */
static void start_inside(void)
{
	int i;

	views_start(0);
	ve_page = pages[PG_VE].gva;
	for (i = 0; i < 256; i++)
		set_gate(i, in_view_ve, 1);
	set_gate(20, in_view_ve, 0);
	*(u64 *)(tss_gva + 36) = pages[PG_STACK].gva + 4096;
	views_set(1, pages[PG_STACK].gpa, KVM_VIEW_R);
	GUEST_ASSERT_EQ(views_remap_pages(1, idt_gpa, idt.gpa, 1, KVM_VIEW_R),
			1);
	/* IDT, GDT, TSS: the host maps what the CPU could not read. */
	for (i = 0; i < 4; i++) {
		GUEST_ASSERT_EQ(views_run(1, insn_int80, 0), AEX_RESULT);
		expect_aex(KVM_VIEW_AEX_EVENT, 0x80000480);
	}
	nr_aex = 0;
}

static void deny(u8 mask, u32 flags)
{
	GUEST_ASSERT_EQ(views_set_flags(1, pages[PG_SECRET].gpa, 1, mask, flags),
			1);
}

static void expect_in_view(u64 count, u64 access)
{
	GUEST_ASSERT_EQ(nr_in_view, count);
	GUEST_ASSERT_EQ(in_view.gpa, pages[PG_SECRET].gpa);
	GUEST_ASSERT_EQ(in_view.qual & 7, access);
	GUEST_ASSERT_EQ(in_view.eptp, 1);
	nr_in_view = 0;
}

static void guest_inside(void)
{
	u64 secret = pages[PG_SECRET].gva, before, after;

	*(u64 *)secret = 0x1234;
	start_inside();
	deny(0, KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), 0);
	expect_in_view(1, 1);

	before = views_exits();
	GUEST_ASSERT_EQ(views_run(1, read_many, secret), 0);
	after = views_exits();
	GUEST_PRINTF("# %u #VE in a view: %lu exits\n", ROUNDS, after - before);
	GUEST_ASSERT_EQ(after - before, VIEWS_EXITS_RUN);
	expect_in_view(ROUNDS, 1);

	/* A write where reading is allowed; and reading is no violation. */
	deny(KVM_VIEW_R, KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE);
	before = views_exits();
	GUEST_ASSERT_EQ(views_run(1, write_q, secret), 0);
	after = views_exits();
	GUEST_ASSERT_EQ(after - before, VIEWS_EXITS_RUN);
	expect_in_view(1, 2);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), 0x1234);
	GUEST_ASSERT_EQ(nr_in_view, 0);
	GUEST_ASSERT_EQ(nr_aex, 0);
	GUEST_DONE();
}

/* The host tells of what the CPU can't, and of the next one the CPU does. */
static void guest_outside(void)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;
	u64 secret = pages[PG_SECRET].gva;

	start_inside();
	/* Not mapped yet. */
	deny(0, KVM_VIEW_OP_VE);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), AEX_RESULT);
	expect_aex(KVM_VIEW_AEX_VIOLATION, 0);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), 0);
	expect_in_view(1, 1);

	/* The page is in use. */
	GUEST_ASSERT_EQ(views_run(1, read_busy, secret), AEX_RESULT);
	expect_aex(KVM_VIEW_AEX_VIOLATION, 0);
	GUEST_ASSERT_EQ(last_aex.gpa, pages[PG_SECRET].gpa);
	GUEST_ASSERT_EQ(info->busy, 1);
	info->busy = 0;

	/* No stack: the record is in the page. */
	GUEST_ASSERT_EQ(views_run(1, read_stackless, secret), AEX_RESULT);
	expect_aex(KVM_VIEW_AEX_EVENT, VE_EVENT);
	GUEST_ASSERT_EQ(info->busy, 0xffffffff);
	GUEST_ASSERT_EQ(info->gpa, pages[PG_SECRET].gpa);
	GUEST_ASSERT_EQ(info->eptp, 1);
	info->busy = 0;

	/* Without the flag, and without an IDT. */
	deny(0, 0);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), AEX_RESULT);
	expect_aex(KVM_VIEW_AEX_VIOLATION, 0);
	deny(0, KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE);
	GUEST_ASSERT_EQ(views_unremap_pages(1, idt_gpa, 1, 0), 1);
	GUEST_ASSERT_EQ(views_run(1, read_q, secret), AEX_RESULT);
	expect_aex(KVM_VIEW_AEX_EVENT, VE_EVENT);
	GUEST_DONE();
}

/* Gates without a stack that can be pushed to: as if there were no IDT. */
static void guest_others(void)
{
	static const struct {
		u64 (*fn)(u64 arg);
		u32 event;
	} cases[] = {
		{ insn_int3, 0x80000603 },
		{ insn_int80, 0x80000480 },
		{ insn_ud2, 0x80000306 },
		{ insn_gp, 0x80000b0d },
		{ insn_pf, 0x80000b0e },
	};
	int i;

	start_inside();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		GUEST_ASSERT_EQ(views_run(1, cases[i].fn, 0), AEX_RESULT);
		expect_aex(KVM_VIEW_AEX_EVENT, cases[i].event);
	}
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	idt.gva = vm_alloc_page(vm);
	idt.gpa = addr_gva2gpa(vm, idt.gva);
	tss_gva = vm->arch.tss;
	sync_global_to_guest(vm, idt);
	sync_global_to_guest(vm, tss_gva);
}

int main(void)
{
	views_require();
	__TEST_REQUIRE(views_vmfunc_here() &&
		       get_kvm_intel_param_bool("views_ve"),
		       "needs #VE by the CPU");
	ksft_print_header();
	ksft_set_plan(3);
	views_test("#VE in a view", guest_inside, prepare);
	views_test("violations that the host tells of", guest_outside, prepare);
	views_test("all other events", guest_others, prepare);
	ksft_finished();
}
