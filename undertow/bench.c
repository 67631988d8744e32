// SPDX-License-Identifier: GPL-2.0
/*
 * What things cost, for test modules. CONFIG_UNDERTOW_SELFTEST only.
 *
 * Counts TSC ticks. On an emulator that counts instructions these are
 * instructions; they are never time there.
 */
#include <linux/cpufeature.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/uaccess.h>
#include <linux/undertow.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include "internal.h"

#define BATCHES	100
#define CALLS	100

/* The measurement that is being made. */
static const struct undertow_bench *bench;

static noinline struct undertow_ret bench_nothing(void *arg, unsigned long entry,
						  void *stack, u64 view)
{
	barrier();
	return (struct undertow_ret) {};
}

static noinline struct undertow_ret bench_ve(void *arg, unsigned long entry,
					     void *stack, u64 view)
{
	u8 byte;

	return (struct undertow_ret) {
		.value = copy_from_kernel_nofault(&byte, bench->target, 1),
	};
}

/* A crossing that touches what it may not, and comes back for that. */
static noinline struct undertow_ret bench_denied(void *arg, unsigned long entry,
						 void *stack, u64 view)
{
	return undertow_enter((void *)bench->target, entry, stack, view);
}

/* A crossing with what undertow_cross() checks before it. */
static noinline struct undertow_ret bench_checked(void *arg,
						  unsigned long entry,
						  void *stack, u64 view)
{
	static struct undertow_outcome out;

	undertow_cross(arg, entry, stack, view, 0, NULL, &out);
	return (struct undertow_ret) { .status = out.status };
}

/* The same, of a caller that has interrupts on. */
static noinline struct undertow_ret bench_irqs_on(void *arg,
						  unsigned long entry,
						  void *stack, u64 view)
{
	static struct undertow_outcome out;

	local_irq_enable();
	undertow_cross(arg, entry, stack, view, 0, NULL, &out);
	local_irq_disable();
	return (struct undertow_ret) { .status = out.status };
}

/* The same, for a function that asks for services. */
static noinline struct undertow_ret bench_service(void *arg,
						  unsigned long entry,
						  void *stack, u64 view)
{
	static struct undertow_outcome out;

	undertow_cross(bench->arg, entry, stack, view, 0, bench->call,
		       &out);
	return (struct undertow_ret) { .status = out.status };
}

static undertow_enter_fn bench_fn(u32 what)
{
	switch (what) {
	case UNDERTOW_BENCH_CALL:
		return bench_nothing;
	case UNDERTOW_BENCH_CROSSING:
		return undertow_enter;
	case UNDERTOW_BENCH_CHECKED:
		return bench_checked;
	case UNDERTOW_BENCH_IRQS_ON:
		return bench_irqs_on;
	case UNDERTOW_BENCH_SWITCH:
		return undertow_enter_switch;
	case UNDERTOW_BENCH_FLOOR:
		return undertow_floor;
	case UNDERTOW_BENCH_VE:
		return bench_ve;
	case UNDERTOW_BENCH_DENIED:
		return bench_denied;
	case UNDERTOW_BENCH_SERVICE:
		return bench_service;
	default:
		return NULL;
	}
}

/* A crossing without undertow_cross(): measured is the gate alone. */
static struct undertow_crossing *bench_crossing(const struct undertow_bench *b,
						struct undertow_crossing *c)
{
	static struct undertow_outcome out;

	*c = (struct undertow_crossing) {
		.out = &out,
		.stack = (unsigned long)b->stack,
		.view = b->view,
	};
	return c;
}

/* Ticks of the cheapest of many batches, interrupts off: no event in it. */
static u64 bench_batch(undertow_enter_fn fn, const struct undertow_bench *b)
{
	u64 start, ticks, best = U64_MAX;
	struct undertow_crossing crossing;
	unsigned long flags;
	int i, j;

	for (i = 0; i < BATCHES; i++) {
		local_irq_save(flags);
		__this_cpu_write(undertow_crossing,
				 bench_crossing(b, &crossing));
		start = rdtsc_ordered();
		for (j = 0; j < CALLS; j++) {
			if (fn)
				fn(NULL, b->entry, b->stack, b->view);
			else
				barrier();
		}
		ticks = rdtsc_ordered() - start;
		__this_cpu_write(undertow_crossing, NULL);
		local_irq_restore(flags);
		best = min(best, ticks);
	}
	return best;
}

/* Does a crossing come back by itself?  An error would cost something, too. */
static bool bench_returns(undertow_enter_fn fn, const struct undertow_bench *b)
{
	struct undertow_crossing crossing;
	struct undertow_ret ret;
	unsigned long flags;

	if (b->what != UNDERTOW_BENCH_CROSSING &&
	    b->what != UNDERTOW_BENCH_CHECKED &&
	    b->what != UNDERTOW_BENCH_IRQS_ON &&
	    b->what != UNDERTOW_BENCH_SERVICE &&
	    b->what != UNDERTOW_BENCH_SWITCH)
		return true;

	local_irq_save(flags);
	__this_cpu_write(undertow_crossing, bench_crossing(b, &crossing));
	ret = fn(NULL, b->entry, b->stack, b->view);
	__this_cpu_write(undertow_crossing, NULL);
	local_irq_restore(flags);
	return !ret.status;
}

