#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 10 and 11: the way out of a #VE, taken without one. Nobody is believed but
# the CPU.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-timeout: 600

. /ut/jobs/attack-lib

# Each CPU has a page of its own, which the last attack keeps in use.
busybox taskset -p 1 $$ >/dev/null || echo '# not bound to one CPU'

plan 7
attack 'stopped=1 error=-14 disclosed=0 intact=1' \
	'who leaves by the way out of #VE without one has ended his call, wherever he says his registers are' attack=14
[ "$(fact tries)" = "$(fact seen)" ]
result $? '... and is told from who was denied something'
attack 'disclosed=1 intact=1' '... and gets what is not his as registers when he is believed' attack=14 weaken=1
attack 'stopped=1 error=-14 disclosed=0' 'vector 20 without a violation ends the call' attack=15
attack 'stopped=0 error=0 disclosed=1' '... and does not when it is believed' attack=15 weaken=1
attack 'stopped=1 error=-14 disclosed=0' 'a #VE that comes to nothing leaves the page to the kernel' attack=16
attack 'stopped=0 error=-14 disclosed=1' '... which exits on each access when it is not released' attack=16 weaken=1
finish
