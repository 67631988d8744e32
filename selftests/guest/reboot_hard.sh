#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The virtual machine is reset without a word from its kernel: the host does what
# the kernel would have asked for.
#
# ut-cpus: 1 2
# ut-guest: undertow=require
# ut-boots: 2
# ut-alone: yes

. /ut/lib.sh
. /ut/jobs/reboot-lib

first_boot hard=1 && exit
second_boot 'the host dropped the views'
