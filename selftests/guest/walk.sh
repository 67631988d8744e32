#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Nothing that a view other than view 0 executes can be written by any view, and
# the other way round: the rights on all memory in all views, as the host has
# them. And how much VMFUNC there is outside of the gates.
#
# ut-cpus: 1
# ut-host: kvm.guest_views=2
# ut-guest: undertow_learn
# ut-alone: yes

. /ut/lib.sh

files=/sys/kernel/debug/undertow
walk() { cat "$files/walk" >/tmp/walk && sed 's/^/# /' /tmp/walk; }
says() { grep -qE "^$1\$" /tmp/walk; }
count() { sed -n "s/^$1: \([0-9]*\)\$/\1/p" /tmp/walk; }

plan 11
walk
says 'findings: 0'
result $? 'right after boot nothing is found'
frames=$(count frames)
memory=$(awk '/^MemTotal:/ { print int($2 / 4) }' /proc/meminfo)
[ "${frames:-0}" -ge "$memory" ]
result $? '... and all memory was looked at'
says "view 0: [0-9]* frames executable, [0-9]* writable, 0 remapped" &&
	says 'view 1: 1 frames executable, 0 writable, .*'
result $? '... in view 0 and in the transit view, which executes one page'

load undertow_campaign faults=0
walk
says 'findings: 0'
result $? 'with compartments nothing is found'
says 'view 2: [1-9][0-9]* frames executable, [1-9][0-9]* writable, .*'
result $? '... in views that execute and write'
rmmod undertow_campaign

# A compartment that learns writes what view 0 executes as far as the host knows.
# Each page twice: once right away, once after it was read.
load undertow_learn pages=3
walk
says 'findings: 6' && [ "$(grep -c 'view 0 executes, view [2-9] writes' /tmp/walk)" -gt 0 ]
result $? 'what a compartment has learned is found'
rmmod undertow_learn

load undertow_learn pages=1 weaken=1
walk
[ "$(grep -c 'frames: view [2-9] executes, view [2-9] writes' /tmp/walk)" = 1 ]
result $? '... and text that can be written'
rmmod undertow_learn

# Views in which something was learned stay as they are.
walk
says 'findings: [1-9][0-9]*'
result $? 'a view that has learned is still found'

stray() { sed -n 's/^stray VMFUNC: \([0-9]*\) in kernel text, \([0-9]*\) in modules$/\1 \2/p' "$files/status"; }
dmesg | grep -q 'undertow: [0-9]* stray VMFUNC in kernel text'
result $? 'one line at boot says how much VMFUNC the kernel has'
echo "# in the kernel, in modules: $(stray)"
before=$(stray)
mark
load undertow_stray
[ "$(stray)" = "${before% *} $((${before#* } + 2))" ] &&
	[ "$(since | grep -c 'undertow: 2 stray VMFUNC in module undertow_stray')" = 1 ]
result $? 'two in a module are counted and said'
rmmod undertow_stray
[ "$(stray)" = "$before" ]
result $? '... until it is gone'
finish
