/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of guest-controlled EPT views share: a guest's side of the
 * ABI, and a gate that is the same page in every view.
 */
#ifndef SELFTEST_KVM_VIEWS_UTIL_H
#define SELFTEST_KVM_VIEWS_UTIL_H

#include "kvm_util.h"
#include "processor.h"
#include "kselftest.h"
#include "views_weaken.h"

#include <asm/kvm_views.h>
#include <asm/kvm_views_state.h>

#define VIEWS_CS	0x8
#define VIEWS_DS	0x10

/* A guest page of its own, at a known GPA. */
struct page {
	u64 gva;
	u64 gpa;
};

enum { PG_ARGS, PG_VE, PG_CELL, PG_SECRET, PG_DATA, PG_STACK, PG_CODE, PG_NR };

struct page pages[PG_NR];
u64 idt_gpa, gate_gpa;

/* The last AEX, copied from the trusted stack. */
struct kvm_view_aex last_aex;
u64 nr_aex;

#define AEX_RESULT	0xdead0aecul

u64 views_call(u64 view, u64 (*fn)(u64 arg), u64 arg, u64 *sp_cell);
void views_back(void);
void views_fault_entry(void);
void views_vmfunc(u64 view);

/* The hypercall instruction of this CPU; @p: what a register begins with. */
#define VIEWS_VMCALL(p)							\
	"cmpb $0, host_cpu_is_amd_compatible(" p "rip); jne 8f; vmcall; jmp 9f\n"	\
	"8:	vmmcall\n"						\
	"9:\n"

/* The last of its three bytes. */
static inline u8 views_vmcall_byte(void)
{
	return host_cpu_is_amd_compatible ? 0xd9 : 0xc1;
}

/*
 * views_call() runs fn(arg) in a view, on the caller's stack, and returns its
 * result, or AEX_RESULT if an AEX ended it.  The callee-saved registers are
 * kept on the trusted stack, because an AEX clears them.  views_back is where
 * both go on, with RSP as in the cell.
 *
 * The switch itself: to the view in ECX, by VMFUNC or, if @by_host is not 0, by
 * the host.  Clobbers RAX and RBX.
 */
#define VIEWS_SWITCH(by_host)						\
	"	xor %eax, %eax; cmpq $0, " by_host "; jne 2f\n"	\
	"	.byte 0x0f, 0x01, 0xd4; jmp 3f\n"			\
	"2:	mov $0x5554, %eax; mov $8, %ebx\n"			\
	"	" VIEWS_VMCALL("%")					\
	"3:\n"

u64 views_by_host;	/* the host switches: there is no VMFUNC */

asm(".pushsection .text\n"
	".balign 4096\n"
	".globl views_call\n"
	"views_call:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	pushfq; push %rcx\n"
	"	mov %rsp, (%rcx)\n"
	"	mov %rcx, %r12; mov %rsi, %r15; mov %rdi, %rcx; mov %rdx, %rdi\n"
	"	mov views_by_host(%rip), %r14\n"
	"	lea -1024(%rsp), %rsp\n"
	VIEWS_SWITCH("%r14")
	"	call *%r15\n"
	"	mov %rax, %r13; xor %ecx, %ecx\n"
	VIEWS_SWITCH("%r14")
	"	mov %r13, %rax; mov (%r12), %rsp\n"
	".globl views_back\n"
	"views_back:\n"
	"	pop %rcx; movq $0, (%rcx); popfq\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n"
	".globl views_fault_entry\n"
	"views_fault_entry:\n"
	"	cld; lea last_aex(%rip), %rdi; mov %rsp, %rsi\n"
	"	mov $28, %ecx; rep movsq\n"
	"	incq nr_aex(%rip)\n"
	"	mov %rsi, %rsp\n"
	"	mov $0xdead0aec, %eax\n"
	"	jmp views_back\n"
	".globl views_vmfunc\n"
	"views_vmfunc:\n"
	"	push %rbx; mov %rdi, %rcx; mov views_by_host(%rip), %rdx\n"
	VIEWS_SWITCH("%rdx")
	"	pop %rbx; ret\n"
	".balign 4096\n"
	".popsection\n");

static inline long views_hc(u64 op, u64 a, u64 b, u64 c)
{
	return kvm_hypercall(KVM_HC_VIEWS, op, a, b, c);
}

static inline u64 *views_cell(void)
{
	return (u64 *)pages[PG_CELL].gva;
}

/* Run fn(arg) in @view on the only vCPU. */
static inline u64 views_run(u64 view, u64 (*fn)(u64 arg), u64 arg)
{
	return views_call(view, fn, arg, views_cell());
}

static inline long views_set_flags(u16 view, u64 gpa, u64 npages, u8 mask,
				   u32 flags)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;

	memset(op, 0, sizeof(*op));
	op->view = view;
	op->type = KVM_VIEW_OP_PROTECT;
	op->mask = mask;
	op->flags = flags;
	op->gfn = gpa >> 12;
	op->npages = npages;
	return views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);
}

/* In @view, see the frames from @target on in place of those from @gpa on. */
static inline long views_remap_pages(u16 view, u64 gpa, u64 target, u64 npages,
				     u8 mask)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;

	memset(op, 0, sizeof(*op));
	op->view = view;
	op->type = KVM_VIEW_OP_REMAP;
	op->mask = mask;
	op->gfn = gpa >> 12;
	op->npages = npages;
	op->target = target >> 12;
	return views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);
}

static inline long views_unremap_pages(u16 view, u64 gpa, u64 npages, u8 mask)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;

	memset(op, 0, sizeof(*op));
	op->view = view;
	op->type = KVM_VIEW_OP_UNREMAP;
	op->mask = mask;
	op->gfn = gpa >> 12;
	op->npages = npages;
	return views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);
}

