// SPDX-License-Identifier: GPL-2.0
/*
 * The end: the next kernel in this VM, be it booted, kexec'ed or a crash kernel,
 * must find no views, and nothing of what only views could read.
 *
 * The hooks are those of struct machine_ops: by then the other CPUs are stopped,
 * and no driver runs any more. A VM that is reset without any of them is dealt
 * with by the host.
 */
#define pr_fmt(fmt) "undertow: " fmt

#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/undertow.h>
#include <asm/reboot.h>
#include "internal.h"

static struct machine_ops undertow_next __ro_after_init;

/*
 * Callable in any context, more than once. Crossings are refused from here on;
 * one that goes on elsewhere is ended by the host.
 */
static void undertow_reset(void)
{
	unsigned int cpu;
	long ret;

	if (!undertow_live)
		return;

	for_each_possible_cpu(cpu)
		per_cpu(undertow_cpu_ready, cpu) = false;

	do {
		ret = undertow_hypercall(KVM_VIEWS_RESET, 0, 0, 0);
		cpu_relax();
	} while (ret == 1 || ret == -EAGAIN);

	/* -ENOENT: done before, e.g. by shutdown and now by restart. */
	if (ret && ret != -ENOENT)
		pr_err("the host did not drop the views: error %ld\n", ret);
}

/* Reboot and kexec. */
static void undertow_shutdown(void)
{
	undertow_next.shutdown();
	undertow_reset();
}

/* Also after a panic, where nobody called the above. */
static void undertow_emergency_restart(void)
{
	undertow_reset();
	undertow_next.emergency_restart();
}

#ifdef CONFIG_CRASH_DUMP
static void undertow_crash_shutdown(struct pt_regs *regs)
{
	undertow_next.crash_shutdown(regs);
	undertow_reset();
}
#endif

/**
 * undertow_reset_init() - have the views dropped before the next kernel
 *
 * Called once, when views are enforced.
 */
void __init undertow_reset_init(void)
{
	undertow_next = machine_ops;
	machine_ops.shutdown = undertow_shutdown;
	machine_ops.emergency_restart = undertow_emergency_restart;
#ifdef CONFIG_CRASH_DUMP
	machine_ops.crash_shutdown = undertow_crash_shutdown;
#endif
}
