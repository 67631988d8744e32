#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 14: a caller that has no stack left for what has to be done when a call
# goes wrong. Without any check the guest ends: stack_end.sh.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/jobs/attack-lib

plan 4
# Not stopped by the host, but refused before it starts: error ENOBUFS.
attack 'stopped=1 error=-105 .*intact=1' 'a caller without stack is refused' attack=7 left=1500
attack 'stopped=1 error=-14 .*intact=1' '... by what looks at the stack' attack=7 left=4000 weaken=1
attack 'stopped=1 error=-14 .*intact=1' '... and one with enough of it is not' attack=7 left=8000
used=$(fact used)
need=$(fact need)
echo "# used $used bytes, $need must be left"
[ "$used" -gt 224 ] && [ $((used * 5 / 4)) -lt "$need" ]
result $? '... which uses less than what must be left, by a quarter'
finish
