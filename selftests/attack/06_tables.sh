#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 6 and 12: writes to page tables, descriptor tables, the gate, the text
# and the stack of the caller, through mappings that are writable.
#
# ut-cpus: 1 2

. /ut/jobs/attack-lib

plan 3
attack 'stopped=1 error=-14 .*intact=1' 'no table can be written, by whatever address' attack=12
[ "$(fact ended)" = "$(fact targets)" ] && [ "$(fact written)" = 0 ]
result $? '... each write ends the call'
attack 'stopped=0 .*intact=0' '... and some can when the view may' attack=12 weaken=1
finish
