#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the system says of itself, and what it refuses, on a host that offers
# views.
#
# ut-cpus: 1 2
# ut-samples: yes
# ut-backends: all
# ut-last: yes

. /ut/lib.sh

debug=/sys/kernel/debug/undertow

plan 12
# Not the guest's own word: what the bench booted the host with.
case $(backend) in
vmfunc-ve) wanted='VMFUNC + hardware #VE' ;;
vmfunc-swve) wanted='VMFUNC + software #VE' ;;
hypercall-ve) wanted='hypercall + hardware #VE' ;;
hypercall-swve) wanted='hypercall + software #VE' ;;
esac
grep -q "^back end: $wanted\$" $debug/status
result $? "the back end is $wanted"
[ "$(grep -c '^CPU [0-9]*: registered' $debug/status)" = "$(nproc)" ]
result $? 'every CPU is registered with the host'

load undertow_elf
result $? 'the sample driver loads'
grep -q '^state: enforced$' $debug/status && grep -q 'compartment "elf"' $debug/status
result $? 'the status file lists its view'
load undertow_attack attack=0 && rmmod undertow_attack
result $? 'another compartment comes and goes'
# While the file is being read, the names in it must not go away.
echo 3000 >$debug/status_pause_ms
cat $debug/status >/tmp/slow &
sleep 1
start=$(cut -d . -f 1 /proc/uptime)
rmmod undertow_elf
result $? 'the sample driver unloads before the seal'
waited=$(($(cut -d . -f 1 /proc/uptime) - start))
wait
echo 0 >$debug/status_pause_ms
echo "# waited $waited s"
[ "$waited" -ge 1 ]
result $? '... but waits for a reader of the status file'
grep -q 'compartment "elf", .* calls' /tmp/slow
result $? '... which gets the name that it found'
load undertow_elf
result $? '... and loads again'

echo 1 >$debug/seal && grep -q '^sealed: true$' $debug/status
result $? 'the system can be sealed'
! rmmod undertow_elf 2>/dev/null
result $? 'after the seal no compartment goes'
mark
! load undertow_attack attack=0 2>/dev/null && since | grep -q 'refused: the system is sealed'
result $? '... and none comes'
sed 's/^/# /' $debug/status
finish
