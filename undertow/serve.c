// SPDX-License-Identifier: GPL-2.0
/*
 * Services: a compartment asks view 0 to do something for it.
 *
 * The gate has brought the request out like a return: trusted stack, view 0,
 * interrupts off. The service then runs as ordinary kernel code on the caller's
 * stack, in no crossing, as an interrupt handler after an event does. So it can
 * sleep if the caller can, move to another CPU, and make calls into other
 * compartments: their crossings find undertow_sp as 0 as any other.
 */
#include <linux/bug.h>
#include <linux/cache.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/undertow.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include "internal.h"

/**
 * undertow_service_call() - call a service from where nothing is enforced
 * @service: which one
 * @block: its arguments
 * @bytes: how many
 *
 * From view 0. Isolated code has _R_ut_undertow_service_call() in its place,
 * which leads here as long as it runs in view 0, too.
 */
long undertow_service_call(const void *service, void *block, size_t bytes)
{
	return undertow_rs_service_call(service, block, bytes);
}
EXPORT_SYMBOL_GPL(undertow_service_call);

/* Where _R_ut_undertow_service_call() goes. */
unsigned long undertow_service_way __ro_after_init =
	(unsigned long)undertow_service_call;

/**
 * undertow_serve_init() - views are enforced: requests go through the gate
 */
void __init undertow_serve_init(void)
{
	undertow_service_way = undertow_gate_get()->request;
}

/*
 * What is being served, by task. A record is looked at by its own task only, and
 * by what interrupts that. The lock is for the neighbours in the list.
 */
struct serving_list {
	raw_spinlock_t lock;
	struct hlist_head head;
};

#define SERVING_BITS	6

static struct serving_list serving_lists[1 << SERVING_BITS] = {
	[0 ... (1 << SERVING_BITS) - 1] = {
		.lock = __RAW_SPIN_LOCK_UNLOCKED(serving_lists.lock),
	},
};

static struct serving_list *serving_list(void)
{
	return &serving_lists[hash_ptr(current, SERVING_BITS)];
}

/* Add a record; count those that the task has already. */
static void serving_begin(struct undertow_serving *serving)
{
	struct serving_list *list = serving_list();
	struct undertow_serving *it;

	serving->task = current;
	serving->level = interrupt_context_level();
	guard(raw_spinlock_irqsave)(&list->lock);
	/* What an interrupt interrupted is not what called it. */
	hlist_for_each_entry(it, &list->head, node)
		serving->depth += it->task == serving->task &&
				  it->level == serving->level;
	hlist_add_head(&serving->node, &list->head);
}

static void serving_end(struct undertow_serving *serving)
{
	guard(raw_spinlock_irqsave)(&serving_list()->lock);
	hlist_del(&serving->node);
}

/**
 * undertow_is_serving() - does this task run a service for that compartment?
 * @owner: the compartment
 */
bool undertow_is_serving(const void *owner)
{
	struct serving_list *list = serving_list();
	struct undertow_serving *it;

	guard(raw_spinlock_irqsave)(&list->lock);
	hlist_for_each_entry(it, &list->head, node)
		if (it->task == current && it->owner == owner)
			return true;
	return false;
}

/* As the caller could: not in an atomic section of any kind. */
static bool may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static s64 serve(struct undertow_serving *serving)
{
	s64 status;

	serving->may_sleep = may_sleep();
	serving->has_room = undertow_stack_has_room();
	serving_begin(serving);
	status = undertow_rs_serve(serving);
	serving_end(serving);
	return status;
}

/* All that the compartment finds when it goes on, whatever it left with. */
static void make_context(struct undertow_resume *resume, s64 result, u64 rsp,
			 u32 view)
{
	*resume = (struct undertow_resume) {
		.regs[0] = result,
		.rip = (unsigned long)undertow_service_back,
		.cs = __KERNEL_CS,
		.rflags = X86_EFLAGS_FIXED,
		.rsp = rsp,
		.ss = __KERNEL_DS,
		.view = view,
	};
}

/**
 * undertow_serve() - a compartment has asked for a service
 * @service: which one
 * @block: where its arguments are
 * @bytes: how many
 * @resume: to be filled with how the compartment goes on
 * @rsp: the stack pointer that it wants then
 *
 * All but @resume is as the compartment wants it. Called by the gate with
 * interrupts off, on the caller's stack, in view 0.
 *
 * Return: as undertow_fault().
 */
asmlinkage struct undertow_ret undertow_serve(const void *service, u64 block,
					      u64 bytes,
					      struct undertow_resume *resume,
					      u64 rsp)
{
	struct undertow_crossing *crossing = __this_cpu_read(undertow_crossing);
	struct undertow_serving serving = {
		.service = service, .block = block, .bytes = bytes,
	};
	struct undertow_ret ret = {};
	s64 denied, status;

	/* Somebody used the gate without undertow_cross(). */
	if (WARN_ON_ONCE(!crossing)) {
		ret.status = -EACCES;
		return ret;
	}

	serving.call = crossing->call;
	undertow_step_out(crossing);
	denied = serve(&serving);
	status = undertow_step_back(crossing);
	if (denied && !status) {
		undertow_rs_denied(crossing, denied, &serving);
		ret.status = denied;
		ret.value = denied == -EACCES ? (u64)service : block;
	} else if (status) {
		undertow_rs_ended(crossing, status, false);
		ret.status = status;
	} else {
		make_context(resume, serving.result, rsp, crossing->view);
		crossing->has_context = true;
		ret.status = UNDERTOW_GO_ON;
	}
	return ret;
}
