#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Calls, kills, restarts, regions that are given and taken, interrupts at any
# moment and moves to another CPU, all at once. For longer: scripts/stress.sh.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

seconds=$(sed -n 's/.* ut\.seconds=\([0-9]*\).*/\1/p' /proc/cmdline)
seconds=${seconds:-10}

# stress PARAMETER...: the lines it prints, in /tmp/stress
stress() {
	mark
	load undertow_stress "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_stress
	since | sed -n 's/.*UT-\(STRESS\|WRONG\) /\1 /p' >/tmp/stress
	sed 's/^/# /' /tmp/stress
}

fact() { sed -n "s/^STRESS name=$1 .*$2=\(-*[0-9]*\).*/\1/p" /tmp/stress; }
# is A OP B: a missing number is no number.
is() { [ -n "$1" ] && test "$1" "$2" "$3"; }

plan 7
stress seconds="$seconds"
is "$(fact calls good)" -gt 0 && is "$(fact calls dead)" -gt 0 && is "$(fact calls wrong)" = 0
result $? "$seconds seconds: calls return what they should, or are told that the compartment is dead"
is "$(fact regions read)" -gt 0 && is "$(fact regions denied)" -gt 0 && is "$(fact regions wrong)" = 0
result $? 'what is given can be read, and nothing else'
is "$(fact lives restarts)" -gt 0 && is "$(fact lives wrong)" = 0
result $? 'each restart succeeds'
is "$(fact total ticks)" -gt 0 &&
	{ [ "$(nproc)" = 1 ] || is "$(fact total moves)" -gt 0; }
result $? '... under interrupts, and moved between CPUs if there are two'
[ "$(fact left stacks)$(fact left views)$(fact left regions)$(fact left runs)" = 0000 ]
result $? 'no stack, view, region or run is left behind'
is "$(fact left frames)" -lt 256
result $? '... nor more memory than a kernel keeps for itself'
stress seconds=3 weaken=1
is "$(fact regions wrong)" -gt 0
result $? 'a region without protection is noticed'
finish
