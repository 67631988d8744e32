// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views on SVM: every switch is a hypercall, #VE comes from KVM.  As nothing
 * switches without an exit, a view has intercepts of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <asm/vmx.h>

#include "lapic.h"
#include "mmu.h"
#include "regs.h"
#include "views.h"
#include "views_break.h"

/* Nested paging writes to the guest's page tables whenever it walks them. */
static u64 svm_views_features(void)
{
	return KVM_VIEWS_F_RW_PT;
}

/*
 * A nested guest must not use its hypervisor's views, and what is encrypted KVM
 * can neither walk nor write.
 */
static bool svm_views_busy(struct kvm_vcpu *vcpu)
{
	return (vcpu->arch.efer & EFER_SVME) || is_sev_guest(vcpu);
}

/* Did the guest turn on views first?  Called after it turned on SVM. */
bool svm_views_enabled(struct kvm *kvm)
{
	guard(read_lock)(&kvm->mmu_lock);

	return kvm_has_views(kvm);
}

/* Has one bit set for every MSR: no access from a view goes to the CPU. */
static void *views_msrpm;

/*
 * What code in a view must not load behind the back of view 0; and what tells it
 * where the tables are, as on VMX.
 */
static const int view_intercepts[] = {
	INTERCEPT_CR3_WRITE,
	INTERCEPT_STORE_IDTR,
	INTERCEPT_STORE_GDTR,
	INTERCEPT_STORE_LDTR,
	INTERCEPT_STORE_TR,
	INTERCEPT_LOAD_IDTR,
	INTERCEPT_LOAD_GDTR,
	INTERCEPT_LOAD_LDTR,
	INTERCEPT_LOAD_TR,
};

/* KVM itself never wants this one: it tells what is set now. */
static bool has_view_intercepts(struct vcpu_svm *svm)
{
	return svm_is_intercept(svm, INTERCEPT_LOAD_IDTR);
}

/* Do writes of CR0 exit even if it is as the guest wants it? */
bool svm_views_intercept_cr0(struct kvm_vcpu *vcpu)
{
	return has_view_intercepts(to_svm(vcpu));
}

/*
 * In a view, lowering CR8 does not exit although an interrupt waits for that, as
 * little as on VMX, and KVM sees the new CR8 at the next exit.  Without KVM's
 * APIC each write has to exit, and a view may not.
 */
bool svm_views_intercept_cr8(struct kvm_vcpu *vcpu)
{
	return !has_view_intercepts(to_svm(vcpu)) || !lapic_in_kernel(vcpu);
}

static void set_intercepts(struct kvm_vcpu *vcpu, bool view)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	int i;

	if (view == has_view_intercepts(svm) ||
	    (view && kvm_views_broken(KVM_VIEWS_BREAK_SVM_INTERCEPTS)))
		return;

	for (i = 0; i < ARRAY_SIZE(view_intercepts); i++) {
		if (view)
			svm_set_intercept(svm, view_intercepts[i]);
		else
			svm_clr_intercept(svm, view_intercepts[i]);
	}

	/* All of CR0, not only what selective interception catches. */
	if (view)
		svm_set_intercept(svm, INTERCEPT_CR0_WRITE);
	else
		svm_set_cr0(vcpu, kvm_read_cr0(vcpu));

	if (!svm_views_intercept_cr8(vcpu))
		svm_clr_intercept(svm, INTERCEPT_CR8_WRITE);
	else
		/* Whether it is wanted is found out before events are injected. */
		kvm_make_request(KVM_REQ_EVENT, vcpu);

	svm->vmcb->control.msrpm_base_pa =
		__sme_set(__pa(view ? views_msrpm : svm->msrpm));
	vmcb_mark_dirty(svm->vmcb, VMCB_PERM_MAP);
}

/* The root of the current view is in the VMCB. */
void svm_views_pgd_loaded(struct kvm_vcpu *vcpu)
{
	set_intercepts(vcpu, vcpu->arch.view && !is_smm(vcpu));
}

static void svm_views_update(struct kvm_vcpu *vcpu)
{
	svm_views_pgd_loaded(vcpu);
}

/* There is no list of roots that the guest could reach by itself. */
static void svm_views_set_root(struct kvm_vcpu *vcpu, u16 view, hpa_t root)
{
}

/* A trap that is pending shows only in RFLAGS.TF. */
static void svm_views_clear_pending_dbg(struct kvm_vcpu *vcpu)
{
}

static u32 exit_code(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->control.exit_code;
}

static bool is_exception(u32 code)
{
	return code >= SVM_EXIT_EXCP_BASE && code < SVM_EXIT_EXCP_BASE + 32;
}

