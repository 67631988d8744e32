// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled views on SVM: what differs from VMX.  Nested paging writes to
 * page tables, so views need the guest's consent; and a view has intercepts
 * of its own.
 *
 * ut-model: qemu:EPYC
 * ut-backends: svm
 */
#include "apic.h"
#include "views_state.h"
#include "svm_util.h"

/* Mapped by page tables that nothing else is mapped by. */
#define FAR_GVA			0x4000000000ull

#define IRQ_VECTOR		0x55

static struct page table;	/* the last of them */
static u64 *far_pte;
static bool broken;
static u64 nr_irq;

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 0x5a5a);
	return 0;
}

static void guest_consent(void)
{
	GUEST_ASSERT(views_has(KVM_VIEWS_F_RW_PT));
	GUEST_ASSERT(!views_has(KVM_VIEWS_F_VMFUNC | KVM_VIEWS_F_HW_VE));
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_ENABLE, 16, 0, 0),
			broken ? 0 : -EOPNOTSUPP);
	if (!broken) {
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 1, KVM_VIEW_R, 0),
				-ENOENT);
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_ENABLE, 16,
					 KVM_VIEWS_ENABLE_RW_PT, 0), 0);
	}
	GUEST_DONE();
}

/* The reason why consent is asked for: the view changes what view 0 sees. */
static u64 do_remap(u64 gpa)
{
	WRITE_ONCE(*far_pte, (*far_pte & 0xfff0000000000fffull) | gpa);
	return 0;
}

static void guest_shared_tables(void)
{
	views_start(0);
	*(u64 *)pages[PG_DATA].gva = 1;
	*(u64 *)pages[PG_SECRET].gva = 2;
	GUEST_ASSERT_EQ(do_read(FAR_GVA), 1);
	GUEST_ASSERT_EQ(views_run(1, do_remap, pages[PG_SECRET].gpa), 0);
	asm volatile("invlpg (%0)" : : "r" (FAR_GVA) : "memory");
	GUEST_ASSERT_EQ(do_read(FAR_GVA), 2);
	GUEST_ASSERT_EQ(views_run(1, do_remap, pages[PG_DATA].gpa), 0);
	asm volatile("invlpg (%0)" : : "r" (FAR_GVA) : "memory");

	/* The rights of the view hold, whatever its page tables say. */
	views_set(1, pages[PG_SECRET].gpa, 0);
	GUEST_ASSERT_EQ(views_run(1, do_remap, pages[PG_SECRET].gpa), 0);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.gpa, pages[PG_SECRET].gpa);
	GUEST_DONE();
}

/* Page tables that a view may only read are of no use to it. */
static void guest_walk(void)
{
	views_start(0);
	*(u64 *)pages[PG_DATA].gva = 1;
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), 1);
	views_set(1, table.gpa, KVM_VIEW_R);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.exit_reason, 48);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_W);
	GUEST_ASSERT_EQ(last_aex.gpa & ~0xfffull, table.gpa);
	/* W asked for, R there; in a walk. */
	GUEST_ASSERT_EQ(last_aex.qual, 0xa);
	GUEST_ASSERT_EQ(views_run(1, do_read, (u64)far_pte), *far_pte);
	GUEST_ASSERT_EQ(views_run(1, do_write, (u64)far_pte + 8), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.qual, 0x10a);
	GUEST_DONE();
}

#define INSN(name, text)					\
static u64 insn_##name(u64 arg)					\
{								\
	u64 r = 1;						\
								\
	asm volatile(text : "+a" (r) : "D" (arg) :		\
		     "rbx", "rcx", "rdx", "memory", "cc");	\
	return 0;						\
}

