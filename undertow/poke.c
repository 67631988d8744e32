// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to write text that nobody should have, for tests of what is left when
 * somebody does. CONFIG_UNDERTOW_SELFTEST only.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/text-patching.h>
#include <linux/undertow.h>
#include <linux/vmalloc.h>

/**
 * undertow_selftest_poke() - change text of a module that is not isolated yet
 * @addr: in module text
 * @bytes: what to write
 * @len: how much, within a page
 */
int undertow_selftest_poke(void *addr, const void *bytes, size_t len)
{
	if (!is_module_text_address((unsigned long)addr))
		return -EINVAL;
	return text_poke_copy(addr, bytes, len) ? 0 : -EFAULT;
}

/**
 * undertow_selftest_alias() - map a page of text a second time, writable
 * @addr: any kernel address
 *
 * The kernel never does this: its page tables keep text read-only under every
 * name. With it, only the rights of the view are left. May sleep.
 *
 * Return: the same byte under its new name, NULL without memory. Goes with
 * undertow_selftest_unalias().
 */
void *undertow_selftest_alias(void *addr)
{
	struct page *page = pfn_to_page(undertow_gfn(addr));
	void *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	return alias ? alias + offset_in_page(addr) : NULL;
}

void undertow_selftest_unalias(void *alias)
{
	vunmap((void *)((unsigned long)alias & PAGE_MASK));
}
