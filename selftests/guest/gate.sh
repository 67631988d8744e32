#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the host enforces on the pages of the gates: those of the gate in use can
# be executed where they must be, and nothing else anywhere.
#
# ut-cpus: 1
# ut-backends: all

. /ut/lib.sh

# The gate with VMFUNC, the one that asks the host, the bare floor. 1 is r, 5 rx.
case $(backend) in
vmfunc-*)
	root='5115 1111 1'
	transit='1151 1111 1'
	compartment='1511 1111 1'
	;;
hypercall-*)
	root='1111 5115 1'
	transit='1111 1151 1'
	compartment='1111 1511 1'
	;;
esac

# rights LABEL WANTED
rights() {
	got=$(sed -n "s/^UT-RIGHTS $1=//p" /tmp/rights)
	echo "# wanted $2, got $got"
	[ "$got" = "$(echo "$2" | tr -d ' ')" ]
	result $? "$1: $2"
}

plan 5
# What the measurements open must be closed afterwards.
load undertow_bench crossings=1000 && rmmod undertow_bench
result $? 'the benchmark comes and goes'
mark
load undertow_rights
result $? 'the rights are told'
since | sed -n 's/.*\(UT-RIGHTS .*\)/\1/p' >/tmp/rights
rmmod undertow_rights
rights root "$root"
rights transit "$transit"
rights compartment "$compartment"
finish