INSN(cr3, "mov %%cr3, %%rax; mov %%rax, %%cr3")
INSN(clts, "clts")
INSN(cr0_mp, "mov %%cr0, %%rax; mov %%rax, %%cr0")
INSN(lidt, "lidt (%%rdi)")
INSN(lgdt, "lgdt 16(%%rdi)")
INSN(lldt, "xor %%eax, %%eax; lldt %%ax")
INSN(lstar, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(kernel_gs, "mov $0xc0000102, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(star, "mov $0xc0000081, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(sfmask, "mov $0xc0000084, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(sysenter, "mov $0x174, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(fs_base, "mov $0xc0000100, %%ecx; rdmsr")
INSN(sgdt, "sgdt -256(%%rsp)")
INSN(sidt, "sidt -256(%%rsp)")
INSN(sldt, "sldt %%ax")
INSN(str, "str %%ax")

/* Those that go to the CPU in view 0, and do no harm there. */
static const struct {
	const char *name;
	u64 (*fn)(u64 arg);
	u32 reason;
} own[] = {
	{ "mov cr3", insn_cr3, 28 },
	{ "clts", insn_clts, 28 },
	{ "mov cr0", insn_cr0_mp, 28 },
	{ "lidt", insn_lidt, 46 },
	{ "lgdt", insn_lgdt, 46 },
	{ "lldt", insn_lldt, 47 },
	{ "sidt", insn_sidt, 46 },
	{ "sgdt", insn_sgdt, 46 },
	{ "sldt", insn_sldt, 47 },
	{ "str", insn_str, 47 },
	{ "wrmsr star", insn_star, 32 },
	{ "wrmsr lstar", insn_lstar, 32 },
	{ "wrmsr sfmask", insn_sfmask, 32 },
	{ "wrmsr sysenter_cs", insn_sysenter, 32 },
	{ "wrmsr kernel_gs_base", insn_kernel_gs, 32 },
	{ "rdmsr fs_base", insn_fs_base, 31 },
};

static void guest_intercepts(void)
{
	/* What LIDT and LGDT load is what is there. */
	struct desc_ptr *tables = (void *)pages[PG_DATA].gva;
	u64 before, want = broken ? 0 : AEX_RESULT;
	int i;

	views_start(0);
	tables[0] = get_idt();
	*(struct desc_ptr *)((u8 *)tables + 16) = get_gdt();
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		memset(&last_aex, 0, sizeof(last_aex));
		__GUEST_ASSERT(views_run(1, own[i].fn, (u64)tables) == want,
			       "%s in a view", own[i].name);
		if (!broken)
			__GUEST_ASSERT(last_aex.cause == KVM_VIEW_AEX_REFUSED &&
				       last_aex.exit_reason == own[i].reason,
				       "%s: cause %u, reason %x", own[i].name,
				       last_aex.cause, last_aex.exit_reason);

		/* And in view 0, without an exit. */
		before = views_exits();
		own[i].fn((u64)tables);
		__GUEST_ASSERT(views_exits() - before == VIEWS_EXITS_OWN,
			       "%s in view 0", own[i].name);
	}
	GUEST_DONE();
}

INSN(stgi, "stgi")
INSN(clgi, "clgi")
INSN(vmload, "xor %%eax, %%eax; vmload")
INSN(vmrun, "xor %%eax, %%eax; vmrun")
INSN(invlpga, "invlpga %%rax, %%ecx")
INSN(monitor, "mov %%rsp, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor")
INSN(apic_base, "mov $0x1b, %%ecx; xor %%edx, %%edx; mov $0xfee00900, %%eax; wrmsr")

static const struct {
	const char *name;
	u64 (*fn)(u64 arg);
	u32 code;
} only_svm[] = {
	{ "vmrun", insn_vmrun, SVM_EXIT_VMRUN },
	{ "vmload", insn_vmload, SVM_EXIT_VMLOAD },
	{ "stgi", insn_stgi, SVM_EXIT_STGI },
	{ "clgi", insn_clgi, SVM_EXIT_CLGI },
	{ "invlpga", insn_invlpga, SVM_EXIT_INVLPGA },
};

static void guest_refused(void)
{
	int i;

	views_start(0);
	for (i = 0; i < ARRAY_SIZE(only_svm); i++) {
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, only_svm[i].fn, 0), AEX_RESULT);
		__GUEST_ASSERT(last_aex.cause == KVM_VIEW_AEX_REFUSED &&
			       last_aex.exit_reason ==
			       (KVM_VIEW_EXIT_SVM | only_svm[i].code),
			       "%s: cause %u, reason %x", only_svm[i].name,
			       last_aex.cause, last_aex.exit_reason);
	}
	GUEST_ASSERT_EQ(views_run(1, insn_monitor, 0), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.exit_reason, 39);
	GUEST_DONE();
}

/* What KVM does by itself, if only it is let. */
static void guest_allow_list(void)
{
	views_start(0);
	GUEST_ASSERT_EQ(views_run(1, insn_apic_base, 0),
			broken ? 0 : AEX_RESULT);
	GUEST_DONE();
}

static void handle_irq(struct ex_regs *regs)
{
	nr_irq++;
	x2apic_write_reg(APIC_EOI, 0);
}

static u64 do_cr8(u64 val)
{
	set_cr8(val);
	return get_cr8();
}

/*
 * Lowering CR8 in a view is no exit, though in view 0 it would be; and the
 * interrupt is not forgotten when view 0 has that to do.
 */
static void guest_cr8(void)
{
	u64 before;
	int i;

	views_start(0);
	x2apic_enable();
	sti();
	/* So that all that is used is mapped. */
	views_run(1, do_cr8, 3);
	for (i = 1; i <= 10; i++) {
		/* Raised in view 0, and lowered in the view. */
		set_cr8(15);
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		GUEST_ASSERT_EQ(nr_irq, 2 * i - 2);
		cli();
		before = views_exits();
		GUEST_ASSERT_EQ(views_run(1, do_cr8, 3), 3);
		GUEST_ASSERT_EQ(views_exits() - before,
				VIEWS_EXITS_OWN + VIEWS_EXITS_RUN);
		GUEST_ASSERT_EQ(get_cr8(), 3);
		sti_nop();
		GUEST_ASSERT_EQ(nr_irq, 2 * i - 1);

		/* Raised in the view, where nobody waits; lowered in view 0. */
		GUEST_ASSERT_EQ(views_run(1, do_cr8, 15), 15);
		GUEST_ASSERT_EQ(get_cr8(), 15);
		x2apic_write_reg(APIC_SELF_IPI, IRQ_VECTOR);
		GUEST_ASSERT_EQ(views_run(1, do_cr8, 15), 15);
		GUEST_ASSERT_EQ(nr_irq, 2 * i - 1);
		set_cr8(0);
		GUEST_ASSERT_EQ(nr_irq, 2 * i);
	}
	GUEST_ASSERT_EQ(nr_aex, 0);
	GUEST_DONE();
}

