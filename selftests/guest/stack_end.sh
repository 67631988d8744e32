#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the look at the caller's stack is for: without it, the host finds no room
# for its record when a call goes wrong, and ends the guest.
#
# ut-cpus: 1
# ut-ends: the host has no room for its record

. /ut/lib.sh

echo '# from here on the host has no room for its record'
sleep 1
load undertow_attack attack=8 left=380
sleep 2
echo 'not ok 1 the guest goes on'
exit 1
