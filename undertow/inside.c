// SPDX-License-Identifier: GPL-2.0
/*
 * #VE inside a compartment: how it is delivered there, and what is left of it
 * when it has come out by the gate.
 *
 * Nothing that the compartment says is believed, and it can say anything: it
 * can jump to the stub, execute INT 20, or leave by the gate with any registers
 * and any stack. What it can not write is the #VE information page. Its registers
 * are read from its own stack and nowhere else, once, and go back to its own
 * view only.
 */
#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/undertow.h>
#include <asm/desc.h>
#include <asm/segment.h>
#include <asm/trapnr.h>
#include "internal.h"

/* Registers and the CPU's frame: struct undertow_resume without the view. */
#define SAVED_BYTES	offsetof(struct undertow_resume, view)

/* Where a record has the arguments of an exit: see undertow_g2 in gate.S. */
#define REG_RSI		6
#define REG_RDI		7
#define REG_R10		10

/*
 * What views see in place of the IDT. All gates but one lead nowhere, by way of
 * a stack that no view can write to, that of the double fault: so the CPU can't
 * begin to deliver, and the host is told of the event, as where there is no IDT.
 */
static gate_desc inside_idt[IDT_ENTRIES] __ro_after_init __aligned(PAGE_SIZE);

/*
 * Two defences that only tests switch off: to believe nobody, and to let go of
 * the page when the host comes between.
 */
#ifdef CONFIG_UNDERTOW_SELFTEST
bool undertow_inside_believed;
EXPORT_SYMBOL_GPL(undertow_inside_believed);
bool undertow_inside_kept;
EXPORT_SYMBOL_GPL(undertow_inside_kept);
/* So many records are lost, as if an event had come between. */
unsigned int undertow_inside_lose;
EXPORT_SYMBOL_GPL(undertow_inside_lose);

static bool lose_record(void)
{
	return undertow_inside_lose && undertow_inside_lose--;
}

/* So many come out by an NMI in the transit view, as the host would tell it. */
unsigned int undertow_inside_divert;
EXPORT_SYMBOL_GPL(undertow_inside_divert);

static bool divert(unsigned long saved, struct kvm_view_aex *aex)
{
	if (!undertow_inside_divert)
		return false;

	undertow_inside_divert--;
	*aex = (struct kvm_view_aex) {
		.cause = KVM_VIEW_AEX_EVENT,
		.view = 1,
		.rip = undertow_gate_base() + 2 * PAGE_SIZE,
		.regs[REG_RSI] = 1,
		.regs[REG_RDI] = saved,
	};
	return true;
}
#else
#define undertow_inside_believed	false
#define undertow_inside_kept		false

static bool lose_record(void)
{
	return false;
}

static bool divert(unsigned long saved, struct kvm_view_aex *aex)
{
	return false;
}
#endif

static void set_gate(unsigned int vector, unsigned long addr, unsigned int ist)
{
	inside_idt[vector] = (gate_desc) {
		.offset_low = (u16)addr,
		.segment = __KERNEL_CS,
		.bits = {
			.ist = ist,
			.type = GATE_INTERRUPT,
			.p = 1,
		},
		.offset_middle = (u16)(addr >> 16),
		.offset_high = (u32)(addr >> 32),
	};
}

/**
 * undertow_inside_idt_gfn() - the frame to see in place of the IDT, 0: none
 *
 * Called once, at boot.
 */
u64 undertow_inside_idt_gfn(void)
{
	const struct undertow_gate *gate = undertow_gate_get();
	unsigned int vector;

	BUILD_BUG_ON(sizeof(inside_idt) != PAGE_SIZE);

	if (!gate || !gate->ve)
		return 0;

	for (vector = 0; vector < IDT_ENTRIES; vector++)
		set_gate(vector, gate->base, IST_INDEX_DF + 1);
	set_gate(X86_TRAP_VE, gate->ve, 0);
	return undertow_gfn(inside_idt);
}

