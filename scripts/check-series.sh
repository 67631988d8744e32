#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-series: does each patch build by itself? Applies kvm/ and patches/
# one after the other to unpatched Linux, in build/series, with our new files in
# place but in no Makefile yet. Options are switched on as soon as they are
# there. After each patch of kvm/ it compiles all of arch/x86/kvm (Intel and
# AMD), after each of patches/ the whole kernel; in the end KVM with our options
# off. Closes with one line "N passed, N failed".
#
#	check-series.sh [FIRST [LAST]]	only these, as build/series/list counts;
#					all has to be built for the very end

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/headers-lib.sh"
. "$ROOT/scripts/series-lib.sh"

CHECK=$BUILD/series
RESULTS=$CHECK/results
first=${1:-1} last=${2:-9999}

start=$SECONDS
lock_clone
mkdir -p "$CHECK"
: >"$RESULTS"
export UNDERTOW_BUILD=$CHECK UNDERTOW_FRAGMENT=$CHECK/fragment
BUILD=$CHECK LINUX=$CHECK/linux LOGS=$CHECK/log
CHECK=$CHECK/check
mkdir -p "$CHECK" "$LOGS"

# The patches are commits of a small git in the tree (series-lib.sh).
go() { plain_git -C "$LINUX" checkout -q -f "$1"; }
home() { go "$(cat "$LINUX/.undertow/head")"; }

"$ROOT/scripts/preflight.sh"
"$ROOT/scripts/get-tools.sh"
source=$("$ROOT/scripts/get-source.sh")
# Stays where the last run was, so that going on there is cheap.
[ ! -d "$LINUX/.git" ] || [ "$(cat "$LINUX/.undertow/key")" = "$(series_key "${source%% *}")" ] || home
"$ROOT/scripts/kernel-tree.sh"
"$ROOT/scripts/overlay.sh"
kernel_env

# fragment [OPTION=VALUE]...: our own options as they are, unless given here.
ours='CONFIG_(KVM_VIEWS|UNDERTOW|SAMPLE_UNDERTOW)'
fragment() {
	grep -vE "$ours" "$ROOT/scripts/kernel.config"
	echo CONFIG_KVM_AMD=y
	echo CONFIG_KVM_PROVE_MMU=y
	if [ $# = 0 ]; then
		grep -E "^$ours" "$ROOT/scripts/kernel.config" | sed 's/$/ # optional/'
	else
		printf '%s\n' "$@"
	fi
}

configure() {
	fragment "$@" >"$UNDERTOW_FRAGMENT"
	"$ROOT/scripts/kernel-config.sh"
}

# As the kernel's Makefile names ours.
selftests() {
	local names
	names=$(grep -o 'x86/views_[a-z0-9_]*' "$LINUX/tools/testing/selftests/kvm/Makefile.kvm" | paste -sd ' ')
	mkdir -p "$BUILD/kvm-selftests.o/x86"
	install_headers
	selftests_make "$BUILD/kvm-selftests.o" "$names"
}

# What the patch with this subject can break, by the files that it touches.
compile() {
	local files
	files=$(plain_git -C "$LINUX" show --format= --name-only HEAD)
	case $1 in
	'KVM: selftests:'*) selftests ;;
	'KVM: '*)
		grep -qv '^Documentation/' <<<"$files" || return 0
		configure && kernel_make arch/x86/kvm/
		;;
	*) configure && kernel_make bzImage modules ;;
	esac
}

number=0
head=$(cat "$LINUX/.undertow/head")
total=$(plain_git -C "$LINUX" rev-list --count "base..$head")
plain_git -C "$LINUX" log --reverse --format=%s "base..$head" | nl -w 3 >"$BUILD/list"
step "Series: building after each of $total patches"
for commit in $(plain_git -C "$LINUX" rev-list --reverse "base..$head"); do
	number=$((number + 1))
	[ "$number" -ge "$first" ] && [ "$number" -le "$last" ] || continue
	go "$commit"
	subject=$(plain_git -C "$LINUX" show -s --format=%s)
	begun=$SECONDS
	test_command "$number $subject" compile "$subject"
	note "$((SECONDS - begun)) s"
done

without() { configure "$@" && kernel_make arch/x86/kvm/; }
if [ "$last" -gt "$total" ]; then
	home
	test_command 'all, without CONFIG_KVM_VIEWS' without '# CONFIG_KVM_VIEWS is not set'
	test_command 'all, without CONFIG_KVM_VIEWS_BREAK' without CONFIG_KVM_VIEWS=y \
		'# CONFIG_KVM_VIEWS_BREAK is not set'
fi

count() { grep -c "^$1 " "$RESULTS" || true; }
note "$((SECONDS - start)) s in all"
printf '%s passed, %s failed\n' "$(count pass)" "$(count fail)"
[ "$(count fail)" = 0 ]
