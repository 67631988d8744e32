#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 3 and 4: the gate, entered at every byte from inside, with a stack that
# the attacker may not write, all flags set, and each view that could matter in
# ECX. What comes back at all came by the proper way out.
#
# ut-cpus: 1 2
# ut-backends: vmfunc-ve hypercall-swve

. /ut/jobs/attack-lib

plan 3
attack 'stopped=1 error=-14 disclosed=0 intact=1' 'no byte of the gate leads to view 0 past its checks' attack=10
attack 'stopped=0 error=-14 disclosed=1' '... code of it runs when its view may execute G3' attack=10 weaken=1
case $(backend) in
hypercall-*)
	# The host binds the switch to its places in the gate.
	attack 'stopped=1 error=-14 disclosed=0 intact=1' '... not when view 0 may execute G2' attack=10 weaken=2
	;;
*)
	attack 'stopped=0 error=-14 disclosed=1' '... and the transit view is skipped when view 0 may execute G2' \
		attack=10 weaken=2
	;;
esac
finish
