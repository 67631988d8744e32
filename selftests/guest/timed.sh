#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The timed jump to the gate's last VMFUNC, on a host without guard M1: with
# guard M2 alone it must not hit. With neither it must, or the tests that say
# "never hits" could not fail.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_guard=0
# ut-guest: undertow=require

. /ut/lib.sh

# timed WEAKEN TRIES WANTED NAME
timed() {
	mark
	load undertow_attack attack=4 weaken="$1" tries="$2" 2>&1 | sed 's/^/# /'
	since | sed -n 's/.*\(UT-TIMED .*\)/# \1/p'
	line=$(since | sed -n 's/.*\(UT-ATTACK .*\)/\1/p')
	rmmod undertow_attack 2>/dev/null
	echo "# wanted: $3"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$3")" = 1 ]
	result $? "$4"
}

plan 2
timed 0 6000 'stopped=1 .*intact=1' 'the timed jump into the gate never hits, M2 alone'
timed 1 60000 'stopped=0 .*intact=0' '... and hits when both guards are off'
finish
