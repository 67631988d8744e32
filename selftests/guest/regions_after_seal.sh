#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A region that is locked in a sealed system is written by nobody, if there was
# none before: there is no view in which it could be.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-alone: yes

. /ut/lib.sh

plan 2
mark
load undertow_regions seal=2 2>&1 | sed 's/^/# /'
since | sed -n 's/.*UT-REGIONS \(.*\)/\1/p' >/tmp/regions
sed 's/^/# /' /tmp/regions
grep -qx 'write error=-1 new=0 old=1' /tmp/regions
result $? 'a region that is locked after the seal is not written by the API'
grep -qx 'root error=-14 new=0 old=1' /tmp/regions
result $? '... nor by a write in view 0'
finish
