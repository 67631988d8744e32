// SPDX-License-Identifier: GPL-2.0
/*
 * Guest frames: which one backs an address, and where pages of our own come
 * from.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/undertow.h>
#include <asm/desc.h>
#include <asm/sections.h>
#include "internal.h"

/**
 * undertow_gfn() - guest frame behind a mapped kernel address
 * @addr: any kernel address: direct map, image, module or vmalloc
 */
u64 undertow_gfn(const void *addr)
{
	return slow_virt_to_phys((void *)addr) >> PAGE_SHIFT;
}

/**
 * undertow_idt_gfn() - guest frame of the IDT
 *
 * All CPUs share it. IDTR holds its alias in the CPU entry area, which __pa()
 * can't translate.
 */
u64 undertow_idt_gfn(void)
{
	struct desc_ptr idtr;

	store_idt(&idtr);
	return undertow_gfn((void *)idtr.address);
}

/**
 * undertow_max_gfn() - the frame after the last one of memory
 */
u64 undertow_max_gfn(void)
{
	return max_pfn;
}

/**
 * undertow_ve_page_gfn() - guest frame of a CPU's #VE information page
 */
u64 undertow_ve_page_gfn(unsigned int cpu)
{
	return per_cpu_ptr_to_phys(per_cpu_ptr(&undertow_ve_page, cpu)) >> PAGE_SHIFT;
}

/**
 * undertow_next_cpu() - the next possible CPU after @cpu, nr_cpu_ids if none
 * @cpu: -1 to begin
 */
unsigned int undertow_next_cpu(int cpu)
{
	return cpumask_next(cpu, cpu_possible_mask);
}

/* Freed parts of the kernel's image are ordinary memory. */
static bool in_image(void *addr, size_t bytes)
{
	phys_addr_t start = __pa(addr);

	return start < __pa_symbol(_end) && start + bytes > __pa_symbol(_text);
}

/**
 * undertow_pages_alloc() - zeroed pages of their own, contiguous
 * @bytes: rounded up to pages
 *
 * Not from slab, which would share a page with others. As large as the page
 * allocator's largest block, 4 MiB. Not where the kernel's image was loaded: when
 * the VM is reset, the VMM loads it again, and then the host wipes what only
 * views could read.
 *
 * Context: May sleep.
 * Return: direct-map address, or NULL.
 */
void *undertow_pages_alloc(size_t bytes)
{
	void *addr, *rejected = NULL, *next;

	for (;;) {
		addr = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO |
						__GFP_NOWARN);
		if (!addr || !in_image(addr, PAGE_ALIGN(bytes)))
			break;
		/* Not given back before another one is found. */
		*(void **)addr = rejected;
		rejected = addr;
	}
	for (; rejected; rejected = next) {
		next = *(void **)rejected;
		free_pages_exact(rejected, bytes);
	}
	return addr;
}

/**
 * undertow_pages_free() - give pages back; the caller has wiped them and
 * restored their rights
 */
void undertow_pages_free(void *addr, size_t bytes)
{
	free_pages_exact(addr, bytes);
}
