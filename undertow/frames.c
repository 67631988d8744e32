// SPDX-License-Identifier: GPL-2.0
/*
 * Counting free frames, for tests that look for leaks.  CONFIG_UNDERTOW_SELFTEST
 * only.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/undertow.h>
#include <linux/vmstat.h>
#include "internal.h"

/* Frames that CPUs keep at hand. */
static unsigned long kept_frames(void)
{
	unsigned long frames = 0;
	struct zone *zone;
	unsigned int cpu;

	for_each_populated_zone(zone)
		for_each_online_cpu(cpu)
			frames += READ_ONCE(per_cpu_ptr(zone->per_cpu_pageset,
							cpu)->count);
	return frames;
}

/**
 * undertow_selftest_free_frames() - frames that nobody uses
 *
 * Context: May sleep.
 */
unsigned long undertow_selftest_free_frames(void)
{
	rcu_barrier();
	return global_zone_page_state(NR_FREE_PAGES) + kept_frames();
}
