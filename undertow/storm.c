// SPDX-License-Identifier: GPL-2.0
/*
 * Calls under fire, CONFIG_UNDERTOW_SELFTEST only: a timer whose interrupt
 * comes in any state of the kernel, and NMIs from another CPU.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/nmi.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/undertow.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/ptrace.h>
#include "internal.h"

static struct hrtimer storm_timer;
static ktime_t storm_period;
static u64 storm_ticks;

/* The CPU that gets an NMI with each tick; -1: none does. */
static int storm_target;
static atomic_t storm_sent;
static u64 storm_nmis, storm_nmis_inside;
static unsigned long storm_fault_entry;

static enum hrtimer_restart storm_tick(struct hrtimer *timer)
{
	storm_ticks++;
	/* Two would count as one if the first was not handled yet. */
	if (storm_target >= 0 && !atomic_xchg(&storm_sent, 1))
		__apic_send_IPI(storm_target, NMI_VECTOR);
	hrtimer_forward_now(timer, storm_period);
	return HRTIMER_RESTART;
}

static int storm_nmi(unsigned int cmd, struct pt_regs *regs)
{
	if (!atomic_xchg(&storm_sent, 0))
		return NMI_DONE;

	storm_nmis++;
	if (regs->ip == storm_fault_entry)
		storm_nmis_inside++;
	return NMI_HANDLED;
}

static void storm_start(void *unused)
{
	hrtimer_start(&storm_timer, storm_period, HRTIMER_MODE_REL_PINNED_HARD);
}

static noinline u64 storm_plain(u64 loops)
{
	while (loops--)
		barrier();
	return loops;
}

static void storm_calls(const struct undertow_bench *b, void *arg,
			struct undertow_storm *s, struct undertow_outcome *out)
{
	unsigned long flags = 0;
	u64 i;

	for (i = 0; i < s->calls; i++) {
		if (s->irqs_off)
			local_irq_save(flags);
		if (b->entry)
			undertow_cross(arg, b->entry, b->stack, b->view,
				       s->max_us, b->call, out);
		else
			storm_plain(s->loops);
		if (s->irqs_off)
			local_irq_restore(flags);
		if (out->status) {
			s->ended++;
			s->status = out->status;
		}
		s->value = out->value;
		cond_resched();
	}
}

static int storm_run(const struct undertow_bench *b, void *arg,
		     struct undertow_storm *s, struct undertow_outcome *out)
{
	const struct undertow_gate *gate = undertow_gate_get();
	int cpu = raw_smp_processor_id(), from = cpu, ret;

	storm_ticks = 0;
	storm_nmis = 0;
	storm_nmis_inside = 0;
	storm_target = -1;
	storm_period = ns_to_ktime(s->period_ns);
	storm_fault_entry = gate ? gate->fault_entry : 0;
	if (s->nmi) {
		from = cpumask_any_but(cpu_online_mask, cpu);
		if (from >= nr_cpu_ids)
			return -ENODEV;
		ret = register_nmi_handler(NMI_LOCAL, storm_nmi, 0, "undertow");
		if (ret)
			return ret;
		storm_target = cpu;
	}
	if (s->period_ns)
		smp_call_function_single(from, storm_start, NULL, 1);

	s->tsc = rdtsc_ordered();
	storm_calls(b, arg, s, out);
	s->tsc = rdtsc_ordered() - s->tsc;

	if (s->period_ns)
		hrtimer_cancel(&storm_timer);
	if (s->nmi) {
		/* The last one may still be on its way. */
		while (atomic_read(&storm_sent))
			cpu_relax();
		unregister_nmi_handler(NMI_LOCAL, "undertow");
	}
	s->ticks = storm_ticks;
	s->nmis = storm_nmis;
	s->nmis_inside = storm_nmis_inside;
	return 0;
}

/**
 * undertow_selftest_move() - continue on another CPU, if there is one
 *
 * Context: May sleep.
 * Return: the CPU that this ran on before.
 */
unsigned int undertow_selftest_move(void)
{
	unsigned int from = raw_smp_processor_id();
	unsigned int to = cpumask_any_but(cpu_online_mask, from);
	cpumask_var_t old;

	if (to < nr_cpu_ids && alloc_cpumask_var(&old, GFP_KERNEL)) {
		cpumask_copy(old, current->cpus_ptr);
		set_cpus_allowed_ptr(current, cpumask_of(to));
		set_cpus_allowed_ptr(current, old);
		free_cpumask_var(old);
	}
	return from;
}

/**
 * undertow_selftest_storm() - make calls while events come
 * @b: where to cross to; @b->entry 0: a loop in view 0 instead, for comparison
 * @arg: handed to the entry
 * @s: what to do, and what came of it
 *
 * One at a time. On one CPU, unless @s->roam.
 */
int undertow_selftest_storm(const struct undertow_bench *b, void *arg,
			    struct undertow_storm *s)
{
	struct undertow_outcome *out;
	cpumask_var_t old;
	int ret = -ENOMEM;

	out = kzalloc_obj(*out);
	if (!out)
		return -ENOMEM;
	if (!alloc_cpumask_var(&old, GFP_KERNEL))
		goto out_free;

	hrtimer_setup(&storm_timer, storm_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	cpumask_copy(old, current->cpus_ptr);
	if (!s->roam)
		set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	ret = storm_run(b, arg, s, out);
	set_cpus_allowed_ptr(current, old);

	free_cpumask_var(old);
out_free:
	kfree(out);
	return ret;
}
