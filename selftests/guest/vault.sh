#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A compartment with a secret: others see nothing of its memory, and nothing is
# left of a call. And the sample that keeps a key this way.
#
# ut-cpus: 1 2
# ut-host: kvm.guest_views=2
# ut-guest: undertow=require
# ut-samples: yes
# ut-backends: all

. /ut/lib.sh

plan 12
mark
load undertow_secret 2>&1 | sed 's/^/# /'
since | sed -n 's/.*UT-SECRET \(.*\)/\1/p' >/tmp/secret
sed 's/^/# /' /tmp/secret
grep -q '^secret sum=0 spy=-14 read=0 left=' /tmp/secret
result $? 'the stack of a secret compartment is not read by another one'
grep -q '^secret .* left=0$' /tmp/secret
result $? '... and nothing is left of a call'
grep -q '^not_secret sum=0 spy=0 read=1 left=' /tmp/secret
result $? 'the stack of an ordinary compartment is read'
grep -q '^not_secret .* left=[1-9][0-9]*$' /tmp/secret
result $? '... and something is left of a call'
rmmod undertow_secret

device=/dev/undertow_vault
zeros() { dd if=/dev/zero bs="$1" count=1 2>/dev/null >&3; }
signature() { head -c 64 <&3 | od -An -v -tx1 | tr -d ' \n'; }

load undertow_vault
result $? 'the sample driver loads'
exec 3<>$device
! head -c 1 <&3 >/dev/null 2>&1
result $? 'without a message there is no signature'
printf Jefe >&3
printf 'what do ya want for nothing?' >&3
# Identifiers and Test Vectors for HMAC-SHA (RFC 4231)
[ "$(signature)" = 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 ]
result $? 'the signature of a message is the published one'
printf 'what do ya want for nothing!' >&3
first=$(signature)
[ "${#first}" = 64 ] && [ "$first" != 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 ]
result $? '... and that of another one is different'
[ "$(grep -c 'region "vault key"' /sys/kernel/debug/undertow/status)" = 1 ]
result $? 'the key is in a region of its own'
exec 3>&-
[ "$(grep -c 'region "vault key"' /sys/kernel/debug/undertow/status)" = 0 ]
result $? '... which goes with the file'

exec 3<>$device
! zeros 65
result $? 'a key that is too long is refused'
zeros 64 && zeros 5000 && [ "$(signature | wc -c)" = 64 ]
result $? '... and the next one works'
exec 3>&-
rmmod undertow_vault
finish
