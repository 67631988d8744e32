#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Events that come while a compartment runs are handled, and the call goes on
# with every register as it was. A call that takes too long is ended.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

# events WANTED NAME PARAMETER...
events() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_events "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_events 2>/dev/null
	line=$(since | sed -n 's/.*\(UT-EVENTS .*\)/\1/p' | tail -n 1)
	since | sed -n 's/.*\(UT-COST .*\)/# \1/p'
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

some='[1-9][0-9]*'
good="wrong=0 ended=0 status=0 ticks=$some .*exact=1"

plan 14
events "name=timer .*$good" 'interrupts come while compartments run, and disturb none' test=0
events "resumed=$some" '... many of them inside' test=0 calls=200
events "name=timer .*ended=$some status=-4 .*exact=1" '... and end calls when nothing is resumed' \
	test=0 weaken=1

if [ "$(nproc)" -gt 1 ]; then
	events "name=nmi .*$good" 'NMIs come while compartments run, and disturb none' test=1
	events "nmis_inside=$some resumed=$some" '... many of them inside' test=1 calls=200
	events "name=nmi .*ended=$some status=-4 " \
		'... and end calls when nothing is resumed' test=1 weaken=1
	events "name=roam .*$good" 'callers move between CPUs while inside' test=7
else
	for number in 1 2 3 4; do
		skip "NMI and migration, $number" 'needs two CPUs'
	done
fi

events "name=irqs_off .*$good" 'interrupts wait for the end of a call made with interrupts off' test=2
events 'name=deadline .*ended=3 status=-110 .*exact=1' 'a call that takes too long is ended' \
	test=3 calls=3 loops=2500000
events 'name=deadline .*ended=0 status=0 .*exact=1' '... and is not when it has no deadline' \
	test=3 calls=3 loops=2500000 weaken=1
events 'name=deadline .*ended=3 status=-110 .*exact=1' \
	'... also when it is made with interrupts off' test=4 calls=3 loops=2500000

# 0x47203 was set inside: IF, IOPL, NT, AC, CF and the bit that is always set;
# 0x44 is what the last DEC leaves.
events "name=flags .*done=0x47 " 'a call that was resumed has lost IF, IOPL, NT and AC' \
	test=5 calls=1 loops=200000
events "name=flags .*done=0x47247 " '... and keeps them when the record is not cleaned' \
	test=5 calls=1 loops=200000 weaken=1
events 'name=inside ' 'what an event inside costs' test=6 calls=500
finish
