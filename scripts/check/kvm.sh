#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# KVM selftests on the emulated host (scripts/kvm-run-lib.sh).

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/kvm-run-lib.sh"
. "$ROOT/scripts/record-lib.sh"

"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

KVM_OPTIONS=(--timeout 600 --silence 300)
KVM_RECORD=1
run_kvm_tests "$BUILD"/kvm-selftests/*