/*
 * Read what the stub saved, if it lies within the stack of this call.  Not
 * inlined: the caller's stack may be short.
 */
static noinline bool read_saved(const struct undertow_crossing *crossing,
				unsigned long addr, struct kvm_view_aex *aex)
{
	unsigned long low = crossing->stack - UNDERTOW_STACK_BYTES;
	struct undertow_resume saved;

	BUILD_BUG_ON(sizeof(saved.regs) != sizeof(aex->regs));

	if (undertow_inside_believed) {
		if (copy_from_kernel_nofault(&saved, (void *)addr, SAVED_BYTES))
			return false;
	} else {
		if (addr % sizeof(u64) || addr < low ||
		    addr > crossing->stack - SAVED_BYTES)
			return false;
		/* Once: others who run in the view can write it. */
		memcpy(&saved, (void *)addr, SAVED_BYTES);
		barrier();
	}
	memcpy(aex->regs, saved.regs, sizeof(aex->regs));
	aex->regs[4] = saved.rsp;
	aex->rip = saved.rip;
	aex->rflags = saved.rflags;
	return true;
}

/**
 * undertow_ve_inside() - somebody left a compartment by the way out of the stub
 * @saved: where the registers are, as he says
 * @aex: room for a record like the host's, on the trusted stack
 * @resume: below it, what the last resume of this crossing read
 *
 * Called by the gate with interrupts off, on the caller's stack, in view 0.
 *
 * Return: as undertow_fault().
 */
asmlinkage struct undertow_ret undertow_ve_inside(unsigned long saved,
						  struct kvm_view_aex *aex,
						  struct undertow_resume *resume)
{
	struct undertow_crossing *crossing = __this_cpu_read(undertow_crossing);
	struct kvm_ve_info info;

	if (WARN_ON_ONCE(!crossing))
		return (struct undertow_ret) { .status = -EFAULT };
	if (divert(saved, aex))
		return undertow_fault(aex, resume);

	*aex = (struct kvm_view_aex) {
		.cause = KVM_VIEW_AEX_EVENT,
		.event = UNDERTOW_EVENT_VE,
		.view = crossing->view,
	};
	undertow_ve_take(&info);
	/* No registers, nowhere to go on: then it was no violation, either. */
	if (!read_saved(crossing, saved, aex)) {
		info.busy = 0;
		crossing->ve_lost = false;
	}
	if (info.busy && lose_record()) {
		info.busy = 0;
		crossing->ve_lost = true;
	}
	if (undertow_inside_believed)
		crossing->ve_lost = true;
	return undertow_stopped(aex, &info, resume);
}

/**
 * undertow_ve_settle() - the host has taken a compartment out
 * @aex: its record
 * @info: set to the #VE record, if there is one
 *
 * It may have come between a #VE and the end of its way out. Ordinary kernel
 * code needs the page now; the compartment raises the #VE again.
 */
void undertow_ve_settle(const struct kvm_view_aex *aex,
			struct kvm_ve_info *info)
{
	info->busy = 0;
	if (undertow_inside_kept)
		return;
	if (undertow_ve_take(info) && aex->event != UNDERTOW_EVENT_VE)
		__this_cpu_read(undertow_crossing)->ve_lost = true;
}

/**
 * undertow_ve_in_transit() - did an event come between the stub and view 0?
 * @aex: the host's record of it
 *
 * Then the registers are in the compartment's stack, not in the record.
 */
bool undertow_ve_in_transit(const struct kvm_view_aex *aex)
{
	const struct undertow_gate *gate = undertow_gate_get();

	return gate->ve && aex->view == 1 && aex->cause == KVM_VIEW_AEX_EVENT &&
	       !aex->event && aex->regs[REG_RSI] && !aex->regs[REG_R10] &&
	       aex->rip - (gate->base + 2 * PAGE_SIZE) < PAGE_SIZE;
}
