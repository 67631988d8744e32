# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Reading what a guest job found, from lines of its console:
#	UT-COST key=value		a cost, in instructions unless the key says
#					otherwise; a plain number
#	UT-ELF ... , segment ..., section ...
#					the summary of an ELF file, in the form of
#					tools/testing/selftests/undertow/readelf_summary.sh

COSTS=(call floor crossing hypercall_switch ve_round_trip exits_per_million)

# costs_json GUEST-LOG FILE: all costs as one flat object.
costs_json() {
	local key
	awk '
		sub(/^UT-COST /, "") {
			key = value = $0
			sub(/=.*/, "", key)
			sub(/^[^=]*=/, "", value)
			if (key !~ /^[a-z][a-z0-9_]*$/ || value !~ /^-?[0-9]+(\.[0-9]+)?$/) {
				print "not a cost: " $0 >"/dev/stderr"
				exit bad = 1
			}
			if (key in seen) {
				print "given twice: " key >"/dev/stderr"
				exit bad = 1
			}
			seen[key] = 1
			text = text (text == "" ? "" : ",\n") "  \"" key "\": " value
		}
		END { if (bad) exit 1; print "{"; print text; print "}" }' "$1" >"$2" ||
		die "the guest printed a cost that is none (see above)" "Repair the job."
	for key in "${COSTS[@]}"; do
		grep -q "^  \"$key\": " "$2" || die "the guest did not measure '$key'" "Read $1."
	done
}

costs_table() {
	sed -nE 's/^  "([a-z0-9_]+)": ([-0-9.]+),?$/\1 \2/p' "$1" |
		awk '{ printf "    %-28s %14s\n", $1, $2 }'
}

elf_summary() { grep -E '^(UT-ELF |segment [0-9]|section [0-9])' "$1" || true; }
