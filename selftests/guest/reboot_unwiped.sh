#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A host that wipes nothing (bit 10 of kvm.views_break): the same search finds
# the keys, or the tests that find none could not fail.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2 kvm.views_break=1024
# ut-guest: undertow=require
# ut-boots: 2

. /ut/lib.sh
. /ut/jobs/reboot-lib

marks='' keys=''
first_boot && exit
plan 1
[ "$marks" -gt 0 ] && [ "$keys" -gt 0 ]
result $? 'keys of the first boot are found where nothing was wiped'
echo "# marks=$marks keys=$keys"
finish
