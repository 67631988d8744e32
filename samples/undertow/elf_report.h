/* SPDX-License-Identifier: GPL-2.0 */
/* What /dev/undertow_elf reports: elf_report.rs says the same in Rust. */
#ifndef SAMPLES_UNDERTOW_ELF_REPORT_H
#define SAMPLES_UNDERTOW_ELF_REPORT_H

#include <linux/types.h>

/* A report is one summary, then @segments segments, then @sections sections. */
struct undertow_elf_summary {
	__u64 entry;
	__u32 phnum;
	__u32 shnum;
	__u32 segments;
	__u32 sections;
	__u32 shstrndx;
	__u16 type;
	__u16 machine;
	__u8 class;
	__u8 data;
	__u8 reserved[6];
};

struct undertow_elf_segment {
	__u32 type;
	__u32 flags;
	__u64 offset;
	__u64 vaddr;
	__u64 filesz;
	__u64 memsz;
};

struct undertow_elf_section {
	__u32 name;
	__u32 type;
	__u64 addr;
	__u64 offset;
	__u64 size;
};

#endif /* SAMPLES_UNDERTOW_ELF_REPORT_H */
