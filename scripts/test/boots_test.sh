#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which KVM selftests share a boot, and what of a boot's log counts.

. "$(dirname "$0")/lib.sh"

plan 6

in_lib() {
	bash -c '. "$SCRIPTS/lib.sh"; . "$SCRIPTS/check-lib.sh"; . "$SCRIPTS/kvm-run-lib.sh"; RESULTS=$0
		: >"$RESULTS"; eval "$1"' "$WORK/results" "$1" 2>&1
}

cat >"$WORK/tests" <<'END'
vmfunc-ve|1|m|a=1|one
vmfunc-ve|1|m|a=1|two
vmfunc-ve|1|m|a=1|three
vmfunc-ve|2|m|a=1|four
END
holds 'equal wishes share a boot' "$(in_lib "kvm_boots <$WORK/tests" | paste -sd ';')" = \
	'vmfunc-ve|1|m|a=1|one two three;vmfunc-ve|2|m|a=1|four'
holds '... as many as may' "$(in_lib "KVM_PER_BOOT=2; kvm_boots <$WORK/tests" | paste -sd ';')" = \
	'vmfunc-ve|1|m|a=1|one two;vmfunc-ve|1|m|a=1|three;vmfunc-ve|2|m|a=1|four'
holds 'no test, no boot' "$(in_lib 'kvm_boots </dev/null')" = ''

# boot NAME WANTED: with the host's log on standard input; are there complaints?
boot() {
	local dir=$UNDERTOW_BUILD/check-kvm-1 source=$UNDERTOW_BUILD/linux/tools/testing/selftests/kvm/x86
	mkdir -p "$dir" "$source"
	printf '/*\n * ut-splat: expected.c\n */\n' >"$source/one.c"
	printf '1..1\nok 1 one\n' >"$dir/tests.log"
	cat >"$dir/host.log"
	in_lib 'kvm_conclude 1 "vmfunc-ve|1|m|a=1|one" 0' >"$OUTPUT"
	holds "$1" "$(grep -c '^fail ' "$WORK/results")" = "$2"
}

boot 'a complaint' 1 <<<'WARNING: other.c:1 at f'
boot '... that the test wants' 0 <<<'WARNING: expected.c:1 at f'
boot '... that was provoked' 0 <<'END'
UT-PROVOKED
WARNING: other.c:1 at f
END
