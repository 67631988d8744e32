#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Removes what was built: clean.sh keeps the kernel tree, clean.sh all does not.

. "$(dirname "$0")/lib.sh"

lock_clone
if [ "${1:-}" != all ]; then
	find "$BUILD" -mindepth 1 -maxdepth 1 ! -name linux -exec rm -rf {} + 2>/dev/null || true
	exit 0
fi
if [ -d "$LINUX/.git" ] && {
	[ -n "$(plain_git -C "$LINUX" status --porcelain -uno)" ] ||
		[ "$(plain_git -C "$LINUX" rev-parse HEAD)" != "$(cat "$LINUX/.undertow/head")" ]
}; then
	die 'build/linux has edits or commits that are in no patch' \
	    'Export them (make series), or remove build/linux yourself.'
fi
rm -rf "$BUILD"
