// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: KILL, for good and at once, also for who is
 * inside; and FAULT, which says whether a violation was one.
 *
 * ut-host-cpus: 2
 */
#include "views_two.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RX	(KVM_VIEW_R | KVM_VIEW_X)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define NO_MEM	0x7f000000ull
#define ROUNDS	50

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

static u64 rights(u16 view, u64 gpa)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, view, gpa >> 12) &
	       RWX;
}

static void expect_killed(void)
{
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 5), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_X);
	GUEST_ASSERT_EQ(last_aex.view, 1);
}

static void guest_kill(void)
{
	u64 gpa = pages[PG_DATA].gpa;

	hc_eq(-ENOENT, KVM_VIEWS_KILL, 1, 0, 0);
	views_start(0);
	hc_eq(-EINVAL, KVM_VIEWS_KILL, 0, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_KILL, 16, 0, 0);
	hc_eq(-EINVAL, KVM_VIEWS_KILL, 1ull << 32 | 1, 0, 0);
	hc_eq(-ENOENT, KVM_VIEWS_KILL, 9, 0, 0);
	views_set(1, gpa, RX);
	views_set(1, gpa + 4096, R);
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 5), 5);

	hc_eq(0, KVM_VIEWS_KILL, 1, 0, 0);
	expect_killed();
	/* The other rights stay. */
	GUEST_ASSERT_EQ(rights(1, gpa), R);
	GUEST_ASSERT_EQ(rights(1, gpa + 4096), R);
	GUEST_ASSERT_EQ(rights(1, gate_gpa), RW);
	GUEST_ASSERT_EQ(rights(1, idt_gpa), 0);
	GUEST_ASSERT_EQ(rights(0, gate_gpa), RWX);
	hc_eq(0, KVM_VIEWS_KILL, 1, 0, 0);

	/* For good, and only that. */
	GUEST_ASSERT_EQ(views_set_flags(1, gate_gpa, 1, RX, 0), -EPERM);
	GUEST_ASSERT_EQ(views_set_flags(1, 0, 0x1000, RWX, 0), -EPERM);
	GUEST_ASSERT_EQ(views_remap_pages(1, gpa, gate_gpa, 1, RX), -EPERM);
	GUEST_ASSERT_EQ(views_set_flags(1, gpa, 1, RW, 0), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, gpa, gate_gpa, 1, R), 1);
	GUEST_ASSERT_EQ(views_unremap_pages(1, gpa, 1, RX), -EPERM);
	expect_killed();

	/* Another one lives, and a new one with the same number. */
	hc_eq(0, KVM_VIEWS_CREATE, 2, RWX, 0);
	GUEST_ASSERT_EQ(views_run(2, do_nothing, 6), 6);
	hc_eq(0, KVM_VIEWS_DESTROY, 1, 0, 0);
	hc_eq(0, KVM_VIEWS_CREATE, 1, RWX, 0);
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 7), 7);

	/* After the seal. */
	hc_eq(0, KVM_VIEWS_SEAL, 0, 0, 0);
	hc_eq(0, KVM_VIEWS_KILL, 1, 0, 0);
	expect_killed();
	GUEST_ASSERT_EQ(views_run(2, do_nothing, 6), 6);
	GUEST_DONE();
}

/* Runs until it is killed; 1: it ran on after KILL had returned. */
static u64 do_live(u64 arg)
{
	WRITE_ONCE(ready, READ_ONCE(turn));
	for (;;) {
		if (READ_ONCE(flag))
			return 1;
		cpu_relax();
	}
}

static void guest_killer(void)
{
	u64 i;

	views_start_first();
	for (i = 2; i < ROUNDS; i++) {
		WRITE_ONCE(flag, 0);
		WRITE_ONCE(turn, i);
		wait_for(&ready, i);
		hc_eq(0, KVM_VIEWS_KILL, 1, 0, 0);
		WRITE_ONCE(flag, 1);
		/* The second one is out when it can be destroyed. */
		while (views_hc(KVM_VIEWS_DESTROY, 1, 0, 0) == -EBUSY)
			cpu_relax();
		hc_eq(0, KVM_VIEWS_CREATE, 1, RWX, 0);
		views_set(1, idt_gpa, 0);
	}
	WRITE_ONCE(turn, ~0ull);
	GUEST_DONE();
}

