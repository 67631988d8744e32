#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-kvm: is KVM as good as it was? Runs the KVM selftests that Linux
# itself has for x86 on three hosts: unpatched; patched with kvm.guest_views=0;
# patched with kvm.guest_views=2. A test that passes on the first must pass on
# the others. Leaves build/check-kvm/table and closes with one line
# "N passed, N failed, N skipped"; a test that does not pass on the unpatched
# host, or that can't run here, counts as skipped.
#
#	check-kvm.sh [NAME...]	only these tests

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/image-lib.sh"
. "$ROOT/scripts/stock-lib.sh"

# For one test, in seconds of the emulated machine.
TEST_SECONDS=${UNDERTOW_TEST_SECONDS:-90}
# A boot takes as long as ten quick tests; on a shared machine others want theirs.
PER_BOOT=25
STOCK=$BUILD/check-kvm

start=$SECONDS
lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/kernel-variant.sh" unpatched
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"
"$ROOT/scripts/kvm-stock.sh"

stock_image patched "$BUILD/image/bzImage"
stock_image unpatched "$BUILD/unpatched/linux/arch/x86/boot/bzImage"

if [ $# -gt 0 ]; then
	printf '%s\n' "$@" >"$STOCK/run"
else
	grep -vxFf <(cut -d ' ' -f 1 "$STOCK/skipped") "$STOCK/names" >"$STOCK/run"
fi
while read -r name; do
	[ -x "$STOCK/tests/$name" ] ||
		die "there is no test '$name' to run" "Read $STOCK/names and $STOCK/skipped."
done <"$STOCK/run"

step "Tests: $(wc -l <"$STOCK/run") on three hosts, at most $TEST_SECONDS emulated seconds each"
run_host unpatched unpatched ''
run_host views0 patched 'kvm.guest_views=0'
run_host views2 patched 'kvm.guest_views=2'

make_table unpatched views0 views2 >"$STOCK/table"
step 'Result'
sed 's/^/    /' "$STOCK/table"
note "$((SECONDS - start)) s in all; the table is ${STOCK#"$ROOT/"}/table"

count() { awk -v verdict="$1" '$5 == verdict { n++ } END { print n + 0 }' "$STOCK/table"; }
printf '%s passed, %s failed, %s skipped\n' "$(count pass)" "$(count FAIL)" "$(count skip)"
[ "$(count FAIL)" = 0 ]
