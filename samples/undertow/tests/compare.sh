#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Compares what the ELF sample's parser and readelf say about files, on the
# build machine, with the parser as an ordinary program.
#
#	compare.sh FILE...

here=$(cd "$(dirname "$0")" && pwd) || exit 1
selftest=$here/../../../tools/testing/selftests/undertow
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

if [ $# -eq 0 ]; then
	echo "usage: $0 FILE..." >&2
	exit 2
fi
cargo build -q --manifest-path "$here/../Cargo.toml" --target-dir "$tmp/target" &&
	${CC:-cc} -Wall -O2 -o "$tmp/ut_elf" "$selftest/ut_elf.c" || exit 1

failed=0
for file; do
	if "$tmp/target/debug/elf_report" "$file" > "$tmp/report" &&
	   "$tmp/ut_elf" -r "$tmp/report" "$file" > "$tmp/ours" &&
	   "$selftest/readelf_summary.sh" "$file" > "$tmp/theirs" &&
	   diff -u "$tmp/theirs" "$tmp/ours"; then
		echo "ok $file ($(wc -l < "$tmp/ours") lines)"
	else
		echo "not ok $file"
		failed=1
	fi
done
exit $failed
