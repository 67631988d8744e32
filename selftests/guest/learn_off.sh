#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A compartment that asks to learn, in a kernel that was not booted for it, is
# isolated like any other.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2

. /ut/lib.sh

plan 2
mark
load undertow_learn 2>&1 | sed 's/^/# /'
line=$(since | sed -n 's/.*\(UT-LEARN .*\)/\1/p')
echo "# got: $line"
[ "$(echo "$line" | grep -c 'first=-14 again=-14 written=0 learned=0 .* region=-14 .* more=0')" = 1 ]
result $? 'without the boot parameter nothing is learned'
[ $(($(cat /proc/sys/kernel/tainted) & 64)) = 0 ]
result $? '... and the kernel is not tainted for it'
rmmod undertow_learn
finish
