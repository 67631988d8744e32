// SPDX-License-Identifier: GPL-2.0
/*
 * Writing forbidden bytes into text, for tests of the scanner and of what is
 * left when it is off. CONFIG_UNDERTOW_SELFTEST only.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/text-patching.h>
#include <linux/undertow.h>

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
