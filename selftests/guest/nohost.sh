#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A host that offers no views, undertow=auto (the default): one line says so,
# and the sample works unprotected.
#
# ut-cpus: 1
# ut-samples: yes
# ut-host: kvm.guest_views=0

. /ut/lib.sh

plan 8
[ "$(dmesg | grep -c 'undertow: not available: the host offers no views')" = 1 ]
result $? 'one line says that nothing is enforced'
load undertow_elf
result $? 'the sample driver loads'
dmesg | grep -q 'undertow: compartment "elf" runs unprotected'
result $? '... and the log says that it runs unprotected'
grep -q '^state: not enforced$' /sys/kernel/debug/undertow/status
result $? 'so does the status file'
ut_elf /bin/busybox >/dev/null
result $? 'the sample driver works'
rmmod undertow_elf && load undertow_elf && rmmod undertow_elf
result $? '... and unloads and loads again'
mark
load undertow_service test=0 && rmmod undertow_service
since | grep -q 'UT-SERVICE name=values sum=0xffffffffffffffff len=3 out=2542532527 short=-28 big=-7 outside=5'
result $? 'services are ordinary calls'
mark
load undertow_regions tries=0 && rmmod undertow_regions
since | grep -q 'UT-REGIONS write error=0 new=1 old=0' &&
	since | grep -q 'UT-REGIONS beside error=-22 new=0 old=1'
result $? 'regions are ordinary memory, and written by the same rules'
finish
