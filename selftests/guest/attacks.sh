#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Attacks from inside a compartment. Each is made twice: with all defences on
# it must be stopped, with its one defence off it must succeed, or the first
# result would prove nothing.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2

. /ut/lib.sh

# attack N WEAKEN WANTED NAME
attack() {
	mark
	load undertow_attack attack="$1" weaken="$2" 2>&1 | sed 's/^/# /'
	line=$(since | sed -n 's/.*\(UT-ATTACK .*\)/\1/p')
	rmmod undertow_attack 2>/dev/null
	since | sed -n 's/.*\(UT-\(VE\|TIMED\) .*\)/# \1/p'
	echo "# wanted: $3"
	echo "# got: $line"
	since | sed -n 's/.*\(undertow: compartment "[^"]*": [a-z]* .*;.*\)/# log: \1/p' | head -n 1
	[ "$(echo "$line" | grep -cE -- "$3")" = 1 ]
	result $? "$4"
}

plan 14
attack 0 0 'stopped=1 error=-14 disclosed=0 intact=1' 'reading a protected region is stopped'
attack 0 1 'stopped=0 error=0 disclosed=1' '... and succeeds when the view grants the right'
attack 1 0 'stopped=1 error=-14 .*intact=1' 'writing ordinary kernel memory is stopped'
attack 1 1 'stopped=0 error=0 .*intact=0' '... and succeeds when the view grants the right'
attack 2 0 'stopped=1 error=-14 disclosed=0' 'a VMFUNC outside the gate is stopped'
attack 2 1 'stopped=0 error=0 disclosed=1' '... and succeeds when view 0 may execute the text'
attack 3 0 'error=-8 ' 'text with a VMFUNC is refused by the scan'
attack 3 1 'error=0 ' '... and passes when the scan is off'
attack 4 0 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 and M2 on'
attack 4 1 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 alone'
attack 5 0 'stopped=1 error=-14 disclosed=0' 'view 0 is denied by a virtualization exception without a VM exit'
attack 5 1 'stopped=0 .*disclosed=1' '... and reads when the region is not locked'
attack 6 0 'stopped=1 error=-14 disclosed=0' 'reading the FPU registers of others is stopped'
attack 6 1 'stopped=0 error=0 disclosed=1' '... and succeeds when the gate leaves CR0.TS clear'
finish