/* Right after VM-Exit.  Returns whether the exit may take a fast path. */
bool svm_views_exit_irqoff(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_views *vv = vcpu->arch.views;

	vv->seen_view = vcpu->arch.view;
	vv->landed = false;

	switch (exit_code(vcpu)) {
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
		vv->host_exits++;
	}
	return !vcpu->arch.view || kvm_views_broken(KVM_VIEWS_BREAK_FASTPATH);
}

/* The guest knows exits by the numbers of VMX, where there is one. */
static u32 vmx_reason(u32 code, u64 info1)
{
	switch (code) {
	case SVM_EXIT_READ_CR0 ... SVM_EXIT_WRITE_CR8:
	case SVM_EXIT_CR0_SEL_WRITE:
		return EXIT_REASON_CR_ACCESS;
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_WRITE_DR7:
		return EXIT_REASON_DR_ACCESS;
	case SVM_EXIT_EXCP_BASE ... SVM_EXIT_LAST_EXCP:
	case SVM_EXIT_NMI:
		return EXIT_REASON_EXCEPTION_NMI;
	case SVM_EXIT_INTR:
		return EXIT_REASON_EXTERNAL_INTERRUPT;
	case SVM_EXIT_INIT:
		return EXIT_REASON_INIT_SIGNAL;
	case SVM_EXIT_VINTR:
		return EXIT_REASON_INTERRUPT_WINDOW;
	case SVM_EXIT_IDTR_READ:
	case SVM_EXIT_GDTR_READ:
	case SVM_EXIT_IDTR_WRITE:
	case SVM_EXIT_GDTR_WRITE:
		return EXIT_REASON_GDTR_IDTR;
	case SVM_EXIT_LDTR_READ:
	case SVM_EXIT_TR_READ:
	case SVM_EXIT_LDTR_WRITE:
	case SVM_EXIT_TR_WRITE:
		return EXIT_REASON_LDTR_TR;
	case SVM_EXIT_RDTSC:
		return EXIT_REASON_RDTSC;
	case SVM_EXIT_RDPMC:
		return EXIT_REASON_RDPMC;
	case SVM_EXIT_CPUID:
		return EXIT_REASON_CPUID;
	case SVM_EXIT_INVD:
		return EXIT_REASON_INVD;
	case SVM_EXIT_PAUSE:
		return EXIT_REASON_PAUSE_INSTRUCTION;
	case SVM_EXIT_HLT:
	case SVM_EXIT_IDLE_HLT:
		return EXIT_REASON_HLT;
	case SVM_EXIT_INVLPG:
		return EXIT_REASON_INVLPG;
	case SVM_EXIT_IOIO:
		return EXIT_REASON_IO_INSTRUCTION;
	case SVM_EXIT_MSR:
		return info1 ? EXIT_REASON_MSR_WRITE : EXIT_REASON_MSR_READ;
	case SVM_EXIT_TASK_SWITCH:
		return EXIT_REASON_TASK_SWITCH;
	case SVM_EXIT_SHUTDOWN:
		return EXIT_REASON_TRIPLE_FAULT;
	case SVM_EXIT_VMMCALL:
		return EXIT_REASON_VMCALL;
	case SVM_EXIT_RDTSCP:
		return EXIT_REASON_RDTSCP;
	case SVM_EXIT_WBINVD:
		return EXIT_REASON_WBINVD;
	case SVM_EXIT_MONITOR:
		return EXIT_REASON_MONITOR_INSTRUCTION;
	case SVM_EXIT_MWAIT:
		return EXIT_REASON_MWAIT_INSTRUCTION;
	case SVM_EXIT_XSETBV:
		return EXIT_REASON_XSETBV;
	case SVM_EXIT_INVPCID:
		return EXIT_REASON_INVPCID;
	case SVM_EXIT_NPF:
		return EXIT_REASON_EPT_VIOLATION;
	default:
		return KVM_VIEW_EXIT_SVM | code;
	}
}

/* As the qualification of an EPT violation; the CPU tells no linear address. */
static u64 npf_qual(struct kvm_vcpu *vcpu, gpa_t gpa, u64 err)
{
	u64 qual;
	u8 rights;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		rights = kvm_view_rights(kvm_views(vcpu->kvm),
					 kvm_vcpu_view(vcpu), gpa_to_gfn(gpa),
					 NULL);

	if (err & PFERR_FETCH_MASK)
		qual = EPT_VIOLATION_ACC_INSTR;
	else if (err & PFERR_WRITE_MASK)
		qual = EPT_VIOLATION_ACC_WRITE;
	else
		qual = EPT_VIOLATION_ACC_READ;

	if (err & PFERR_GUEST_FINAL_MASK)
		qual |= EPT_VIOLATION_GVA_TRANSLATED;

	return qual | EPT_VIOLATION_RWX_TO_PROT(rights & KVM_VIEW_RWX);
}

