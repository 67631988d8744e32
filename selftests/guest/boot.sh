#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The guest has come up under KVM with the CPUs it was given. Every other job
# relies on that.
#
# ut-cpus: 1 2

. /ut/lib.sh

plan 4

dmesg | grep -q 'Hypervisor detected: KVM'
result $? 'the guest knows that it runs on KVM'

expected=$(sed -n 's/.*ut\.cpus=\([0-9]*\).*/\1/p' /proc/cmdline)
[ "$(nproc)" = "$expected" ]
result $? 'all CPUs are online'

[ "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" != '' ]
result $? 'a clock source runs'

# The host answers on its own console only; that it did is for the reader.
counters boot
result $? 'KVM counters were asked for'

finish
