#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the system says of itself, and what it refuses, on a host that offers
# views.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-alone: yes

. /ut/lib.sh

debug=/sys/kernel/debug/undertow

plan 10
grep -q '^back end: VMFUNC + hardware #VE$' $debug/status
result $? 'the status file says which back end is in use'
[ "$(grep -c '^CPU [0-9]*: registered' $debug/status)" = "$(nproc)" ]
result $? 'every CPU is registered with the host'

load undertow_elf
result $? 'the sample driver loads'
grep -q '^state: enforced$' $debug/status && grep -q 'compartment "elf"' $debug/status
result $? 'the status file lists its view'
load undertow_attack attack=0 && rmmod undertow_attack
result $? 'another compartment comes and goes'
rmmod undertow_elf
result $? 'the sample driver unloads before the seal'
load undertow_elf
result $? '... and loads again'

echo 1 >$debug/seal && grep -q '^sealed: true$' $debug/status
result $? 'the system can be sealed'
! rmmod undertow_elf 2>/dev/null
result $? 'after the seal no compartment goes'
mark
! load undertow_attack attack=0 2>/dev/null && since | grep -q 'refused: the system is sealed'
result $? '... and none comes'
sed 's/^/# /' $debug/status
finish
