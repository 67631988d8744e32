#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# First process of the guest. Runs the jobs that the kernel command line names
# (ut.job=a,b), each an executable /ut/jobs/NAME. A job finds
#   /ut/modules	the modules of the kernel build but for samples/
#   /ut/samples	these, if the command line names the job in ut.samples=a,b
#   /ut/bin		test programs
#   /ut/lib.sh	helpers (sourced by shell jobs)
# and reports in KTAP on standard output. Its exit status counts as well.

/bin/busybox mkdir -p /proc /sys /dev /tmp /bin
/bin/busybox --install -s /bin
export PATH=/ut/bin:/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs tmpfs /tmp
exec 3>/dev/kmsg

say() { echo "<3>$*" >&3; }

relay() {
	while IFS= read -r line || [ -n "$line" ]; do say "$line"; done
}

words() { tr ' ' '\n' </proc/cmdline | sed -n "s/^ut\.$1=//p" | tr ',' ' '; }

# Whoever tests without samples must not depend on one by mistake.
mv /ut/samples /ut/.samples
show_samples() {
	rm -f /ut/samples
	case " $(words samples) " in *" $1 "*) ln -s .samples /ut/samples ;; esac
}

jobs=$(words job)
worst=0
say "UT-GUEST begin cpus=$(nproc) kernel=$(uname -r)"
for job in $jobs; do
	say "UT-JOB begin $job"
	show_samples "$job"
	if [ -x "/ut/jobs/$job" ]; then
		{ "/ut/jobs/$job" 2>&1; echo $? >/tmp/status; } | relay
		status=$(cat /tmp/status)
	else
		say "Bail out! there is no job '$job'"
		status=127
	fi
	if [ "$status" != 0 ]; then
		worst=$status
		dmesg | grep -v '^\(# \)\?\(ok\|not ok\|UT-\)' | tail -n 30 | sed 's/^/# dmesg: /' | relay
	fi
	say "UT-JOB end $job status=$status"
done
say "UT-GUEST end status=$worst"
sleep 1
reboot -f
