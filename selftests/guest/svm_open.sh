#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same AMD host, and a guest that does not insist on protection: it says what
# is missing, and the sample driver works without it.
#
# ut-cpus: 1
# ut-samples: yes
# ut-model: qemu:EPYC
# ut-backends: svm
# ut-part: svm

. /ut/lib.sh

plan 5
dmesg | grep -q 'undertow: not available: on this host a compartment could write page tables (AMD); isolated code will run unprotected'
result $? 'one line says why nothing is enforced'
grep -q '^state: not enforced$' /sys/kernel/debug/undertow/status
result $? 'so does the status file'
load undertow_elf
result $? 'the sample driver loads'
ut_elf /bin/busybox >/tmp/first && grep -q '^UT-ELF class=64' /tmp/first
result $? '... and parses a file'
head -c 5000 /bin/busybox >/tmp/cut
! ut_elf /tmp/cut >/tmp/out 2>&1
result $? '... and refuses a truncated one'
rmmod undertow_elf
finish
