# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For make check-kvm: running a list of programs on several hosts, and one table
# of what became of each on each. Of a run stay, in build/check-kvm:
#	HOST.ran	"NAME STATUS SECONDS": exit status, "timeout", or "crash"
#	HOST-N		the N-th boot, as run-vm.sh leaves it

# stock_image NAME KERNEL: build/check-kvm/image-NAME.
stock_tree() {
	local name
	for name in "$STOCK"/tests/*; do
		copy "$name" "/tests/${name##*/}"
	done
}

stock_image() {
	IMAGE=$STOCK/image-$1
	mkdir -p "$IMAGE"
	ln -sf "$2" "$IMAGE/bzImage"
	ln -sf "$BUILD/image/host.cpio" "$IMAGE/host.cpio"
	archive tests stock_tree "$STOCK"/tests/*
}

# Says from time to time how far a boot got.
watch_boot() {
	local host=$1 pid=$2 log=$3 begun=$SECONDS before i
	before=$(wc -l <"$STOCK/$host.ran")
	while kill -0 "$pid" 2>/dev/null; do
		for ((i = 0; i < 150; i++)); do
			kill -0 "$pid" 2>/dev/null || return 0
			sleep 0.2
		done
		[ -f "$log" ] || continue
		note "$host: $((before + $(grep -c '^H| ran ' "$log" || true))) done, now $(sed -n 's/^H| running //p' "$log" | tail -n 1), $((SECONDS - begun)) s"
	done
}

# collect HOST LOG: adds what ran in this boot. The one that began and did not
# end took the host with it.
collect() {
	awk '
		sub(/^H\| running /, "") { running = $1 }
		/^H\| ran / {
			split($4, status, "="); split($5, seconds, "=")
			print $3, status[2], seconds[2]
			running = ""
		}
		END { if (running != "") print running, "crash", "-" }' "$2"
}

# run_list HOST IMAGE APPEND CPUS: the names on standard input that have not run
# yet, PER_BOOT of them in a boot, if none takes the host down; else the rest
# goes on in the next one.
run_list() {
	local host=$1 image=$2 append=$3 cpus=$4 list names pid status log before
	list=$(cat)
	while :; do
		names=$(grep -vxFf <(cut -d ' ' -f 1 "$STOCK/$host.ran") <<<"$list" |
			head -n "$PER_BOOT" | paste -sd ' ' || true)
		[ -n "$names" ] || return 0
		boot=$((boot + 1))
		before=$(wc -l <"$STOCK/$host.ran")
		log=$STOCK/$host-$boot/host.log
		"$ROOT/scripts/run-vm.sh" --name "check-kvm/$host-$boot" --image "$STOCK/image-$image" \
			--tests "$names" --test-seconds "$TEST_SECONDS" --timeout 5400 --silence 400 \
			--host-cpus "$cpus" --host-append "$append" >"$STOCK/$host-$boot.out" 2>&1 &
		pid=$!
		watch_boot "$host" "$pid" "$log"
		status=0
		wait "$pid" || status=$?
		collect "$host" "$log" >>"$STOCK/$host.ran"
		note "$host: boot $boot ($cpus CPUs) ended with $status, $(wc -l <"$STOCK/$host.ran") done"
		[ "$(wc -l <"$STOCK/$host.ran")" -gt "$before" ] ||
			die "the host '$host' does not run tests" "Read $STOCK/$host-$boot.out and $log."
	done
}

# run_host HOST IMAGE APPEND: all tests of build/check-kvm/run.
run_host() {
	local boot=0
	: >"$STOCK/$1.ran"
	run_list "$@" 1 < <(grep -vxFf "$STOCK/smp" "$STOCK/run")
	run_list "$@" 2 < <(grep -xFf "$STOCK/smp" "$STOCK/run")
}

# What a test that skipped or failed said of it, from its first boot that has it.
said() {
	local host=$1 name=$2 file
	for file in "$STOCK/$host"-*/tests.log; do
		[ ! -f "$file" ] || awk -v name="$name" '
			$0 == "  # Subtest: " name { inside = 1; next }
			/^(not )?ok / { inside = 0 }
			inside && /SKIP|Requirement|not supported|assertion|Unhandled|!=|==/ { print; exit }' "$file"
	done | head -n 1 | sed -E 's/^ *//; s/^(1\.\.0|ok [0-9]+) *//; s/^#? *SKIP:? *-? *//; s/\t/ /g' | cut -c1-90
}

verdict_of() {
	case $1 in
	0) echo pass ;;
	4) echo skip ;;
	'') echo missing ;;
	timeout | crash) echo "$1" ;;
	*) echo fail ;;
	esac
}

# make_table BEFORE AFTER AFTER: a line a test, with a verdict and a reason.
make_table() {
	local hosts=("$@") name host status verdict words reason
	local -A of
	printf '%-44s %-9s %-9s %-9s %-7s %s\n' test "${hosts[@]}" verdict 'why (emulated seconds)'
	while read -r name; do
		words=$(sed -n "s,^$name ,,p" "$STOCK/skipped")
		if [ -n "$words" ]; then
			printf '%-44s %-9s %-9s %-9s %-7s %s\n' "$name" - - - skip "$words"
			continue
		fi
		grep -qxF "$name" "$STOCK/run" || continue
		reason=''
		for host in "${hosts[@]}"; do
			read -r status words <<<"$(sed -n "s,^$name ,,p" "$STOCK/$host.ran")"
			of[$host]=$(verdict_of "$status")
			reason+="${words:--} "
		done
		verdict=pass
		if [ "${of[${hosts[0]}]}" != pass ]; then
			verdict=skip
			reason=$(said "${hosts[0]}" "$name")
			# Worse than before counts, even where it was not good.
			for host in "${hosts[@]:1}"; do
				[ "${of[${hosts[0]}]}${of[$host]}" != skipfail ] || verdict=FAIL
				[ "${of[$host]}" != crash ] || [ "${of[${hosts[0]}]}" = crash ] || verdict=FAIL
			done
		else
			for host in "${hosts[@]:1}"; do
				[ "${of[$host]}" = pass ] || {
					verdict=FAIL
					reason="$host: $(said "$host" "$name")"
				}
			done
		fi
		# run_list leaves none out: something is wrong with the bench.
		case " ${of[*]} " in *' missing '*)
			verdict=FAIL
			reason='did not run on every host'
			;;
		esac
		printf '%-44s %-9s %-9s %-9s %-7s %s\n' "$name" "${of[${hosts[0]}]}" "${of[${hosts[1]}]}" \
			"${of[${hosts[2]}]}" "$verdict" "$reason"
	done <"$STOCK/names.all"
}
