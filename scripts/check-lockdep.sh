#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-lockdep: the guest's jobs, and the stress for a while, on a guest
# kernel that checks itself (scripts/kernel-lockdep.config): lockdep, RCU, sleeping
# while atomic, lists, objects, poisoned memory. Any complaint of it is a failure;
# at the end of each boot some are provoked, to show that they are seen. It ends
# with one line "N passed, N failed, N skipped".
#
#	check-lockdep.sh [-s SECONDS] [JOB...]	only these jobs; how long to stress,
#						by the guest's clock (300)

. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/check-lib.sh"
. "$ROOT/scripts/job-lib.sh"

seconds=300
if [ "${1:-}" = -s ]; then
	seconds=${2:-}
	shift 2 || true
fi
case $seconds in
'' | *[!0-9]*) die "check-lockdep.sh: '$seconds' is no number of seconds" \
	'Usage: check-lockdep.sh [-s SECONDS] [JOB...]' ;;
esac
known=$(guest_jobs)
for name; do
	grep -qE "/$name\.(sh|c)$" <<<"$known" || die "there is no job '$name'" 'The jobs are in selftests/.'
done

VARIANT=$BUILD/lockdep
CHECK=$BUILD/check-lockdep
RESULTS=$CHECK/results

start=$SECONDS
lock_clone
"$ROOT/scripts/kernel.sh"
"$ROOT/scripts/kernel-variant.sh" lockdep
"$ROOT/scripts/get-bochs.sh" >/dev/null
"$ROOT/scripts/programs.sh"
"$ROOT/scripts/image.sh"

# The guest's kernel and its modules; the host is as usual.
ln -sfn "$BUILD/guest-programs" "$VARIANT/guest-programs"
UNDERTOW_BUILD=$VARIANT "$ROOT/scripts/image.sh"
mkdir -p "$VARIANT/boot"
for file in host qemu kernel; do
	ln -sf "$VARIANT/image/$file.cpio" "$VARIANT/boot/$file.cpio"
done
ln -sf "$BUILD/image/bzImage" "$VARIANT/boot/bzImage"
built=$((SECONDS - start))

rm -rf "$CHECK"
mkdir -p "$CHECK"
: >"$RESULTS"

# jobs [NAME...]: lines "GUEST-COMMAND-LINE|ALONE|NAME" of those that share a host
# and two CPUs of the guest. What ends the guest, or wants another machine, is left
# out, and so is what measures.
jobs() {
	local file name alone
	for file in $(guest_jobs); do
		name=$(basename "${file%.*}")
		[ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
		[ "$(wish "$file" part guest)" = guest ] || continue
		[ "$(wish "$file" host kvm.guest_views=2)" = kvm.guest_views=2 ] || continue
		case " $(wish "$file" cpus '') " in *' 2 '*) ;; *) continue ;; esac
		has_wish "$file" ends || has_wish "$file" boots || has_wish "$file" model && continue
		[ "$name" != stress ] || continue
		alone=
		if has_wish "$file" alone || has_wish "$file" last; then alone=$name; fi
		printf '%s|%s|%s\n' "$(wish "$file" guest '')" "$alone" "$name"
	done
	[ $# -gt 0 ] && [[ " $* " != *' stress '* ]] || echo "ut.seconds=$seconds|stress|stress"
}

# boots: of such lines, one a boot: "GUEST-COMMAND-LINE|NAME...".
boots() {
	sort | awk -F '|' '
		{ wishes = $1 "|" $2 }
		wishes != last { if (NR > 1) print line; line = $1 "|" $3; last = wishes; next }
		{ line = line " " $3 }
		END { if (NR) print line }'
}

boot() {
	local guest=${2%%|*} names=${2#*|}
	exec "$ROOT/scripts/run-vm.sh" --name "check-lockdep-$1" --image "$VARIANT/boot" \
		--job "debug_begin,${names// /,},debug_end" --guest-cpus 2 \
		--host-append kvm.guest_views=2 --guest-append "loglevel=5 $guest" \
		--timeout 7200 --silence 3600
}

conclude() {
	local dir=$BUILD/check-lockdep-$1 name log
	mkdir -p "$dir"
	log=$dir/guest.log
	touch "$log" "$dir/host.log"
	for name in debug_begin ${2#*|} debug_end; do
		job_log "$log" "$name" >"$dir/$name.ktap"
		report_ktap "lockdep: $name" "$dir/$name.ktap"
		[ -n "$(job_status "$log" "$name")" ] || report fail "lockdep: $name: did not end" "$dir/serial.log"
	done
	[ "$3" -lt 120 ] || report fail "lockdep: boot $1 ended with $3" "$dir/serial.log"
	# What is provoked on purpose comes after this line.
	sed '/^UT-PROVOKED$/,$d' "$log" >"$dir/complaints.log"
	report_splats "lockdep: boot $1 (${2#*|})" "$dir/complaints.log" "the guest's kernel"
	report_splats "lockdep: boot $1 (${2#*|})" "$dir/host.log"
}

step 'Tests: jobs on a guest kernel with lockdep'
mapfile -t groups < <(jobs "$@" | boots)
in_parallel boot conclude "${groups[@]}"

count() { grep -c "^$1 " "$RESULTS" || true; }
note "$((SECONDS - start)) s in all, $built s of that to build"
if [ "$(count fail)" != 0 ]; then
	printf '\nFailed:\n'
	sed -n 's/^fail /  /p' "$RESULTS"
fi
printf '%s passed, %s failed, %s skipped\n' "$(count pass)" "$(count fail)" "$(count skip)"
[ "$(count fail)" = 0 ]
