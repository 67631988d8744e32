// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: everything that the hypercall has to refuse, and
 * the seal.
 *
 * ut-backends: all
 */
#include "views_util.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define NO_MEM	0x7f000000ull
#define SECRET	0x5ec2e7ull

#define hc_eq(want, ...)	GUEST_ASSERT_EQ(views_hc(__VA_ARGS__), (long)(want))

static void guest_enable(void)
{
	u64 max = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_LIMITS, 0, 0) & 0xffff;

	hc_eq(-ENOENT, KVM_VIEWS_CREATE, 1, R, 0);
	hc_eq(-ENOENT, KVM_VIEWS_SET, 0, 1, 0);
	hc_eq(-ENOENT, KVM_VIEWS_SWITCH, 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_QUERY, 99, 0, 0);
	hc_eq(-EINVAL, 12, 0, 0, 0);
	hc_eq(-EINVAL, ~0ull, 0, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_ENABLE, 1, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_ENABLE, max + 1, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_ENABLE, 513, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_ENABLE, 16, 2, 0);
	if (!views_has(KVM_VIEWS_F_RW_PT))
		hc_eq(-EINVAL, KVM_VIEWS_ENABLE, 16, KVM_VIEWS_ENABLE_RW_PT, 0);
	hc_eq(-EINVAL, KVM_VIEWS_ENABLE, 1ull << 40 | 16, 0, 0);
	hc_eq(0, KVM_VIEWS_ENABLE, max, views_enable_flags(), 0);
	hc_eq(-EEXIST, KVM_VIEWS_ENABLE, max, views_enable_flags(), 0);
	hc_eq(-ENOENT, KVM_VIEWS_DESTROY, 1, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_FAULT, 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_KILL, 1, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_RESET, 1, 0, 0);
	hc_eq(0, KVM_VIEWS_CREATE, max - 1, R, 0);
	hc_eq(-EINVAL, KVM_VIEWS_CREATE, max, R, 0);
	/* A vCPU that registered nothing has no view to go to. */
	hc_eq(-ENOENT, KVM_VIEWS_SWITCH, max - 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_POPULATE, max - 1, 0, 1);
	GUEST_DONE();
}

#define bad_cfg(err, change)						\
do {									\
	views_default_cfg(cfg);						\
	(change);							\
	hc_eq(err, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0);	\
} while (0)

static void guest_vcpu_init(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;

	hc_eq(0, KVM_VIEWS_ENABLE, 16, views_enable_flags(), 0);
	hc_eq(-EINVAL, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa + 4, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa + 4088, 0, 0);
	hc_eq(-EFAULT, KVM_VIEWS_VCPU_INIT, NO_MEM, 0, 0);
	hc_eq(-EFAULT, KVM_VIEWS_VCPU_INIT, ~0xfffull, 0, 0);
	bad_cfg(-EINVAL, cfg->size = 80);
	bad_cfg(-EINVAL, cfg->flags = 0x10);
	bad_cfg(-EINVAL, cfg->ve_info = pages[PG_VE].gpa + 8);
	bad_cfg(-EFAULT, cfg->ve_info = NO_MEM);
	bad_cfg(-EINVAL, cfg->sp_cell = pages[PG_CELL].gpa + 4);
	bad_cfg(-EFAULT, cfg->sp_cell = NO_MEM);
	bad_cfg(-EFAULT, cfg->sp_cell = ~0ull & ~7ull);
	bad_cfg(-EINVAL, cfg->gs_base = 1ull << 60);
	bad_cfg(-EINVAL, cfg->fault_entry = 1ull << 60);
	bad_cfg(-EINVAL, cfg->cs = 0);
	bad_cfg(-EINVAL, cfg->cs = VIEWS_CS | 3);
	bad_cfg(-EINVAL, cfg->ss = VIEWS_DS | 4);
	bad_cfg(-EINVAL, cfg->vector = 21);
	bad_cfg(-EINVAL, cfg->rsvd[0] = 1);
	bad_cfg(-EINVAL, cfg->rsvd[1] = 1ull << 63);
	views_default_cfg(cfg);
	hc_eq(0, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0);
	hc_eq(-EBUSY, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0);

	hc_eq(-EINVAL, KVM_VIEWS_CREATE, 0, R, 0);
	hc_eq(-EINVAL, KVM_VIEWS_CREATE, 16, R, 0);
	hc_eq(-EINVAL, KVM_VIEWS_CREATE, 1, KVM_VIEW_W, 0);
	hc_eq(-EINVAL, KVM_VIEWS_CREATE, 1, KVM_VIEW_X, 0);
	hc_eq(-EINVAL, KVM_VIEWS_CREATE, 1, R | 1ull << 32, 0);
	hc_eq(0, KVM_VIEWS_CREATE, 1, R, 0);
	hc_eq(-EEXIST, KVM_VIEWS_CREATE, 1, R, 0);
	GUEST_DONE();
}

#define bad_op(err, change)						\
do {									\
	*op = good;							\
	(change);							\
	hc_eq(err, KVM_VIEWS_SET, pages[PG_ARGS].gpa, 1, 0);		\
} while (0)

