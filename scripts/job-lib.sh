# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a test says of itself: lines "ut-NAME: VALUE" in its first 40 lines.

# wish FILE NAME DEFAULT
wish() {
	local value
	value=$(head -n 40 "$1" | sed -nE "s,^[#/* ]*ut-$2:[[:space:]]*(.*[^[:space:]])[[:space:]]*\$,\1,p" | head -n 1)
	printf '%s\n' "${value:-$3}"
}

has_wish() { head -n 40 "$1" | grep -qE "^[#/* ]*ut-$2:"; }

# The guest's tests: those that say on how many CPUs they want to run.
guest_jobs() {
	local file
	for file in "$ROOT"/selftests/guest/*.sh "$ROOT"/tools/testing/selftests/undertow/*.sh \
		"$ROOT"/selftests/guest/*.c "$ROOT"/tools/testing/selftests/undertow/*.c; do
		[ ! -f "$file" ] || ! has_wish "$file" cpus || echo "$file"
	done
}

# job_log GUEST-LOG JOB: what this job printed.
job_log() {
	awk -v job="$2" '
		$0 == "UT-JOB begin " job { inside = 1; next }
		index($0, "UT-JOB end " job " ") == 1 { inside = 0 }
		inside' "$1"
}

# job_status GUEST-LOG JOB: empty when it did not end.
job_status() { sed -n "s/^UT-JOB end $2 status=//p" "$1" | tail -n 1; }
