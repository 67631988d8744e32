// SPDX-License-Identifier: GPL-2.0
/*
 * One crossing: from a caller in view 0 through the gate and back, or out of
 * an asynchronous exit back to that caller.
 */
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/undertow.h>
#include <trace/events/ipi.h>
#include <asm/apic.h>
#include <asm/fsgsbase.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include "internal.h"

/* The innermost frame of this CPU's crossings; layout in gate.S. */
DEFINE_PER_CPU(unsigned long, undertow_sp);

DEFINE_PER_CPU(bool, undertow_cpu_ready);

/* Rights can't be given any more, so killing a compartment takes none. */
bool undertow_sealed __read_mostly;

/*
 * The crossing that this CPU is in. Like undertow_sp, it is set while a
 * compartment may run, and cleared while ordinary kernel code does.
 */
DEFINE_PER_CPU(struct undertow_crossing *, undertow_crossing);

/*
 * What a call that goes wrong takes of the caller's stack: the gate's frame,
 * the host's record, then the way to the log and back. A host that can't write
 * its record shuts the VM down, and a stack that ends on the way to the log is
 * a double fault. 14_stack.sh measures it: about 3.5 KiB. Or it goes on: then
 * the interrupts that waited come on top of the frame, the record and the
 * context. What they need, and being preempted, is the rest.
 */
#define UNDERTOW_STACK_NEED	(SZ_4K + SZ_1K)

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

#define GATE(kind, inside) {							\
	.base = (unsigned long)undertow_gate_##kind,			\
	.enter = (unsigned long)undertow_enter_##kind,			\
	.fault_entry = (unsigned long)undertow_fault_entry_##kind,	\
	.landed = (unsigned long)undertow_landed_##kind,		\
	.tail = (unsigned long)undertow_tail_##kind,			\
	.tail_end = (unsigned long)undertow_tail_end_##kind,		\
	.ve = (unsigned long)(inside),					\
	.request = (unsigned long)undertow_request_##kind,		\
}

static const struct undertow_gate gate_vmfunc = GATE(vmfunc,
							undertow_ve_vmfunc);
static const struct undertow_gate gate_switch = GATE(switch, NULL);

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
	undertow_enter = (undertow_enter_fn)undertow_gate->enter;
	return undertow_gate;
}

/**
 * undertow_gate_base() - first of the four pages of the gate in use, 0: none is
 */
unsigned long undertow_gate_base(void)
{
	return undertow_gate ? undertow_gate->base : 0;
}

/**
 * undertow_gate_get() - the gate in use, NULL: none is
 */
const struct undertow_gate *undertow_gate_get(void)
{
	return undertow_gate;
}

/*
 * Is enough left of the stack that this runs on? A task's or the one for
 * interrupts; others are for NMI-like contexts, which don't come here.
 */
bool undertow_stack_has_room(void)
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
 * @max_us: microseconds that it may take, 0: any time
 * @call: what kernel::undertow knows it by; NULL: it may ask for no service
 * @out: how it ended
 *
 * Interrupts are off while inside. An event that comes there is handled in view
 * 0, and the function goes on; a maskable interrupt waits for the end of the
 * call if the caller has interrupts off.
 *
 * Context: Any but NMI.
 * -EOPNOTSUPP in @out->status: this CPU is not registered with the host, or
 * the context is NMI; -ENOBUFS: the caller's stack is nearly used up. Nothing
 * was run then.  -ESHUTDOWN: the compartment was killed, perhaps meanwhile.
 * -EACCES: it asked for a service that it may not have, -ERANGE: with memory that
 * is not its own, -EPROTO: with arguments that are none.
 */
void undertow_cross(void *arg, unsigned long entry, void *stack, u32 view,
		    u32 max_us, const void *call, struct undertow_outcome *out)
{
	struct undertow_crossing crossing = {
		.out = out,
		.stack = (unsigned long)stack,
		.view = view,
		.call = call,
	};
	struct undertow_ret ret;
	unsigned long flags;

	out->value = 0;
	out->status = -EOPNOTSUPP;
	if (in_nmi())
		return;
	if (max_us)
		crossing.deadline = ktime_get_mono_fast_ns() +
				    (u64)max_us * NSEC_PER_USEC;

	local_irq_save(flags);
	if (!undertow_stack_has_room()) {
		out->status = -ENOBUFS;
	} else if (READ_ONCE(undertow_sealed) &&
		   undertow_rs_is_dead(&crossing)) {
		/* Whoever killed it has sent its interrupt already. */
		out->status = -ESHUTDOWN;
	} else if (__this_cpu_read(undertow_cpu_ready)) {
		crossing.irqs_on = !irqs_disabled_flags(flags);
		__this_cpu_write(undertow_crossing, &crossing);
		ret = undertow_enter(arg, entry, stack, view);
		__this_cpu_write(undertow_crossing, NULL);
		out->value = ret.value;
		out->status = ret.status;
	}
	local_irq_restore(flags);
}

/**
 * undertow_kick_cpus() - have each CPU look whether its compartment is dead
 *
 * By an interrupt that does nothing else: it takes out whoever is inside, also
 * if the caller has interrupts off.
 *
 * Context: Any but NMI.
 */
