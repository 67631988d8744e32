#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Last program on a debug kernel: looks for leaks, now that all VMs are gone,
# and provokes what the run before was free of, to show that it would have been
# seen.

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

# Of the leaks, each with its backtrace: those that a module made on purpose, or
# the others.
found() {
	awk -v want="$1" '
		function put() { if (text != "" && planted == want) printf "%s", text }
		/^unreferenced object/ { put(); text = ""; planted = 0 }
		/kmemleak_test/ { planted = 1 }
		{ text = text "# " $0 "\n" }
		END { put() }' /tmp/leaks
}

echo 1..6
# Lockdep looks no further after its first complaint, or when it is out of
# memory; it must have looked until here.
grep -q '^ *debug_locks: *1' /proc/lockdep_stats
result $? 'lockdep is still at work'

# See debug-begin: use the allocator a while. Only what two scans miss is a leak,
# and what is not younger than 5 s.
for _ in 1 2 3; do
	find /proc /sys -maxdepth 3 2>/dev/null | wc -l >/dev/null
done
sleep 6
echo stack=off >$leaks
echo scan >$leaks
echo scan >$leaks
cat $leaks >/tmp/leaks
# The rest is more of the same, and a log has its limits.
found 0 | head -n 200
[ -z "$(found 0)" ]
result $? 'nothing leaked'
[ -n "$(found 1)" ]
result $? 'a leak is seen'

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
exit $failed