/**
 * undertow_bench_run() - ticks per call, without the loop around it
 * @b: what to measure
 *
 * Return: ticks per 100 calls, so that a fraction shows; 0 if a call does not
 * come back by itself.
 */
u64 undertow_bench_run(const struct undertow_bench *b)
{
	undertow_enter_fn fn = bench_fn(b->what);
	u64 loop;

	if (!fn)
		return 0;

	bench = b;
	if (!bench_returns(fn, b))
		return 0;
	loop = bench_batch(NULL, b);
	return bench_batch(fn, b) - loop;
}

static u64 bench_query(u32 what)
{
	return undertow_hypercall(KVM_VIEWS_QUERY, what, 0, 0);
}

/*
 * An interrupt that becomes pending while CR8 is high costs an exit when CR8
 * drops. It is not the crossing's.
 */
static bool bench_irq_waits(void)
{
	int vector;

	for (vector = 0; vector < NR_VECTORS; vector += 32) {
		if (apic_read(APIC_IRR + vector / 32 * 0x10))
			return true;
	}
	return false;
}

/*
 * Stop the kernel's own timer, which would be due within a portion. True if no
 * interrupt waits already.
 */
static bool bench_timer_stop(void)
{
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		wrmsrq(MSR_IA32_TSC_DEADLINE, 0);

	return !bench_irq_waits();
}

/* Have it fire at once; its handler sets it anew. */
static void bench_timer_start(void)
{
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		wrmsrq(MSR_IA32_TSC_DEADLINE, rdtsc() + 100);
}

/*
 * Both counters of exits at one time: a host exit between the two questions would
 * look like one that was caused.  Returns whether there was none.
 */
static bool bench_count(u64 *total, u64 *own)
{
	*own = bench_query(KVM_VIEWS_Q_HOST_EXITS);
	*total = bench_query(KVM_VIEWS_Q_EXITS);
	return bench_query(KVM_VIEWS_Q_HOST_EXITS) == *own;
}

/**
 * undertow_bench_exits() - VM exits that repeated calls cause
 * @b: what to call, and where
 * @times: how often, a multiple of 1000
 * @tally: set to what the tries came to
 *
 * In portions with interrupts off and the timer stopped: what the host does
 * for itself then shows as such, and nothing waits to be delivered. A portion in
 * which a device's interrupt came is made again; @tally says how many were.
 *
 * Return: exits that are neither the host's own nor the measurement's.
 */
u64 undertow_bench_exits(const struct undertow_bench *b, u64 times,
			 struct undertow_tally *tally)
{
	undertow_enter_fn fn = bench_fn(b->what);
	u64 exits = 0, own, total, own_after, total_after;
	struct undertow_crossing crossing;
	struct undertow_ret ret;
	unsigned long flags;
	s64 result;
	bool waits;
	u64 i, j;

	*tally = (struct undertow_tally) {};
	if (!fn)
		return 0;

	bench = b;
	for (i = 0; i < times; i += 1000) {
		local_irq_save(flags);
		while (!bench_timer_stop()) {
			bench_timer_start();
			local_irq_restore(flags);
			cpu_relax();
			local_irq_save(flags);
		}
		__this_cpu_write(undertow_crossing,
				 bench_crossing(b, &crossing));
		while (!bench_count(&total, &own))
			cpu_relax();
		for (j = 0; j < 1000; j++) {
			ret = fn(NULL, b->entry, b->stack, b->view);
			result = b->what == UNDERTOW_BENCH_VE ?
				 (s64)ret.value : ret.status;
			if (!i && !j)
				tally->result = result;
			tally->differing += result != tally->result;
		}
		waits = !bench_count(&total_after, &own_after);
		__this_cpu_write(undertow_crossing, NULL);
		waits |= bench_irq_waits();
		bench_timer_start();
		local_irq_restore(flags);
		cond_resched();
		if (waits && tally->repeated < times / 1000) {
			tally->repeated++;
			i -= 1000;
			continue;
		}
		/* Of these, three are the questions after the first. */
		exits += total_after - total - 3 - (own_after - own);
	}
	return exits;
}

/**
 * undertow_bench_floor() - page of the bare floor, to be made executable
 */
unsigned long undertow_bench_floor(void)
{
	return (unsigned long)undertow_floor;
}

/**
 * undertow_bench_gate() - first page of a gate
 * @vmfunc: of the one that uses VMFUNC, else of the other
 */
unsigned long undertow_bench_gate(bool vmfunc)
{
	return (unsigned long)(vmfunc ? undertow_gate_vmfunc :
					undertow_gate_switch);
}
