// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what code in a view can do with instructions.
 * Each cell of the table is tried in a view, at CPL 0, and none may change what
 * the rest of the guest relies on; afterwards those whose one defence can be
 * switched off have to succeed without it, else the table shows nothing.
 *
 * ut-backends: vmfunc-ve vmfunc-swve svm
 */
#include "views_util.h"
#include "views_refuse_insn.h"
#include "views_refuse_state.h"
#include "views_weaken.h"

/* What becomes of it. */
enum verdict {
	STOP,	/* an AEX, as an exit that a view may not cause */
	EVENT,	/* an AEX, as an event */
	GO,	/* it gets to its end */
	MAY,	/* STOP or GO, depends on the CPU; harmless */
	AEX,	/* STOP or EVENT, depends on the CPU */
};

#define NOTHING	(-1)

struct cell {
	const char *name;
	u64 (*fn)(u64 arg);
	enum verdict verdict;
	u64 expect;	/* exit reason; event; result */
	int breaks;	/* the one defence, or NOTHING */
	u64 changes;	/* without it: bits of enum state */
};

#define CELL(name, verdict, expect) \
	{ #name, insn_##name, verdict, expect, NOTHING, 0 }
#define DEFENDED(name, expect, defence, changes) \
	{ #name, insn_##name, STOP, expect, KVM_VIEWS_BREAK_##defence, changes }
#define ST(name)	BIT_ULL(ST_##name)

static struct cell cells[] = {
	DEFENDED(lgdt, 46, DESC, ST(GDTR)),
	DEFENDED(lidt, 46, DESC, ST(IDTR)),
	DEFENDED(sgdt, 46, DESC, 0),
	DEFENDED(sidt, 46, DESC, 0),
	DEFENDED(lldt, 47, DESC, 0),
	CELL(ltr, STOP, 47),
	DEFENDED(sldt, 47, DESC, 0),
	DEFENDED(str, 47, DESC, 0),
	CELL(lmsw, STOP, 28),
	DEFENDED(cr0_wp, 28, CR, ST(CR0)),
	DEFENDED(cr0_am, 28, ALLOW_LIST, ST(CR0)),
	DEFENDED(cr4_tsd, 28, CR, ST(CR4)),
	DEFENDED(cr4_de, 28, CR, ST(CR4)),
	DEFENDED(cr4_pge, 28, CR, ST(CR4)),
	DEFENDED(cr4_pce, 28, CR, ST(CR4)),
	DEFENDED(cr4_fsgsbase, 28, CR, ST(CR4)),
	CELL(cr4_vmxe, STOP, 28),
	CELL(ts, GO, 8),
	CELL(cr3, GO, 1),
	CELL(cr8, GO, 3),
	DEFENDED(dr0, 29, DR, ST(DR0)),
	CELL(dr7, STOP, 29),
	DEFENDED(read_dr0, 29, DR, 0),
	DEFENDED(xsetbv, 55, ALLOW_LIST, ST(XCR0)),
	CELL(swapgs, GO, 0x8000),
	CELL(wrgsbase, GO, 0x7000),
	DEFENDED(wrmsr_fs_base, 32, MSR, ST(FS_BASE)),
	DEFENDED(wrmsr_gs_base, 32, MSR, ST(GS_BASE)),
	DEFENDED(wrmsr_kernel_gs_base, 32, MSR, ST(KERNEL_GS_BASE)),
	DEFENDED(wrmsr_sysenter_cs, 32, MSR, ST(SYSENTER_CS)),
	DEFENDED(wrmsr_sysenter_esp, 32, MSR, ST(SYSENTER_ESP)),
	DEFENDED(wrmsr_sysenter_eip, 32, MSR, ST(SYSENTER_EIP)),
	DEFENDED(wrmsr_star, 32, ALLOW_LIST, ST(STAR)),
	DEFENDED(wrmsr_lstar, 32, ALLOW_LIST, ST(LSTAR)),
	DEFENDED(wrmsr_cstar, 32, ALLOW_LIST, ST(CSTAR)),
	DEFENDED(wrmsr_sfmask, 32, ALLOW_LIST, ST(SFMASK)),
	DEFENDED(wrmsr_efer, 32, ALLOW_LIST, ST(EFER)),
	DEFENDED(wrmsr_pat, 32, ALLOW_LIST, ST(PAT)),
	CELL(wrmsr_apicbase, STOP, 32),
	CELL(wrmsr_tsc, STOP, 32),
	CELL(wrmsr_tsc_adjust, STOP, 32),
	CELL(wrmsr_spec_ctrl, STOP, 32),
	CELL(wrmsr_misc_enable, STOP, 32),
	CELL(wrmsr_debugctl, STOP, 32),
	CELL(wrmsr_u_cet, STOP, 32),
	CELL(wrmsr_pl0_ssp, STOP, 32),
	CELL(wrmsr_xss, STOP, 32),
	CELL(wrmsr_kvm_clock, STOP, 32),
	CELL(wrmsr_kvm_async_pf, STOP, 32),
	DEFENDED(wrmsr_tsc_deadline, 32, FASTPATH, ST(TSC_DEADLINE)),
	CELL(wrmsr_x2_tpr, MAY, 32),
	CELL(wrmsr_x2_eoi, MAY, 32),
	DEFENDED(wrmsr_x2_lvtt, 32, ALLOW_LIST, ST(LVTT)),
	DEFENDED(wrmsr_x2_self_ipi, 32, ALLOW_LIST, ST(IRR)),
	DEFENDED(wrmsr_x2_icr, 32, FASTPATH, ST(ICR) | ST(IRR)),
	DEFENDED(rdmsr_efer, 31, ALLOW_LIST, 0),
	CELL(rdmsr_tsc, GO, 1),
	DEFENDED(in, 30, ALLOW_LIST, 0),
	DEFENDED(out, 30, ALLOW_LIST, 0),
	CELL(ins, STOP, 30),
	CELL(outs, STOP, 30),
	CELL(hlt, STOP, 12),
	CELL(rdpmc, STOP, 15),
	DEFENDED(invd, 13, ALLOW_LIST, 0),
	DEFENDED(wbinvd, 54, ALLOW_LIST, 0),
	CELL(monitor, STOP, 39),
	CELL(mwait, STOP, 36),
	CELL(vmxon, STOP, 27),
	CELL(vmxoff, STOP, 26),
	CELL(vmclear, STOP, 19),
	CELL(vmptrld, STOP, 21),
	CELL(vmptrst, STOP, 22),
	CELL(vmlaunch, STOP, 20),
	CELL(vmresume, STOP, 24),
	CELL(vmread, STOP, 23),
	CELL(vmwrite, STOP, 25),
	CELL(invept, STOP, 50),
	CELL(invvpid, STOP, 53),
	CELL(vmcall_other, STOP, 18),
	DEFENDED(vmcall_create, 18, ALLOW_LIST, 0),
	CELL(vmfunc_leaf, STOP, 59),
	CELL(vmfunc_none, STOP, 59),
	CELL(vmfunc_512, STOP, 59),
	CELL(vmfunc_64, EVENT, 0x80000306),
	CELL(ud2, EVENT, 0x80000306),
	CELL(int3, EVENT, 0x80000603),
	CELL(icebp, EVENT, 0x80000501),
	CELL(rsm, EVENT, 0x80000306),
	CELL(cpuid, GO, 1),
	CELL(rdtsc, GO, 1),
	CELL(pause, GO, 1),
	CELL(sti_cli, GO, 1),
	CELL(popf, GO, 1),
	CELL(invlpg, GO, 1),
	CELL(invpcid, GO, 1),
};

#include "views_refuse_svm.h"

/* Set by the host: the defence that is off, or NOTHING. */
static int weakened = NOTHING;
static u64 nr_io;
static struct desc_ptr gdt, idt;
static struct state_snap before, after;

static struct operands *setup(void)
{
	struct operands *ops = (void *)pages[PG_DATA].gva;

	cli();
	set_cr4(get_cr4() | X86_CR4_FSGSBASE);
	x2apic_enable();
	/* Masked, and with a deadline that is never armed. */
	x2apic_write_reg(APIC_LVTT, 2 << 17 | 1 << 16 | 0x62);
	wrmsr(MSR_KERNEL_GS_BASE, 0x8000);
	views_start(0);

	gdt = get_gdt();
	idt = get_idt();
	memset(ops, 0, sizeof(*ops));
	ops->gdt = gdt;
	ops->gdt.size += 8;
	ops->idt = idt;
	ops->idt.size -= 16;
	return ops;
}

static u64 try(const struct cell *c)
{
	memset(&last_aex, 0, sizeof(last_aex));
	/* Any MOV DR after this one does not exit for ordinary guests. */
	asm volatile("mov %0, %%dr0" : : "r" (0ull));
	return views_run(1, c->fn, pages[PG_DATA].gva);
}

static bool as_expected(const struct cell *c, u64 r)
{
	bool refused = r == AEX_RESULT &&
		       last_aex.cause == KVM_VIEW_AEX_REFUSED &&
		       views_same(last_aex.exit_reason, c->expect);

	switch (c->verdict) {
	case STOP:
		return refused;
	case EVENT:
		return r == AEX_RESULT &&
		       last_aex.cause == KVM_VIEW_AEX_EVENT &&
		       views_same(last_aex.event, c->expect);
	case GO:
		return r == c->expect;
	case AEX:
		return r == AEX_RESULT;
	default:
		return refused || r == 1;
	}
}

static bool view_exists(u64 view)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, view, 0) >= 0;
}

