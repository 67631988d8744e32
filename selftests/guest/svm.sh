#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An AMD host that offers views, but whose CPU writes to page tables whenever it
# walks them: the guest must not rely on views there, and refuses isolated
# drivers where protection is required.
#
# ut-cpus: 1
# ut-samples: yes
# ut-model: qemu:EPYC
# ut-backends: svm
# ut-guest: undertow=require

. /ut/lib.sh

plan 4
dmesg | grep -q 'undertow: not available: on this host a compartment could write page tables (AMD); isolated drivers will not register'
result $? 'one line says why nothing is enforced'
grep -q '^state: not enforced$' /sys/kernel/debug/undertow/status
result $? 'so does the status file'
! load undertow_elf 2>/tmp/err && grep -qi 'no such device' /tmp/err
result $? 'the sample driver refuses to load'
dmesg | grep -q 'undertow: compartment "elf" refused: protection is required'
result $? '... and the log says why'
finish
