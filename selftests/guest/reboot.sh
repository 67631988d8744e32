#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The guest reboots, and comes up again in the same virtual machine: views are
# live, and what only views could read before is not there any more. The host does
# nothing about it when the machine is reset (bit 36 of kvm.views_break), or the
# kernel need not have done it.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_break=0x1000000000
# ut-guest: undertow=require
# ut-boots: 2
# ut-alone: yes

. /ut/lib.sh
. /ut/jobs/reboot-lib

first_boot && exit
second_boot 'the kernel dropped the views'
