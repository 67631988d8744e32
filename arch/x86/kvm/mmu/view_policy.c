// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rights that a view has on each guest frame: a sorted array of segments
 * that covers the whole guest physical address space.  Lookups are a binary
 * search in one or two cache lines per step; a change builds a new array, so
 * that all allocation is done before mmu_lock is taken.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "views.h"

#define SEG(gfn, val)	(((gfn) << 8) | (val))
#define SEG_GFN(seg)	((seg) >> 8)
#define SEG_VAL(seg)	((u8)(seg))

struct kvm_view_policy *kvm_view_policy_alloc(unsigned int nr)
{
	struct kvm_view_policy *p;

	p = kvmalloc(struct_size(p, seg, nr), GFP_KERNEL_ACCOUNT);
	if (p)
		p->nr = nr;
	return p;
}

/* A policy with the same rights everywhere. */
struct kvm_view_policy *kvm_view_policy_new(u8 val)
{
	struct kvm_view_policy *p = kvm_view_policy_alloc(1);

	if (p)
		p->seg[0] = SEG(0ull, val);
	return p;
}

/* Index of the segment that contains @gfn. */
static unsigned int policy_find(const struct kvm_view_policy *p, gfn_t gfn)
{
	unsigned int lo = 0, hi = p->nr;

	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (SEG_GFN(p->seg[mid]) <= gfn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static gfn_t policy_end(const struct kvm_view_policy *p, unsigned int i)
{
	return i + 1 < p->nr ? SEG_GFN(p->seg[i + 1]) : kvm_mmu_max_gfn() + 1;
}

/* Rights on @gfn and the range around it, [@start, @end), that has the same. */
u8 kvm_view_policy_get(const struct kvm_view_policy *p, gfn_t gfn,
		       gfn_t *start, gfn_t *end)
{
	unsigned int i = policy_find(p, gfn);

	*start = SEG_GFN(p->seg[i]);
	*end = policy_end(p, i);
	return SEG_VAL(p->seg[i]);
}

/* Would @rights widen nothing in [@start, @end)? */
bool kvm_view_policy_within(const struct kvm_view_policy *p, gfn_t start,
			    gfn_t end, u8 rights)
{
	unsigned int i;

	for (i = policy_find(p, start); i < p->nr; i++) {
		if (SEG_GFN(p->seg[i]) >= end)
			break;
		if (rights & ~SEG_VAL(p->seg[i]) & KVM_VIEW_RWX)
			return false;
	}
	return true;
}

/* All rights and marks that occur in [@start, @end). */
u8 kvm_view_policy_any(const struct kvm_view_policy *p, gfn_t start, gfn_t end)
{
	unsigned int i;
	u8 any = 0;

	for (i = policy_find(p, start); i < p->nr; i++) {
		if (SEG_GFN(p->seg[i]) >= end)
			break;
		any |= SEG_VAL(p->seg[i]);
	}
	return any;
}

/*
 * The largest page size that does not span differing rights, or frames that are
 * not what they seem.
 */
int kvm_view_policy_level(const struct kvm_view_policy *p, gfn_t gfn)
{
	gfn_t start, end, first;
	int level;

	if (kvm_view_policy_get(p, gfn, &start, &end) & KVM_VIEW_REMAPPED)
		return PG_LEVEL_4K;

	for (level = KVM_MAX_HUGEPAGE_LEVEL; level > PG_LEVEL_4K; level--) {
		first = gfn & -KVM_PAGES_PER_HPAGE(level);
		if (first >= start &&
		    first + KVM_PAGES_PER_HPAGE(level) <= end)
			break;
	}
	return level;
}

/* Append a segment unless it continues the last one. */
static void policy_push(struct kvm_view_policy *p, gfn_t gfn, u8 val)
{
	if (p->nr && SEG_VAL(p->seg[p->nr - 1]) == val)
		return;
	p->nr++;
	p->seg[p->nr - 1] = SEG(gfn, val);
}

/**
 * kvm_view_policy_set() - @old with [@start, @end) changed
 * @keep: what stays of the old rights and marks
 * @val: what is added to that
 *
 * Return: the new policy or an ERR_PTR(): -ENOMEM, or -E2BIG if it would have
 * too many ranges.  The caller has checked the range.
 */
struct kvm_view_policy *kvm_view_policy_set(const struct kvm_view_policy *old,
					    gfn_t start, gfn_t end, u8 keep,
					    u8 val)
{
	unsigned int first = policy_find(old, start);
	unsigned int last = policy_find(old, end - 1);
	struct kvm_view_policy *p;
	unsigned int i;

	/* Splitting a segment in three adds two. */
	p = kvm_view_policy_alloc(old->nr + 2);
	if (!p)
		return ERR_PTR(-ENOMEM);

	p->nr = first;
	memcpy(p->seg, old->seg, first * sizeof(p->seg[0]));
	if (SEG_GFN(old->seg[first]) < start)
		policy_push(p, SEG_GFN(old->seg[first]),
			    SEG_VAL(old->seg[first]));
	for (i = first; i <= last; i++)
		policy_push(p, max(SEG_GFN(old->seg[i]), start),
			    (SEG_VAL(old->seg[i]) & keep) | val);
	if (policy_end(old, last) > end)
		policy_push(p, end, SEG_VAL(old->seg[last]));
	for (i = last + 1; i < old->nr; i++)
		policy_push(p, SEG_GFN(old->seg[i]), SEG_VAL(old->seg[i]));

	if (p->nr > KVM_VIEW_MAX_RANGES && p->nr > old->nr) {
		kvfree(p);
		return ERR_PTR(-E2BIG);
	}
	return p;
}

/**
 * kvm_view_policy_fill() - set segment @i of a policy that isn't published yet
 *
 * Segments are filled in order.  Return: whether this one is where the last one
 * ends, which is before the end of what the guest can have.
 */
bool kvm_view_policy_fill(struct kvm_view_policy *p, unsigned int i, gfn_t gfn,
			  u8 val)
{
	p->seg[i] = SEG(gfn, val);
	if (gfn > kvm_mmu_max_gfn())
		return false;
	if (!i)
		return !gfn;
	return SEG_GFN(p->seg[i - 1]) < gfn && SEG_VAL(p->seg[i - 1]) != val;
}

/* What is in segment @i, and where it begins. */
u8 kvm_view_policy_segment(const struct kvm_view_policy *p, unsigned int i,
			   gfn_t *gfn)
{
	*gfn = SEG_GFN(p->seg[i]);
	return SEG_VAL(p->seg[i]);
}
