#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# From nothing to a built kernel: packages, tools, source, series, build.

. "$(dirname "$0")/lib.sh"

lock_clone

"$ROOT/scripts/preflight.sh"
"$ROOT/scripts/get-tools.sh"
"$ROOT/scripts/kernel-tree.sh"
"$ROOT/scripts/overlay.sh"
"$ROOT/scripts/kernel-config.sh"
"$ROOT/scripts/kernel-build.sh"
