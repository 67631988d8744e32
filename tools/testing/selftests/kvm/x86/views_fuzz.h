/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model that views_fuzz_test compares the host with: which views there are,
 * and the rights of each of the units of guest frames that a vCPU works on.
 */
#ifndef SELFTEST_KVM_VIEWS_FUZZ_H
#define SELFTEST_KVM_VIEWS_FUZZ_H

#include "views_stress.h"

#define NR_VIEWS	6
#define NR_UNITS	32
#define NR_VCPUS	2
#define MAX_GFN_BITS	27	/* of the smallest CPU that the tests know */

/*
 * What a vCPU works on: NR_UNITS units of frames, of which it alone changes the
 * rights.  The first window is memory, but for its last quarter; in the other
 * one there is none, but units are large.
 */
enum { WIN_MEM, WIN_FAR, NR_WINS };
#define MEM_UNITS	24
#define FAR_UNIT	BIT(15)

static const u8 masks[] = { V_NONE, V_R, V_RW, V_RX, V_RWX };

struct fuzzer {
	int nr;
	u64 seed, step;
	u64 done, refused, probes;
};

/* The model.  Rights: only their owner writes them, or who has the lock. */
static u8 rights[NR_VIEWS][NR_VCPUS][NR_WINS][NR_UNITS];
static bool exists[NR_VIEWS], sealed[NR_VIEWS], vm_sealed;
static struct fuzzer fuzzers[NR_VCPUS];
static int users;

/* Many share, one excludes: who changes what exists excludes all others. */
static inline void lock_shared(void)
{
	int old;

	do {
		old = READ_ONCE(users);
	} while (old < 0 || !__sync_bool_compare_and_swap(&users, old, old + 1));
}

static inline void lock_excl(void)
{
	while (!__sync_bool_compare_and_swap(&users, 0, -1))
		cpu_relax();
}

static inline void unlock(void)
{
	if (!__sync_bool_compare_and_swap(&users, -1, 0))
		__sync_fetch_and_sub(&users, 1);
}

static inline u64 rnd(struct fuzzer *f, u64 below)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed % below;
}

static inline bool one_in(struct fuzzer *f, u64 n)
{
	return !rnd(f, n);
}

static inline u64 unit_size(int win)
{
	return win == WIN_FAR ? FAR_UNIT : 1;
}

static inline u64 unit_gfn(int nr, int win, int unit)
{
	u64 base = win == WIN_FAR ? (1ull << (MAX_GFN_BITS - 2)) : MEM_GPA >> 12;

	return base + ((nr * NR_UNITS + unit) * unit_size(win));
}

static inline u64 unit_gva(int nr, int unit)
{
	return MEM_GVA + (nr * NR_UNITS + unit) * 4096ull;
}

/* What the host must say to one entry; applies it to the model. */
static inline long model_set(struct fuzzer *f, const struct kvm_view_op *op)
{
	u64 first = unit_gfn(f->nr, WIN_MEM, 0), i, n;
	int win = WIN_MEM, m;
	u8 *r;

	for (m = 0; m < ARRAY_SIZE(masks) && masks[m] != op->mask; m++)
		;
	if (op->type != KVM_VIEW_OP_PROTECT || m == ARRAY_SIZE(masks) ||
	    (op->flags & ~7) || op->target || !op->npages ||
	    op->npages > 1ull << 40 || op->gfn > 1ull << 40)
		return -EINVAL;
	if ((op->flags & KVM_VIEW_OP_VE) && (op->mask & KVM_VIEW_W))
		return -EINVAL;
	if (op->view >= NR_VIEWS || !exists[op->view])
		return -ENOENT;

	if (op->gfn - first >= NR_UNITS) {
		win = WIN_FAR;
		first = unit_gfn(f->nr, WIN_FAR, 0);
	}
	r = &rights[op->view][f->nr][win][(op->gfn - first) / unit_size(win)];
	n = op->npages / unit_size(win);
	for (i = 0; i < n; i++)
		if (sealed[op->view] && (op->mask & ~r[i]))
			return -EPERM;
	memset(r, op->mask, n);
	return 0;
}

#endif /* SELFTEST_KVM_VIEWS_FUZZ_H */
