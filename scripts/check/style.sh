#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Style: checkpatch on both series and on the new C files, rustfmt and clippy on
# all Rust, shellcheck on all scripts, and two rules of this house. (The kernel's
# own Rust lints and all compiler warnings are errors of the kernel build.)

. "$(dirname "$0")/../lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/series-lib.sh"
kernel_env
unset CCACHE_BASEDIR

# FILE_PATH_CHANGES: there is no MAINTAINERS entry outside the kernel.
# EMBEDDED_FILENAME: complains about a Kconfig file that names another one.
IGNORED=FILE_PATH_CHANGES,EMBEDDED_FILENAME
CHECKPATCH=(perl "$LINUX/scripts/checkpatch.pl" --root="$LINUX" --strict --terse
	--no-summary --show-types --ignore)

for patch in $(series_patches); do
	test_command "style: checkpatch ${patch#"$ROOT/"}" "${CHECKPATCH[@]}" "$IGNORED" "$patch"
done

# Kernel code only; what people read on their own machine has other rules.
while read -r file; do
	# With the kernel's path: some rules depend on it.
	ignored=$IGNORED
	# User space has no BIT().
	case $file in
	*/uapi/*) ignored+=,BIT_MACRO ;;
	# A language of its own, which looks the same all over the kernel.
	*_trace.h) ignored+=,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING,COMPLEX_MACRO ;;
	esac
	test_command "style: checkpatch $file" env --chdir="$LINUX" "${CHECKPATCH[@]}" "$ignored" -f "$file"
done < <(our_files '*.c' '*.h' '*.S' | grep -Ff <(sed '/^#/d; /^$/d' "$ROOT/scripts/overlay.list"))

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
