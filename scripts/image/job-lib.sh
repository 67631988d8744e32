# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Helpers for the guest's jobs that are shell scripts:
#
#	. /ut/lib.sh
#	plan 2
#	result "$?" 'name of the first test'
#	skip 'name of the second test' 'why'
#	finish

UT_NUMBER=0
UT_FAILED=0

plan() {
	echo 'TAP version 13'
	echo "1..$1"
}

# result STATUS NAME: passes when STATUS is 0.
result() {
	UT_NUMBER=$((UT_NUMBER + 1))
	if [ "$1" = 0 ]; then
		echo "ok $UT_NUMBER $2"
	else
		echo "not ok $UT_NUMBER $2"
		UT_FAILED=1
	fi
}

skip() {
	UT_NUMBER=$((UT_NUMBER + 1))
	echo "ok $UT_NUMBER $1 # SKIP $2"
}

# mark, then since: the kernel's log from the last mark on. Other jobs read the
# log as well, so none clears it.
mark() {
	UT_MARK="UT-MARK $(cut -d ' ' -f 1 /proc/uptime)"
	echo "<6>$UT_MARK" >/dev/kmsg
}

# What jobs print gets to the log, too, and perhaps after the next mark.
since() { dmesg | sed -e "1,/$UT_MARK\$/d" -e '/^# /d'; }

finish() { exit "$UT_FAILED"; }

# load MODULE [PARAMETER=VALUE...]
load() {
	ut_module=/ut/modules/$1.ko
	[ -f "$ut_module" ] || ut_module=/ut/samples/$1.ko
	shift
	insmod "$ut_module" "$@"
}

# backend: what the host was booted to offer, as scripts/job-lib.sh names it.
backend() {
	ut_backend=$(sed -n 's/.*ut\.backend=\([^ ]*\).*/\1/p' /proc/cmdline)
	echo "${ut_backend:-vmfunc-ve}"
}
