#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The API still writes a region in a sealed system, if it was locked before.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-alone: yes

. /ut/lib.sh

plan 2
mark
load undertow_regions seal=1 2>&1 | sed 's/^/# /'
since | sed -n 's/.*UT-REGIONS \(.*\)/\1/p' >/tmp/regions
sed 's/^/# /' /tmp/regions
grep -qx 'write error=0 new=1 old=0' /tmp/regions
result $? 'a region that was locked before the seal is written after it'
grep -qx 'root error=-14 new=0 old=1' /tmp/regions
result $? '... and still not by a write in view 0'
finish