static void guest_set(void)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;
	struct kvm_view_op good = {
		.view = 1,
		.type = KVM_VIEW_OP_PROTECT,
		.mask = R,
		.gfn = 1,
		.npages = 1,
	};
	u64 args = pages[PG_ARGS].gpa;

	views_start(0);
	*op = good;
	hc_eq(-E2BIG, KVM_VIEWS_SET, args, 0, 0);
	hc_eq(-E2BIG, KVM_VIEWS_SET, args, 129, 0);
	hc_eq(-E2BIG, KVM_VIEWS_SET, args, 1ull << 59, 0);
	hc_eq(-EINVAL, KVM_VIEWS_SET, args + 4, 1, 0);
	hc_eq(-EFAULT, KVM_VIEWS_SET, NO_MEM, 1, 0);
	bad_op(-EINVAL, op->type = 0);
	bad_op(-EINVAL, op->type = 4);
	bad_op(-EINVAL, op->mask = KVM_VIEW_W);
	bad_op(-EINVAL, op->mask = KVM_VIEW_X);
	bad_op(-EINVAL, op->mask = KVM_VIEW_W | KVM_VIEW_X);
	bad_op(-EINVAL, op->mask = R | 8);
	bad_op(-EINVAL, op->flags = 8);
	bad_op(-EINVAL, (op->flags = KVM_VIEW_OP_VE, op->mask = RW));
	bad_op(-EINVAL, (op->flags = KVM_VIEW_OP_VE, op->mask = RWX));
	bad_op(-EINVAL, op->npages = 0);
	bad_op(-EINVAL, op->npages = ~0ull);
	bad_op(-EINVAL, op->gfn = ~0ull);
	bad_op(-EINVAL, op->gfn = 1ull << 52);
	bad_op(-EINVAL, op->target = 1);
	bad_op(-ENOENT, op->view = 9);
	bad_op(-ENOENT, op->view = 600);
	bad_op(-ENOENT, op->view = 65535);
	good.view = 0;
	good.mask = RW;
	bad_op(-EINVAL, op->flags = KVM_VIEW_OP_VE);

	hc_eq(-ENOENT, KVM_VIEWS_POPULATE, 9, 0, 1);
	hc_eq(-EINVAL, KVM_VIEWS_POPULATE, 1, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_POPULATE, 1, ~0ull, 2);
	hc_eq(-EINVAL, KVM_VIEWS_POPULATE, 1, 0, ~0ull);
	hc_eq(-EINVAL, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 0, ~0ull);
	hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 9, 0);
	hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 1ull << 33, 0);
	GUEST_DONE();
}

static u64 rights(u16 view, u64 gfn)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, view, gfn) & 7;
}

static void fill_ops(struct kvm_view_op *op, int nr, u8 mask)
{
	int i;

	for (i = 0; i < nr; i++)
		op[i] = (struct kvm_view_op) {
			.view = 1,
			.type = KVM_VIEW_OP_PROTECT,
			.mask = mask,
			.gfn = 0x1000 + i,
			.npages = 1,
		};
}

/* Several changes in one call: in order, up to the first wrong one. */
static void guest_batch(void)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;
	u64 args = pages[PG_ARGS].gpa;
	int bad, i;

	views_start(0);
	for (bad = 1; bad < 8; bad++) {
		fill_ops(op, 8, RWX);
		hc_eq(8, KVM_VIEWS_SET, args, 8, 0);
		fill_ops(op, 8, R);
		op[bad].mask = KVM_VIEW_W;
		hc_eq(bad, KVM_VIEWS_SET, args, 8, 0);
		for (i = 0; i < 8; i++)
			GUEST_ASSERT_EQ(rights(1, 0x1000 + i), i < bad ? R : RWX);
		/* The rest says what was wrong, and is not done either. */
		hc_eq(-EINVAL, KVM_VIEWS_SET, args + bad * sizeof(*op), 8 - bad,
		      0);
		for (i = bad; i < 8; i++)
			GUEST_ASSERT_EQ(rights(1, 0x1000 + i), RWX);
	}

	/* The error is that of the first one. */
	fill_ops(op, 3, R);
	op[0].view = 9;
	op[1].mask = KVM_VIEW_W;
	hc_eq(-ENOENT, KVM_VIEWS_SET, args, 3, 0);

	/* A later entry builds on an earlier one. */
	fill_ops(op, 4, R);
	for (i = 0; i < 4; i++)
		op[i].gfn = 0x1000;
	op[1].type = KVM_VIEW_OP_REMAP;
	op[1].target = pages[PG_DATA].gpa >> 12;
	op[2].mask = 0;
	op[3].type = KVM_VIEW_OP_UNREMAP;
	op[3].mask = RWX;
	hc_eq(4, KVM_VIEWS_SET, args, 4, 0);
	hc_eq(RWX | 1 << 8, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 1, 0x1000);
	fill_ops(op, 2, R);
	op[1].gfn = 0x1000;
	op[1].mask = RW;
	hc_eq(2, KVM_VIEWS_SET, args, 2, 0);
	GUEST_ASSERT_EQ(rights(1, 0x1000), RW);

	/* As many as there can be, and their populate flags are hints. */
	fill_ops(op, 127, RW);
	for (i = 0; i < 127; i++)
		op[i].flags = KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE;
	hc_eq(127, KVM_VIEWS_SET, args, 127, 0);
	GUEST_ASSERT_EQ(rights(1, 0x1000 + 126), RW);
	GUEST_DONE();
}

