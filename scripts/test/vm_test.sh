#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run-vm.sh with a false emulator, which only plays a serial line: every way for a
# run to end must be told from every other.

. "$(dirname "$0")/lib.sh"

plan 14
mkdir -p "$UNDERTOW_BUILD/image"
for file in bzImage host.cpio qemu.cpio kernel.cpio tests.cpio; do
	echo "$file" >"$UNDERTOW_BUILD/image/$file"
done

cat >"$WORK/bochs" <<'END'
#!/bin/bash
[ "$1" != --help ] || { echo 'Bochs x86 Emulator 3.0'; exit; }
serial=$(sed -n 's/.*dev=\(.*serial.log\)/\1/p' "$3" 2>/dev/null)
for word; do
	case $word in file:*) serial=${word#file:} ;; esac
done
while read -r line; do
	case $line in
	sleep) exec sleep 60 ;;
	*) printf '%s\r\n' "$line" >>"$serial" ;;
	esac
done <"$PLAY"
END
chmod +x "$WORK/bochs"
export UNDERTOW_BOCHS=$WORK/bochs UNDERTOW_QEMU=$WORK/bochs PLAY=$WORK/play

# ends STATUS NAME OPTION...: with the lines on standard input
ends() {
	local wanted=$1 name=$2 status
	shift 2
	cat >"$PLAY"
	"$SCRIPTS/run-vm.sh" "$@" >"$OUTPUT" 2>&1
	status=$?
	echo "status $status, wanted $wanted" >>"$OUTPUT"
	[ "$status" = "$wanted" ]
	result $? "$name"
}

ends 0 'a good run' --job a <<'END'
UT-HOST begin mode=guest
G| UT-GUEST begin
G| UT-JOB begin a
G| UT-JOB end a status=0
G| UT-GUEST end status=0
UT-HOST end status=0
END
ends 3 'a job that fails' --job a <<'END'
G| UT-JOB begin a
G| UT-JOB end a status=3
G| UT-GUEST end status=3
UT-HOST end status=0
END
ends 121 'a guest that panics' --job a <<'END'
G| UT-JOB begin a
G| Kernel panic - not syncing: test
UT-HOST end status=0
END
ends 121 'a guest that just stops' --job a <<'END'
G| UT-JOB begin a
UT-HOST end status=0
END
ends 120 'a host that panics and hangs' --job a --timeout 30 <<'END'
Kernel panic - not syncing: test
---[ end Kernel panic - not syncing: test ]---
sleep
END
ends 125 'an emulator that stops at once' --job a </dev/null
ends 124 'silence' --job a --silence 1 <<'END'
UT-HOST begin mode=guest
sleep
END
ends 124 'too slow' --job a --timeout 1 <<'END'
sleep
END
ends 0 'tests on the host' --tests 'x y' <<'END'
T| TAP version 13
T| 1..1
T| ok 1 x
UT-HOST end status=0
END
ends 0 'a host that can halt, but not go off' --tests x --timeout 30 <<'END'
T| ok 1 x
UT-HOST end status=0
reboot: Power off not available: System halted instead
sleep
END
ends 0 'tests on an AMD host' --tests x --cpu qemu:EPYC <<'END'
T| TAP version 13
T| 1..1
T| ok 1 x
UT-HOST end status=0
END
refuses 'no image' 'no boot image' env UNDERTOW_BUILD="$WORK/none" "$SCRIPTS/run-vm.sh" --job a
cat >"$WORK/queue" <<'END'
#!/bin/bash
echo "queued: $1 $2"
shift
exec "$@"
END
chmod +x "$WORK/queue"
export UNDERTOW_QUEUE="$WORK/queue one"
ends 0 'a boot that waits for its turn' --job a <<'END'
G| UT-JOB end a status=0
G| UT-GUEST end status=0
UT-HOST end status=0
END
holds '... in the queue' "$(sed -n 's/^queued: one //p' "$OUTPUT")" = "$SCRIPTS/run-vm.sh"
