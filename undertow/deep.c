// SPDX-License-Identifier: GPL-2.0
/*
 * Running with little stack left, CONFIG_UNDERTOW_SELFTEST only.
 */
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/undertow.h>
#include "internal.h"

#define PATTERN		0xa5
/* Not written: a frame of this file may reach that far below RSP. */
#define MARGIN		256

struct deep_orders {
	void (*fn)(void *arg);
	void *arg;
	unsigned long left;
	unsigned long used;
};

static unsigned long stack_left(void)
{
	return current_stack_pointer - (unsigned long)task_stack_page(current);
}

/* Call, and find out how far down the stack was written. */
static noinline void deep_call(struct deep_orders *o)
{
	u8 *bottom = (u8 *)(end_of_stack(current) + 1);
	unsigned long flags, size;
	u8 *touched;

	local_irq_save(flags);
	size = stack_left();
	size -= min(size, MARGIN + sizeof(long));
	memset(bottom, PATTERN, size);
	o->fn(o->arg);
	touched = memchr_inv(bottom, PATTERN, size);
	o->used = touched ? current_stack_pointer - (unsigned long)touched : 0;
	local_irq_restore(flags);
}

static noinline void deeper(struct deep_orders *o)
{
	u8 pad[64];

	/* On the stack, before the call and after: no loop instead. */
	barrier_data(pad);
	if (stack_left() > o->left)
		deeper(o);
	else
		deep_call(o);
	barrier_data(pad);
}

/**
 * undertow_selftest_deep() - call a function with little of the stack left
 * @fn: the function
 * @arg: handed to @fn
 * @left: how much is to be left, in bytes: about 100 less may be
 *
 * Interrupts are off in @fn.
 *
 * Return: how much of the stack was written below RSP; 0: little.
 */
unsigned long undertow_selftest_deep(void (*fn)(void *arg), void *arg,
				     unsigned long left)
{
	struct deep_orders o = { .fn = fn, .arg = arg, .left = left };

	deeper(&o);
	return o.used;
}
EXPORT_SYMBOL_GPL(undertow_selftest_deep);

/**
 * undertow_selftest_cross() - cross with little stack of its own
 * @b: where to cross to
 * @arg: handed to @b->entry
 *
 * Return: how the crossing ended, 0 or a negative errno.
 */
s64 undertow_selftest_cross(const struct undertow_bench *b, void *arg)
{
	static struct undertow_outcome out;

	undertow_cross(arg, b->entry, b->stack, b->view, 0, NULL, &out);
	return out.status;
}
