#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 16 and 18: a compartment asks for services that it may not have, and hands to
# those that it may have memory that is not its own, or changes meanwhile.
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
	rmmod undertow_service 2>/dev/null
	line=$(since | sed -n 's/.*\(UT-SERVICE .*\)/\1/p')
	echo "# wanted: $wanted"
	echo "# got: $line"
	since | sed -n 's/.*\(undertow: compartment "[^"]*": .*ended with an error\)/# log: \1/p' | head -n 2
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

good='works=0 stacks=0$'

plan 6
service "tries=8 ended=8 served=0 unlisted=0 $good" \
	'what is no service on the list is not called' test=7
service 'tries=1 ended=0 served=1 unlisted=1 ' '... and is when nobody looks at the list' test=7 weaken=1
service "tries=19 ended=19 short=1 good=3 sum=42 intact=1 $good" \
	'no service reads or writes what is not the own memory of the call' test=8
service 'tries=1 ended=0 .*intact=0 ' '... and does when nobody looks at the bounds' test=8 weaken=2
service "error=0 before=0x1111 after=0x1111 now=0x1111 $good" \
	'what changes while a service runs, the service does not see' test=9
service 'error=0 before=0x1111 after=0x2222 ' '... and does without a copy' test=9 weaken=3
finish
