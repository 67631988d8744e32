#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 1: a switch of the view in the text of a compartment.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/jobs/attack-lib

plan 4
attack 'error=-8 ' 'text with a switch is refused by the scan' attack=3
attack 'error=0 ' '... and passes when the scan is off' attack=3 weaken=1

attack 'stopped=1 error=-14 disclosed=0' 'a switch outside the gate is stopped' attack=2
case $(backend) in
hypercall-*)
	# Here the host has a rule of its own; 09_unguarded.sh has it off.
	attack 'stopped=1 error=-14 disclosed=0' '... and when view 0 may execute the text' attack=2 weaken=1
	;;
*)
	attack 'stopped=0 error=0 disclosed=1' '... and succeeds when view 0 may execute the text' attack=2 weaken=1
	;;
esac
finish
