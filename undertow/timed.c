// SPDX-License-Identifier: GPL-2.0
/*
 * Harness of the timed attack on the gate, CONFIG_UNDERTOW_SELFTEST only.
 *
 * The attacker turns interrupts on, waits until just before the timer fires,
 * and jumps to the last instruction of G1 with view 0 as its target and RSP in
 * a page that it may not write. If the interrupt is taken between the switch
 * and the fetch that would fault, the CPU pushes its frame there, in view 0.
 */
#include <linux/clockchips.h>
#include <linux/cpufeature.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/undertow.h>
#include <asm/msr.h>
#include "internal.h"

#define PATTERN		0x5a
/* Ticks until the timer fires: enough to be inside by then. */
#define FUSE		4000
/* Where around that moment the attacker jumps. */
#define SWEEP_BEFORE	256
#define SWEEP		1024
/* So many hits prove that the attack works. */
#define ENOUGH		3

/**
 * undertow_selftest_timed() - try the attack again and again
 * @b: where to cross to; @b->entry is the attacker
 * @arg: the attacker's orders, in memory that it may read
 * @tries: how often
 * @ended: set to how many tries ended with an error, as they should
 *
 * Return: how many tries changed the victim, 3 at most, or a negative errno.
 */
int undertow_selftest_timed(const struct undertow_bench *b,
			    struct undertow_timed *arg, u32 tries, u32 *ended)
{
	struct undertow_outcome *out;
	unsigned long flags;
	u32 i, dice = 1;
	int hits = 0;
	u8 *victim;

	*ended = 0;
	if (!boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		return -EOPNOTSUPP;

	victim = (u8 *)get_zeroed_page(GFP_KERNEL);
	out = kzalloc_obj(*out);
	if (!victim || !out) {
		hits = -ENOMEM;
		goto out_free;
	}
	arg->rsp = (unsigned long)victim + PAGE_SIZE / 2;

	for (i = 0; i < tries && hits < ENOUGH; i++) {
		memset(victim, PATTERN, PAGE_SIZE);

		/* The handler may run on the victim: nobody may switch tasks. */
		preempt_disable();
		local_irq_save(flags);
		/*
		 * The attacker looks at the clock every few instructions only:
		 * without a throw of the dice some moments are never tried.
		 */
		dice = dice * 1664525 + 1013904223;
		arg->fire = rdtsc() + FUSE + (dice >> 8) % 64;
		wrmsrq(MSR_IA32_TSC_DEADLINE, arg->fire);
		arg->fire += (dice >> 16) % SWEEP;
		arg->fire -= SWEEP_BEFORE;
		undertow_cross(arg, b->entry, b->stack, b->view, 0, NULL, out);
		local_irq_restore(flags);
		preempt_enable();

		if (out->status)
			++*ended;
		if (memchr_inv(victim, PATTERN, PAGE_SIZE))
			hits++;
		cond_resched();
	}

out_free:
	kfree(out);
	free_page((unsigned long)victim);
	return hits;
}
