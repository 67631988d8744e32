#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU comes and goes while compartments run: each call ends as it should, none
# on a CPU that the host does not know.
#
# ut-cpus: 2
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

status=/sys/kernel/debug/undertow/status
online=/sys/devices/system/cpu/cpu1/online
fact() { sed -n "s/.*UT-STRESS name=$1 .*$2=\(-*[0-9]*\).*/\1/p" /tmp/stress; }
# is A OP B: a missing number is no number.
is() { [ -n "$1" ] && test "$1" "$2" "$3"; }

# stress PARAMETER...: the lines it prints, in /tmp/stress
stress() {
	mark
	load undertow_stress "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_stress
	since | grep -E 'UT-(STRESS|WRONG)' >/tmp/stress
	sed 's/^/# /' /tmp/stress
}

plan 8
echo 0 >"$online"
grep -q '^CPU 0: registered$' "$status" && grep -q '^CPU 1: not registered$' "$status"
result $? 'a CPU that goes is not registered any more'
stress seconds=1
is "$(fact calls good)" -gt 0 && is "$(fact calls wrong)" = 0
result $? '... and the other one makes calls'
echo 1 >"$online"
grep -q '^CPU 1: registered$' "$status"
result $? 'one that comes is registered'

stress seconds=12 &
rounds=0
while [ -d "/proc/$!" ]; do
	echo 0 >"$online"
	usleep 100000
	echo 1 >"$online"
	usleep 300000
	rounds=$((rounds + 1))
done
wait
echo "# it went and came $rounds times"
[ "$rounds" -ge 4 ]
result $? 'it comes and goes while compartments run'
is "$(fact calls good)" -gt 0 && is "$(fact calls wrong)" = 0 &&
	is "$(fact regions wrong)" = 0 && is "$(fact lives wrong)" = 0
result $? '... and disturbs no call, no region, no restart'
[ "$(fact left stacks)$(fact left views)$(fact left regions)$(fact left runs)" = 0000 ]
result $? '... and leaves nothing behind'

# The host does not know it: calls there are refused, not made without protection.
echo 0 >"$online"
echo 1 >/sys/kernel/debug/undertow/unregistered
echo 1 >"$online"
stress seconds=2
is "$(fact calls good)" -gt 0 && is "$(fact calls wrong)" -gt 0 &&
	! grep 'UT-WRONG' /tmp/stress | grep -qvE 'got=Err\((ENODEV|Error\(-?19\))\)'
result $? 'calls on a CPU that is not registered are refused'
echo 0 >"$online"
echo 0 >/sys/kernel/debug/undertow/unregistered
echo 1 >"$online"
stress seconds=1
is "$(fact calls good)" -gt 0 && is "$(fact calls wrong)" = 0
result $? '... until it is'
finish
