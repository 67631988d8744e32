#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Compartments are killed with calls inside, and restarted: every call ends,
# nothing is left behind, and calls work again.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

# kill_test WANTED NAME PARAMETER...
kill_test() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_kill "$@" 2>&1 | sed 's/^/# /'
	grep -A 1 'compartment "\(mortal\|frail\)"' /sys/kernel/debug/undertow/status | sed 's/^/# /'
	rmmod undertow_kill 2>/dev/null
	line=$(since | sed -n 's/.*\(UT-KILL .*\)/\1/p')
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

plan 6
kill_test 'early=0 killed=0 during=-108 after=-108 restarted=0 again=0' \
	'calls inside end when the compartment is killed, and it works again after a restart' test=0
kill_test 'killed=0 during=0 after=-108 restarted=0 again=0' \
	'... and come to their end when the kill does not reach them' test=0 weaken=1
if [ "$(nproc)" -gt 1 ]; then
	kill_test 'early=0 killed=0 during=-108 after=-108 restarted=0 again=0' \
		'... also calls made with interrupts off' test=0 irqs_off=1
else
	skip '... also calls made with interrupts off' 'nobody could kill them: needs two CPUs'
fi
# Tables that the host drops meanwhile are no loss.
kill_test 'times=1000 good=1000 stacks=0 pages=(0|-[0-9]+) ' '1000 restarts leave nothing behind' test=1
kill_test 'during=-131 after=-108 again=0 other=-131 other_after=0' \
	'a fault kills the compartment that asked for it' test=2
kill_test 'kept=0x7ea50f wiped=0x0' 'what one life wrote, the next one does not find' test=3

finish
