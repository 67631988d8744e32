#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Faults of many kinds in a compartment under load: the caller gets the right
# one, a restart brings the compartment back, nothing is left behind.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2 kvm.views_irq_limit_us=100000
# ut-guest: undertow=require
# ut-timeout: 900

. /ut/lib.sh

# A longer one: scripts/campaign.sh.
word() { sed -n "s/.* ut\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
faults=$(word faults)
faults=${faults:-240}
restarts=$(word restarts)
restarts=${restarts:-200}
seed=$(word seed)
seed=${seed:-1}

# campaign PARAMETER...: the lines it prints, in /tmp/campaign
campaign() {
	mark
	load undertow_campaign "$@" 2>&1 | sed 's/^/# /'
	rmmod undertow_campaign 2>/dev/null
	since | sed -n 's/.*UT-\(CAMPAIGN\|WRONG\) /\1 /p' >/tmp/campaign
}

# fact LINE NAME: a number in the line of that kind or name.
fact() { sed -n "s/^CAMPAIGN \(kind\|name\)=$1 .*$2=\(-*[0-9]*\).*/\2/p" /tmp/campaign | tail -n 1; }

left() { sed -n "s/^CAMPAIGN name=left of=$1 .*$2=\(-*[0-9]*\).*/\1/p" /tmp/campaign; }

# is A OP B: a missing number is no number.
is() { [ -n "$1" ] && test "$1" "$2" "$3"; }

plan 12
campaign seed="$seed" faults="$faults" restarts="$restarts"
sed 's/^/# /' /tmp/campaign
kinds=$(grep -c '^CAMPAIGN kind=.* faults=[1-9]' /tmp/campaign)
is "$kinds" -ge 10 && is "$(fact total faults)" = "$faults"
result $? "$faults faults of $kinds kinds"
is "$(fact total right)" = "$faults"
result $? '... each ends with what it was to end with'
is "$(fact total back)" = "$faults"
result $? '... and after a restart calls work again'
is "$(fact total intact)" = 1
result $? '... and no memory outside has changed'
is "$(fact load wrong)" = 0 && is "$(fact load good)" -gt 0 && is "$(fact load dead)" -gt 0
result $? 'calls made meanwhile are right, or are told that the compartment is dead'
is "$(fact restarts good)" = "$restarts"
result $? "$restarts restarts without a fault"
# Tables that the host drops meanwhile are no loss.
[ "$(left restarts stacks)$(left restarts views)$(left restarts regions)$(left restarts runs)" = 0000 ] &&
	is "$(left restarts tables)" -le 0
result $? '... leave no stack, view, region, run or table page behind'
is "$(left restarts frames)" -lt $((restarts / 2))
result $? '... and no frame with each'
[ "$(left faults stacks)$(left faults views)$(left faults regions)$(left faults runs)" = 0000 ]
result $? 'the faults leave nothing behind, either'

campaign seed="$seed" faults=30 restarts=4 weaken=1
is "$(fact total right)" -lt 30
result $? 'a kill that does not reach those inside is noticed'
campaign seed="$seed" faults=0 restarts=200 weaken=2
# What others give back meanwhile counts against it.
is "$(left restarts frames)" -ge 150
result $? 'a frame that is lost with each restart is noticed'
campaign seed="$seed" faults=0 restarts=2 weaken=3
is "$(left restarts stacks)" = 1
result $? 'a stack that is lost is noticed'
finish
