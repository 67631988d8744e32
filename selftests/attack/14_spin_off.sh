#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 14: without the limit of the host a compartment can take its time.
# Shows that 14_spin.sh shows something.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_irq_limit_us=0
# ut-guest: undertow=require

. /ut/lib.sh

plan 1
mark
load undertow_attack attack=9 2>&1 | sed 's/^/# /'
line=$(since | sed -n 's/.*\(UT-ATTACK .*\)/\1/p')
echo "# got: $line"
echo "$line" | grep -q 'name=spin .*stopped=0 error=0 disclosed=1'
result $? 'a compartment takes its time when the host sets no limit'
rmmod undertow_attack
finish
