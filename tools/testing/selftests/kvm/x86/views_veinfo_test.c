// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the VMM moves, discards, replaces or takes away
 * the page that the CPU writes about #VE to.  The CPU must never write to
 * memory that the VMM has put to another use, #VE goes on, if need be by
 * software, and no page stays pinned.
 */
#include "views_stress.h"

#include <linux/memfd.h>

#define VE_SLOT		10
#define VE_GPA		0x40000000ull
#define VE_GVA		0x40000000ull
#define MOVED_GPA	0x50000000ull
#define TRIES		20
#define PATTERN		0x7eu

static u64 nr_ve, nr_software, nr_bad, nr_gp;

static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static void handle_ve(struct ex_regs *regs)
{
	struct kvm_ve_info *info = (void *)VE_GVA;

	nr_ve++;
	nr_software += info->ut_flags & 1;
	nr_bad += info->reason != 48 || info->busy != ~0u ||
		  info->gpa != pages[PG_SECRET].gpa;
	memset(info, 0, sizeof(*info));
	regs->rip += 3;
}

static void handle_gp(struct ex_regs *regs)
{
	nr_gp++;
	regs->rip += 3;
}

/* One report of what @TRIES violations became, for each thing the VMM does. */
static void guest_violate(void)
{
	u64 i;

	views_start(0);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, V_NONE,
					KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE), 1);
	for (;;) {
		nr_ve = 0;
		nr_software = 0;
		nr_bad = 0;
		nr_gp = 0;
		for (i = 0; i < TRIES; i++)
			read_q(pages[PG_SECRET].gva);
		GUEST_SYNC(nr_ve << 48 | nr_software << 32 | nr_bad << 16 |
			   nr_gp);
	}
}

struct memory {
	struct kvm_vcpu *vcpu;
	int fd;			/* two pages */
	void *hva;		/* what KVM sees, the first page at first */
	u8 *alias;		/* both, as the VMM sees them */
};

struct seen {
	u64 ve, software, bad, gp;
};

static struct seen violate(struct memory *m)
{
	u64 r = views_run_to_sync(m->vcpu);

	return (struct seen) {
		.ve = r >> 48,
		.software = r >> 32 & 0xffff,
		.bad = r >> 16 & 0xffff,
		.gp = r & 0xffff,
	};
}

static void slot(struct memory *m, u64 gpa, u64 size)
{
	vm_set_user_memory_region(m->vcpu->vm, VE_SLOT, 0, gpa, size, m->hva);
}

static void put_page(struct memory *m, int page)
{
	TEST_ASSERT(mmap(m->hva, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, m->fd, page * 4096) == m->hva,
		    "mmap");
}

static struct memory start(void)
{
	struct memory m = {};
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&m.vcpu, guest_violate);
	views_setup(vm);
	pages[PG_VE] = (struct page) { .gva = VE_GVA, .gpa = VE_GPA };
	sync_global_to_guest(vm, pages);
	vm_install_exception_handler(vm, 20, handle_ve);
	vm_install_exception_handler(vm, GP_VECTOR, handle_gp);

	m.fd = memfd_create("ve", 0);
	TEST_ASSERT(m.fd >= 0 && !ftruncate(m.fd, 2 * 4096), "memfd");
	m.alias = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd,
		       0);
	m.hva = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(m.alias != MAP_FAILED && m.hva != MAP_FAILED, "mmap");
	put_page(&m, 0);
	slot(&m, VE_GPA, 4096);
	virt_map(vm, VE_GVA, VE_GPA, 1);
	return m;
}

static void finish(struct memory *m)
{
	kvm_vm_free(m->vcpu->vm);
	munmap(m->alias, 2 * 4096);
	munmap(m->hva, 4096);
	close(m->fd);
}

static void expect(struct memory *m, const char *what, bool software)
{
	struct seen s = violate(m);

	ksft_print_msg("%s: %lu #VE, %lu of them by software, %lu wrong, %lu #GP\n",
		       what, s.ve, s.software, s.bad, s.gp);
	TEST_ASSERT_EQ(s.ve, TRIES);
	TEST_ASSERT_EQ(s.bad, 0);
	TEST_ASSERT_EQ(s.gp, 0);
	if (software)
		TEST_ASSERT_EQ(s.software, TRIES);
	else
		TEST_ASSERT(s.software <= 1, "the CPU delivers no more");
}

