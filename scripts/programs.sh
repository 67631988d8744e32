#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the test programs that run in the emulated machine, all static:
#   build/kvm-selftests   ours (tools/testing/selftests/kvm/x86) and those of
#                         the kernel that scripts/kvm-selftests.list names
#   build/guest-programs  from selftests/guest and tools/testing/selftests/undertow

. "$(dirname "$0")/lib.sh"
kernel_env

HEADERS=$LINUX/usr/include

# Only when one of them changed: the kernel's own rule takes a while to see that.
install_headers() {
	local key
	key=$(
		cd "$LINUX"
		cat .undertow/source .undertow/key
		find include/uapi arch/x86/include/uapi -newer .undertow/source -name '*.h' \
			-print0 | sort -z | xargs -0 -r sha256sum
	)
	[ ! -d "$HEADERS" ] || [ "$(cat "$LINUX/.undertow/headers" 2>/dev/null)" != "$key" ] || return 0
	run headers 'the kernel headers cannot be installed' 'Read the log.' kernel_make headers
	printf '%s\n' "$key" >"$LINUX/.undertow/headers"
}

# Names as the kernel's Makefile has them: x86/views_test.
kvm_tests() {
	local file
	for file in "$ROOT"/tools/testing/selftests/kvm/x86/*_test.c; do
		[ ! -f "$file" ] || echo "x86/$(basename "$file" .c)"
	done
	sed 's/#.*//; /^[[:space:]]*$/d; s/[[:space:]]//g' "$ROOT/scripts/kvm-selftests.list"
}

build_kvm_selftests() {
	local tests objects=$BUILD/kvm-selftests.o name
	tests=$(kvm_tests | sort -u | paste -sd ' ')
	mkdir -p "$objects/x86" "$BUILD/kvm-selftests"
	for name in $tests; do
		[ -f "$LINUX/tools/testing/selftests/kvm/$name.c" ] ||
			die "scripts/kvm-selftests.list names $name, which the kernel does not have" 'Correct the list.'
	done
	# Overridden lists: the hundred other tests are not built.
	LDFLAGS=-static run kvm-selftests 'the KVM selftests do not build' 'Correct the error in the log.' \
		make -C "$LINUX/tools/testing/selftests/kvm" -j"$JOBS" ARCH=x86 CC='ccache gcc' \
		OUTPUT="$objects" TEST_GEN_PROGS_COMMON= TEST_GEN_PROGS_EXTENDED_x86= \
		TEST_PROGS_x86= TEST_GEN_PROGS_x86="$tests"
	for name in "$BUILD"/kvm-selftests/*; do
		case " ${tests//x86\//} " in *" ${name##*/} "*) ;; *) rm -f "$name" ;; esac
	done
	for name in $tests; do
		cmp -s "$objects/$name" "$BUILD/kvm-selftests/${name#x86/}" ||
			strip -o "$BUILD/kvm-selftests/${name#x86/}" "$objects/$name"
	done
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
			-isystem "$HEADERS" -I "$LINUX/tools/testing/selftests" -o "$out.tmp" "$file"
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
