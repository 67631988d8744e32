#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 10 and 13: interrupts and NMIs that come while RSP, the flags or GS are
# what they may never be in view 0.
#
# ut-cpus: 1 2

. /ut/jobs/attack-lib

plan 4
attack 'stopped=1 error=-14 disclosed=0 intact=1' 'events are handled whatever RSP, the flags and GS are' attack=13
[ "$(fact resumed)" -gt 20 ]
result $? '... many of them inside'
# The calls with a null selector in GS may end: 40 of them.
[ "$(fact ended)" -le 40 ]
result $? '... and the calls go on'
attack 'disclosed=1 intact=1' '... and end when nothing is resumed' attack=13 weaken=1
finish
