#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The cost table, for make bench.

. /ut/lib.sh

dmesg -c >/dev/null
load undertow_bench "crossings=${UT_CROSSINGS:-1000000}" || exit 1
dmesg | sed -n 's/.*\(UT-COST .*\)/\1/p'
rmmod undertow_bench
