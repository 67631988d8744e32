# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages and sources from Debian. What is not part of the installed release
# comes through a private set of apt directories below the cache, so that the
# system's own configuration stays as it is.

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@"
	else
		echo 'neither root nor sudo' >&2
		return 126
	fi
}

# apt_hint LOG: what to do about the failure recorded there.
apt_hint() {
	if grep -qE 'neither root nor sudo|sudo: ' "$1"; then
		echo 'Run this as root, or with a sudo that needs no password.'
	elif grep -qE 'Temporary failure|Could not resolve|Could not connect|Connection (failed|refused|timed out)|Network is unreachable|Failed to fetch' "$1"; then
		echo 'The package mirror does not answer: check the network (and http_proxy), then run this again.'
	elif grep -qE 'NO_PUBKEY|not signed' "$1"; then
		echo 'Upgrade the package debian-archive-keyring, then run this again.'
	elif grep -q 'Unable to locate package' "$1"; then
		echo 'Enable the main, updates and security archives of Debian 12 in the apt sources.'
	else
		echo 'Read the log; "apt-get install -f" may help. Then run this again.'
	fi
}

# apt_retry LOG COMMAND...: waits for other users of apt, at most ten minutes;
# an interrupted connection gets a second and a third chance.
apt_retry() {
	local log=$1 try status=1 lock_tries=0
	shift
	mkdir -p "$LOGS"
	for try in 1 2 3; do
		while :; do
			status=0
			"$@" >"$log" 2>&1 || status=$?
			[ "$status" != 0 ] && [ "$lock_tries" -lt 60 ] &&
				grep -q 'Could not get lock\|Unable to lock' "$log" || break
			[ "$lock_tries" -gt 0 ] || note 'waiting for another apt to finish'
			lock_tries=$((lock_tries + 1))
			sleep 10
		done
		[ "$status" != 0 ] || return 0
		grep -qE 'Failed to fetch|404|Hash Sum mismatch|Connection' "$log" || break
		[ "$try" = 3 ] || sleep 3
	done
	return "$status"
}

apt_install() {
	local log=$LOGS/apt-install.log options=(-o DPkg::Lock::Timeout=600 -q)
	export DEBIAN_FRONTEND=noninteractive
	apt_retry "$LOGS/apt-update.log" as_root apt-get "${options[@]}" update ||
		failed 'the package lists cannot be refreshed' 'apt-get update' \
			"$LOGS/apt-update.log" "$(apt_hint "$LOGS/apt-update.log")"
	apt_retry "$log" as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" \
		install -y --no-install-recommends "$@" ||
		failed "packages cannot be installed: $*" "apt-get install $*" \
			"$log" "$(apt_hint "$log")"
}

# The system's own Debian mirrors, one address a line.
debian_mirrors() {
	local codename
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# The literal $(...) are apt's format fields.
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Component: main' 2>/dev/null |
		awk -v codename="$codename" '$2 == codename && !seen[$1]++ { print $1 }'
}

PRIVATE_APT=
private_apt() {
	"$1" -q -o Dir::Etc::SourceList="$PRIVATE_APT/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Cache="$PRIVATE_APT/cache" \
		-o Dir::State::Lists="$PRIVATE_APT/lists" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=0 "${@:2}"
}

# private_apt_update NAME TYPE SUITE...: fetches these suites' lists.
private_apt_update() {
	local name=$1 type=$2 mirror suite log=$LOGS/apt-$1.log
	shift 2
	PRIVATE_APT=$CACHE/apt/$name
	mkdir -p "$PRIVATE_APT/cache/archives/partial" "$PRIVATE_APT/lists/partial" "$LOGS"
	mirror=$(debian_mirrors | head -n1)
	if [ -z "$mirror" ]; then
		echo 'no Debian mirror with the component main in the apt sources' >"$log"
		return 1
	fi
	for suite; do
		echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
	done >"$PRIVATE_APT/sources.list"
	apt_retry "$log" private_apt apt-get -o APT::Update::Error-Mode=any update
}
