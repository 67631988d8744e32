# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the tests of the scripts: KTAP, a directory of their own, and a source
# tree that is just large enough to be taken for Linux.

set -uo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SCRIPTS
WORK=$(mktemp -d "${TMPDIR:-/tmp}/undertow-test.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

export UNDERTOW_CACHE=$WORK/cache UNDERTOW_BUILD=$WORK/build UNDERTOW_REPO=$WORK/repo
unset UNDERTOW_LOCKED UNDERTOW_QUEUE KERNEL_SRC KERNEL_TARBALL UNDERTOW_BOCHS UNDERTOW_ANY_DISTRO

NUMBER=0
OUTPUT=$WORK/output

plan() { printf 'TAP version 13\n1..%s\n' "$1"; }

result() {
	NUMBER=$((NUMBER + 1))
	if [ "$1" = 0 ]; then
		echo "ok $NUMBER $2"
	else
		sed 's/^/# /' "$OUTPUT" 2>/dev/null
		echo "not ok $NUMBER $2"
	fi
}

# succeeds NAME COMMAND...
succeeds() {
	local name=$1
	shift
	"$@" >"$OUTPUT" 2>&1
	result $? "$name"
}

# refuses NAME TEXT COMMAND...: fails, and says TEXT in what it prints.
refuses() {
	local name=$1 text=$2
	shift 2
	if "$@" >"$OUTPUT" 2>&1; then
		echo "# did not fail" >>"$OUTPUT"
		result 1 "$name"
	else
		grep -qF -- "$text" "$OUTPUT"
		result $? "$name"
	fi
}

# holds NAME TEST-EXPRESSION...
holds() {
	local name=$1
	shift
	[ "$@" ]
	result $? "$name"
}

# small_linux DIR VERSION
small_linux() {
	local major minor patch file
	IFS=. read -r major minor patch <<<"$2"
	mkdir -p "$1/arch/x86/kvm" "$1/kernel"
	printf 'VERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = %s\nEXTRAVERSION =\nmrproper:\n' \
		"$major" "$minor" "$patch" >"$1/Makefile"
	: >"$1/Kbuild"
	for file in arch/x86/kvm/x86.c kernel/fork.c kernel/exit.c; do
		seq -f "line %g of $file" 30 >"$1/$file"
	done
}
