#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The cost table, for make bench; and what must hold of it.
#
# ut-cpus: 1
# ut-backends: all

. /ut/lib.sh

case $(backend) in
hypercall-*) crossings=10000 per_crossing=3 ;;
*) crossings=1000000 per_crossing=0 ;;
esac

mark
load undertow_bench "crossings=$crossings" || exit 1
since | sed -n 's/.*\(UT-COST .*\)/\1/p' >/tmp/costs
rmmod undertow_bench
cat /tmp/costs

# cost NAME: its whole part
cost() { sed -n "s/^UT-COST $1=\([0-9]*\).*/\1/p" /tmp/costs; }

plan 6
[ "$(cost crossings)" = "$crossings" ] && [ "$(cost crossings_failed)" = 0 ]
result $? "$crossings crossings come back by themselves"
# An interrupt that waits for its end makes a long measurement exit once more.
[ $(($(cost crossing_exits) / crossings)) = "$per_crossing" ] &&
	{ [ "$per_crossing" != 0 ] || [ "$(cost crossing_exits)" = 0 ]; }
result $? "... with $per_crossing VM exits each"
case $(backend) in
hypercall-*) [ "$(cost crossing)" -lt 20000 ] ;;
*) [ "$(cost crossing)" -le 90 ] && [ "$(cost hypercall_switch)" -ge $((20 * $(cost crossing))) ] ;;
esac
result $? '... and not too many instructions'
# What is left of three switches by the host is the way in.
case $(backend) in
vmfunc-ve) denied=0 by_host=1 ;;
vmfunc-*) denied=1 by_host=1 ;;
*) denied=2 by_host=2 ;;
esac
[ "$(cost inside_deny_exits)" = "$denied" ] &&
	[ "$(cost inside_deny_by_host_exits)" = "$by_host" ]
result $? "a call that is denied something has $denied VM exits, by the host $by_host"
services=$((crossings / 10))
[ "$(cost services)" = "$services" ] && [ "$(cost services_failed)" = 0 ]
result $? "$services calls with a service inside come back by themselves"
# The call itself, and out and in once more.
[ $(($(cost service_exits) / services)) = $((2 * per_crossing)) ] &&
	{ [ "$per_crossing" != 0 ] || [ "$(cost service_exits)" = 0 ]; }
result $? "... with $((2 * per_crossing)) VM exits each"
finish
