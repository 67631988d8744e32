#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench-host: what views cost the host. Runs views_bench on three hosts
# (unpatched; patched with kvm.guest_views=0; with kvm.guest_views=2), and sets
# what it measured beside what Documentation/undertow/costs.rst computes.
# Results: build/bench-host/costs.json and table, and the instructions that a VM
# exit passes in one and not in the other kernel (exit.diff).

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/image-lib.sh"

OUT=$BUILD/bench-host
UNPATCHED=$BUILD/unpatched/linux

start=$SECONDS
lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/kernel-variant.sh" unpatched
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"
built=$((SECONDS - start))

bench_tree() {
	program "$BUILD/kvm-bench/views_bench" /tests/views_bench
}

# measure NAME KERNEL APPEND
measure() {
	IMAGE=$OUT/image-$1
	mkdir -p "$IMAGE"
	ln -sf "$2" "$IMAGE/bzImage"
	ln -sf "$BUILD/image/host.cpio" "$IMAGE/host.cpio"
	archive tests bench_tree "$BUILD/kvm-bench/views_bench"
	step "Measuring: $1"
	"$ROOT/scripts/run-vm.sh" --name "bench-host/$1" --image "$IMAGE" --tests views_bench \
		--timeout 1800 --silence 900 --host-append "$3" ||
		die "the measurement on '$1' failed" "Read $OUT/$1/serial.log."
	grep -q '^ok 1 ' "$OUT/$1/tests.log" ||
		die "views_bench failed on '$1'" "Read $OUT/$1/tests.log."
	sed -n 's/^ *UT-COST //p' "$OUT/$1/tests.log" >"$OUT/$1.costs"
}

measure unpatched "$UNPATCHED/arch/x86/boot/bzImage" ''
measure views0 "$BUILD/image/bzImage" kvm.guest_views=0
measure views2 "$BUILD/image/bzImage" kvm.guest_views=2

# The functions that every exit passes, without addresses.
disassemble() {
	local name
	for name in vmx_vcpu_run vcpu_run vmx_handle_exit; do
		/usr/lib/llvm-19/bin/llvm-objdump -d --no-show-raw-insn --no-leading-addr \
			--disassemble-symbols="$name" "$1" | sed -E 's/0x[0-9a-f]+( <[^+>]*)[^>]*/\1/'
	done
}
disassemble "$UNPATCHED/vmlinux" >"$OUT/unpatched.s"
disassemble "$LINUX/vmlinux" >"$OUT/patched.s"
diff -u "$OUT/unpatched.s" "$OUT/patched.s" >"$OUT/exit.diff" || true

step 'Costs: emulated instructions, unless the name says otherwise'
python3 "$ROOT/scripts/bench-host.py" "$OUT" | tee "$OUT/table" | sed 's/^/    /'
note "also in ${OUT#"$ROOT/"}: table, costs.json, exit.diff"
note "$((SECONDS - start)) s in all, $built s of that to build"
