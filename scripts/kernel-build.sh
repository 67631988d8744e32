#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel and its modules in build/linux.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/progress.sh"
kernel_env

LOG=$LOGS/kernel.log
COUNT=$CACHE/kernel-build.lines.$(basename "$BUILD")

mkdir -p "$LOGS" "$CCACHE_DIR"
expected=0
if [ ! -f "$LINUX/vmlinux" ]; then
	# About as many files as the first build here will compile.
	expected=$(cat "$COUNT" 2>/dev/null || echo 2000)
	need_space "$BUILD" 2000 'The kernel build'
fi
step 'Kernel: building'
[ "$expected" = 0 ] || note "a first build takes about 10 minutes on 2 cores; log: ${LOG#"$ROOT/"}"
start=$SECONDS
kernel_make bzImage modules >"$LOG" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null' INT TERM
show_progress "$pid" "$LOG" "$expected"
wait "$pid" ||
	failed 'the kernel does not build' "make bzImage modules (in ${LINUX#"$ROOT/"})" "$LOG" \
		"Look for 'error' in the log: $(grep -m1 -nE 'error(\[|:)' "$LOG" | cut -c1-160 || echo 'no compiler error there')"
# The compilers' warnings are errors already; objtool's speak of crashes, too.
! grep -q 'warning: objtool:' "$LOG" || {
	# Or the next build would have nothing to do, and nothing to say.
	rm -f "$LINUX/vmlinux.o"
	failed 'objtool warns' "make bzImage modules (in ${LINUX#"$ROOT/"})" "$LOG" \
		"$(grep -m1 'warning: objtool:' "$LOG" | cut -c1-160)"
}
lines=$(grep -c '^  [A-Z]' "$LOG" || true)
[ "$expected" = 0 ] || echo "$lines" >"$COUNT"
note "kernel ready: $lines files in $((SECONDS - start)) s"