/* The number of ranges is limited, and reaching the limit breaks nothing. */
static void guest_ranges(void)
{
	struct kvm_view_op *op = (void *)pages[PG_ARGS].gva;
	u64 gfn = 0x100000;
	long r, i;

	views_start(0);
	do {
		for (i = 0; i < 64; i++, gfn += 2)
			op[i] = (struct kvm_view_op) {
				.view = 1,
				.type = KVM_VIEW_OP_PROTECT,
				.mask = R,
				.gfn = gfn,
				.npages = 1,
			};
		r = views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa, 64, 0);
		GUEST_ASSERT(r > 0 || r == -E2BIG);
	} while (r == 64 && gfn < 0x200000);
	GUEST_ASSERT(r < 64);
	GUEST_PRINTF("# %lu pages with rights of their own\n",
		     (gfn - 0x100000) / 2);
	GUEST_ASSERT_EQ(views_set_flags(1, gfn << 12, 1, R, 0), -E2BIG);
	/* Fewer again. */
	GUEST_ASSERT_EQ(views_set_flags(1, 0, 0x300000, RWX, 0), 1);
	GUEST_ASSERT_EQ(views_set_flags(1, gfn << 12, 1, R, 0), 1);
	GUEST_DONE();
}

static const u8 masks[] = { 0, R, RW, KVM_VIEW_R | KVM_VIEW_X, RWX };

static void guest_seal(void)
{
	u64 gpa = pages[PG_DATA].gpa;
	int i, j;

	views_start(0);
	hc_eq(-EINVAL, KVM_VIEWS_SEAL, 2, 1, 0);
	hc_eq(-ENOENT, KVM_VIEWS_SEAL, 1, 9, 0);

	/* From each right to each other, with the seal in between. */
	for (i = 0; i < ARRAY_SIZE(masks); i++)
		for (j = 0; j < ARRAY_SIZE(masks); j++)
			views_set(1, (i * 5 + j) << 12, masks[i]);
	views_set(1, gpa, R);
	hc_eq(0, KVM_VIEWS_SEAL, 1, 1, 0);
	for (i = 0; i < ARRAY_SIZE(masks); i++)
		for (j = 0; j < ARRAY_SIZE(masks); j++)
			GUEST_ASSERT_EQ(views_set_flags(1, (i * 5 + j) << 12, 1,
							masks[j], 0),
					masks[j] & ~masks[i] ? -EPERM : 1);

	/* Others are still open. */
	views_set(0, gpa, R);
	views_set(0, gpa, RWX);
	hc_eq(0, KVM_VIEWS_CREATE, 2, R, 0);

	/* A range is checked wholly before any of it is changed. */
	hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
	GUEST_ASSERT_EQ(views_set_flags(1, gpa - 4096, 3, RW, 0), -EPERM);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 1,
				 (gpa >> 12) - 1) & 7, RWX);
	GUEST_ASSERT_EQ(views_set_flags(1, gpa - 4096, 3, R, 0), 1);
	hc_eq(-EPERM, KVM_VIEWS_CREATE, 15, R, 0);
	views_set(0, gpa, R);
	GUEST_ASSERT_EQ(views_set_flags(0, gpa, 1, RW, 0), -EPERM);
	hc_eq(1, KVM_VIEWS_POPULATE, 1, gpa >> 12, 1);
	GUEST_DONE();
}

static u64 do_read(u64 gva)
{
	return READ_ONCE(*(u64 *)gva);
}

/* What the seal is for; @open: it holds nothing. */
static void widen(bool open)
{
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, SECRET);
	views_start(0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
			AEX_RESULT);
	GUEST_ASSERT_EQ(views_set_flags(1, pages[PG_SECRET].gpa, 1, R, 0),
			open ? 1 : -EPERM);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva),
			open ? SECRET : AEX_RESULT);
	GUEST_DONE();
}

static void guest_widen(void)
{
	widen(false);
}

static void guest_widen_open(void)
{
	widen(true);
}

static void test_widen_open(const char *name)
{
	views_test(name, guest_widen_open, NULL);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(8);
	views_test("enable", guest_enable, NULL);
	views_test("vCPU and views", guest_vcpu_init, NULL);
	views_test("set and populate", guest_set, NULL);
	views_test("changes in one call", guest_batch, NULL);
	views_test("number of ranges", guest_ranges, NULL);
	views_test("seal", guest_seal, NULL);
	views_test("a sealed view does not see more", guest_widen, NULL);
	views_weakened_test(KVM_VIEWS_BREAK_SEAL, "... without that, it does",
			    test_widen_open);
	ksft_finished();
}
