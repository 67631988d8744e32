#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The guest reboots, and comes up again in the same virtual machine: views are
# live, and what only views could read before is not there any more.
#
# ut-cpus: 1 2
# ut-guest: undertow=require
# ut-boots: 2
# ut-alone: yes

. /ut/lib.sh
. /ut/jobs/reboot-lib

first_boot && exit
second_boot 'the kernel dropped the views'
