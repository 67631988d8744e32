// SPDX-License-Identifier: GPL-2.0
/*
 * Talking to the host: the hypercall, and what each CPU tells it once.
 */
#define pr_fmt(fmt) "undertow: " fmt

#include <linux/cpu.h>
#include <linux/cpufeature.h>
#include <linux/cpuhotplug.h>
#include <linux/kvm_para.h>
#include <linux/percpu.h>
#include <linux/undertow.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/trapnr.h>
#include "internal.h"

DEFINE_PER_CPU_PAGE_ALIGNED(struct undertow_ve_page, undertow_ve_page);

/* Read by the host at VCPU_INIT only; static so that it has one address. */
static DEFINE_PER_CPU_ALIGNED(struct kvm_view_vcpu, undertow_vcpu);

static u32 undertow_vcpu_flags __ro_after_init;
static unsigned long undertow_vcpu_entry __ro_after_init;

/**
 * undertow_host_possible() - can this kernel use views at all?
 * @why: set to the reason if not
 */
bool undertow_host_possible(const char **why)
{
	if (!kvm_para_available())
		*why = "not a KVM guest";
	else if (!boot_cpu_has(X86_FEATURE_FSGSBASE))
		*why = "the CPU lacks FSGSBASE";
	else if (cpu_feature_enabled(X86_FEATURE_FRED))
		*why = "FRED is in use (boot with fred=off)";
	else if (cpu_feature_enabled(X86_FEATURE_TDX_GUEST))
		*why = "a TDX guest has no views";
	else if (cpu_feature_enabled(X86_FEATURE_SEV_ES))
		*why = "an SEV guest has no views";
	else
		return true;
	return false;
}

/**
 * undertow_host_has_apx() - is REX2 an instruction prefix here?
 *
 * It decides which bytes are an instruction for the scanner of text.
 */
bool undertow_host_has_apx(void)
{
	return boot_cpu_has(X86_FEATURE_APX);
}

/**
 * undertow_hypercall() - one operation of the views ABI
 *
 * Return: >= 0, or a negative error as in asm/kvm_views.h.
 */
long undertow_hypercall(unsigned long op, unsigned long a1, unsigned long a2,
			unsigned long a3)
{
	return kvm_hypercall4(KVM_HC_VIEWS, op, a1, a2, a3);
}

static int undertow_cpu_starting(unsigned int cpu)
{
	struct kvm_view_vcpu *vcpu = this_cpu_ptr(&undertow_vcpu);
	long ret;

	*vcpu = (struct kvm_view_vcpu) {
		.size = sizeof(*vcpu),
		.flags = undertow_vcpu_flags | KVM_VIEW_VCPU_IRQ_AEX,
		.ve_info = per_cpu_ptr_to_phys(this_cpu_ptr(&undertow_ve_page)),
		.sp_cell = per_cpu_ptr_to_phys(this_cpu_ptr(&undertow_sp)),
		.gs_base = native_rdmsrq(MSR_GS_BASE),
		.fault_entry = undertow_vcpu_entry,
		.cs = __KERNEL_CS,
		.ss = __KERNEL_DS,
		.vector = X86_TRAP_VE,
	};
	this_cpu_write(undertow_ve_page.info.busy, 0);

	ret = undertow_selftest_unregistered ? -ENODEV :
	      undertow_hypercall(KVM_VIEWS_VCPU_INIT, per_cpu_ptr_to_phys(vcpu),
				 0, 0);
	if (ret) {
		/* The CPU may run; crossings on it are refused. */
		pr_err("CPU %u: the host refused to register it: error %ld\n",
		       cpu, ret);
		return 0;
	}

	this_cpu_write(undertow_cpu_ready, true);
	return 0;
}

/**
 * undertow_cpu_is_registered() - can crossings start on this CPU?
 */
bool undertow_cpu_is_registered(unsigned int cpu)
{
	return per_cpu(undertow_cpu_ready, cpu);
}

static int undertow_cpu_dying(unsigned int cpu)
{
	this_cpu_write(undertow_cpu_ready, false);
	return 0;
}

/**
 * undertow_cpus_register() - register every CPU, now and as they come
 * @flags: KVM_VIEW_VCPU_*
 *
 * Return: 0 if the boot CPU is registered, else a negative errno.
 */
int undertow_cpus_register(u32 flags)
{
	const struct undertow_gate *gate;
	int ret;

	gate = undertow_gate_select(!(flags & KVM_VIEW_VCPU_NO_VMFUNC));
	undertow_vcpu_flags = flags;
	undertow_vcpu_entry = gate->fault_entry;

	/*
	 * Nothing else runs on the CPU yet, or any more. Kernel threads can be
	 * there before and after the states that have a thread of their own.
	 */
	ret = cpuhp_setup_state(CPUHP_AP_UNDERTOW_STARTING, "undertow:starting",
				undertow_cpu_starting, undertow_cpu_dying);
	if (ret < 0)
		return ret;

	return this_cpu_read(undertow_cpu_ready) ? 0 : -EIO;
}
