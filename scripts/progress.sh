# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shows the progress of a command that writes one line a file into its log.

# show_progress PID LOG EXPECTED: until the process ends. EXPECTED = 0: unknown.
show_progress() {
	local pid=$1 log=$2 expected=$3 start=$SECONDS lines percent text pause=15
	[ ! -t 1 ] || pause=1
	while kill -0 "$pid" 2>/dev/null; do
		# Also wakes up when the process ends.
		for ((i = 0; i < pause * 5; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.2
		done
		lines=$(grep -c '^  [A-Z]' "$log" || true)
		percent=
		if [ "$expected" -gt 0 ]; then
			percent=$((lines * 100 / expected))
			[ "$percent" -lt 100 ] || percent=99
			percent="$percent %, "
		fi
		text=$(printf '%s%d files, %d s' "$percent" "$lines" $((SECONDS - start)))
		if [ -t 1 ]; then
			printf '\r    %-60.60s' "$text  $(tail -n1 "$log" | tr -cd '[:print:]')"
		elif kill -0 "$pid" 2>/dev/null; then
			note "$text"
		fi
	done
	[ ! -t 1 ] || printf '\r%66s\r' ''
}