static void guest_table(void)
{
	const struct cell *c;
	u64 r, diff;

	setup();
	for (c = cells; c < cells + ARRAY_SIZE(cells); c++) {
		state_read(&before);
		r = try(c);
		__GUEST_ASSERT(as_expected(c, r),
			       "%s: result %lx, cause %u, reason %u, event %x",
			       c->name, r, last_aex.cause,
			       last_aex.exit_reason, last_aex.event);
		state_read(&after);
		diff = state_differs(&before, &after);
		__GUEST_ASSERT(!diff, "%s changed %lx", c->name, diff);
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0),
				0);
	}
	GUEST_ASSERT(!view_exists(9));
	GUEST_PRINTF("# %ld cells\n", ARRAY_SIZE(cells));
	GUEST_DONE();
}

/* The same with a defence off: what it alone defends against succeeds. */
static void guest_weakened(void)
{
	const struct cell *c;
	u64 r, diff, nr = 0;
	int tries;

	setup();
	for (c = cells; c < cells + ARRAY_SIZE(cells); c++) {
		if (c->breaks != weakened)
			continue;
		state_read(&before);
		/* An exit of the host's own can get in between. */
		for (tries = 0; tries < 20; tries++) {
			r = try(c);
			if (r == 1)
				break;
		}
		__GUEST_ASSERT(r == 1, "%s was stopped: cause %u, reason %u",
			       c->name, last_aex.cause, last_aex.exit_reason);
		state_read(&after);
		diff = state_differs(&before, &after);
		__GUEST_ASSERT(diff == c->changes, "%s changed %lx, not %lx",
			       c->name, diff, c->changes);
		state_restore(&before, diff, &gdt, &idt);
		nr++;
	}
	if (weakened == KVM_VIEWS_BREAK_ALLOW_LIST)
		GUEST_ASSERT(view_exists(9));
	GUEST_ASSERT(nr);
	GUEST_PRINTF("# %lu attacks succeed\n", nr);
	GUEST_DONE();
}