static void svm_views_exit(struct kvm_vcpu *vcpu, struct kvm_view_exit *exit)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;
	u32 code = exit_code(vcpu);
	u8 vector;

	*exit = (struct kvm_view_exit) {
		.reason = vmx_reason(code, control->exit_info_1),
	};

	if (code == SVM_EXIT_NPF) {
		exit->gpa = control->exit_info_2;
		exit->qual = npf_qual(vcpu, exit->gpa, control->exit_info_1);
	}

	if (is_exception(code) && code != SVM_EXIT_EXCP_BASE + MC_VECTOR) {
		vector = code - SVM_EXIT_EXCP_BASE;
		exit->event = KVM_VIEW_EVENT_VALID | INTR_TYPE_HARD_EXCEPTION |
			      vector;
		if (x86_exception_has_error_code(vector)) {
			exit->event |= INTR_INFO_DELIVER_CODE_MASK;
			exit->event_err = control->exit_info_1;
		}
	}
}

/*
 * The hypercall may go to a view that can't execute the instruction, where the
 * emulator could not find out how long it is.
 */
bool svm_views_find_next_rip(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	unsigned long rip = kvm_rip_read(vcpu);

	if (nrips && svm->vmcb->control.next_rip)
		svm->next_rip = svm->vmcb->control.next_rip;
	if (svm->next_rip)
		return true;

	if (!svm_skip_emulated_instruction(vcpu))
		return false;
	svm->next_rip = kvm_rip_read(vcpu);
	kvm_rip_write(vcpu, rip);
	return true;
}

/* The same rules as for VMCALL, once it is known where the instruction ends. */
static bool legal_vmmcall(struct kvm_vcpu *vcpu)
{
	return svm_views_find_next_rip(vcpu) &&
	       kvm_view_legal_hypercall(vcpu, to_svm(vcpu)->next_rip);
}

/* Exits that code in a view may cause, or that are none of its business. */
static bool legal_exit(struct kvm_vcpu *vcpu)
{
	if (kvm_views_broken(KVM_VIEWS_BREAK_ALLOW_LIST))
		return true;

	switch (exit_code(vcpu)) {
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
	case SVM_EXIT_VINTR:
	case SVM_EXIT_IRET:
	case SVM_EXIT_CPUID:
	case SVM_EXIT_RDTSC:
	case SVM_EXIT_RDTSCP:
	case SVM_EXIT_PAUSE:
	case SVM_EXIT_SHUTDOWN:
	case SVM_EXIT_BUS_LOCK:
	case SVM_EXIT_NPF:
	case SVM_EXIT_EXCP_BASE + MC_VECTOR:
		return true;
	case SVM_EXIT_EXCP_BASE + DB_VECTOR:
		/* KVM's own single step, to find out when NMIs are open. */
		if (to_svm(vcpu)->nmi_singlestep)
			return true;
		fallthrough;
	case SVM_EXIT_EXCP_BASE + BP_VECTOR:
		/* The VMM debugs the guest: its business. */
		return vcpu->guest_debug;
	case SVM_EXIT_VMMCALL:
		return legal_vmmcall(vcpu);
	default:
		return false;
	}
}

/* An exit in a view other than 0; returns false if it is handled as usual. */
bool svm_views_handle_exit(struct kvm_vcpu *vcpu, int *ret)
{
	return kvm_view_handle_exit(vcpu, legal_exit(vcpu),
				    is_exception(exit_code(vcpu)), ret);
}

static const struct kvm_x86_views_ops svm_views_ops = {
	.features = svm_views_features,
	.busy = svm_views_busy,
	.update = svm_views_update,
	.set_root = svm_views_set_root,
	.exit = svm_views_exit,
	.clear_pending_dbg = svm_views_clear_pending_dbg,
};

/*
 * NULL: no views on this host.  With AVIC the guest would reach its APIC without
 * an exit, from any view; interrupts with AVIC, and virtual NMI, would be
 * delivered by the CPU, in any view.
 */
const struct kvm_x86_views_ops *svm_views_setup(void)
{
	if (!npt_enabled || enable_apicv || vnmi)
		return NULL;

	views_msrpm = svm_alloc_permissions_map(MSRPM_SIZE, GFP_KERNEL);
	return views_msrpm ? &svm_views_ops : NULL;
}

void svm_views_unsetup(void)
{
	if (views_msrpm)
		svm_vcpu_free_msrpm(views_msrpm);
	views_msrpm = NULL;
}
