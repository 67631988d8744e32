// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: one vCPU changes the rights of a few pages all
 * the time, others try everything on these pages, and the VMM takes the memory
 * away and brings it back.  Whatever an access does between two looks at the
 * same settled rights must be what these rights say; and what is read must be
 * what the guest wrote, or zeroes.
 *
 * ut-host-cpus: 2
 */
#include <malloc.h>

#include "views_stress.h"

#define NR_VCPUS	3
#define NR_PAGES	4
/* Those that the VMM zeroes, hence not for execution. */
#define NR_ZEROED	2
#define CHANGES		3000
#define TRIES		64

/* A page's state: number of the change, settled or not, rights. */
#define SETTLED		BIT(3)

struct worker {
	u64 page, need, state;
	u64 tries, leaks, denied, foreign;
	u32 random;
};

static u64 state[NR_PAGES], go, stop;
static struct worker workers[NR_VCPUS];
static bool vmm_stop;

static u32 next_random(u32 *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static u64 page_gva(u64 i)
{
	return MEM_GVA + i * 4096;
}

#define VALUE_TAG	0xc3ull

static void try_one(struct worker *w)
{
	u64 addr = page_gva(w->page), val;

	switch (w->need) {
	case KVM_VIEW_R:
		val = READ_ONCE(*(u64 *)(addr + 16));
		w->foreign += val && val != 0x1234 && val != VALUE_TAG;
		break;
	case KVM_VIEW_W:
		WRITE_ONCE(*(u64 *)(addr + 16), VALUE_TAG);
		break;
	default:
		((void (*)(void))addr)();
	}
}

/* In the view: as many tries as it survives. */
static u64 do_tries(u64 arg)
{
	struct worker *w = (void *)arg;
	int i;

	for (i = 0; i < TRIES; i++) {
		w->page = next_random(&w->random) % NR_PAGES;
		w->need = 1 << next_random(&w->random) % 3;
		if (w->page < NR_ZEROED && w->need == KVM_VIEW_X)
			w->need = KVM_VIEW_W;
		WRITE_ONCE(w->state, READ_ONCE(state[w->page]));
		try_one(w);
		w->tries++;
		if (w->state == READ_ONCE(state[w->page]) &&
		    (w->state & SETTLED) && !(w->state & w->need))
			w->leaks++;
	}
	return 0;
}

static void guest_worker(int nr)
{
	struct worker *w = &workers[nr];

	while (!READ_ONCE(go))
		cpu_relax();
	views_start_vcpu(nr, 0);
	w->random = nr;
	while (!READ_ONCE(stop)) {
		if (views_run_on(nr, 1, do_tries, (u64)w) != AEX_RESULT)
			continue;
		w->tries++;
		if (w->state == READ_ONCE(state[w->page]) &&
		    (w->state & SETTLED) && (w->state & w->need))
			w->denied++;
	}
	GUEST_DONE();
}

static void guest_worker1(void)
{
	guest_worker(1);
}

static void guest_worker2(void)
{
	guest_worker(2);
}

static void guest_changer(void)
{
	static const u8 masks[] = { V_RWX, V_R, V_RW, V_NONE, V_RX };
	u32 random = 7, flags;
	u64 i, p;
	u8 mask;

	for (p = 0; p < NR_PAGES; p++) {
		views_plant(page_gva(p));
		state[p] = SETTLED | V_RWX;
	}
	views_start(0);
	WRITE_ONCE(go, 1);
	for (i = 1; i < CHANGES; i++) {
		p = next_random(&random) % NR_PAGES;
		mask = masks[next_random(&random) % ARRAY_SIZE(masks)];
		flags = next_random(&random) % 4 ? 0 :
			KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE;
		WRITE_ONCE(state[p], i << 8);
		GUEST_ASSERT_EQ(views_set_flags(1, MEM_GPA + (p << 12), 1, mask,
						flags), 1);
		WRITE_ONCE(state[p], i << 8 | SETTLED | mask);
	}
	for (p = 0; p < NR_PAGES; p++)
		WRITE_ONCE(state[p], i << 8);
	/* With a defence off, a worker may wait for the next change. */
	for (p = 0; p < NR_PAGES; p++)
		views_set(1, MEM_GPA + (p << 12), V_RWX);
	WRITE_ONCE(stop, 1);
	GUEST_DONE();
}

/* The VMM: KVM hears of all of this from its MMU notifier. */
static void *vmm_thread(void *arg)
{
	void *hva = arg, *aside;
	size_t zeroed = NR_ZEROED * 4096, rest = (NR_PAGES - NR_ZEROED) * 4096;

	aside = mmap(NULL, rest, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (!READ_ONCE(vmm_stop)) {
		TEST_ASSERT(!madvise(hva, zeroed, MADV_DONTNEED), "madvise");
		TEST_ASSERT(!mprotect(hva, zeroed, PROT_READ), "mprotect");
		TEST_ASSERT(!mprotect(hva, zeroed, PROT_READ | PROT_WRITE),
			    "mprotect");
		TEST_ASSERT(mremap(hva + zeroed, rest, rest, MREMAP_MAYMOVE |
				   MREMAP_FIXED, aside) == aside, "mremap");
		TEST_ASSERT(mremap(aside, rest, rest, MREMAP_MAYMOVE |
				   MREMAP_FIXED, hva + zeroed) == hva + zeroed,
			    "mremap");
	}
	return NULL;
}

static struct worker run(void)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	pthread_t threads[NR_VCPUS], vmm;
	struct worker sum = {};
	struct kvm_vm *vm;
	int i;

	vm = vm_create_with_vcpus(NR_VCPUS, guest_changer, vcpus);
	vcpu_arch_set_entry_point(vcpus[1], guest_worker1);
	vcpu_arch_set_entry_point(vcpus[2], guest_worker2);
	views_setup(vm);
	views_setup_vcpus(vm, NR_VCPUS);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    NR_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, NR_PAGES);

	vmm_stop = false;
	for (i = 0; i < NR_VCPUS; i++) {
		pthread_create(&threads[i], NULL, views_vcpu_thread, vcpus[i]);
		views_pin(threads[i], i);
	}
	/*
	 * Last: it leaves a hole for a moment, where nothing else may be mapped,
	 * the stack of another thread, say.
	 */
	pthread_create(&vmm, NULL, vmm_thread, addr_gpa2hva(vm, MEM_GPA));
	for (i = 0; i < NR_VCPUS; i++)
		pthread_join(threads[i], NULL);
	WRITE_ONCE(vmm_stop, true);
	pthread_join(vmm, NULL);

	sync_global_from_guest(vm, workers);
	for (i = 1; i < NR_VCPUS; i++) {
		sum.tries += workers[i].tries;
		sum.leaks += workers[i].leaks;
		sum.denied += workers[i].denied;
		sum.foreign += workers[i].foreign;
	}
	kvm_vm_free(vm);
	return sum;
}

static u64 attack(void)
{
	return run().leaks;
}

int main(void)
{
	struct worker sum;

	views_require();
	/* No heap for each thread, either. */
	mallopt(M_ARENA_MAX, 1);
	ksft_print_header();
	ksft_set_plan(2);
	sum = run();
	ksft_print_msg("%u changes, %lu accesses: %lu leaked, %lu denied, %lu foreign\n",
		       CHANGES, sum.tries, sum.leaks, sum.denied, sum.foreign);
	TEST_ASSERT(sum.tries > CHANGES, "hardly anything was tried");
	TEST_ASSERT_EQ(sum.leaks, 0);
	TEST_ASSERT_EQ(sum.denied, 0);
	TEST_ASSERT_EQ(sum.foreign, 0);
	ksft_test_result_pass("changes against accesses and MMU notifiers\n");

	if (views_svm_emulated())
		ksft_test_result_skip("rights looked up once: turns are too long\n");
	else
		views_broken_test("rights looked up once",
				  KVM_VIEWS_BREAK_RECHECK, attack);
	ksft_finished();
}
