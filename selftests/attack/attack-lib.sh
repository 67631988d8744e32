# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the attacks have in common. Each is made twice: with all defences on it
# must be stopped, with its one defence off it must succeed, or the first result
# would prove nothing.

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
	facts=$(since | sed -n 's/.*\(UT-[A-Z]* .*\)/\1/p' | grep -v '^UT-\(ATTACK\|MARK\)')
	echo "# $*"
	echo "# wanted: $wanted"
	echo "# got: $line"
	[ -z "$facts" ] || echo "$facts" | sed 's/^/# /'
	since | sed -n 's/.*\(undertow: compartment "[^"]*": [a-z]* .*;.*\)/# log: \1/p' | head -n 1
	[ "$(echo "$line" | grep -cE -- "$wanted")" = 1 ]
	result $? "$name"
}

# fact NAME: its number in the last attack's facts
fact() { echo "$facts" | sed -n "s/.* $1=\(-*[0-9]*\).*/\1/p"; }
