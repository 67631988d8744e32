#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The guest has come up under KVM with the CPUs it was given. Every other job
# relies on that. Nothing is asked about the clock: without one no job ends.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/lib.sh

plan 2

dmesg | grep -q 'Hypervisor detected: KVM'
result $? 'the guest knows that it runs on KVM'

expected=$(sed -n 's/.*ut\.cpus=\([0-9]*\).*/\1/p' /proc/cmdline)
[ "$(nproc)" = "$expected" ]
result $? 'all CPUs are online'

finish
