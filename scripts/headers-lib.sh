# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel's user space headers, which test programs are built with.

# Only when one of them changed: the kernel's own rule takes a while to see that.
install_headers() {
	local key
	key=$(
		cd "$LINUX" || exit
		cat .undertow/source .undertow/key
		find include/uapi arch/x86/include/uapi -newer .undertow/source -name '*.h' \
			-print0 | sort -z | xargs -0 -r sha256sum
	)
	[ ! -d "$LINUX/usr/include" ] ||
		[ "$(cat "$LINUX/.undertow/headers" 2>/dev/null)" != "$key" ] || return 0
	run headers 'the kernel headers cannot be installed' 'Read the log.' kernel_make headers
	printf '%s\n' "$key" >"$LINUX/.undertow/headers"
}

# selftests_make OBJECTS TESTS OPTION...: KVM selftests, static; TESTS as the
# kernel's Makefile names them (x86/views_test). Its own lists are overridden:
# the hundred other tests are not built.
selftests_make() {
	local objects=$1 tests=$2
	shift 2
	LDFLAGS=-static make -C "$LINUX/tools/testing/selftests/kvm" -j"$JOBS" ARCH=x86 \
		CC='ccache gcc' OUTPUT="$objects" TEST_GEN_PROGS_COMMON= \
		TEST_GEN_PROGS_EXTENDED_x86= TEST_PROGS_x86= TEST_GEN_PROGS_x86="$tests" "$@"
}
