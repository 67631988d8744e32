#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The cost table, for make bench.

. /ut/lib.sh

mark
load undertow_bench "crossings=${UT_CROSSINGS:-1000000}" || exit 1
since | sed -n 's/.*\(UT-COST .*\)/\1/p'
rmmod undertow_bench
