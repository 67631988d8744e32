#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What make demo shows. Every line that matters is printed by the kernel or
# computed here from what it printed; nothing is known beforehand.
# ut-samples: yes

. /ut/lib.sh

failed=0
fail() {
	echo "FAILED: $*"
	failed=1
}

said() { since | sed -n "s/.*\($1\)/\1/p"; }

# attack N TITLE
attack() {
	echo
	echo "    $2"
	mark
	load undertow_attack attack="$1" || fail "attack $1 did not run"
	said 'undertow: compartment "attack": [a-z]* .*;.*' | sed 's/^/      /'
	outcome=$(said 'UT-ATTACK .*')
	rmmod undertow_attack
	case $outcome in
	*stopped=1*disclosed=0*intact=1*) ;;
	*) fail "this attack was not stopped: $outcome" ;;
	esac
	echo "$outcome" | sed 's/.*error=\([-0-9]*\).*/      the caller got error \1; nothing was disclosed, the bytes are unchanged/'
}

debug=/sys/kernel/debug/undertow/status

echo '1. The guest and its host'
dmesg | sed -n 's/.*\(undertow: live.*\)/\1/p' | sed 's/^/    /'
sed -n 's/^\(views\|regions\|page table bytes\|CPU [0-9]*\): /    \1: /p' $debug
grep -q '^state: enforced$' $debug || fail 'views are not enforced'

echo
echo '2. An ELF file, parsed inside a compartment'
mark
load undertow_elf || fail 'the sample driver does not load'
said 'undertow: compartment "elf": view.*' | sed 's/^/    /'
ut_elf /bin/busybox || fail 'the file was not parsed'
sed -n 's/^\(view [0-9]*: compartment "elf".*\)/    \1/p' $debug
grep -q 'compartment "elf".* 1 calls, 0 ended' $debug || fail 'the parser did not run in its view'

echo
echo '3. Attacks from inside a compartment'
attack 0 'Read a key in a protected region:'
attack 1 'Write ordinary kernel memory:'
attack 2 'VMFUNC to view 0, outside the gate:'
ut_elf /bin/busybox >/dev/null && echo '    the sample driver goes on working'

echo
echo '4. The ordinary kernel reads what belongs to a compartment alone'
mark
load undertow_attack attack=5 || fail 'the read did not run'
said 'undertow: kernel: read .*' | head -n 1 | sed 's/^/    /'
said 'UT-VE .*' | sed 's/^UT-VE accesses=\([0-9]*\) result=\([-0-9]*\) differing=\([0-9]*\) exits_caused=\([0-9]*\) exits_before=\([0-9]*\) exits_after=\([0-9]*\)/    \1 reads: the first one ended with error \2, \3 of the others in another way\n    VM exits of this CPU: \5 before, \6 after; \4 of them caused by the reads/'
case $(said 'UT-VE .*') in
*'result=-14 differing=0 exits_caused=0 '*) ;;
*) fail 'a read was let through, or caused an exit' ;;
esac
rmmod undertow_attack

echo
echo '5. Costs'
mark
load undertow_bench || fail 'the benchmark did not run'
said 'UT-COST .*'
rmmod undertow_bench
exit $failed
