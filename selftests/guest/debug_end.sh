#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Last job on a guest kernel that checks itself (make check-lockdep): it did so
# until here, and a complaint would have been seen.
#
# ut-cpus: 1 2
# ut-part: lockdep

. /ut/lib.sh

provoke=/sys/kernel/debug/provoke-crash/DIRECT

plan 3
grep -q '^ *debug_locks: *1' /proc/lockdep_stats
result $? 'lockdep is still at work'
echo '<3>UT-PROVOKED' >/dev/kmsg
mark
echo WARNING >$provoke
since | grep -q 'WARNING: '
result $? 'a warning is seen'
mark
echo ARRAY_BOUNDS >$provoke
since | grep -q 'UBSAN: '
result $? 'an index out of bounds is seen'
finish
