#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 9 once more: the timed jump to the gate's way out of a compartment, on a
# host without guard M1. With guard M2 alone it must not hit. With neither it
# must, or the tests that say "never hits" could not fail.
#
# Where the host switches it also replaces the stack, clears IF, and lets the
# gate alone switch; all that is off here as well (bits 16 and 17).
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_guard=0 kvm.views_break=0x30000
# ut-guest: undertow=require
# ut-backends: vmfunc-ve hypercall-swve

. /ut/jobs/attack-lib

plan 4
attack 'stopped=1 .*intact=1' 'the timed jump into the gate never hits, M2 alone' attack=4 tries=6000
attack 'stopped=0 .*intact=0' '... and hits when both guards are off' attack=4 weaken=1 tries=60000
attack 'stopped=1 error=-14 disclosed=0' 'a switch outside the gate is stopped by rights alone' attack=2
attack 'stopped=0 error=0 disclosed=1' '... and succeeds when view 0 may execute the text' attack=2 weaken=1
finish
