#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Last program on a debug kernel: looks for leaks, now that all VMs are gone,
# and then provokes what the run before was free of, to show that it would have
# been seen.

leaks=/sys/kernel/debug/kmemleak
provoke=/sys/kernel/debug/provoke-crash/DIRECT
number=0
failed=0

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}

# said TEXT: did the kernel, since the last time?
said() {
	dmesg -c >/tmp/said
	grep -q "$1" /tmp/said
}

scan() {
	sleep 6
	echo scan >$leaks
	sleep 6
	echo scan >$leaks
	cat $leaks >/tmp/leaks
}

echo 1..6
scan
sed 's/^/# /' /tmp/leaks
! grep -q 'unreferenced object' /tmp/leaks
result $? 'nothing leaked'
# Lockdep looks no further after its first complaint, or when it is out of
# memory; it must have looked until here.
grep -q '^ *debug_locks: *1' /proc/lockdep_stats
result $? 'lockdep is still at work'

echo '<3>UT-PROVOKED' >/dev/kmsg
dmesg -c >/dev/null
echo WARNING >$provoke
said 'WARNING: '
result $? 'a warning is seen'
echo READ_AFTER_FREE >$provoke
said 'KASAN: .*use-after-free'
result $? 'a use after free is seen'
echo ARRAY_BOUNDS >$provoke
said 'UBSAN: '
result $? 'an index out of bounds is seen'
insmod /tests/kmemleak-test.ko
scan
grep -q 'unreferenced object' /tmp/leaks
result $? 'a leak is seen'
exit $failed
