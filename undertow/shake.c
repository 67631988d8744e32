// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that are interrupted at random and moved between CPUs while they run,
 * CONFIG_UNDERTOW_SELFTEST only.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/undertow.h>

#define MAX_THREADS	8

static struct task_struct *threads[MAX_THREADS], *mover;
static struct cpumask shaken;
static DEFINE_PER_CPU(struct hrtimer, shake_timer);
static DEFINE_PER_CPU(u64, shake_ticks);
static u32 shake_ns;
static u64 shake_moves;

static enum hrtimer_restart shake_tick(struct hrtimer *timer)
{
	__this_cpu_inc(shake_ticks);
	/* Never in step with anything. */
	hrtimer_forward_now(timer, shake_ns / 2 + get_random_u32_below(shake_ns));
	return HRTIMER_RESTART;
}

static void shake_begin(void *unused)
{
	struct hrtimer *timer = this_cpu_ptr(&shake_timer);

	hrtimer_setup(timer, shake_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(timer, shake_ns, HRTIMER_MODE_REL_PINNED_HARD);
	cpumask_set_cpu(smp_processor_id(), &shaken);
}

static void shake_one(struct task_struct *task)
{
	int cpu = cpumask_nth(get_random_u32_below(num_online_cpus()),
			      cpu_online_mask);
	bool moves;

	if (cpu >= nr_cpu_ids)
		return;

	moves = task_cpu(task) != cpu;
	if (!set_cpus_allowed_ptr(task, cpumask_of(cpu)) && moves)
		shake_moves++;
}

/*
 * A kernel thread may run on a CPU that is online already and whose stopper
 * thread is still parked. To move it away then waits for ever: the stopper's
 * work is lost. So while a CPU comes or goes, threads only leave the one that
 * always stays.
 */
static int shake_move(void *unused)
{
	int i;

	while (!kthread_should_stop()) {
		if (cpus_read_trylock()) {
			i = get_random_u32_below(MAX_THREADS);
			if (threads[i])
				shake_one(threads[i]);
			cpus_read_unlock();
			usleep_range(500, 3000);
			continue;
		}
		for (i = 0; i < MAX_THREADS; i++) {
			if (threads[i] &&
			    cpumask_equal(threads[i]->cpus_ptr, cpumask_of(0)))
				shake_one(threads[i]);
		}
		usleep_range(50, 200);
	}
	return 0;
}

/**
 * undertow_selftest_shake() - run threads under interrupts and moves
 * @work: what each thread does until kthread_should_stop(), with its number
 * @nr: how many threads, 1 to 8
 * @period_ns: between two interrupts of a CPU, on average
 * @seconds: for how long
 * @shake: what came of it
 *
 * One at a time.  CPUs may come and go; one that comes is not interrupted.  May
 * sleep.
 *
 * Return: 0, -EINVAL, or that a thread could not be created.
 */
int undertow_selftest_shake(int (*work)(void *), unsigned long nr,
			    u32 period_ns, u32 seconds,
			    struct undertow_shake *shake)
{
	unsigned long i;
	int cpu, ret = 0;

	if (!nr || nr > MAX_THREADS || period_ns < 2)
		return -EINVAL;

	shake_ns = period_ns;
	shake_moves = 0;
	for_each_possible_cpu(cpu)
		per_cpu(shake_ticks, cpu) = 0;

	for (i = 0; i < nr; i++) {
		threads[i] = kthread_run(work, (void *)i, "undertow-shake/%lu", i);
		if (IS_ERR(threads[i])) {
			ret = PTR_ERR(threads[i]);
			threads[i] = NULL;
			goto stop;
		}
	}
	mover = kthread_run(shake_move, NULL, "undertow-move");
	if (IS_ERR(mover)) {
		ret = PTR_ERR(mover);
		goto stop;
	}

	cpumask_clear(&shaken);
	on_each_cpu(shake_begin, NULL, 1);
	for (i = 0; i < seconds && !signal_pending(current); i++)
		msleep_interruptible(1000);
	for_each_cpu(cpu, &shaken)
		hrtimer_cancel(&per_cpu(shake_timer, cpu));

	kthread_stop(mover);
stop:
	for (i = 0; i < nr; i++) {
		if (threads[i])
			kthread_stop(threads[i]);
		threads[i] = NULL;
	}

	shake->moves = shake_moves;
	shake->ticks = 0;
	for_each_possible_cpu(cpu)
		shake->ticks += per_cpu(shake_ticks, cpu);
	return ret;
}
