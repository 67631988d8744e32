#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-debug: our KVM selftests on a host kernel that checks itself
# (scripts/kernel-debug.config): KASAN, UBSAN, lockdep, RCU, sleeping while
# atomic, KVM's own assertions. Any complaint of it is a failure, and so is
# memory that leaked, which kmemleak looks for when all VMs are gone. At the end
# of each boot such complaints are provoked, to show that they are seen. It ends
# with one line "N passed, N failed, N skipped".
#
#	check-debug.sh [NAME...]	only these KVM selftests

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/image-lib.sh"
. "$ROOT/scripts/kvm-run-lib.sh"

DEBUG=$BUILD/debug
CHECK=$BUILD/check-debug
RESULTS=$CHECK/results

start=$SECONDS
lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/kernel-variant.sh" debug
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"
built=$((SECONDS - start))

rm -rf "$CHECK"
mkdir -p "$CHECK"
: >"$RESULTS"

# The debug kernel is the host; everything else is as usual.
tests_tree() {
	local file
	for file in "$BUILD"/kvm-selftests/*; do
		program "$file" "/tests/$(basename "$file")"
	done
	copy "$ROOT/scripts/image/debug-begin.sh" /tests/debug-begin
	copy "$ROOT/scripts/image/debug-end.sh" /tests/debug-end
	copy "$DEBUG/linux/samples/kmemleak/kmemleak-test.ko" /tests/kmemleak-test.ko
}

IMAGE=$DEBUG/image
mkdir -p "$IMAGE"
ln -sf "$BUILD/image/host.cpio" "$IMAGE/host.cpio"
ln -sf "$DEBUG/linux/arch/x86/boot/bzImage" "$IMAGE/bzImage"
archive tests tests_tree "$BUILD"/kvm-selftests/* "$ROOT"/scripts/image/debug-*.sh \
	"$DEBUG/linux/samples/kmemleak/kmemleak-test.ko"

# KASAN would report its first finding only.
KVM_RUN=debug
KVM_APPEND=kasan_multi_shot
KVM_BEGIN=debug-begin
KVM_END=debug-end
KVM_OPTIONS=(--image "$IMAGE" --timeout 7200 --silence 1800)

step 'Tests: KVM selftests on the debug kernel'
if [ $# -gt 0 ]; then
	run_kvm_tests "${@/#/$BUILD/kvm-selftests/}"
else
	run_kvm_tests "$BUILD"/kvm-selftests/*
fi

count() { grep -c "^$1 " "$RESULTS" || true; }
note "$((SECONDS - start)) s in all, $built s of that to build"
if [ "$(count fail)" != 0 ]; then
	printf '\nFailed:\n'
	sed -n 's/^fail /  /p' "$RESULTS"
fi
printf '%s passed, %s failed, %s skipped\n' "$(count pass)" "$(count fail)" "$(count skip)"
[ "$(count fail)" = 0 ]
