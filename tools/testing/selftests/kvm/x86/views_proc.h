/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host's kernel says it has in use, for tests that look for leaks.
 */
#ifndef SELFTEST_KVM_VIEWS_PROC_H
#define SELFTEST_KVM_VIEWS_PROC_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_util.h"

/* The number after @name in a file of /proc. */
static inline long proc_number(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	long val = -1;
	char line[256];

	TEST_ASSERT(f, "%s", file);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) &&
		    strspn(line + strlen(name), ": \t"))
			val = atol(line + strlen(name) + 1);
	}
	fclose(f);
	TEST_ASSERT(val >= 0, "no %s in %s", name, file);
	return val;
}

/* Pages that are pinned: #VE pages, as nothing else here does that. */
static inline long pinned(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	/* Else what each CPU has counted is added up once a second only. */
	if (fd >= 0) {
		TEST_ASSERT_EQ(write(fd, "1", 1), 1);
		close(fd);
	}
	return proc_number("/proc/vmstat", "nr_foll_pin_acquired") -
	       proc_number("/proc/vmstat", "nr_foll_pin_released");
}

#endif /* SELFTEST_KVM_VIEWS_PROC_H */
