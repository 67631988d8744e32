#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds all KVM selftests that the kernel has for x86, static, from the
# unpatched source, in build/check-kvm/tests:
#   tests/NAME		the program, NAME.args, and NAME.seconds if it may take
#			longer than others
#   names		all of them, one a line; smp: those that need two CPUs
#   skipped		those that make check-kvm can't run: "NAME REASON"

. "$(dirname "$0")/lib.sh"
OUT=$BUILD/check-kvm
BUILD=$BUILD/unpatched
LINUX=$BUILD/linux
. "$ROOT/scripts/headers-lib.sh"
kernel_env

LIST=$ROOT/scripts/kvm-stock.list
SOURCE=$LINUX/tools/testing/selftests/kvm
OBJECTS=$BUILD/kvm-selftests.o

# What make would build; the lists are only in the Makefile.
all_names() {
	make -s -C "$SOURCE" -f <(
		cat <<-'END'
			include Makefile.kvm
			print-names: ; @echo $(TEST_GEN_PROGS_x86) $(TEST_PROGS_x86)
		END
	) ARCH=x86 OUTPUT="$OBJECTS" print-names | tr ' ' '\n' | sort -u
}

special() { sed -nE "s,^$1[[:space:]]+$2[[:space:]]+,,p" "$LIST"; }

mkdir -p "$OBJECTS/x86" "$OUT/tests" "$LOGS"
step 'KVM selftests of the kernel: building'
install_headers
all_names >"$OUT/names.all" || die "the kernel's list of KVM selftests cannot be read" 'Run this again.'
grep -v '\.sh$' "$OUT/names.all" >"$OUT/names"
[ "$(wc -l <"$OUT/names")" -gt 50 ] ||
	die "the kernel's list of KVM selftests is too short" "Read $OUT/names.all."
sed '/^#/d; /^[[:space:]]*$/d' "$LIST" | while read -r what name _; do
	case $what in
	args | cpus | late | seconds | skip) ;;
	*) die "scripts/kvm-stock.list: '$what'" 'Say args, cpus, late, seconds or skip.' ;;
	esac
	grep -qxF "$name" "$OUT/names.all" ||
		die "scripts/kvm-stock.list names $name, which the kernel does not have" 'Correct the list.'
done

# One that does not build shows up in the table; it does not end the run.
selftests_make "$OBJECTS" "$(paste -sd ' ' "$OUT/names")" -k >"$LOGS/kvm-stock.log" 2>&1 || true
: >"$OUT/skipped"
: >"$OUT/smp"
while read -r name; do
	short=${name#x86/}
	reason=$(special skip "$name")
	if [ -n "$reason" ]; then
		echo "$short $reason" >>"$OUT/skipped"
		rm -f "$OUT/tests/$short"
	elif [ ! -x "$OBJECTS/$name" ]; then
		echo "$short does not build here: $(grep -m1 -E "(error|undefined reference).*" "$LOGS/kvm-stock.log" | cut -c1-80)" >>"$OUT/skipped"
	else
		strip -o "$OBJECTS/stripped" "$OBJECTS/$name"
		cmp -s "$OBJECTS/stripped" "$OUT/tests/$short" || cp "$OBJECTS/stripped" "$OUT/tests/$short"
		special args "$name" >"$OUT/tests/$short.args"
		special seconds "$name" >"$OUT/tests/$short.seconds"
		[ -z "$(special cpus "$name")" ] || echo "$short" >>"$OUT/smp"
	fi
done <"$OUT/names.all"
late=$(special late '[^[:space:]]+' | wc -l)
while read -r name; do
	[ -z "$(special late "$name")" ] || echo "$name"
done <"$OUT/names" >"$OUT/late"
[ "$(wc -l <"$OUT/late")" = "$late" ] || die 'scripts/kvm-stock.list: a late test is missing' 'Correct the list.'
{ grep -vxFf "$OUT/late" "$OUT/names"; cat "$OUT/late"; } >"$OUT/names.tmp"
mv "$OUT/names.tmp" "$OUT/names"
sed -i 's,^x86/,,' "$OUT/names" "$OUT/names.all"
note "$(wc -l <"$OUT/names.all") tests, $(wc -l <"$OUT/skipped") of them can't run here"
