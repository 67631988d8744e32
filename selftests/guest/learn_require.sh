#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Where protection is required nothing learns, whatever else the command line
# says.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require undertow_learn

. /ut/lib.sh

plan 4
dmesg | grep -q 'undertow_learn is ignored: undertow=require'
result $? 'one line says that nothing will be learned'
mark
load undertow_learn 2>&1 | sed 's/^/# /'
line=$(since | sed -n 's/.*\(UT-LEARN .*\)/\1/p')
echo "# got: $line"
[ "$(echo "$line" | grep -c 'first=-14 again=-14 written=0 learned=0 .* region=-14 .* more=0')" = 1 ]
result $? '... and nothing is'
[ "$(since | grep -c 'compartment "learner" learns')" = 0 ]
result $? '... nor does the log say so'
[ $(($(cat /proc/sys/kernel/tainted) & 64)) = 0 ]
result $? '... and the kernel is not tainted for it'
rmmod undertow_learn
finish
