#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Prints what readelf finds in an ELF file in the form of ut_elf, so that diff
# shows whether the isolated parser agrees with binutils.
#
#	readelf_summary.sh FILE

if [ $# -ne 1 ]; then
	echo "usage: $0 FILE" >&2
	exit 2
fi

LC_ALL=C ${READELF:-readelf} -hlSW -- "$1" | awk '
	# Strips 0x and leading zeros.
	function hex(s) {
		sub(/^0x/, "", s)
		sub(/^0+/, "", s)
		return "0x" (s == "" ? "0" : s)
	}

	# A count that does not fit into the ELF header follows in parentheses.
	function count(s) {
		return match(s, /\([0-9]+\)/) ? substr(s, RSTART + 1, RLENGTH - 2) : s + 0
	}

	# ut_elf has numbers instead of names that belong to one processor or vendor.
	function plain_type(s) {
		if (s in plain)
			return plain[s]
		if (match(s, /^LO(OS|PROC|USER)\+0x/))
			return base[substr(s, 3, 1)] \
				substr("0000000" substr(s, RLENGTH + 1), length(s) - RLENGTH + 1)
		return s
	}

	function is_address(s) {
		return s ~ /^[0-9a-f]+$/ && length(s) == class / 4
	}

	BEGIN {
		type["NONE"] = "0x0"; type["REL"] = "0x1"; type["EXEC"] = "0x2"
		type["DYN"] = "0x3"; type["CORE"] = "0x4"
		machine["Intel 80386"] = "0x3"
		machine["MIPS R3000"] = "0x8"
		machine["PowerPC64"] = "0x15"
		machine["IBM S/390"] = "0x16"
		machine["ARM"] = "0x28"
		machine["Advanced Micro Devices X86-64"] = "0x3e"
		machine["AArch64"] = "0xb7"
		machine["RISC-V"] = "0xf3"
		machine["Linux BPF"] = "0xf7"
		# readelf uses spaces here, we do not.
		plain["SYMTAB SECTION INDICES"] = "SYMTAB_SHNDX"
		base["O"] = "0x6"; base["P"] = "0x7"; base["U"] = "0x8"
		plain["X86_64_UNWIND"] = "0x70000001"
		plain["RISCV_ATTRIBUTES"] = plain["RISCV_ATTRIBUT"] = "0x70000003"
	}

	/^  [A-Z][^:]*: / {
		key = $0; sub(/^ */, "", key); sub(/:.*/, "", key)
		value = $0; sub(/^[^:]*: */, "", value)
		header[key] = value
		if (key == "Class")
			class = substr(value, 4)
	}

	/^  \[ *[0-9]+\] / {
		line = $0
		sub(/^  \[ */, "", line)
		number = line; sub(/\].*/, "", number)
		sub(/^[0-9]+\] /, "", line)
		nr = split(line, field, " ")
		# Name and type may be missing or have spaces; the address does not.
		for (at = 1; at < nr && !is_address(field[at]); at++)
			;
		named = line !~ /^ /
		kind = field[1 + named]
		for (i = 2 + named; i < at; i++)
			kind = kind " " field[i]
		sections = sections "section " number " " (named ? field[1] : "-") " " \
			plain_type(kind) \
			" addr=" hex(field[at]) " offset=" hex(field[at + 1]) \
			" size=" hex(field[at + 2]) "\n"
	}

	/^  [A-Z<][^ ]* +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ / {
		flags = ""
		for (i = 7; i < NF; i++)
			flags = flags $i
		segments = segments "segment " (nr_segments++ + 0) " " \
			plain_type($1) " offset=" hex($2) \
			" vaddr=" hex($3) " filesz=" hex($5) " memsz=" hex($6) \
			" flags=" flags "\n"
	}

	END {
		if (!class)
			exit 1
		kind = header["Type"]; sub(/ .*/, "", kind)
		name = header["Machine"]
		printf "UT-ELF class=%s type=%s machine=%s entry=%s phnum=%s shnum=%s\n%s%s",
			class, kind in type ? type[kind] : kind,
			name in machine ? machine[name] : name,
			hex(header["Entry point address"]),
			count(header["Number of program headers"]),
			count(header["Number of section headers"]), segments, sections
	}'
