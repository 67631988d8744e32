#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In a sealed system a compartment can be killed and not be restarted.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-alone: yes

. /ut/lib.sh

plan 1
mark
load undertow_kill test=4
line=$(since | sed -n 's/.*\(UT-KILL .*\)/\1/p')
echo "# got: $line"
echo "$line" | grep -q 'killed=0 after=-108 restarted=-1 again=-108'
result $? 'after the seal a kill is for good'
finish
