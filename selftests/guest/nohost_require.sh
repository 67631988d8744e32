#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A host that offers no views, undertow=require: the guest boots, and isolated
# drivers refuse to load.
#
# ut-cpus: 1
# ut-samples: yes
# ut-host: kvm.guest_views=0
# ut-guest: undertow=require

. /ut/lib.sh

plan 4
dmesg | grep -q 'undertow: not available: .*isolated drivers will not register'
result $? 'one line says what will happen'
! load undertow_elf 2>/tmp/err
result $? 'the sample driver refuses to load'
grep -qi 'no such device' /tmp/err
result $? '... with ENODEV'
dmesg | grep -q 'undertow: compartment "elf" refused: protection is required'
result $? '... and the log says why'
sed 's/^/# /' /tmp/err
finish
