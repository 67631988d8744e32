# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Common ground of all scripts: paths, messages, running one step, locks.
#
# Variables a user may set:
#   UNDERTOW_CACHE       downloads and tools, shared by clones (~/.cache/undertow)
#   UNDERTOW_JOBS        parallel jobs (number of CPUs)
#   UNDERTOW_ANY_DISTRO  1: go on although this is not Debian 12
#   UNDERTOW_BOCHS       a Bochs binary to use instead of building one
#   UNDERTOW_QUEUE       a command that each boot of the emulator is given to, to
#                        run it when its turn comes (none)
#   UNDERTOW_CPU         the CPU model that Bochs emulates (broadwell_ult)
#   UNDERTOW_QEMU        a QEMU for the emulated AMD host (Debian's)
#   KERNEL_TARBALL       linux-7.3.4.tar.* or Debian's linux-source-7.3.tar.*
#   KERNEL_SRC           an unpacked Linux 7.3.4; it is only read
# and that the tests of these scripts set:
#   UNDERTOW_BUILD       where to build (build/ in the clone)
#   UNDERTOW_REPO        whose kernel files and patches to use (the clone)

set -euo pipefail

# Nothing here asks questions: a closed or odd standard input must not matter.
exec </dev/null

export LC_ALL=C
umask 022

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${HOME:=/root}"
CACHE=${UNDERTOW_CACHE:-$HOME/.cache/undertow}
BUILD=${UNDERTOW_BUILD:-$ROOT/build}
REPO=${UNDERTOW_REPO:-$ROOT}
JOBS=${UNDERTOW_JOBS:-$(nproc)}
LOGS=$BUILD/log
LINUX=$BUILD/linux
# Exported because their readers are in other files.
export ROOT REPO CACHE BUILD JOBS LOGS LINUX

KERNEL_VERSION=7.3.4
export KERNEL_VERSION

# The caller may have set these for a build of its own.
unset MAKEFLAGS MAKELEVEL MFLAGS KBUILD_OUTPUT ARCH CROSS_COMPILE
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Every temporary file of a script goes here and disappears with the script.
SCRATCH=
scratch_dir() {
	[ -n "$SCRATCH" ] && return
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/undertow.XXXXXX")
	trap 'rm -rf "$SCRATCH"' EXIT
}

step() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die WHAT [HINT]: for refusals, where no command was run.
die() {
	printf '\nFAILED: %s\n' "$1" >&2
	[ -z "${2:-}" ] || printf '  to do:   %s\n' "$2" >&2
	exit 1
}

# failed WHAT COMMAND LOG HINT: for commands that failed.
failed() {
	{
		printf '\nFAILED: %s\n' "$1"
		printf '  command: %s\n' "$2"
		if [ -s "$3" ]; then
			printf '  log:     %s, which ends:\n' "$3"
			tail -n 12 "$3" | cut -c1-200 | sed 's/^/    | /'
		else
			printf '  log:     %s (empty)\n' "$3"
		fi
		if grep -q 'No space left on device' "$3" 2>/dev/null; then
			printf '  to do:   The disk is full: free some space, then run this again.\n'
		else
			printf '  to do:   %s\n' "$4"
		fi
	} >&2
	exit 1
}

# run LOGNAME WHAT HINT COMMAND...: one quiet command with its log.
run() {
	local log=$LOGS/$1.log what=$2 hint=$3
	shift 3
	mkdir -p "$LOGS"
	"$@" >"$log" 2>&1 || failed "$what" "$*" "$log" "$hint"
}

# Two builds in one clone would spoil each other. Whoever comes first holds the
# lock for the scripts that it calls, too.
lock_clone() {
	[ -z "${UNDERTOW_LOCKED:-}" ] || return 0
	mkdir -p "$BUILD"
	exec 8>"$BUILD/.lock"
	flock -n 8 || die 'another make runs in this clone' 'Wait for it, or use a second clone.'
	export UNDERTOW_LOCKED=$$
}

# with_lock NAME COMMAND...: one at a time among all users of the cache.
with_lock() {
	local name=$1
	shift
	mkdir -p "$CACHE/lock"
	(
		if ! flock -n 9; then
			note "waiting for another build that holds $CACHE/lock/$name"
			flock 9
		fi
		"$@"
	) 9>"$CACHE/lock/$name"
}

# need_space DIR MIB WHY
need_space() {
	local dir=$1 free
	while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
	free=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die "$3 needs $2 MiB on the file system of $dir; it has $free MiB" \
		    "Free some space, or point UNDERTOW_CACHE and the clone elsewhere."
}

# git without this user's configuration: same result everywhere.
plain_git() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null git \
		-c safe.directory='*' -c core.hooksPath=/dev/null \
		-c core.autocrlf=false -c gc.auto=0 -c init.defaultBranch=main \
		-c commit.gpgsign=false -c user.name='Undertow maintainers' \
		-c user.email=maintainers@undertow.invalid "$@"
}

# Debian's toolchain, whatever else the user has installed.
kernel_env() {
	export PATH="$CACHE/tools/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	export CCACHE_DIR="$CACHE/ccache" CCACHE_BASEDIR="$LINUX"
	export CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G
	# Equal sources give equal images on every machine.
	export KBUILD_BUILD_USER=undertow KBUILD_BUILD_HOST=bench
	export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC'
	export KBUILD_BUILD_VERSION=1
	unset RUSTFLAGS RUSTC_WRAPPER CARGO_BUILD_TARGET CARGO_TARGET_DIR RUSTC
	unset CFLAGS LDFLAGS CC LLVM KCFLAGS
}

kernel_make() {
	make -C "$LINUX" -j"$JOBS" LOCALVERSION= LLVM=-19 CC='ccache clang-19' \
		RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
		RUSTFMT=/usr/bin/rustfmt CLIPPY_DRIVER=/usr/bin/clippy-driver \
		BINDGEN="$CACHE/tools/bin/bindgen" CLIPPY=1 "$@"
}
