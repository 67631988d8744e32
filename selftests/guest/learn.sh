#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A compartment that learns: what it writes beside its own memory is allowed and
# said, but never text or a region, and nothing after the seal.
#
# ut-cpus: 1 2
# ut-backends: vmfunc-ve vmfunc-swve
# ut-host: kvm.guest_views=2
# ut-guest: undertow_learn
# ut-last: yes

. /ut/lib.sh

said() { since | grep -c "$1"; }

# learn_test WANTED NAME [PARAMETER...]
learn_test() {
	wanted=$1
	name=$2
	shift 2
	mark
	load undertow_learn "$@" 2>&1 | sed 's/^/# /'
	line=$(since | sed -n 's/.*\(UT-LEARN .*\)/\1/p')
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

plan 10
# Where the CPU delivers #VE inside, it does so once the view has the page mapped.
case $(backend) in
vmfunc-ve) mapped=1 ;;
*) mapped=2 ;;
esac
learn_test "first=0 again=0 written=16 learned=16 exits=2 mapped=$mapped region=-14 common_text=-14 own_text=-14 more=0" \
	"ordinary memory is learned, with $mapped exits a page that is mapped; text and regions are not"
[ "$(said 'compartment "learner" learns: it is not isolated')" = 1 ]
result $? 'the log says that the compartment is not isolated'
[ "$(said 'compartment "learner": write to .*ordinary memory.*right w missing; allowed, audit only')" = 16 ]
result $? '... and names each page'
grep -q 'not isolated, 16 pages learned' /sys/kernel/debug/undertow/status
result $? '... and so does the status file'
[ $(($(cat /proc/sys/kernel/tainted) & 64)) = 64 ]
result $? 'the kernel is tainted'
# Whether the compartment that comes next gets the view of the learner.
view_goes_on() {
	view=$(sed -n 's/view \([0-9]*\): compartment "learner".*/\1/p' /sys/kernel/debug/undertow/status)
	rmmod undertow_learn
	load undertow_rights
	grep -q "^view ${view:-none}: compartment" /sys/kernel/debug/undertow/status
	goes_on=$?
	rmmod undertow_rights
	return $goes_on
}

! view_goes_on
result $? 'the view is not used for another compartment'
load undertow_learn weaken=2 2>&1 | sed 's/^/# /'
view_goes_on
result $? '... and would be without the rule for that'

learn_test ' common_text=0 .* more=2' 'text would be learned without the rule against it' weaken=1
rmmod undertow_learn

learn_test 'first=-14 again=-14 written=512 learned=512 .* more=0' \
	'a compartment learns 512 pages, and then no more' pages=515
rmmod undertow_learn

# The module registers before, and writes after the seal.
mark
load undertow_learn seal=1 2>&1 | sed 's/^/# /'
line=$(since | sed -n 's/.*\(UT-LEARN .*\)/\1/p')
echo "# got: $line"
[ "$(echo "$line" | grep -c 'first=-14 again=-14 written=0 learned=0 .* more=0')" = 1 ]
result $? 'nothing is learned after the seal'

finish
