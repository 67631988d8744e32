#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 9: the jump to the way out at the moment when an interrupt comes, with
# RSP at a victim. Without both guards it hits: 09_unguarded.sh.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/jobs/attack-lib

plan 2
attack 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 and M2 on' attack=4
attack 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 alone' attack=4 weaken=1
finish
