/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Switch defences of the host off, to show that a test notices.
 */
#ifndef SELFTEST_KVM_VIEWS_WEAKEN_H
#define SELFTEST_KVM_VIEWS_WEAKEN_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_util.h"

#include "../../../../../arch/x86/kvm/views_break.h"

/* As with the parameter itself: bits of enum kvm_views_break. */
static unsigned long views_weakened;

static inline void views_write_param(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	TEST_ASSERT(fd >= 0 && write(fd, value, strlen(value)) ==
		    (ssize_t)strlen(value), "can't write %s to %s", value,
		    path);
	close(fd);
}

static inline void views_weaken(unsigned long bits)
{
	char value[32];

	snprintf(value, sizeof(value), "%lu", bits);
	views_write_param("/sys/module/kvm/parameters/views_break", value);
	views_weakened = bits;
}

static inline void views_strengthen(void)
{
	if (views_weakened)
		views_weaken(0);
}

/* Can defences be switched off here?  They are on again when the test ends. */
static inline bool views_can_weaken(void)
{
	atexit(views_strengthen);
	return !access("/sys/module/kvm/parameters/views_break", W_OK);
}

#endif /* SELFTEST_KVM_VIEWS_WEAKEN_H */