/* Views or nested guests, not both. */
static void guest_views_first(void)
{
	u64 efer = rdmsr(MSR_EFER);

	views_start(0);
	GUEST_ASSERT_EQ(wrmsr_safe(MSR_EFER, efer | EFER_SVME), GP_VECTOR);
	GUEST_ASSERT_EQ(rdmsr(MSR_EFER), efer);
	GUEST_DONE();
}

static void guest_svm_first(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_ENABLE, 16, KVM_VIEWS_ENABLE_RW_PT,
				 0), -EBUSY);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_ENABLE, 16, KVM_VIEWS_ENABLE_RW_PT,
				 0), 0);
	GUEST_DONE();
}

/* The table that maps FAR_GVA, itself mapped somewhere else. */
static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	u64 gpa = vm->mmu.pgd, *pte;
	int level;

	vm_install_exception_handler(vm, IRQ_VECTOR, handle_irq);
	virt_map(vm, FAR_GVA, pages[PG_DATA].gpa, 1);
	for (level = vm->mmu.pgtable_levels; level > 1; level--) {
		pte = addr_gpa2hva(vm, gpa);
		pte += (FAR_GVA >> (12 + 9 * (level - 1))) & 511;
		gpa = *pte & 0xffffffffff000ull;
	}
	table.gpa = gpa;
	table.gva = vm_unused_gva_gap(vm, 4096, KVM_UTIL_MIN_VADDR);
	virt_map(vm, table.gva, table.gpa, 1);
	far_pte = (u64 *)table.gva + ((FAR_GVA >> 12) & 511);
	sync_global_to_guest(vm, table);
	sync_global_to_guest(vm, far_pte);
	sync_global_to_guest(vm, broken);
}

/* The defence holds; and without it, the guest notices. */
static void proven(const char *name, void (*guest)(void), int bit)
{
	views_test(name, guest, prepare);
	if (!views_can_weaken()) {
		ksft_test_result_skip("%s: without it\n", name);
		return;
	}
	broken = true;
	views_weaken(BIT(bit));
	views_test(name, guest, prepare);
	views_strengthen();
	broken = false;
}

static int set_state(struct kvm_view_state *state)
{
	struct kvm_vm *vm = vm_create_barebones();
	int r = __vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, state) ? errno : 0;

	kvm_vm_free(vm);
	return r;
}

/* A state of a guest that did not consent must not get around it. */
static void test_restore(void)
{
	struct {
		struct kvm_view_state head;
		struct kvm_view_saved view;
		struct kvm_view_range range;
	} state = {
		.head = {
			.size = sizeof(state),
			.version = KVM_VIEW_STATE_VERSION,
			.flags = KVM_VIEW_STATE_RW_PT,
			.max_views = 4,
			.nr_views = 1,
			.nr_ranges = 1,
		},
		.view = { .nr_ranges = 1 },
		.range = { .rights = KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X },
	};

	TEST_ASSERT_EQ(set_state(&state.head), 0);
	state.head.flags = 0;
	TEST_ASSERT_EQ(set_state(&state.head), EOPNOTSUPP);
	if (views_can_weaken()) {
		views_weaken(BIT(KVM_VIEWS_BREAK_RW_PT));
		TEST_ASSERT_EQ(set_state(&state.head), 0);
		views_strengthen();
	}
	ksft_test_result_pass("consent to writable page tables, restored\n");
}

int main(void)
{
	views_require();
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SVM));
	ksft_print_header();
	ksft_set_plan(13);
	proven("consent to writable page tables", guest_consent,
	       KVM_VIEWS_BREAK_RW_PT);
	test_restore();
	proven("intercepts of a view", guest_intercepts,
	       KVM_VIEWS_BREAK_SVM_INTERCEPTS);
	proven("exits of a view", guest_allow_list, KVM_VIEWS_BREAK_ALLOW_LIST);
	views_test("CR8, with an interrupt that waits", guest_cr8, prepare);
	views_test("shared page tables", guest_shared_tables, prepare);
	views_test("walk of read-only page tables", guest_walk, prepare);
	views_test("instructions of SVM", guest_refused, prepare);
	views_test("no SVM after views", guest_views_first, prepare);
	views_test("no views after SVM", guest_svm_first, prepare);
	ksft_finished();
}