static void killed_in_view(bool works)
{
	u64 i;

	views_start_second();
	for (i = 2; i < ROUNDS; i++) {
		while (READ_ONCE(turn) != i && READ_ONCE(turn) != ~0ull)
			cpu_relax();
		if (!works) {
			GUEST_ASSERT_EQ(views_run_second(1, do_live, 0), 1);
			continue;
		}
		GUEST_ASSERT_EQ(views_run_second(1, do_live, 0), AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
		GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_X);
	}
	GUEST_DONE();
}

static void guest_killed(void)
{
	killed_in_view(true);
}

static void guest_survives(void)
{
	killed_in_view(false);
}

static void test_killed(const char *name)
{
	views_two_test(name, guest_killer, guest_killed);
}

static void test_survives(const char *name)
{
	views_two_test(name, guest_killer, guest_survives);
}

static void guest_fault(void)
{
	u64 gpa = pages[PG_DATA].gpa, gva = pages[PG_DATA].gva, exits;

	hc_eq(-ENOENT, KVM_VIEWS_FAULT, 1, gpa, R);
	GUEST_ASSERT_EQ(views_enable(16), 0);
	hc_eq(-ENOENT, KVM_VIEWS_FAULT, 0, gpa, R);
	views_default_cfg((void *)pages[PG_ARGS].gva);
	hc_eq(0, KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0);
	hc_eq(0, KVM_VIEWS_CREATE, 1, RWX, 0);
	views_set(1, idt_gpa, 0);
	hc_eq(-EINVAL, KVM_VIEWS_FAULT, 1, gpa, 0);
	hc_eq(-EINVAL, KVM_VIEWS_FAULT, 1, gpa, RW);
	hc_eq(-EINVAL, KVM_VIEWS_FAULT, 1, gpa, 8);
	hc_eq(-EINVAL, KVM_VIEWS_FAULT, 1, 1ull << 60, R);
	hc_eq(-ENOENT, KVM_VIEWS_FAULT, 9, gpa, R);
	hc_eq(-ENOENT, KVM_VIEWS_FAULT, 1ull << 32 | 1, gpa, R);

	/* Each right, in a view and in view 0. */
	views_set(1, gpa, 0);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, R);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, KVM_VIEW_W);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, KVM_VIEW_X);
	views_set(1, gpa, R);
	hc_eq(0, KVM_VIEWS_FAULT, 1, gpa + 123, R);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, KVM_VIEW_W);
	hc_eq(1, KVM_VIEWS_FAULT, 1, gpa, KVM_VIEW_X);
	views_set(0, gpa, R);
	hc_eq(0, KVM_VIEWS_FAULT, 0, gpa, R);
	hc_eq(1, KVM_VIEWS_FAULT, 0, gpa, KVM_VIEW_W);
	views_set(0, gpa, RWX);
	hc_eq(0, KVM_VIEWS_FAULT, 0, gpa, KVM_VIEW_W);
	hc_eq(0, KVM_VIEWS_FAULT, 0, gpa, KVM_VIEW_X);

	/* No memory: not for a view, and emulated for view 0. */
	hc_eq(1, KVM_VIEWS_FAULT, 1, NO_MEM, R);
	hc_eq(0, KVM_VIEWS_FAULT, 0, NO_MEM, R);
	views_set(0, NO_MEM, R);
	hc_eq(1, KVM_VIEWS_FAULT, 0, NO_MEM, R);

	/* It maps: the next access costs no exit. */
	views_run(1, do_read, gva);
	views_set(1, gpa, 0);
	views_set(1, gpa, RW);
	hc_eq(0, KVM_VIEWS_FAULT, 1, gpa, R);
	exits = views_exits();
	GUEST_ASSERT_NE(views_run(1, do_read, gva), AEX_RESULT);
	GUEST_ASSERT_EQ(views_exits() - exits, VIEWS_EXITS_OWN + VIEWS_EXITS_RUN);
	GUEST_DONE();
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(4);
	views_test("kill", guest_kill, NULL);
	test_killed("kill who is inside");
	views_weakened_test(KVM_VIEWS_BREAK_KILL, "... who lives on without the defence",
			    test_survives);
	views_test("fault", guest_fault, NULL);
	ksft_finished();
}