INSN(vmcall_op, "mov %%rdi, %%rbx; mov $0x5554, %%eax; mov $1, %%ecx;"
		"xor %%edx, %%edx; xor %%esi, %%esi\n\t" VIEWS_VMCALL("%%"))

/* Each operation, and INT with each vector. */
static void guest_numbers(void)
{
	u8 *code = (u8 *)pages[PG_CODE].gva;
	u64 op, r, n;

	views_start(0);
	for (op = 0; op <= 13; op++) {
		memset(&last_aex, 0, sizeof(last_aex));
		r = views_run(1, insn_vmcall_op, op);
		if (op == KVM_VIEWS_QUERY) {
			GUEST_ASSERT(r != AEX_RESULT && r >> 9);
		} else if (op == KVM_VIEWS_SWITCH) {
			/* To where it is. */
			GUEST_ASSERT_EQ(r, 0);
		} else {
			GUEST_ASSERT_EQ(r, AEX_RESULT);
			GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_REFUSED);
			GUEST_ASSERT_EQ(last_aex.exit_reason, 18);
			GUEST_ASSERT_EQ(last_aex.regs[3], op);
		}
	}

	for (n = 0; n < 256; n++) {
		code[0] = 0xcd;
		code[1] = n;
		code[2] = 0xc3;
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, (void *)code, 0), AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event, 0x80000400 | n);
		GUEST_ASSERT_EQ(last_aex.rip, (u64)code);
	}
	GUEST_DONE();
}

