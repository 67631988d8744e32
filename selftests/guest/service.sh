#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Services: compartments ask view 0 for what is on their list, and get it, and
# nothing else.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-timeout: 900

. /ut/lib.sh

# service WANTED NAME PARAMETER...
service() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_service "$@" 2>&1 | sed 's/^/# /'
	grep 'times served' /sys/kernel/debug/undertow/status >/tmp/listed
	rmmod undertow_service 2>/dev/null
	line=$(since | sed -n 's/.*\(UT-SERVICE .*\)/\1/p')
	echo "# wanted: $wanted"
	echo "# got: $line"
	since | sed -n 's/.*\(undertow: compartment "[^"]*": .*ended with an error\)/# log: \1/p' | head -n 2
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

if [ "$(nproc)" -gt 1 ]; then
	moved='[1-9][0-9]*'
	nmis='nmis=[1-9][0-9]* inside=[1-9][0-9]*'
else
	moved='0'
	nmis='nmis=0 inside=0'
fi
good='works=0 stacks=0$'

plan 11
service 'sum=0xffffffffffffffff len=3 out=2542532527 short=-28 big=-7 outside=5 ' \
	'values and slices go out and come back' test=0
grep -q '"asker".*' /sys/kernel/debug/undertow/status || sed 's/^/# /' /tmp/listed
grep -q ' 3 times served, may have "add" "flip" "nap" "park" "tally" "tear" "visit" "watch"$' /tmp/listed
result $? '... which the status file tells'
service "round=2 round_error=0 far=4 error=-40 $good" \
	'a service calls into another compartment, and so on to a limit' test=1
service "good=20 moved=$moved stacks=0$" 'a service sleeps, and its thread goes on on another CPU' test=2
service 'irqs_off=-11 works=0 rcu=-11 works=0 else=0 stacks=0$' \
	'a service that sleeps is refused where the caller may not sleep' test=3
service "meanwhile=-108 early=1,1 result=-108 more=0 restarted=0 $good" \
	'a compartment that is killed while its service runs ends when that returns' test=4
service 'result=0 more=1 ' '... and goes on when the kill does not reach it' test=4 weaken=4
service 'short=0 more=1 late=-110 more=0 dead=-108 again=0 stacks=0$' \
	'the time in a service counts against the deadline' test=5
service "call=-108 inside=-35 dead=-108 restarted=0 $good" \
	'a service cannot restart the compartment that waits for it' test=6
service "times=1000 good=1000 bad=1000 .*stacks=0$" 'many calls and denials leave nothing behind' test=10
service "served=40000 ended=0 errors=0 ticks=[1-9][0-9]* $nmis $good" \
	'each request is served once, whatever interrupts it' test=11
finish