/* Other memory in its place; how much did the CPU write to the first page? */
static u64 replaced(bool check)
{
	struct memory m = start();
	u64 i, spoilt = 0;

	violate(&m);
	put_page(&m, 1);
	memset(m.alias, PATTERN, 4096);
	/* The CPU writes only where it finds "not busy". */
	memset(m.alias + offsetof(struct kvm_ve_info, busy), 0, sizeof(u32));
	if (check)
		expect(&m, "replaced", false);
	else
		violate(&m);
	for (i = 0; i < 4096; i++)
		spoilt += m.alias[i] != PATTERN && m.alias[i];
	finish(&m);
	return spoilt;
}

static u64 attack_replaced(void)
{
	return replaced(false);
}

static void test_replaced(void)
{
	TEST_ASSERT_EQ(replaced(true), 0);
	ksft_test_result_pass("memory is replaced\n");
}

static void test_discarded(void)
{
	struct memory m = start();
	int i;

	expect(&m, "at first", false);
	for (i = 0; i < 3; i++) {
		TEST_ASSERT(!madvise(m.hva, 4096, MADV_DONTNEED), "madvise");
		expect(&m, "discarded", false);
		/* And for good: the page leaves the file. */
		TEST_ASSERT(!madvise(m.hva, 4096, MADV_REMOVE), "madvise");
		expect(&m, "removed", false);
	}
	finish(&m);
	ksft_test_result_pass("memory is discarded\n");
}

static void test_unmapped(void)
{
	struct memory m = start();
	struct seen s;

	expect(&m, "at first", false);
	TEST_ASSERT(mmap(m.hva, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_FIXED, -1, 0) == m.hva, "mmap");
	memset(m.alias, PATTERN, 4096);
	memset(m.alias + offsetof(struct kvm_ve_info, busy), 0, sizeof(u32));
	s = violate(&m);
	TEST_ASSERT_EQ(s.gp, TRIES);
	TEST_ASSERT(m.alias[0] == PATTERN && !m.alias[4], "written");
	memset(m.alias, 0, 4096);
	put_page(&m, 0);
	expect(&m, "unmapped and mapped again", true);
	finish(&m);
	ksft_test_result_pass("memory is unmapped\n");
}

static void test_slot(void)
{
	struct memory m = start();
	struct seen s;

	expect(&m, "at first", false);
	slot(&m, MOVED_GPA, 4096);
	memset(m.alias, PATTERN, 4096);
	memset(m.alias + offsetof(struct kvm_ve_info, busy), 0, sizeof(u32));
	s = violate(&m);
	TEST_ASSERT_EQ(s.gp, TRIES);
	TEST_ASSERT(m.alias[0] == PATTERN && !m.alias[4], "written");
	memset(m.alias, 0, 4096);
	slot(&m, VE_GPA, 4096);
	expect(&m, "moved away and back", true);
	slot(&m, VE_GPA, 0);
	s = violate(&m);
	TEST_ASSERT_EQ(s.gp, TRIES);
	slot(&m, VE_GPA, 4096);
	expect(&m, "deleted and added", true);
	finish(&m);
	ksft_test_result_pass("the memslot moves and goes\n");
}

/* Pages pinned for long and not given back; the host folds this once a second. */
static long pinned(void)
{
	unsigned long acquired = 0, released = 0, val;
	char name[64];
	FILE *f;

	sleep(3);
	f = fopen("/proc/vmstat", "r");
	TEST_ASSERT(f, "no /proc/vmstat");
	while (fscanf(f, "%63s %lu\n", name, &val) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			acquired = val;
		else if (!strcmp(name, "nr_foll_pin_released"))
			released = val;
	}
	fclose(f);
	return acquired - released;
}

int main(void)
{
	long before;

	views_require();
	__TEST_REQUIRE(host_cpu_is_intel, "the CPU writes no #VE information");
	ksft_print_header();
	ksft_set_plan(6);
	before = pinned();
	test_discarded();
	test_replaced();
	test_unmapped();
	test_slot();
	TEST_ASSERT_EQ(pinned(), before);
	ksft_test_result_pass("nothing stays pinned\n");
	views_broken_test("the page is not followed", KVM_VIEWS_BREAK_VE_PAGE,
			  attack_replaced);
	ksft_finished();
}