static inline void views_set(u16 view, u64 gpa, u8 mask)
{
	GUEST_ASSERT_EQ(views_set_flags(view, gpa, 1, mask, 0), 1);
}

static inline void views_default_cfg(struct kvm_view_vcpu *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->size = sizeof(*cfg);
	cfg->ve_info = pages[PG_VE].gpa;
	cfg->sp_cell = pages[PG_CELL].gpa;
	cfg->fault_entry = (u64)views_fault_entry;
	cfg->cs = VIEWS_CS;
	cfg->ss = VIEWS_DS;
	cfg->vector = 20;
}

static inline bool views_has(u64 feature)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_FEATURES, 0, 0) & feature;
}

/* The tests know that the CPU may write to page tables, see views_svm_test. */
static inline u64 views_enable_flags(void)
{
	return views_has(KVM_VIEWS_F_RW_PT) ? KVM_VIEWS_ENABLE_RW_PT : 0;
}

static inline long views_enable(u64 max)
{
	if (!views_has(KVM_VIEWS_F_VMFUNC))
		views_by_host = 1;
	return views_hc(KVM_VIEWS_ENABLE, max, views_enable_flags(), 0);
}

/* ENABLE and VCPU_INIT; then view 1 with all rights, but no IDT. */
static inline void views_start(u32 flags)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;

	views_by_host = (flags & KVM_VIEW_VCPU_NO_VMFUNC) ||
			!views_has(KVM_VIEWS_F_VMFUNC);
	GUEST_ASSERT_EQ(views_enable(16), 0);
	views_default_cfg(cfg);
	cfg->flags = flags;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0),
			0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 1, KVM_VIEW_R | KVM_VIEW_W |
				 KVM_VIEW_X, 0), 0);
	views_set(1, idt_gpa, 0);
}

/*
 * Is @got what a test expects of an exit or an event?  QEMU's SVM takes INVD for
 * WBINVD, and INT3 for INT n.
 */
static inline bool views_same(u32 got, u32 want)
{
	return got == want ||
	       (host_cpu_is_amd_compatible &&
		((got == 54 && want == 13) ||
		 (got == 0x80000403 && want == 0x80000603)));
}

/*
 * Is there no news in the #VE page, i.e. was vector 20 something else?  QEMU 7.2
 * can deliver once more what KVM injects as an interrupt, as it does #VE on SVM.
 */
static inline bool views_no_ve(const struct kvm_ve_info *info)
{
	return host_cpu_is_amd_compatible && !READ_ONCE(info->busy);
}

/* Exits so far that the host did not cause itself. */
static inline u64 views_exits(void)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_EXITS, 0, 0) -
	       views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_HOST_EXITS, 0, 0);
}

/* views_exits() itself exits: what a pair of them counts with nothing between. */
#define VIEWS_EXITS_OWN		2

/* What views_run() costs by itself. */
#define VIEWS_EXITS_RUN		(views_by_host ? 2 : 0)

/*
 * Do guests switch views with VMFUNC here?  What uses it by itself has to ask.
 */
static inline bool views_vmfunc_here(void)
{
	return host_cpu_is_intel && get_kvm_intel_param_bool("views_vmfunc");
}

/*
 * An AMD CPU that QEMU 7.2 emulates, hence without NRIPS?  It aborts when a guest
 * writes CR8 while KVM waits for its interrupt window, and several CPUs take long
 * turns.
 */
static inline bool views_svm_emulated(void)
{
	return host_cpu_is_amd_compatible && !kvm_cpu_has(X86_FEATURE_NRIPS);
}

static inline void views_require(void)
{
	int fd = open("/sys/module/kvm/parameters/guest_views", O_RDONLY);

	__TEST_REQUIRE(fd >= 0, "no KVM_VIEWS in this kernel");
	close(fd);
	__TEST_REQUIRE(get_kvm_param_integer("guest_views") == 2,
		       "needs kvm.guest_views=2");
}

static inline void views_setup(struct kvm_vm *vm)
{
	int i;

	for (i = 0; i < PG_NR; i++) {
		pages[i].gva = vm_alloc_page(vm);
		pages[i].gpa = addr_gva2gpa(vm, pages[i].gva);
	}
	idt_gpa = addr_gva2gpa(vm, vm->arch.idt);
	gate_gpa = addr_gva2gpa(vm, (u64)views_call);
	sync_global_to_guest(vm, pages);
	sync_global_to_guest(vm, idt_gpa);
	sync_global_to_guest(vm, gate_gpa);
}

/* Run a vCPU until its guest code is done. */
static inline void views_run_vcpu(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	for (;;) {
		vcpu_run(vcpu);
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		case UCALL_DONE:
			return;
		case UCALL_SYNC:
			break;
		default:
			TEST_FAIL("exit reason %u (%s)",
				  vcpu->run->exit_reason,
				  exit_reason_str(vcpu->run->exit_reason));
		}
	}
}

/* One test: a VM of its own, one vCPU, @guest as its code. */
static inline void views_test(const char *name, void (*guest)(void),
			      void (*prepare)(struct kvm_vm *vm,
					      struct kvm_vcpu *vcpu))
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	if (prepare)
		prepare(vm, vcpu);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

/* The same with a defence switched off; skipped where the host can't do that. */
static inline void views_weakened_test(int bit, const char *name,
				       void (*test)(const char *name))
{
	if (!views_can_weaken()) {
		ksft_test_result_skip("%s: no CONFIG_KVM_VIEWS_BREAK\n", name);
		return;
	}
	views_weaken(BIT(bit));
	test(name);
	views_strengthen();
}

#endif /* SELFTEST_KVM_VIEWS_UTIL_H */
