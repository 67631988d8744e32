// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: switching, and what the rights of a view mean.
 *
 * ut-backends: all
 */
#include "views_util.h"

#define ROUNDS	20000

static u64 do_nothing(u64 arg)
{
	return arg + 1;
}

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 0x5a5a);
	return 0;
}

static u64 do_call(u64 addr)
{
	return ((u64 (*)(void))addr)();
}

static u64 do_query(u64 arg)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0);
}

/* Expect an AEX for a violation at @gpa that lacked @missing. */
static void expect_violation(u64 result, u64 gpa, u8 missing)
{
	GUEST_ASSERT_EQ(result, AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.exit_reason, 48);
	GUEST_ASSERT_EQ(last_aex.view, 1);
	GUEST_ASSERT_EQ(last_aex.missing, missing);
	GUEST_ASSERT_EQ(last_aex.gpa & ~0xfffull, gpa);
	GUEST_ASSERT_EQ(last_aex.event, 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_CURRENT, 0, 0), 0);
	memset(&last_aex, 0, sizeof(last_aex));
}

static void guest_switch(void)
{
	u64 i, before, after;

	views_start(0);
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 41), 42);
	GUEST_ASSERT_EQ(views_run(1, do_query, 0), 1);
	GUEST_ASSERT_EQ(*views_cell(), 0);

	before = views_exits();
	for (i = 0; i < ROUNDS; i++)
		GUEST_ASSERT_EQ(views_run(1, do_nothing, i), i + 1);
	after = views_exits();

	GUEST_PRINTF("# %u round trips: %lu exits\n", ROUNDS,
		     after - before - VIEWS_EXITS_OWN);
	GUEST_ASSERT_EQ(after - before,
			VIEWS_EXITS_OWN + ROUNDS * VIEWS_EXITS_RUN);
	GUEST_ASSERT_EQ(nr_aex, 0);
	GUEST_DONE();
}

static void guest_rights(void)
{
	u64 *secret = (u64 *)pages[PG_SECRET].gva;
	u64 *data = (u64 *)pages[PG_DATA].gva;
	u8 *code = (u8 *)pages[PG_CODE].gva;
	int i;

	views_start(0);
	*secret = 0x1122334455667788;
	*data = 7;
	code[0] = 0xc3;		/* ret */

	/* Each more than once: what is cached must not matter. */
	for (i = 0; i < 3; i++) {
		views_set(1, pages[PG_SECRET].gpa, 0);
		expect_violation(views_run(1, do_read, (u64)secret),
				 pages[PG_SECRET].gpa, KVM_VIEW_R);
		expect_violation(views_run(1, do_write, (u64)secret),
				 pages[PG_SECRET].gpa, KVM_VIEW_W);
		GUEST_ASSERT_EQ(*secret, 0x1122334455667788);

		views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R);
		GUEST_ASSERT_EQ(views_run(1, do_read, (u64)data), 7);
		expect_violation(views_run(1, do_write, (u64)data),
				 pages[PG_DATA].gpa, KVM_VIEW_W);
		GUEST_ASSERT_EQ(*data, 7);

		views_set(1, pages[PG_CODE].gpa, KVM_VIEW_R | KVM_VIEW_X);
		GUEST_ASSERT_NE(views_run(1, do_call, (u64)code), AEX_RESULT);
		views_set(1, pages[PG_CODE].gpa, KVM_VIEW_R | KVM_VIEW_W);
		expect_violation(views_run(1, do_call, (u64)code),
				 pages[PG_CODE].gpa, KVM_VIEW_X);

		/* And wider again. */
		views_set(1, pages[PG_SECRET].gpa, KVM_VIEW_R | KVM_VIEW_W);
		GUEST_ASSERT_EQ(views_run(1, do_read, (u64)secret),
				0x1122334455667788);
	}
	GUEST_ASSERT_EQ(nr_aex, 12);
	GUEST_DONE();
}

static void guest_populate(void)
{
	u64 *data = (u64 *)pages[PG_DATA].gva;
	u64 before, after, pt, i;

	views_start(0);
	pt = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 1, 0);
	GUEST_ASSERT_EQ(pt, 1);

	/* All of the guest's memory; holes count as done. */
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 1, 0, 8192), 8192);
	GUEST_ASSERT_EQ(views_set_flags(1, pages[PG_DATA].gpa, 1,
					KVM_VIEW_R | KVM_VIEW_W,
					KVM_VIEW_OP_POPULATE_WRITE), 1);
	views_run(1, do_nothing, 0);

	before = views_exits();
	views_run(1, do_write, (u64)data);
	after = views_exits();
	GUEST_ASSERT_EQ(*data, 0x5a5a);
	GUEST_ASSERT_EQ(after - before, VIEWS_EXITS_OWN + VIEWS_EXITS_RUN);

	pt = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 1, 0);
	GUEST_PRINTF("# view 1: %lu table pages\n", pt);
	GUEST_ASSERT(pt >= 4 && pt < 100);

	/* The host counts with pauses, when others want its CPU. */
	for (i = 0; i < ROUNDS / 4; i++)
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES,
					 1, 0), pt);
	GUEST_DONE();
}

/* SWITCH does what VMFUNC does, and takes RSP and IF from the host. */
static u64 do_switch(u64 view)
{
	return views_hc(KVM_VIEWS_SWITCH, view, 0, 0);
}

static void switch_hc(u32 flags)
{
	u64 rsp, after;

	views_start(flags);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SWITCH, 2, 0, 0), -2);
	GUEST_ASSERT_EQ(do_switch(1), 0);
	GUEST_ASSERT_EQ(do_query(0), 1);
	GUEST_ASSERT_EQ(do_switch(0), 0);
	GUEST_ASSERT_EQ(do_query(0), 0);

	/* With a crossing in progress RSP comes from the cell. */
	asm volatile("mov %%rsp, %[rsp]; mov %[rsp], (%[cell])\n\t"
		     "sub $64, %%rsp\n\t"
		     "mov %[nr], %%eax; mov $8, %%ebx; mov $1, %%ecx\n\t"
		     VIEWS_VMCALL("%%")
		     "mov %[nr], %%eax; mov $8, %%ebx; xor %%ecx, %%ecx\n\t"
		     VIEWS_VMCALL("%%")
		     "mov %%rsp, %[after]; movq $0, (%[cell])"
		     : [rsp] "=&r" (rsp), [after] "=&r" (after)
		     : [cell] "r" (views_cell()), [nr] "i" (KVM_HC_VIEWS)
		     : "rax", "rbx", "rcx", "memory");
	GUEST_ASSERT_EQ(rsp, after);
	GUEST_ASSERT_EQ(do_query(0), 0);
	if (views_by_host)
		GUEST_ASSERT_EQ(kvm_asm_safe("vmfunc", "a" (0), "c" (1)),
				UD_VECTOR);
	GUEST_DONE();
}

static void guest_switch_hc(void)
{
	switch_hc(0);
}

static void guest_no_vmfunc(void)
{
	switch_hc(KVM_VIEW_VCPU_NO_VMFUNC | KVM_VIEW_VCPU_NO_HW_VE);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(5);
	views_test("switch", guest_switch, NULL);
	views_test("rights", guest_rights, NULL);
	views_test("populate", guest_populate, NULL);
	views_test("switch by hypercall", guest_switch_hc, NULL);
	views_test("no VMFUNC", guest_no_vmfunc, NULL);
	ksft_finished();
}
