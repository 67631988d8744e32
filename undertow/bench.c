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

static const void *ve_target;

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
		.value = copy_from_kernel_nofault(&byte, ve_target, 1),
	};
}

static const undertow_enter_fn bench_fns[] = {
	[UNDERTOW_BENCH_CALL] = bench_nothing,
	[UNDERTOW_BENCH_CROSSING] = undertow_enter_vmfunc,
	[UNDERTOW_BENCH_SWITCH] = undertow_enter_switch,
	[UNDERTOW_BENCH_FLOOR] = undertow_floor,
	[UNDERTOW_BENCH_VE] = bench_ve,
};

/* A crossing without undertow_cross(): measured is the gate alone. */
static struct undertow_crossing *bench_crossing(const struct undertow_bench *b,
						struct undertow_crossing *c)
{
	static struct undertow_outcome out;

	*c = (struct undertow_crossing) { .out = &out, .view = b->view };
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

/**
 * undertow_bench_run() - ticks per call, without the loop around it
 * @b: what to measure
 *
 * Return: ticks per 100 calls, so that a fraction shows.
 */
u64 undertow_bench_run(const struct undertow_bench *b)
{
	u64 loop;

	if (b->what >= ARRAY_SIZE(bench_fns))
		return 0;

	ve_target = b->target;
	loop = bench_batch(NULL, b);
	return bench_batch(bench_fns[b->what], b) - loop;
}

static u64 bench_query(u32 what)
{
	return undertow_hypercall(KVM_VIEWS_QUERY, what, 0, 0);
}

/*
 * Stop the kernel's own timer, which would be due within a portion: an
 * interrupt that becomes pending while CR8 is high costs an exit when CR8
 * drops. It is not the crossing's. True if none is pending already.
 */
static bool bench_timer_stop(void)
{
	u32 irr;

	if (!boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		return true;

	wrmsrq(MSR_IA32_TSC_DEADLINE, 0);
	irr = apic_read(APIC_IRR + LOCAL_TIMER_VECTOR / 32 * 0x10);
	return !(irr & BIT(LOCAL_TIMER_VECTOR % 32));
}

/* Have it fire at once; its handler sets it anew. */
static void bench_timer_start(void)
{
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		wrmsrq(MSR_IA32_TSC_DEADLINE, rdtsc() + 100);
}

/**
 * undertow_bench_exits() - VM exits that repeated calls cause
 * @b: what to call, and where
 * @times: how often, a multiple of 1000
 * @failed: set to how many crossings did not return by themselves, or how
 *	many accesses were not denied
 *
 * In portions with interrupts off and the timer stopped: what the host does
 * for itself then shows as such, and nothing waits to be delivered.
 *
 * Return: exits that are neither the host's own nor the measurement's.
 */
u64 undertow_bench_exits(const struct undertow_bench *b, u64 times, u64 *failed)
{
	u64 exits = 0, own, total;
	struct undertow_crossing crossing;
	struct undertow_ret ret;
	unsigned long flags;
	u64 i, j;

	*failed = 0;
	ve_target = b->target;
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
		total = bench_query(KVM_VIEWS_Q_EXITS);
		own = bench_query(KVM_VIEWS_Q_HOST_EXITS);
		for (j = 0; j < 1000; j++) {
			ret = bench_fns[b->what](NULL, b->entry, b->stack,
						 b->view);
			if (b->what == UNDERTOW_BENCH_VE)
				*failed += (int)ret.value != -EFAULT;
			else
				*failed += ret.status != 0;
		}
		own = bench_query(KVM_VIEWS_Q_HOST_EXITS) - own;
		total = bench_query(KVM_VIEWS_Q_EXITS) - total;
		__this_cpu_write(undertow_crossing, NULL);
		bench_timer_start();
		local_irq_restore(flags);
		/* Of these, three are the questions after the first. */
		exits += total - 3 - own;
		cond_resched();
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
