// SPDX-License-Identifier: GPL-2.0
/*
 * #VE in view 0: ordinary kernel code touched a protected page.
 *
 * The CPU delivers it without a VM exit. Bare #VE, unlike TDX's, does not
 * block NMIs, and while the information page is busy the next violation
 * becomes an exit instead: so the record is copied and the page released
 * before anything else happens.
 */
#include <linux/extable.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/undertow.h>
#include "internal.h"

/**
 * undertow_has_fixup() - does the exception table know this instruction?
 */
bool undertow_has_fixup(unsigned long ip)
{
	return search_exception_tables(ip);
}

/**
 * undertow_ve_take() - read this CPU's #VE record, and release the page
 * @info: set to the record, or to one that isn't in use
 *
 * Context: Interrupts off.
 * Return: true if there was one.
 */
bool undertow_ve_take(struct kvm_ve_info *info)
{
	struct kvm_ve_info *page = this_cpu_ptr(&undertow_ve_page.info);

	info->busy = 0;
	if (READ_ONCE(page->busy) != ~0u)
		return false;

	*info = *page;
	barrier();
	WRITE_ONCE(page->busy, 0);
	return true;
}

/**
 * undertow_handle_ve() - a #VE arrived
 * @regs: the interrupted context
 * @addr: set to the linear address that was touched
 *
 * Context: Exception entry, interrupts off.
 * Return: true if the instruction is to be tried again, false if the access
 * is denied: the caller then fixes up or dies.
 */
bool undertow_handle_ve(struct pt_regs *regs, unsigned long *addr)
{
	struct kvm_ve_info info;

	/*
	 * An IPI can carry vector 20 too. Without the busy word there is no
	 * record, and nothing was denied.
	 */
	if (!undertow_ve_take(&info)) {
		pr_warn_ratelimited("undertow: vector 20 without a record\n");
		return true;
	}

	*addr = info.gla;
	undertow_rs_violation(&info, regs->ip);
	return false;
}
