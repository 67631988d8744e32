#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# From nothing to a built kernel: packages, tools, source, series, build.

. "$(dirname "$0")/lib.sh"

# Two builds in one clone would spoil each other.
mkdir -p "$BUILD"
exec 8>"$BUILD/.lock"
flock -n 8 || die 'another build runs in this clone' 'Wait for it, or use a second clone.'

"$ROOT/scripts/preflight.sh"
"$ROOT/scripts/get-tools.sh"
"$ROOT/scripts/kernel-tree.sh"
"$ROOT/scripts/overlay.sh"
"$ROOT/scripts/kernel-config.sh"
"$ROOT/scripts/kernel-build.sh"
