#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Regions that the kernel may only read are written by who is meant to write
# them, and by nobody else.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-backends: all

. /ut/lib.sh

# regions PARAMETER...: the lines of a run, in /tmp/regions
regions() {
	mark
	load undertow_regions "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_regions 2>/dev/null
	since | sed -n 's/.*UT-REGIONS \(.*\)/\1/p' >/tmp/regions
	echo "# regions $*"
	sed 's/^/# /' /tmp/regions
}

# says NAME LINE...: the run said this
says() {
	name=$1
	shift
	good=0
	for line; do
		if ! grep -qx "$line" /tmp/regions; then
			echo "# wanted: $line"
			good=1
		fi
	done
	result $good "$name"
}

plan 15
regions
says 'a write by the API lands, across pages' 'write error=0 new=1 old=0'
case $(backend) in
hypercall-*) exits=3 ;;
*) exits=0 ;;
esac
says '... with the exits of one crossing' "cost exits=$exits"
says 'a write in view 0 is stopped' 'root error=-14 new=0 old=1'
says 'another compartment neither reads nor writes' \
	'load error=-14 read=0' 'store error=-14 new=0 old=1'
says 'a write beside the region is refused' 'beside error=-22 new=0 old=1' \
	'range end=-22 across=-22 far=-22 empty=0'
says 'what a compartment can not read is not written' 'secret error=-14 old=1'
says 'a region can belong to one compartment, which writes' 'owner error=0 new=1 old=0'
says '... and nobody else does' 'not_owner error=-14 new=0 old=1' \
	'not_kernel error=-1 new=0 old=1'
says 'the kernel reads what is locked' 'seen=1'
grep -q 'compartment "writer", .* calls, [1-9][0-9]* ended by a fault' /sys/kernel/debug/undertow/status
result $? 'the status file knows who writes, and of its faults'
grep -qx 'findings: 0' /sys/kernel/debug/undertow/walk
result $? 'nothing that is written so can be executed'

regions weaken=1
says 'without the lock the write in view 0 lands' 'root error=0 new=1 old=0'
regions weaken=2
says 'without the check the view stops a write beside the region' 'beside error=-14 new=0 old=1'
regions weaken=3
says '... and lands without both' 'beside error=0 new=1 old=0'
regions weaken=4
says 'another compartment with the right reads and writes' 'load error=0 read=1' \
	'store error=0 new=1 old=0'
finish
