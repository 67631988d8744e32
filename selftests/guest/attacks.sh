#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Attacks from inside a compartment. Each is made twice: with all defences on
# it must be stopped, with its one defence off it must succeed, or the first
# result would prove nothing.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/lib.sh

# attack WANTED NAME PARAMETER=VALUE...
attack() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_attack "$@" 2>&1 | sed 's/^/# /'
	line=$(since | sed -n 's/.*\(UT-ATTACK .*\)/\1/p')
	rmmod undertow_attack 2>/dev/null
	facts=$(since | sed -n 's/.*\(UT-\(VE\|TIMED\|STACK\) .*\)/\1/p')
	echo "# $*"
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ -z "$facts" ] || echo "# $facts"
	since | sed -n 's/.*\(undertow: compartment "[^"]*": [a-z]* .*;.*\)/# log: \1/p' | head -n 1
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

# fact NAME: its number in the last attack's facts
fact() { echo "$facts" | sed -n "s/.* $1=\(-*[0-9]*\).*/\1/p"; }

plan 20
attack 'stopped=1 error=-14 disclosed=0 intact=1' 'reading a protected region is stopped' attack=0
attack 'stopped=0 error=0 disclosed=1' '... and succeeds when the view grants the right' attack=0 weaken=1

attack 'stopped=1 error=-14 .*intact=1' 'writing ordinary kernel memory is stopped' attack=1
attack 'stopped=0 error=0 .*intact=0' '... and succeeds when the view grants the right' attack=1 weaken=1

attack 'stopped=1 error=-14 disclosed=0' 'a switch outside the gate is stopped' attack=2
case $(backend) in
hypercall-*)
	# Here the host has a rule of its own; timed.sh has it off.
	attack 'stopped=1 error=-14 disclosed=0' '... and when view 0 may execute the text' attack=2 weaken=1
	;;
*)
	attack 'stopped=0 error=0 disclosed=1' '... and succeeds when view 0 may execute the text' attack=2 weaken=1
	;;
esac

attack 'error=-8 ' 'text with a switch is refused by the scan' attack=3
attack 'error=0 ' '... and passes when the scan is off' attack=3 weaken=1

attack 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 and M2 on' attack=4
attack 'stopped=1 error=-14 .*intact=1' 'the timed jump into the gate never hits, M1 alone' attack=4 weaken=1

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

attack 'stopped=1 error=-14 disclosed=0' 'reading the FPU registers of others is stopped' attack=6
attack 'stopped=0 error=0 disclosed=1' '... and succeeds when the gate leaves CR0.TS clear' attack=6 weaken=1

# Not stopped by the host, but refused before it starts: error ENOBUFS.
attack 'stopped=1 error=-105 .*intact=1' 'a caller without stack is refused' attack=7 left=1500
attack 'stopped=1 error=-14 .*intact=1' '... by what looks at the stack' attack=7 left=3500 weaken=1
attack 'stopped=1 error=-14 .*intact=1' '... and one with enough of it is not' attack=7 left=8000 >/tmp/enough
used=$(fact used)
need=$(fact need)
cat /tmp/enough
echo "# used $used bytes, $need must be left"
[ "$used" -gt 224 ] && [ $((used * 5 / 4)) -lt "$need" ]
result $? '... which uses less than what must be left, by a quarter'
finish
