#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Is this machine able to build and run the bench? Installs missing packages.

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/apt.sh"

check_machine() {
	[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
		die "the bench runs on Linux on x86-64; this is $(uname -s) on $(uname -m)" \
		    "Use an x86-64 machine. VMX is not needed: the CPU is emulated."
	[ "${UNDERTOW_ANY_DISTRO:-}" = 1 ] && return
	local release=${UNDERTOW_OS_RELEASE:-/etc/os-release} name
	name=$(sed -n 's/^ID=//p; s/^VERSION_ID=//p' "$release" 2>/dev/null | tr -d '"' | sort -r | paste -sd ' ')
	[ "$name" = 'debian 12' ] ||
		die "the bench is made for Debian 12; this is '$name'" \
		    "Use Debian 12 (a container does), or set UNDERTOW_ANY_DISTRO=1 and have the packages of scripts/packages.list."
}

wanted_packages() {
	sed 's/#.*//' "$ROOT/scripts/packages.list" | tr -s ' \t' '\n' | sed '/^$/d'
}

missing_packages() {
	local have
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
		sed -n 's/^installed //p' | sort -u)
	wanted_packages | sort -u | comm -23 - <(printf '%s\n' "$have")
}

# undertow_link knows the symbols of this compiler's panics; an older one names
# them in another way, and the build would fail in the middle.
check_rust() {
	local version
	version=$(/usr/bin/rustc --version | awk '{ print $2 }')
	[ "$(printf '%s\n' 1.96.0 "$version" | sort -V | head -n1)" = 1.96.0 ] ||
		die "/usr/bin/rustc is $version; Undertow needs 1.96 or newer" \
		    "Add Debian's security archive (suite bookworm-security) to the apt sources, then: apt-get update && apt-get install rustc-web rust-web-src cargo-web rust-web-clippy rustfmt-web."
}

check_machine
mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ]; then
	step "Packages: installing ${#missing[@]} (${missing[*]})"
	need_space /usr 3000 'Installing the packages'
	apt_install "${missing[@]}"
fi
check_rust
