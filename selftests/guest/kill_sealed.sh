#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In a sealed system compartments can be killed and restarted, but for those
# that were killed before.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-alone: yes

. /ut/lib.sh

# says N WANTED NAME: the Nth line with this name
says() {
	line=$(grep "$2" /tmp/lines | sed -n "$1p")
	echo "# wanted: $3"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$3")" = 1 ]
	result $? "$4"
}

plan 8
mark
load undertow_kill test=4 times=200 2>&1 | sed 's/^/# /'
since | sed -n 's/.*\(UT-KILL .*\)/\1/p' >/tmp/lines
says 1 name=before 'restarted=-1 again=-108' 'what was killed before the seal stays dead'
says 1 name=on_fault 'during=-131 after=-108 again=0 other=-131 other_after=0' \
	'after the seal a fault kills the compartment that asked for it, and a restart works'
says 1 name=in_flight 'early=0 killed=0 during=-108 after=-108 restarted=0 again=0' \
	'after the seal calls inside end when the compartment is killed, and a restart works'
if [ "$(nproc)" -gt 1 ]; then
	says 2 name=in_flight 'irqs_off=1 early=0 killed=0 during=-108 after=-108 restarted=0 again=0' \
		'... also calls made with interrupts off'
else
	skip '... also calls made with interrupts off' 'nobody could kill them: needs two CPUs'
fi
says '$' name=in_flight 'irqs_off=0 early=0 killed=0 during=0 after=-108 restarted=0 again=0' \
	'... and come to their end when the kill does not reach them'
says 1 name=begun 'during=-108 done=0 ' 'a call that was begun before the kill does not enter after it'
says 1 name=begun 'weak=0 weak_done=1' '... and does when the kill does not reach it'
says 1 name=restarts 'times=200 good=200 stacks=0 pages=(0|-[0-9]+) ' '200 restarts leave nothing behind'
finish
