#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 4 and 10: attacks on the way back into a compartment after an event.
# Each that a single defence stops is made twice: with that defence off it must
# succeed.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

# resume WANTED NAME PARAMETER...
resume() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_resume "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_resume 2>/dev/null
	line=$(since | sed -n 's/.*\(UT-RESUME .*\)/\1/p')
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

some='[1-9][0-9]*'
# Not one try came back as if nothing had happened.
all='tries=([0-9]+) ended=\1'

plan 9
resume "reached=$some through=0 .*disclosed=0 intact=1 alive=1" \
	'the landing and the restore tail can be entered at every byte' attack=0
resume "reached=$some through=$some .*disclosed=1 .*alive=1" \
	'... and what runs then reads the key if its view may' attack=0 weaken=1
resume "$all .*disclosed=0 intact=1 alive=1" \
	'forged selectors, flags and addresses lead nowhere' attack=1
resume "$all reached=0 .*disclosed=0 intact=1 alive=1" \
	'no stack pointer lets the tail write, or read what is protected' attack=2
resume 'tries=8 ended=8 .*status=-14 .*alive=1' \
	'an event in a tail that nobody was to run ends the call' attack=3
resume 'tries=8 ended=8 .*status=-110 .*alive=1' \
	'... and goes unnoticed until the deadline when the place is not looked at' attack=3 weaken=1
resume 'tries=8 ended=8 .*status=-110 disclosed=0 .*alive=1' \
	'an event in the tail of a call that was resumed leads back to where that was' attack=5
resume 'tries=1 ended=1 .*status=-14 disclosed=0 .*alive=1' \
	'a record that speaks of another compartment ends the call' attack=4
resume 'tries=1 ended=0 .*status=0 disclosed=1 .*alive=1' \
	'... and discloses its key when the crossing is not asked' attack=4 weaken=1
finish
