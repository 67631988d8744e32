#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bindgen, which Debian 12 has only in a version too old for the kernel.

. "$(dirname "$0")/lib.sh"
kernel_env

VERSION=0.72.1

usable() {
	[ "$("$CACHE/tools/bin/bindgen" --version 2>/dev/null)" = "bindgen $VERSION" ]
}

install_bindgen() {
	usable && return
	need_space "$CACHE" 800 'Building bindgen'
	step "Tools: building bindgen $VERSION (about 75 s)"
	run bindgen 'bindgen cannot be built' \
		'The Rust package registry must be reachable: check the network, then run this again.' \
		env CARGO_TARGET_DIR="$CACHE/tools/tmp" CARGO_INSTALL_ROOT="$CACHE/tools" \
		/usr/bin/cargo install --locked --force --jobs "$JOBS" \
		--version "$VERSION" bindgen-cli
	rm -rf "$CACHE/tools/tmp"
	usable || die "the new bindgen does not run: $CACHE/tools/bin/bindgen" \
		"Run it by hand; then remove it and run this again."
}

usable || with_lock tools install_bindgen
