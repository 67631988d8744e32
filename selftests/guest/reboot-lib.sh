# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the jobs that boot twice share.

# first_boot [PARAMETER...]: prepares the second one and returns 0, or returns 1
# and sets marks and keys, which were found in memory.
first_boot() {
	mark
	load undertow_reboot "$@" || echo 'Bail out! undertow_reboot does not load'
	found=$(since | sed -n 's/.*UT-REBOOT \(.*\)/\1/p')
	marks=${found#marks=}
	marks=${marks%% *}
	keys=${found##*keys=}
	[ "$marks" = 0 ]
}

# second_boot WHO
second_boot() {
	plan 4
	[ "$marks" -gt 0 ]
	result $? 'ordinary memory of the first boot is still there'
	[ "$keys" = 0 ]
	result $? '... and no key of it'
	grep -q '^state: enforced$' /sys/kernel/debug/undertow/status
	result $? "views are live again: $1"
	mark
	load undertow_bench crossings=1000 && since | grep -q 'UT-COST crossings_failed=0$'
	result $? '... and calls into a compartment work'
	echo "# marks=$marks keys=$keys"
	finish
}
