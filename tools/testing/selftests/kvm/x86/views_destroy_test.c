// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: DESTROY. Nobody may be inside, nobody can get in
 * afterwards, and nothing of the view is left for the next one.
 *
 * ut-host-cpus: 2
 */
#include "views_two.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define ROUNDS	50
#define SECRET	0x5ec2e7ull

#define hc_eq(want, ...)	GUEST_ASSERT_EQ(views_hc(__VA_ARGS__), (long)(want))

static u64 flag;

static u64 do_nothing(u64 arg)
{
	return arg;
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u8 vmfunc_vector(u64 view)
{
	return kvm_asm_safe(".byte 0x0f, 0x01, 0xd4", "a"(0), "c"(view));
}

static void guest_destroy(void)
{
	u64 gpa = pages[PG_SECRET].gpa, gva = pages[PG_SECRET].gva, i;

	hc_eq(-ENOENT, KVM_VIEWS_DESTROY, 1, 0, 0);
	views_start(0);
	WRITE_ONCE(*(u64 *)gva, SECRET);
	hc_eq(-EINVAL, KVM_VIEWS_DESTROY, 0, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_DESTROY, 16, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_DESTROY, 1ull << 32 | 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_DESTROY, 9, 0, 0);

	for (i = 0; i < 20; i++) {
		hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
		hc_eq(1, KVM_VIEWS_POPULATE, 2, gpa >> 12, 1);
		GUEST_ASSERT_EQ(views_run(2, do_read, gva), SECRET);
		GUEST_ASSERT_EQ(views_remap_pages(2, pages[PG_DATA].gpa, gpa, 1,
						  R), 1);
		GUEST_ASSERT_EQ(views_run(2, do_read, pages[PG_DATA].gva), SECRET);
		hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);

		/* Gone for every operation. */
		GUEST_ASSERT_EQ(vmfunc_vector(2), UD_VECTOR);
		hc_eq(-ENOENT, KVM_VIEWS_DESTROY, 2, 0, 0);
		hc_eq(-ENOENT, KVM_VIEWS_SWITCH, 2, 0, 0);
		hc_eq(-ENOENT, KVM_VIEWS_POPULATE, 2, gpa >> 12, 1);
		hc_eq(-ENOENT, KVM_VIEWS_FAULT, 2, gpa, R);
		hc_eq(-ENOENT, KVM_VIEWS_SEAL, 1, 2, 0);
		hc_eq(-ENOENT, KVM_VIEWS_KILL, 2, 0, 0);
		hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 2, 0);
		hc_eq(-ENOENT, KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 2, 0);
		GUEST_ASSERT_EQ(views_set_flags(2, gpa, 1, R, 0), -ENOENT);

		/* The next one starts with nothing of it. */
		hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
		views_set(2, idt_gpa, 0);
		views_set(2, gpa, 0);
		GUEST_ASSERT(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 2,
				      0) <= 1);
		GUEST_ASSERT_EQ(views_run(2, do_read, gva), AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.missing, R);
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, 2,
					 pages[PG_DATA].gpa >> 12) & 0xff, RWX);
		GUEST_ASSERT_NE(views_run(2, do_read, pages[PG_DATA].gva), SECRET);
		hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);
		/* The others don't notice. */
		GUEST_ASSERT_EQ(views_run(1, do_read, gva), SECRET);
	}

	/* Remaps are counted for the VM, and freed with the view. */
	for (i = 0; i < 5; i++) {
		hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
		GUEST_ASSERT_EQ(views_remap_pages(2, 1ull << 32, 0, 256, R), 1);
		hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);
	}

	hc_eq(0, KVM_VIEWS_CREATE, 3, RWX, 0);
	hc_eq(0, KVM_VIEWS_SEAL, 1, 3, 0);
	hc_eq(-EPERM, KVM_VIEWS_DESTROY, 3, 0, 0);
	hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
	hc_eq(-EPERM, KVM_VIEWS_DESTROY, 1, 0, 0);
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 5), 5);
	GUEST_DONE();
}

/* Inside until told otherwise, then once more a read. */
static u64 do_stay(u64 addr)
{
	WRITE_ONCE(ready, READ_ONCE(turn));
	while (!READ_ONCE(flag))
		cpu_relax();
	return READ_ONCE(*(u64 *)addr);
}

