#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the test programs that run in the emulated machine, all static:
#   build/kvm-selftests   ours (tools/testing/selftests/kvm/x86) and those of
#                         the kernel that scripts/kvm-selftests.list names
#   build/kvm-bench       ours that measure (..._bench.c): no tests
#   build/guest-programs  from selftests/guest and tools/testing/selftests/undertow

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/headers-lib.sh"
kernel_env


# Names as the kernel's Makefile has them: x86/views_test.
kvm_tests() {
	local file
	for file in "$ROOT"/tools/testing/selftests/kvm/x86/*_test.c; do
		[ ! -f "$file" ] || echo "x86/$(basename "$file" .c)"
	done
	sed 's/#.*//; /^[[:space:]]*$/d; s/[[:space:]]//g' "$ROOT/scripts/kvm-selftests.list"
}

kvm_benches() {
	local file
	for file in "$ROOT"/tools/testing/selftests/kvm/x86/*_bench.c; do
		[ ! -f "$file" ] || echo "x86/$(basename "$file" .c)"
	done
}

# install_programs DIR NAME...: these and no others, from the objects.
install_programs() {
	local dir=$1 name
	shift
	mkdir -p "$dir"
	for name in "$dir"/*; do
		case " ${*//x86\//} " in *" ${name##*/} "*) ;; *) rm -f "$name" ;; esac
	done
	for name; do
		cmp -s "$OBJECTS/$name.stripped" "$dir/${name#x86/}" ||
			cp "$OBJECTS/$name.stripped" "$dir/${name#x86/}"
	done
}

OBJECTS=$BUILD/kvm-selftests.o

build_kvm_selftests() {
	local tests benches name
	mapfile -t tests < <(kvm_tests | sort -u)
	mapfile -t benches < <(kvm_benches)
	mkdir -p "$OBJECTS/x86"
	for name in "${tests[@]}"; do
		[ -f "$LINUX/tools/testing/selftests/kvm/$name.c" ] ||
			die "scripts/kvm-selftests.list names $name, which the kernel does not have" 'Correct the list.'
	done
	run kvm-selftests 'the KVM selftests do not build' 'Correct the error in the log.' \
		selftests_make "$OBJECTS" "${tests[*]} ${benches[*]}"
	for name in "${tests[@]}" "${benches[@]}"; do
		strip -o "$OBJECTS/$name.stripped" "$OBJECTS/$name"
	done
	install_programs "$BUILD/kvm-selftests" "${tests[@]}"
	install_programs "$BUILD/kvm-bench" "${benches[@]}"
}

build_guest_programs() {
	local file out wanted=' '
	mkdir -p "$BUILD/guest-programs"
	for file in "$ROOT"/selftests/guest/*.c "$ROOT"/tools/testing/selftests/undertow/*.c; do
		[ -f "$file" ] || continue
		out=$BUILD/guest-programs/$(basename "$file" .c)
		wanted+="${out##*/} "
		run "program-${out##*/}" "$file does not build" 'Correct the error in the log.' \
			ccache gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread \
			-isystem "$LINUX/usr/include" -I "$LINUX/tools/testing/selftests" -o "$out.tmp" "$file"
		strip "$out.tmp"
		cmp -s "$out.tmp" "$out" || cp "$out.tmp" "$out"
		rm -f "$out.tmp"
	done
	for file in "$BUILD"/guest-programs/*; do
		case $wanted in *" ${file##*/} "*) ;; *) rm -f "$file" ;; esac
	done
}

step 'Test programs: building'
install_headers
build_kvm_selftests
build_guest_programs
