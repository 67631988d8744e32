#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Groups 5 and 6, what all others lead to: memory that belongs to somebody else.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/jobs/attack-lib

plan 8
attack 'stopped=1 error=-14 disclosed=0 intact=1' 'reading a protected region is stopped' attack=0
attack 'stopped=0 error=0 disclosed=1' '... and succeeds when the view grants the right' attack=0 weaken=1

attack 'stopped=1 error=-14 .*intact=1' 'writing ordinary kernel memory is stopped' attack=1
attack 'stopped=0 error=0 .*intact=0' '... and succeeds when the view grants the right' attack=1 weaken=1

attack 'stopped=1 error=-14 disclosed=0' 'view 0 is denied by a virtualization exception' attack=5
[ "$(fact result)" = -14 ] && [ "$(fact differing)" = 0 ]
result $? '... each of 10,000 times'
case $(backend) in
*-ve) wanted=0 ;;
*) wanted=10000 ;;
esac
echo "# wanted: $wanted exits"
[ "$(fact exits_caused)" = "$wanted" ]
result $? '... with the VM exits that this back end needs'
attack 'stopped=0 error=0 disclosed=1' '... and reads when the region is not locked' attack=5 weaken=1
finish