static void new_view(u8 mask)
{
	hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
	views_set(2, idt_gpa, 0);
	views_set(2, pages[PG_SECRET].gpa, mask);
}

static void guest_destroyer(void)
{
	u64 i;

	views_start_first();
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, SECRET);
	for (i = 2; i < ROUNDS; i++) {
		new_view(0);
		WRITE_ONCE(flag, 0);
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		/* It got there by VMFUNC and has made no exit since. */
		hc_eq(-EBUSY, KVM_VIEWS_DESTROY, 2, 0, 0);
		hc_eq(-EBUSY, KVM_VIEWS_DESTROY, 2, 0, 0);
		WRITE_ONCE(flag, 1);
		wait_for(&ready, i | 1ull << 32);
		hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);
		WRITE_ONCE(turn, i | 1ull << 32);
		wait_for(&ready, i | 1ull << 33);
	}
	GUEST_DONE();
}

static void guest_inside(void)
{
	u64 i;

	views_start_second();
	for (i = 2; i < ROUNDS; i++) {
		wait_for(&turn, i);
		/* The refused DESTROY took nothing away, and gave nothing. */
		GUEST_ASSERT_EQ(views_run_second(2, do_stay,
						 pages[PG_SECRET].gva),
				AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
		GUEST_ASSERT_EQ(last_aex.missing, R);
		GUEST_ASSERT_EQ(views_run_second(2, do_nothing, 7), 7);
		WRITE_ONCE(ready, i | 1ull << 32);
		wait_for(&turn, i | 1ull << 32);
		GUEST_ASSERT_EQ(vmfunc_vector(2), UD_VECTOR);
		WRITE_ONCE(ready, i | 1ull << 33);
	}
	GUEST_DONE();
}

/* Without the check, who is inside loses the view under it. */
static void guest_destroys_busy(void)
{
	views_start_first();
	WRITE_ONCE(*(u64 *)pages[PG_SECRET].gva, SECRET);
	new_view(0);
	WRITE_ONCE(turn, 2);
	wait_for(&ready, 2);
	hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);
	GUEST_DONE();
}

static void guest_loses_view(void)
{
	views_start_second();
	wait_for(&turn, 2);
	GUEST_ASSERT_EQ(views_run_second(2, do_stay, pages[PG_SECRET].gva),
			AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.view, 2);
	GUEST_DONE();
}

static void test_destroys_busy(const char *name)
{
	views_two_test(name, guest_destroys_busy, guest_loses_view);
}

/* Without cleared slots, VMFUNC leads to a view that is not there any more. */
static void guest_leaves_slot(void)
{
	views_start_first();
	new_view(0);
	WRITE_ONCE(turn, 2);
	wait_for(&ready, 2);
	hc_eq(0, KVM_VIEWS_DESTROY, 2, 0, 0);
	WRITE_ONCE(turn, 3);
	wait_for(&ready, 3);
	GUEST_DONE();
}

static void guest_uses_slot(void)
{
	views_start_second();
	wait_for(&turn, 2);
	GUEST_ASSERT_EQ(views_run_second(2, do_nothing, 7), 7);
	WRITE_ONCE(ready, 2);
	wait_for(&turn, 3);
	GUEST_ASSERT_EQ(views_run_second(2, do_nothing, 7), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.view, 2);
	WRITE_ONCE(ready, 3);
	GUEST_DONE();
}

static void test_leaves_slot(const char *name)
{
	views_two_test(name, guest_leaves_slot, guest_uses_slot);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(4);
	views_test("destroy", guest_destroy, NULL);
	views_two_test("not while a vCPU is inside", guest_destroyer,
		       guest_inside);
	views_weakened_test(KVM_VIEWS_BREAK_BUSY,
			    "... who else loses the view under it",
			  test_destroys_busy);
	if (views_vmfunc_here())
		views_weakened_test(KVM_VIEWS_BREAK_EPTP_SLOT,
				    "... or gets into a view that is gone",
				    test_leaves_slot);
	else
		ksft_test_result_skip("no list of views without VMFUNC\n");
	ksft_finished();
}
