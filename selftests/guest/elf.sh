#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The sample driver with good and bad input, in its compartment.
#
# ut-cpus: 1 2
# ut-samples: yes
# ut-backends: all

. /ut/lib.sh

debug=/sys/kernel/debug/undertow/status
calls() { sed -n 's/.*compartment "elf".*, \([0-9]*\) calls.*/\1/p' $debug; }

plan 6
load undertow_elf
result $? 'the sample driver loads'

before=$(calls)
ut_elf /bin/busybox >/tmp/first
result $? 'an ELF file is parsed'
[ "$(calls)" = $((before + 1)) ]
result $? '... by one call into the compartment'
ut_elf /bin/busybox >/tmp/second && cmp -s /tmp/first /tmp/second
result $? '... twice with the same result'

head -c 5000 /bin/busybox >/tmp/cut
! ut_elf /tmp/cut >/tmp/out 2>&1
result $? 'a truncated file is refused'
sed 's/^/# /' /tmp/out

# Two at a time, so that two calls are inside where there are two CPUs.
eight() {
	for _ in 1 2 3 4 5 6 7 8; do
		ut_elf /bin/busybox >"$1" && cmp -s "$1" /tmp/first || echo "$1" >>/tmp/bad
	done
}
eight /tmp/a &
eight /tmp/b
wait
[ ! -e /tmp/bad ]
result $? 'two callers at once do not disturb each other'
rmmod undertow_elf
finish
