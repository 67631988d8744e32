// SPDX-License-Identifier: GPL-2.0
/*
 * Has /dev/undertow_elf parse files and prints the reports in the form of
 * readelf_summary.sh, so that diff shows whether both agree.
 *
 *	ut_elf FILE...			sends each file to the driver
 *	ut_elf -r REPORT FILE		prints a report that was saved before
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../../samples/undertow/elf_report.h"

#define DEVICE "/dev/undertow_elf"

/* Far more than the driver reports. */
#define MAX_REPORT (1024 * 1024)

struct buffer {
	unsigned char *data;
	size_t size;
};

/* Reads until the end: a report comes in pieces if the driver wants so. */
static struct buffer read_all(const char *path, int fd, size_t max)
{
	struct buffer b = { .data = malloc(max) };
	ssize_t n;

	if (!b.data)
		err(1, "%s", path);
	while ((n = read(fd, b.data + b.size, max - b.size)) > 0)
		b.size += n;
	if (n < 0)
		err(1, "%s: read", path);
	return b;
}

static struct buffer read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t size;
	struct buffer b;

	if (fd < 0)
		err(1, "%s", path);
	size = lseek(fd, 0, SEEK_END);
	if (size < 0 || lseek(fd, 0, SEEK_SET) < 0)
		err(1, "%s: lseek", path);
	b = read_all(path, fd, size + 1);
	close(fd);
	return b;
}

struct name {
	uint32_t value;
	const char *name;
};

static const struct name segment_types[] = {
	{ 0, "NULL" }, { 1, "LOAD" }, { 2, "DYNAMIC" }, { 3, "INTERP" },
	{ 4, "NOTE" }, { 5, "SHLIB" }, { 6, "PHDR" }, { 7, "TLS" },
	{ 0x6474e550, "GNU_EH_FRAME" }, { 0x6474e551, "GNU_STACK" },
	{ 0x6474e552, "GNU_RELRO" }, { 0x6474e553, "GNU_PROPERTY" },
	{ 0x6474e554, "GNU_SFRAME" }, { 0, NULL },
};

static const struct name section_types[] = {
	{ 0, "NULL" }, { 1, "PROGBITS" }, { 2, "SYMTAB" }, { 3, "STRTAB" },
	{ 4, "RELA" }, { 5, "HASH" }, { 6, "DYNAMIC" }, { 7, "NOTE" },
	{ 8, "NOBITS" }, { 9, "REL" }, { 10, "SHLIB" }, { 11, "DYNSYM" },
	{ 14, "INIT_ARRAY" }, { 15, "FINI_ARRAY" }, { 16, "PREINIT_ARRAY" },
	{ 17, "GROUP" }, { 18, "SYMTAB_SHNDX" }, { 19, "RELR" },
	{ 0x6ffffff6, "GNU_HASH" }, { 0x6ffffffd, "VERDEF" },
	{ 0x6ffffffe, "VERNEED" }, { 0x6fffffff, "VERSYM" }, { 0, NULL },
};

static const char *name_of(const struct name *names, uint32_t value)
{
	static char unknown[16];

	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	snprintf(unknown, sizeof(unknown), "0x%x", value);
	return unknown;
}

/* The report has the offset of a name only; the file is at hand for the rest. */
static const char *section_name(const struct buffer *file, uint64_t strings,
				uint32_t name)
{
	if (strings >= file->size || name >= file->size - strings ||
	    !memchr(file->data + strings + name, 0,
		    file->size - strings - name))
		return "?";
	if (!file->data[strings + name])
		return "-";
	return (const char *)file->data + strings + name;
}

static void print_report(const char *path, const struct buffer *report,
			 const struct buffer *file)
{
	struct undertow_elf_segment segment;
	struct undertow_elf_section section;
	struct undertow_elf_summary s;
	const unsigned char *at = report->data;
	uint64_t strings = file->size;
	size_t size;

	if (report->size < sizeof(s))
		errx(1, "%s: the report has only %zu bytes", path, report->size);
	memcpy(&s, at, sizeof(s));
	at += sizeof(s);

	size = sizeof(s) + s.segments * sizeof(segment) +
	       s.sections * sizeof(section);
	if (report->size != size)
		errx(1, "%s: the report has %zu bytes, not %zu", path,
		     report->size, size);

	printf("UT-ELF class=%u type=0x%x machine=0x%x entry=0x%llx phnum=%u shnum=%u\n",
	       s.class * 32, s.type, s.machine, s.entry, s.phnum, s.shnum);
	for (uint32_t i = 0; i < s.segments; i++) {
		memcpy(&segment, at, sizeof(segment));
		at += sizeof(segment);
		printf("segment %u %s offset=0x%llx vaddr=0x%llx ",
		       i, name_of(segment_types, segment.type), segment.offset,
		       segment.vaddr);
		printf("filesz=0x%llx memsz=0x%llx flags=%s%s%s\n",
		       segment.filesz, segment.memsz,
		       segment.flags & 4 ? "R" : "", segment.flags & 2 ? "W" : "",
		       segment.flags & 1 ? "E" : "");
	}
	if (s.shstrndx < s.sections) {
		memcpy(&section, at + s.shstrndx * sizeof(section),
		       sizeof(section));
		strings = section.offset;
	}
	for (uint32_t i = 0; i < s.sections; i++) {
		memcpy(&section, at, sizeof(section));
		at += sizeof(section);
		printf("section %u %s %s addr=0x%llx offset=0x%llx size=0x%llx\n",
		       i, section_name(file, strings, section.name),
		       name_of(section_types, section.type), section.addr,
		       section.offset, section.size);
	}
}

/* Returns false if the driver refuses the file. */
static bool ask_driver(const char *path)
{
	struct buffer file = read_file(path), report;
	int fd = open(DEVICE, O_RDWR);
	ssize_t n;

	if (fd < 0)
		err(1, DEVICE);
	n = write(fd, file.data, file.size);
	if (n < 0) {
		printf("UT-ELF %s refused: %s\n", path, strerror(errno));
	} else if ((size_t)n != file.size) {
		errx(1, "%s: the driver took %zd of %zu bytes", path, n, file.size);
	} else {
		report = read_all(DEVICE, fd, MAX_REPORT);
		print_report(path, &report, &file);
		free(report.data);
	}
	close(fd);
	free(file.data);
	return n >= 0;
}

int main(int argc, char **argv)
{
	bool all = true;

	if (argc == 4 && !strcmp(argv[1], "-r")) {
		struct buffer report = read_file(argv[2]), file = read_file(argv[3]);

		print_report(argv[2], &report, &file);
		return 0;
	}
	if (argc < 2 || argv[1][0] == '-')
		errx(2, "usage: ut_elf FILE... | ut_elf -r REPORT FILE");
	for (int i = 1; i < argc; i++)
		all &= ask_driver(argv[i]);
	return all ? 0 : 1;
}