void undertow_kick_cpus(void)
{
	unsigned int cpu, self = get_cpu();

	for_each_online_cpu(cpu)
		if (cpu != self)
			smp_send_reschedule(cpu);
	put_cpu();
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

/* FS base is the task's: a context switch would save what is in it. */
static void undertow_restore_fsbase(unsigned long fsbase)
{
	if (rdfsbase() == fsbase)
		return;

	/* With another selector a switch would load its descriptor's base. */
	loadsegment(fs, 0);
	wrfsbase(fsbase);
}

/* May it go on? */
static s64 undertow_may_go_on(const struct undertow_crossing *crossing)
{
	if (!__this_cpu_read(undertow_cpu_ready))
		return -EOPNOTSUPP;

	if (undertow_rs_is_dead(crossing))
		return -ESHUTDOWN;

	if (crossing->irqs_on && in_task() && fatal_signal_pending(current))
		return -EINTR;

	if (crossing->deadline &&
	    ktime_get_mono_fast_ns() >= crossing->deadline)
		return -ETIMEDOUT;

	return 0;
}

/**
 * undertow_step_out() - become ordinary kernel code, between an exit and the way
 * back in
 * @crossing: the one that this CPU is in
 *
 * On the caller's stack, in no crossing, with the caller's state: interrupts are
 * on if his are. Then this can be preempted if the caller can, and end on
 * another CPU.
 */
void undertow_step_out(const struct undertow_crossing *crossing)
{
	const struct undertow_frame *frame =
		(void *)__this_cpu_read(undertow_sp);

	asm volatile("clts");
	undertow_restore_fsbase(frame->fsbase);
	__this_cpu_write(undertow_crossing, NULL);
	__this_cpu_write(undertow_sp, frame->outer);

	/* In this order the host delivers at once when CR8 drops. */
	if (crossing->irqs_on)
		local_irq_enable();
	asm volatile("movq %0, %%cr8" : : "r" (frame->cr8) : "memory");
}

/**
 * undertow_step_back() - undo that; the rest is set up again by the gate
 * @crossing: what undertow_step_out() was given
 *
 * Return: 0, or why it may not go on. Time may have passed, and the CPU be
 * another one.
 */
s64 undertow_step_back(struct undertow_crossing *crossing)
{
	local_irq_disable();
	__this_cpu_write(undertow_crossing, crossing);
	return undertow_may_go_on(crossing);
}

/**
 * undertow_stopped() - a compartment is out before it has returned
 * @aex: why, as the host says it
 * @info: what the #VE information page said about it, if anything
 * @resume: below the record, what the last resume of this crossing read
 *
 * Return: as undertow_fault().
 */
struct undertow_ret undertow_stopped(struct kvm_view_aex *aex,
				     const struct kvm_ve_info *info,
				     struct undertow_resume *resume)
{
	struct undertow_crossing *crossing = __this_cpu_read(undertow_crossing);
	struct undertow_ret ret = {};
	s64 status;

	undertow_reraise(aex->event);
	ret.status = undertow_rs_fault(aex, info, crossing, undertow_gate,
				       resume);
	switch (ret.status) {
	case UNDERTOW_RETURNED:
		ret.value = aex->regs[7];
		ret.status = 0;
		break;
	case UNDERTOW_GO_ON:
		crossing->has_context = true;
		fallthrough;
	case UNDERTOW_REPLAY:
		/* With his interrupts off nothing is let in. */
		if (crossing->irqs_on) {
			undertow_step_out(crossing);
			status = undertow_step_back(crossing);
		} else {
			status = undertow_may_go_on(crossing);
		}
		if (status) {
			ret.status = status;
			undertow_rs_ended(crossing, status, true);
		}
		break;
	}
	if (ret.status < 0)
		crossing->out->aex = *aex;
	return ret;
}

/**
 * undertow_fault() - the host took a compartment out
 * @aex: the record, on the trusted stack
 * @resume: below it, what the last resume of this crossing read
 *
 * Called by the gate with interrupts off, on the caller's stack, in view 0.
 *
 * Return: in status, a negative errno that ends the call, 0 if it had returned
 * by itself, more than 0 if it is to go on as @resume says.
 */
asmlinkage struct undertow_ret undertow_fault(struct kvm_view_aex *aex,
					      struct undertow_resume *resume)
{
	struct kvm_ve_info info;

	/* undertow/gate.S knows them. */
	BUILD_BUG_ON(sizeof(*aex) != 224);
	BUILD_BUG_ON(sizeof(*resume) != 176);
	BUILD_BUG_ON(offsetof(struct undertow_resume, view) != 168);

	/* Somebody used the gate without undertow_cross(). */
	if (WARN_ON_ONCE(!__this_cpu_read(undertow_crossing)))
		return (struct undertow_ret) { .status = -EFAULT };

	if (undertow_ve_in_transit(aex))
		return undertow_ve_inside(aex->regs[7], aex, resume);

	undertow_ve_settle(aex, &info);
	return undertow_stopped(aex, &info, resume);
}
