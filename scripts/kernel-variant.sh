#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds another kernel, beside the one of build/linux:
#   unpatched	Linux as it is, configured like build/linux but for our options;
#		in build/unpatched
#   debug	with both series and scripts/kernel-debug.config, without Rust and
#		so without the guest's side; in build/debug
#   lockdep	with both series, both sides and scripts/kernel-lockdep.config; in
#		build/lockdep

. "$(dirname "$0")/lib.sh"

variant=${1:-}
DIR=$BUILD/$variant
BASE=$ROOT/scripts/kernel.config
lock_clone

case $variant in
unpatched)
	mkdir -p "$DIR/no-patches"
	[ -d "$DIR/no-patches/.git" ] || plain_git init -q "$DIR/no-patches"
	repo=$DIR/no-patches
	grep -vE 'CONFIG_(KVM_VIEWS|UNDERTOW|SAMPLE_UNDERTOW)' "$BASE" >"$DIR/fragment"
	;;
debug)
	mkdir -p "$DIR"
	repo=$REPO
	{
		grep -vE 'CONFIG_(UNDERTOW|SAMPLE|RUST|WERROR|NET=|UNIX=|BLOCK=|PCI=)' "$BASE"
		cat "$ROOT/scripts/kernel-debug.config"
	} >"$DIR/fragment"
	;;
lockdep)
	mkdir -p "$DIR"
	repo=$REPO
	cat "$BASE" "$ROOT/scripts/kernel-lockdep.config" >"$DIR/fragment"
	;;
*) die "there is no variant '$variant' of the kernel" 'The variants are: unpatched debug lockdep.' ;;
esac

UNDERTOW_BUILD=$DIR UNDERTOW_REPO=$repo UNDERTOW_FRAGMENT=$DIR/fragment \
	"$ROOT/scripts/kernel.sh"
