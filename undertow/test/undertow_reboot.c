// SPDX-License-Identifier: GPL-2.0
/*
 * What is left of a kernel's secrets for the next one in the same VM.
 *
 * Loaded in the first boot, it leaves marks in ordinary memory and keys in frames
 * that view 0 may not read, as if they were some compartment's. Loaded in the
 * second, it counts both. A word of either depends on its physical address, so
 * that no copy counts, e.g. one in a log or a page table.
 *
 *	UT-REBOOT marks=... keys=...
 *
 * Marks must have survived, or the search shows nothing.
 */
#define pr_fmt(fmt) "undertow: " fmt

#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/desc.h>
#include <asm/kvm_views.h>

#define NR_MARKS	4096
/* The page allocator's largest block. */
#define NR_KEYS		1024
#define MARK		0x6d61726b73u
#define KEY		0x6b657973u

static bool hard;
module_param(hard, bool, 0444);
MODULE_PARM_DESC(hard, "In the first boot: reset the VM by a triple fault, right away");

/* Read once, by its physical address. */
static struct kvm_view_op op __aligned(sizeof(struct kvm_view_op));

static u64 word(unsigned long pfn, u64 kind)
{
	return hash_64(pfn * 2 + 1, 63) ^ kind << 20;
}

/* The pages stay as they are until the VM is reset. */
static void fill(void *page, u64 kind)
{
	*(u64 *)page = word(PHYS_PFN(__pa(page)), kind);
}

static void count(unsigned long *marks, unsigned long *keys)
{
	unsigned long pfn;
	u64 val;

	for (pfn = 0; pfn < (4ul << 30 >> PAGE_SHIFT); pfn++) {
		if (!pfn_valid(pfn) ||
		    copy_from_kernel_nofault(&val, __va(PFN_PHYS(pfn)),
					     sizeof(val)))
			continue;
		*marks += val == word(pfn, MARK);
		*keys += val == word(pfn, KEY);
	}
}

static int hide(void *first, unsigned long npages)
{
	op = (struct kvm_view_op) {
		.type = KVM_VIEW_OP_PROTECT,
		.gfn = PHYS_PFN(__pa(first)),
		.npages = npages,
	};
	return kvm_hypercall4(KVM_HC_VIEWS, KVM_VIEWS_SET,
			      slow_virt_to_phys(&op), 1, 0) == 1 ? 0 : -EIO;
}

static int __init reboot_init(void)
{
	const struct desc_ptr no_idt = {};
	unsigned long marks = 0, keys = 0;
	void *page;
	int i, ret;

	count(&marks, &keys);
	pr_info("UT-REBOOT marks=%lu keys=%lu\n", marks, keys);
	if (marks)
		return 0;

	for (i = 0; i < NR_MARKS; i++) {
		page = (void *)__get_free_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		fill(page, MARK);
	}
	page = alloc_pages_exact(NR_KEYS * PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	for (i = 0; i < NR_KEYS; i++)
		fill(page + i * PAGE_SIZE, KEY);

	ret = hide(page, NR_KEYS);
	if (ret)
		return ret;

	if (hard) {
		load_idt(&no_idt);
		asm volatile("int3");
	}
	return 0;
}
module_init(reboot_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What is left of a kernel's secrets for the next one");
