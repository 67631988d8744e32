#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Style: checkpatch on both series and on the new C files, rustfmt and clippy on
# all Rust, shellcheck on all scripts, and two rules of this house. (The kernel's
# own Rust lints and all compiler warnings are errors of the kernel build.)

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/record-lib.sh"
. "$ROOT/scripts/series-lib.sh"
kernel_env
unset CCACHE_BASEDIR

# FILE_PATH_CHANGES: there is no MAINTAINERS entry outside the kernel.
# EMBEDDED_FILENAME: complains about a Kconfig file that names another one.
IGNORED=FILE_PATH_CHANGES,EMBEDDED_FILENAME
CHECKPATCH=(perl "$LINUX/scripts/checkpatch.pl" --root="$LINUX" --strict --terse
	--no-summary --show-types --ignore)

# Kernel code only; what people read on their own machine has other rules.
ignored_in() {
	case $1 in
	# User space has no BIT().
	*/uapi/*) echo "$IGNORED,BIT_MACRO" ;;
	# A language of its own, which looks the same all over the kernel.
	*_trace.h) echo "$IGNORED,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING,COMPLEX_MACRO" ;;
	*) echo "$IGNORED" ;;
	esac
}

checkpatch_files() {
	series_patches | sed "s,^$ROOT/,,"
	our_files '*.c' '*.h' '*.S' | grep -Ff <(sed '/^#/d; /^$/d' "$ROOT/scripts/overlay.list")
}

log_of() { echo "$CHECK/checkpatch-$(printf %s "$1" | tr / -).log"; }

# With the kernel's path: some rules depend on it.
checkpatch() {
	local kind=()
	case $2 in *.patch) ;; *) kind=(-f) ;; esac
	cd "$LINUX"
	[ "${#kind[@]}" = 1 ] || set -- "$1" "$ROOT/$2"
	exec "${CHECKPATCH[@]}" "$(ignored_in "$2")" "${kind[@]}" "$2" >"$(log_of "${2#"$ROOT/"}")" 2>&1
}

checkpatch_key() {
	record_key "checkpatch $1 $(ignored_in "$1")" "$ROOT/$1" "$ROOT/scripts/check/style.sh" \
		"$LINUX"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
}

conclude() {
	local before log
	before=$(results)
	log=$(log_of "$2")
	if [ "$3" = 0 ]; then
		report pass "style: checkpatch $2"
		keep "${keys[$1 - 1]}" "$before"
	else
		report fail "style: checkpatch $2" "$log"
		tail -n 15 "$log" | cut -c1-180 | sed 's/^/        | /'
	fi
}

files=() keys=() same=0
while read -r file; do
	key=$(checkpatch_key "$file")
	if replay "$key"; then
		same=$((same + 1))
		continue
	fi
	files+=("$file")
	keys+=("$key")
done < <(checkpatch_files)
[ "$same" = 0 ] || note "checkpatch: $same files on record, none of them changed"
in_parallel checkpatch conclude "${files[@]}"

rust_files() { our_files '*.rs' '*.rs.in' | sed "s,^,$ROOT/,"; }

if [ -n "$(rust_files)" ]; then
	# Each file by itself: rustfmt would follow "mod" into other files.
	format() {
		local file status=0
		for file; do
			/usr/bin/rustfmt --config-path "$LINUX/.rustfmt.toml" --edition 2021 \
				--emit stdout <"$file" 2>"$SCRATCH/err" >"$SCRATCH/out" &&
				diff -u --label "$file" "$file" --label formatted "$SCRATCH/out" || {
				status=1
				cat "$SCRATCH/err"
			}
		done
		return $status
	}
	scratch_dir
	mapfile -t files < <(rust_files)
	test_command 'style: rustfmt' format "${files[@]}"
fi

# By its path: cargo would prefer a clippy of rustup, which is another version.
while read -r lock; do
	dir=$(dirname "$lock")
	test_command "style: clippy $dir" env --chdir="$ROOT/$dir" \
		CARGO_TARGET_DIR="$BUILD/cargo" RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo \
		/usr/bin/cargo-clippy clippy --locked -q --workspace --all-targets -- -D warnings
done < <(our_files '*Cargo.lock')

mapfile -t files < <(our_files '*.sh' | sed "s,^,$ROOT/,")
test_command 'style: shellcheck' env --chdir="$ROOT" shellcheck -x "${files[@]}"

licences() {
	local file status=0
	while read -r file; do
		head -n 5 "$ROOT/$file" | grep -q 'SPDX-License-Identifier: ' ||
			{ echo "no SPDX line: $file"; status=1; }
	done < <(our_files '*.c' '*.h' '*.S' '*.rs' '*.sh' '*.awk' '*Makefile' '*Kbuild' '*Kconfig')
	return $status
}
test_command 'style: SPDX lines' licences

lengths() {
	local file lines status=0
	while read -r file; do
		lines=$(wc -l <"$ROOT/$file")
		[ "$lines" -le 600 ] || { echo "$file has $lines lines, the limit is 600"; status=1; }
	done < <(our_files '*.c' '*.h' '*.S' '*.rs' '*.sh' '*.awk')
	return $status
}
test_command 'style: no file over 600 lines' lengths
