// SPDX-License-Identifier: GPL-2.0
/*
 * One crossing: from a caller in view 0 through the gate and back, or out of
 * an asynchronous exit back to that caller.
 */
#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/sched/task_stack.h>
#include <linux/undertow.h>
#include <asm/apic.h>
#include <asm/processor-flags.h>
#include "internal.h"

/* The innermost frame of this CPU's crossings; layout in gate.S. */
DEFINE_PER_CPU(unsigned long, undertow_sp);

DEFINE_PER_CPU(bool, undertow_cpu_ready);

/*
 * The view that the innermost crossing of this CPU goes to, 0: none. Names the
 * culprit where the record of an exit can't: when it stands in view 0 already.
 */
static DEFINE_PER_CPU(u32, undertow_view);

/* The last asynchronous exit here. Read with interrupts still off. */
static DEFINE_PER_CPU(struct kvm_view_aex, undertow_last_aex);

/*
 * What a call that goes wrong takes of the caller's stack: the gate's frame,
 * the host's record, then the way to the log and back. A host that can't write
 * its record shuts the VM down, and a stack that ends on the way to the log is
 * a double fault. attacks.sh measures it: about 2.5 KiB.
 */
#define UNDERTOW_STACK_NEED	SZ_4K

/*
 * Task priority inside a compartment, guard M2 of gate.S; what keeps it off the
 * FPU; and what must be left of the caller's stack. Only tests change them.
 */
#ifdef CONFIG_UNDERTOW_SELFTEST
unsigned int undertow_gate_tpr = 15;
EXPORT_SYMBOL_GPL(undertow_gate_tpr);
unsigned long undertow_gate_ts = X86_CR0_TS;
EXPORT_SYMBOL_GPL(undertow_gate_ts);
unsigned long undertow_stack_need = UNDERTOW_STACK_NEED;
EXPORT_SYMBOL_GPL(undertow_stack_need);
#else
unsigned int undertow_gate_tpr __ro_after_init = 15;
unsigned long undertow_gate_ts __ro_after_init = X86_CR0_TS;
static const unsigned long undertow_stack_need = UNDERTOW_STACK_NEED;
#endif

static const struct undertow_gate gate_vmfunc = {
	.base = undertow_gate_vmfunc,
	.enter = undertow_enter_vmfunc,
	.fault_entry = undertow_fault_entry_vmfunc,
};

static const struct undertow_gate gate_switch = {
	.base = undertow_gate_switch,
	.enter = undertow_enter_switch,
	.fault_entry = undertow_fault_entry_switch,
};

static const struct undertow_gate *undertow_gate __ro_after_init;
/* Its entry; by itself, for the sake of the crossing. */
undertow_enter_fn undertow_enter __ro_after_init;

/**
 * undertow_gate_select() - choose the gate to use from now on
 * @vmfunc: the CPU switches views itself; else the host does
 *
 * Called once, before the first crossing.
 */
const struct undertow_gate *undertow_gate_select(bool vmfunc)
{
	undertow_gate = vmfunc ? &gate_vmfunc : &gate_switch;
	undertow_enter = undertow_gate->enter;
	return undertow_gate;
}

/**
 * undertow_gate_base() - first of the four pages of the gate in use, 0: none is
 */
unsigned long undertow_gate_base(void)
{
	return undertow_gate ? (unsigned long)undertow_gate->base : 0;
}

/*
 * Is enough left of the stack that this runs on? A task's or the one for
 * interrupts; others are for NMI-like contexts, which don't come here.
 */
static bool stack_has_room(void)
{
	unsigned long sp = current_stack_pointer;
	unsigned long left = sp - (unsigned long)task_stack_page(current);

	if (left >= THREAD_SIZE) {
		left = sp - ((unsigned long)__this_cpu_read(hardirq_stack_ptr) +
			     8 - IRQ_STACK_SIZE);
		if (left >= IRQ_STACK_SIZE)
			return false;
	}
	return left >= undertow_stack_need;
}

/**
 * undertow_cross() - call a function inside a compartment
 * @arg: handed to the function
 * @entry: the function, in text that is executable in @view
 * @stack: top of a stack that is writable in @view
 * @view: EPTP index
 * @out: how it ended
 *
 * Context: Any but NMI. Interrupts are off while inside.
 * -EOPNOTSUPP in @out->status: this CPU is not registered with the host, or
 * the context is NMI; -ENOBUFS: the caller's stack is nearly used up. Nothing
 * was run then.
 */
void undertow_cross(void *arg, unsigned long entry, void *stack, u32 view,
		    struct undertow_outcome *out)
{
	struct undertow_ret ret;
	unsigned long flags;
	u32 outer;

	out->value = 0;
	out->status = -EOPNOTSUPP;
	if (in_nmi())
		return;

	local_irq_save(flags);
	if (!stack_has_room()) {
		out->status = -ENOBUFS;
	} else if (__this_cpu_read(undertow_cpu_ready)) {
		outer = __this_cpu_read(undertow_view);
		__this_cpu_write(undertow_view, view);
		ret = undertow_enter(arg, entry, stack, view);
		__this_cpu_write(undertow_view, outer);
		out->value = ret.value;
		out->status = ret.status;
		if (ret.status)
			out->aex = *this_cpu_ptr(&undertow_last_aex);
	}
	local_irq_restore(flags);
}

/**
 * undertow_current_view() - which view does this CPU's crossing go to?
 *
 * Context: Interrupts off.
 */
u32 undertow_current_view(void)
{
	return __this_cpu_read(undertow_view);
}

/*
 * The host took a maskable interrupt out of its queue because it could not be
 * delivered inside. Its APIC has it in service: end it and ask for it anew.
 */
static void undertow_reraise(u32 event)
{
	u8 vector = event & 0xff;

	if (!(event & KVM_VIEW_EVENT_VALID) || (event & UNDERTOW_EVENT_TYPE))
		return;

	apic_eoi();
	__apic_send_IPI_self(vector);
}

/**
 * undertow_fault() - a compartment was stopped by the host
 * @aex: the record, on the trusted stack
 *
 * Called by the gate with interrupts off, on the caller's stack, in view 0.
 *
 * Return: the negative errno that ends the call.
 */
asmlinkage long undertow_fault(const struct kvm_view_aex *aex)
{
	*this_cpu_ptr(&undertow_last_aex) = *aex;
	undertow_reraise(aex->event);
	return undertow_rs_fault(aex);
}
