#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Violations inside a compartment reach the kernel by #VE, without an exit, and
# by the host where that can't be. What is lent is given at the first touch.
#
# ut-cpus: 1 2
# ut-backends: vmfunc-ve vmfunc-swve
# ut-host: kvm.guest_views=2
# ut-timeout: 900

. /ut/lib.sh

# With #VE by the CPU what is denied costs no exit, what is lent the hypercall.
case $(backend) in
vmfunc-ve) ve=1 denied=0 given=1 ;;
*) ve=0 denied=1 given=2 ;;
esac

mark
load undertow_inside 2>&1 | sed 's/^/# /'
since | sed -n 's/.*\(UT-INSIDE .*\)/\1/p' >/tmp/inside
sed 's/^/# /' /tmp/inside

# says WANTED NAME: is there this line?
says() {
	[ "$(grep -cE -- "^UT-INSIDE $1\$" /tmp/inside)" = 1 ]
	result $? "$2"
}

plan 36
says "view takes_ve=$ve" "the view takes #VE: $ve"
says "read_key error=-14 at=1 exits=$denied" "a read of a region is denied, with $denied exits"
says "write_key error=-14 at=1 exits=$denied" '... and a write'
says "read_ro error=-14 at=1 exits=$denied" '... a read of what the kernel may read'
says "write_vault error=-14 at=1 exits=$denied" '... a write to what the compartment may read'
# The kernel maps no data executable, so that this is a page fault.
says 'run_key error=-14 at=0 exits=1' '... an execution, as ever with one exit'
says 'by_host error=-14 at=1 exits=1' '... all the same where the host tells, with one exit'
says 'read_vault error=0 at=0 exits=0' 'what may be read can be read'

says 'dead error=-108' 'a killed compartment is dead'
says 'restarted error=0 at=0 exits=0' '... and works after a restart'
says "read_after_restart error=-14 at=1 exits=$denied" '... as do its denials'

says "first_touch error=0 at=0 exits=$given" "the first touch of a lent page costs $given exits"
says 'loan pages=16 whole=16 written=16 again=0' '... keeps all registers, and the second none'
case $ve in 1) lost=5 ;; *) lost=0 ;; esac
says "lost times=$lost whole=1 error=0" '... and no registers when its record is lost on the way'
says 'diverted whole=1 error=0' '... nor when it comes out by way of an NMI in transit'
says 'run_loan error=-14 at=0 exits=1' 'a lent page can not be executed'
says 'given_back lent=3 then=1' 'a region that was lent is taken back'

says 'stack_kernel error=-14 at=1 exits=1' 'on a stack that is not writable the host tells'
says 'stack_key error=-14 at=[01] exits=1' '... on one that is protected'
says 'stack_null error=-14 at=[01] exits=1' '... on one that is not mapped'
says 'stack_noncanonical error=-14 at=[01] exits=1' '... on one that is none'
says 'stack_end error=-14 at=[01] exits=1' '... and where its end leaves no room for the registers'
says 'stack_end violation=1' '... that is a violation, too'
says 'loan_on_kernel_stack error=0 at=0 exits=2' 'a page is lent to who has such a stack, by the host'
says 'untouched kernel=1 loan=7' '... with nothing written but the page'

for event in int3 divide noncanonical int80 int13 in hlt; do
	says "event_$event error=-14 exits=1 fault=.*" "$event: one exit, as ever"
done
says 'event_ud2 error=-131 exits=1 fault=Err\(Panicked\)' 'ud2: one exit, as ever'
says 'event_null error=-14 exits=1 fault=Err\(Violation .*' 'null pointer: one exit, as ever'

pages=12288
says "storm pages=$pages done=$pages ended=0 lost=[0-9]*" 'page after page is lent while interrupts and NMIs come'
rmmod undertow_inside
result $? 'the module goes'
finish
