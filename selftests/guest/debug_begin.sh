#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# First job on a guest kernel that checks itself (make check-lockdep): what checks
# locks finds what it should.
#
# ut-cpus: 1 2
# ut-part: lockdep

. /ut/lib.sh

plan 1
dmesg | grep -E 'Good, all +[0-9]+ testcases passed'
result $? 'lockdep passes its own tests'
finish