/* As views_test(), and count what goes to user space. */
static void run(const char *name, void (*guest)(void))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct ucall uc;
	bool done = false;

	nr_io = 0;
	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	sync_global_to_guest(vm, weakened);
	sync_global_to_guest(vm, cells);
	while (!done) {
		vcpu_run(vcpu);
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		case UCALL_DONE:
			done = true;
			break;
		default:
			TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
			nr_io++;
		}
	}
	/* IN and OUT reach a device without the allow-list only. */
	TEST_ASSERT_EQ(nr_io, weakened == KVM_VIEWS_BREAK_ALLOW_LIST ? 2 : 0);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

static const struct {
	const char *name;
	int bit;
} defences[] = {
	{ "interception of descriptor tables", KVM_VIEWS_BREAK_DESC },
	{ "interception of MSR writes", KVM_VIEWS_BREAK_MSR },
	{ "interception of CR0.WP and CR4", KVM_VIEWS_BREAK_CR },
	{ "interception of MOV DR", KVM_VIEWS_BREAK_DR },
	{ "the list of exits that a view may cause", KVM_VIEWS_BREAK_ALLOW_LIST },
	{ "knowing the view before the fast path", KVM_VIEWS_BREAK_FASTPATH },
	{ "intercepts of a view's own", KVM_VIEWS_BREAK_SVM_INTERCEPTS },
};

/* Is it what stops something on this CPU? */
static bool is_used(int bit)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cells); i++)
		if (cells[i].breaks == bit)
			return true;
	return false;
}

int main(void)
{
	char name[128];
	int i, nr = 0;

	views_require();
	if (host_cpu_is_amd_compatible)
		use_svm_cells();
	for (i = 0; i < ARRAY_SIZE(defences); i++)
		nr += is_used(defences[i].bit);

	ksft_print_header();
	ksft_set_plan(2 + nr);
	run("the table", guest_table);
	run("each operation of VMCALL, each vector of INT", guest_numbers);

	for (i = 0; i < ARRAY_SIZE(defences); i++) {
		if (!is_used(defences[i].bit))
			continue;
		snprintf(name, sizeof(name), "attacks succeed without %s",
			 defences[i].name);
		if (!views_can_weaken()) {
			ksft_test_result_skip("%s\n", name);
			continue;
		}
		weakened = defences[i].bit;
		views_weaken(BIT(weakened));
		run(name, guest_weakened);
		views_strengthen();
	}
	ksft_finished();
}
