#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 14: a compartment that keeps the interrupts of its CPU waiting is ended
# by the host.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_irq_limit_us=100000
# ut-guest: undertow=require

. /ut/lib.sh

plan 3
mark
load undertow_attack attack=9 2>&1 | sed 's/^/# /'
line=$(since | sed -n 's/.*\(UT-ATTACK .*\)/\1/p')
echo "# got: $line"
echo "$line" | grep -q 'name=spin .*stopped=1 error=-110 disclosed=0'
result $? 'a compartment that does not return in time is stopped with ETIMEDOUT'
since | grep -q 'undertow: compartment "attack": kept an interrupt waiting for too long'
result $? '... with a line in the log'
sleep 1
result $? '... and the CPU goes on'
rmmod undertow_attack
finish
