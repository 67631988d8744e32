#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# First program on a debug kernel: leaks memory on purpose, which debug-end then
# has to find. So early, because the allocator keeps stale pointers to what it
# gave out last, and memory that one of them points to is no leak for kmemleak.

echo 1..1
if insmod /tests/kmemleak-test.ko; then
	echo 'ok 1 a leak is made'
else
	echo 'not ok 1 a leak is made'
	exit 1
fi
