# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A test whose inputs are all known need not run again when none of them
# changed. What it reported is kept in build/records under a hash of its inputs,
# if it all passed, and is reported again from there. UNDERTOW_FRESH=1 looks at
# no record. A new clone has none.

RECORDS=$BUILD/records
REPLAYED=$CHECK/replayed

# record_key TEXT FILE...: TEXT is every input that is not in a file. A file that
# is missing is an error: it would be an input that nobody looks at.
record_key() {
	local text=$1 sums
	shift
	sums=$(sha256sum -- "$@") || return
	printf '%s\n%s\n' "$text" "$sums" | sha256sum | cut -d ' ' -f 1
}

# replay KEY [LABEL]: reports what is on record, or fails.
replay() {
	local verdict name
	[ "${UNDERTOW_FRESH:-0}" != 1 ] && [ -s "$RECORDS/$1" ] || return 1
	touch "$RECORDS/$1"
	while read -r verdict name; do
		printf '%s %s\n' "$verdict" "$name" >>"$RESULTS"
		printf '%s\n' "$name" >>"$REPLAYED"
	done <"$RECORDS/$1"
	[ -z "${2:-}" ] || note "$2: nothing changed, $(wc -l <"$RECORDS/$1") on record"
}

# results: how many there are by now, for "keep".
results() { wc -l <"$RESULTS"; }

# keep KEY FROM [TO]: puts the results after number FROM on record, unless one of
# them is a failure.
keep() {
	local new=$RECORDS/$1.new
	mkdir -p "$RECORDS"
	sed -n "$(($2 + 1)),${3:-\$}p" "$RESULTS" >"$new"
	if [ -s "$new" ] && ! grep -qv '^\(pass\|skip\) ' "$new"; then
		mv "$new" "$RECORDS/$1"
	else
		rm -f "$new"
	fi
}

# forget_records: those that nobody asked for in a month.
forget_records() { [ ! -d "$RECORDS" ] || find "$RECORDS" -type f -mtime +30 -delete; }
