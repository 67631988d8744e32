#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes build/linux/.config from tinyconfig and scripts/kernel.config, and
# checks that every wanted option came out as asked. Does nothing when neither
# the fragment nor a Kconfig file changed.

. "$(dirname "$0")/lib.sh"
kernel_env

FRAGMENT=${UNDERTOW_FRAGMENT:-$ROOT/scripts/kernel.config}
KEY=$LINUX/.undertow/config

config_key() {
	{
		cat "$FRAGMENT" "$0"
		clang-19 --version
		/usr/bin/rustc --version
		"$CACHE/tools/bin/bindgen" --version
		find "$LINUX" -name 'Kconfig*' -type f -print0 | sort -z | xargs -0 cat
	} | sha256sum | cut -d' ' -f1
}

# wanted PATTERN: the fragment's options, their mark "# optional" kept.
wanted() { grep -E '^(CONFIG_[A-Z0-9_]+=|# CONFIG_[A-Z0-9_]+ is not set)' "$FRAGMENT"; }

verify() {
	local line symbol value have status=0
	while read -r line; do
		value=${line%%[[:space:]]#*}
		symbol=$(printf '%s\n' "$value" | grep -oE 'CONFIG_[A-Z0-9_]+')
		have=$(grep -E "^$symbol=" "$LINUX/.config" || true)
		case $value in
		'#'*) [ -z "$have" ] && continue ;;
		*) [ "$have" = "$value" ] && continue ;;
		esac
		case $line in
		*'# optional')
			grep -rqsE --include='Kconfig*' "^(menu)?config ${symbol#CONFIG_}\$" "$LINUX" || continue
			warn "$symbol: wanted '$value', is '${have:-not set}' (optional)"
			;;
		*)
			echo "$symbol: wanted '$value', is '${have:-not set}'" >&2
			status=1
			;;
		esac
	done < <(wanted)
	return $status
}

# The configuration only says "no" to Rust; the kernel can also say why.
rust_hint() {
	if grep -q '^CONFIG_RUST=y' "$LINUX/.config"; then
		echo 'A dependency of the option is missing: add it to scripts/kernel.config.'
	else
		kernel_make rustavailable >"$LOGS/rustavailable.log" 2>&1 || true
		echo "Rust is not available to the kernel; the reason is in $LOGS/rustavailable.log."
	fi
}

key=$(config_key)
if [ -f "$LINUX/.config" ] && [ "$(cat "$KEY" 2>/dev/null)" = "$key" ]; then
	exit 0
fi

step 'Kernel configuration: tinyconfig and scripts/kernel.config'
scratch_dir
wanted | sed 's/[[:space:]]# optional$//' >"$SCRATCH/fragment"
hint='Read the log; a Kconfig file may be wrong.'
run config-tiny 'tinyconfig fails' "$hint" kernel_make KCONFIG_CONFIG="$SCRATCH/config" tinyconfig
run config-merge 'the fragment cannot be merged' "$hint" \
	env KCONFIG_CONFIG="$SCRATCH/config" "$LINUX/scripts/kconfig/merge_config.sh" \
	-m -O "$SCRATCH" "$SCRATCH/config" "$SCRATCH/fragment"
run config-final 'olddefconfig fails' "$hint" kernel_make KCONFIG_CONFIG="$SCRATCH/config" olddefconfig
# An equal file keeps its time stamp: nothing is then built again.
cmp -s "$SCRATCH/config" "$LINUX/.config" || cp "$SCRATCH/config" "$LINUX/.config"
verify || die 'the kernel cannot be configured as wanted (see the lines above)' "$(rust_hint)"
config_key >"$KEY"
