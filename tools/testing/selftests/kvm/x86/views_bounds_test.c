// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what a guest can make the host do in a single
 * hypercall.  Ranges as large as the address space and policies as fragmented
 * as they may be cost what is really there; and a signal ends what takes long.
 * The figures are cycles, which the emulator counts as instructions.
 */
#include <signal.h>
#include <sys/time.h>

#include "views_stress.h"

#define MAX_RANGES	8192
#define SET_MAX		128
#define NR_PAGES	16384
#define FRAG_GFN	0x100000ull

/*
 * No single hypercall may cost as much as so many that do nothing, where
 * nothing is mapped.
 */
#define LIMIT		(16000 * cheapest)

static u64 max_gfn, nr_short, cheapest;

static void calibrate(void)
{
	u64 start, i;

	cheapest = ~0ull;
	for (i = 0; i < 32; i++) {
		start = rdtsc();
		views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0);
		cheapest = min(cheapest, (u64)(rdtsc() - start));
	}
	GUEST_PRINTF("# QUERY: %lu\n", cheapest);
}

static u64 timed(const char *what, long want, u64 op, u64 a, u64 b, u64 c)
{
	u64 start = rdtsc(), cycles;
	long r = views_hc(op, a, b, c);

	cycles = rdtsc() - start;
	GUEST_PRINTF("# %s: %lu\n", what, cycles);
	GUEST_ASSERT_EQ(r, want);
	return cycles;
}

static struct kvm_view_op *op_at(int i)
{
	return (struct kvm_view_op *)pages[PG_ARGS].gva + i;
}

static void put(int i, u16 view, u64 gfn, u64 npages, u8 mask, u32 flags)
{
	*op_at(i) = (struct kvm_view_op) {
		.view = view,
		.type = KVM_VIEW_OP_PROTECT,
		.mask = mask,
		.flags = flags,
		.gfn = gfn,
		.npages = npages,
	};
}

/* As many ranges as a view may have, in memory and in what is none. */
static void fragment(u16 view, u8 mask, u32 flags)
{
	u64 i, j;

	for (i = 0; i < (MAX_RANGES - 64) / 2; i += j) {
		for (j = 0; j < SET_MAX && i + j < (MAX_RANGES - 64) / 2; j++)
			put(j, view, FRAG_GFN + 2 * (i + j), 1, mask, flags);
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa, j, 0),
				j);
	}
}

static void guest_set(void)
{
	u64 all = max_gfn + 1 - FRAG_GFN, i;

	views_start(0);
	calibrate();

	put(0, 1, FRAG_GFN, all, V_R, 0);
	GUEST_ASSERT(timed("SET, the whole address space", 1, KVM_VIEWS_SET,
			   pages[PG_ARGS].gpa, 1, 0) < LIMIT);
	for (i = 0; i < SET_MAX; i++)
		put(i, 1, FRAG_GFN, all, i & 1 ? V_R : V_RW,
		    KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE);
	GUEST_ASSERT(timed("SET, 128 times, with POPULATE", SET_MAX,
			   KVM_VIEWS_SET, pages[PG_ARGS].gpa, SET_MAX, 0) < LIMIT);

	fragment(1, V_NONE, 0);
	for (i = 0; i < SET_MAX; i++)
		put(i, 1, FRAG_GFN + 1, 1, i & 1 ? V_R : V_RW, 0);
	GUEST_ASSERT(timed("SET, 128 changes of 8192 ranges", SET_MAX,
			   KVM_VIEWS_SET, pages[PG_ARGS].gpa, SET_MAX, 0) < LIMIT);
	for (i = 0; i < SET_MAX; i++)
		put(i, 1, FRAG_GFN, all, i & 1 ? V_R : V_RW,
		    KVM_VIEW_OP_POPULATE);
	GUEST_ASSERT(timed("SET, 128 times, of 8192 ranges at first", SET_MAX,
			   KVM_VIEWS_SET, pages[PG_ARGS].gpa, SET_MAX, 0) < LIMIT);
	GUEST_DONE();
}

static void guest_populate(void)
{
	u64 all = max_gfn + 1 - FRAG_GFN, pt;

	views_start(0);
	calibrate();
	GUEST_ASSERT(timed("POPULATE, the whole address space", all,
			   KVM_VIEWS_POPULATE, 1, FRAG_GFN, all) < LIMIT);
	fragment(1, V_NONE, 0);
	GUEST_ASSERT(timed("POPULATE, 8192 ranges", all, KVM_VIEWS_POPULATE, 1,
			   FRAG_GFN, all) < LIMIT);
	pt = views_query(KVM_VIEWS_Q_PT_PAGES, 1, 0);

	/* Entries for #VE need tables. */
	GUEST_ASSERT_EQ(views_set_flags(0, FRAG_GFN << 12, all, V_NONE,
					KVM_VIEW_OP_VE), 1);
	GUEST_ASSERT(timed("POPULATE, #VE in the whole address space", all,
			   KVM_VIEWS_POPULATE, 0, FRAG_GFN, all) < LIMIT);
	GUEST_PRINTF("# table pages: view 0 %lu, view 1 %lu\n",
		     views_query(KVM_VIEWS_Q_PT_PAGES, 0, 0), pt);
	pt = rdtsc();
	views_query(KVM_VIEWS_Q_PT_PAGES, 0, 0);
	GUEST_PRINTF("# QUERY, table pages: %lu\n", rdtsc() - pt);
	GUEST_DONE();
}

/* What is mapped costs, once to map and once to forget. */
static void guest_mapped(void)
{
	u64 cycles;
	long r, done = 0;

	views_start(0);
	while (done < NR_PAGES) {
		r = views_hc(KVM_VIEWS_POPULATE, 1, (MEM_GPA >> 12) + done,
			     (NR_PAGES - done) | 1ull << 63);
		GUEST_ASSERT(r >= 0);
		nr_short += r < NR_PAGES - done;
		done += r;
	}
	put(0, 1, MEM_GPA >> 12, NR_PAGES, V_R, 0);
	cycles = timed("SET, 16384 pages that are mapped", 1, KVM_VIEWS_SET,
		       pages[PG_ARGS].gpa, 1, 0);
	GUEST_PRINTF("# %lu for each\n", cycles / NR_PAGES);
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	max_gfn = (1ull << vm->pa_bits) / 4096 - 1;
	sync_global_to_guest(vm, max_gfn);
}

static void on_alarm(int sig)
{
}

static void test_signal(void)
{
	struct itimerval timer = {
		.it_interval.tv_usec = 4000,
		.it_value.tv_usec = 4000,
	}, off = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_mapped);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    NR_PAGES, 0);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	views_vcpu_thread(vcpu);
	setitimer(ITIMER_REAL, &off, NULL);
	sync_global_from_guest(vm, nr_short);
	kvm_vm_free(vm);
	ksft_print_msg("%lu times ended early\n", nr_short);
	TEST_ASSERT(nr_short, "no signal ended POPULATE");
	ksft_test_result_pass("a signal ends POPULATE\n");
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	views_test("SET", guest_set, prepare);
	views_test("POPULATE", guest_populate, prepare);
	test_signal();
	ksft_finished();
}
