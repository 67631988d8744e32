#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests of the scripts themselves.

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"

for test in "$ROOT"/scripts/test/*_test.sh; do
	name=$(basename "$test" .sh)
	"$test" >"$CHECK/scripts-$name.ktap" 2>"$CHECK/scripts-$name.err" || true
	report_ktap "scripts: ${name%_test}" "$CHECK/scripts-$name.ktap"
done
