// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: violations in view 0, as #VE and without it.
 *
 * ut-backends: all
 */
#include "views_util.h"

#define ROUNDS		1000
#define FRESH_PAGES	64

static struct kvm_ve_info last_ve;
static u64 nr_ve, nr_gp;
static struct page fresh;

/* Both accesses are three bytes long, which the handlers rely on. */
static u64 read_q(u64 addr)
{
	u64 val = 0;

	asm volatile(".byte 0x48, 0x8b, 0x07" : "+a" (val) : "D" (addr) :
		     "memory");
	return val;
}

static void write_q(u64 addr, u64 val)
{
	asm volatile(".byte 0x48, 0x89, 0x07" : : "a" (val), "D" (addr) :
		     "memory");
}

static void handle_ve(struct ex_regs *regs)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;

	if (views_no_ve(info))
		return;
	last_ve = *info;
	WRITE_ONCE(info->busy, 0);
	nr_ve++;
	regs->rip += 3;
}

static void handle_gp(struct ex_regs *regs)
{
	GUEST_ASSERT_EQ(regs->error_code, 0);
	nr_gp++;
	regs->rip += 3;
}

static void expect_ve(u64 count, u64 gva, u64 gpa, u64 access)
{
	GUEST_ASSERT_EQ(nr_ve, count);
	GUEST_ASSERT_EQ(last_ve.reason, 48);
	GUEST_ASSERT_EQ(last_ve.busy, 0xffffffff);
	/* Nested paging of SVM does not tell. */
	if (last_ve.qual & BIT(7))
		GUEST_ASSERT_EQ(last_ve.gla, gva);
	else
		GUEST_ASSERT(host_cpu_is_amd_compatible);
	GUEST_ASSERT_EQ(last_ve.gpa, gpa);
	GUEST_ASSERT_EQ(last_ve.qual & 7, access);
	nr_ve = 0;
}

static void guest_ve_hw(void)
{
	u64 secret = pages[PG_SECRET].gva, data = pages[PG_DATA].gva;
	u64 i, before, after;

	write_q(secret, 0x1234);
	write_q(data, 0x5678);
	views_start(0);

	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE), 1);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_DATA].gpa, 1, KVM_VIEW_R,
					KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE), 1);

	/* The host maps what the handler needs. */
	read_q(secret);
	expect_ve(1, secret, pages[PG_SECRET].gpa, 1);

	before = views_exits();
	for (i = 0; i < ROUNDS; i++)
		GUEST_ASSERT_EQ(read_q(secret), 0);
	after = views_exits();
	expect_ve(ROUNDS, secret, pages[PG_SECRET].gpa, 1);
	GUEST_PRINTF("# %u #VE: %lu exits\n", ROUNDS,
		     after - before - VIEWS_EXITS_OWN);
	if (views_has(KVM_VIEWS_F_HW_VE))
		GUEST_ASSERT_EQ(after - before, VIEWS_EXITS_OWN);

	before = views_exits();
	for (i = 0; i < ROUNDS; i++)
		write_q(data + 8, i);
	GUEST_ASSERT_EQ(read_q(data), 0x5678);
	after = views_exits();
	expect_ve(ROUNDS, data + 8, pages[PG_DATA].gpa + 8, 2);
	if (views_has(KVM_VIEWS_F_HW_VE))
		GUEST_ASSERT_EQ(after - before, VIEWS_EXITS_OWN);

	views_set(0, pages[PG_SECRET].gpa, KVM_VIEW_R | KVM_VIEW_W);
	views_set(0, pages[PG_DATA].gpa, KVM_VIEW_R);
	GUEST_ASSERT_EQ(read_q(secret), 0x1234);
	GUEST_ASSERT_EQ(read_q(data), 0x5678);
	GUEST_ASSERT_EQ(read_q(data + 8), 0);
	GUEST_ASSERT_EQ(nr_ve, 0);
	GUEST_DONE();
}

/* Synthesized: at first touch, or always if the guest wants no other. */
static void ve_by_software(u32 flags)
{
	u64 secret = pages[PG_SECRET].gva, i;

	write_q(secret, 0x1234);
	views_start(flags);
	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE), 1);
	for (i = 0; i < 3; i++) {
		GUEST_ASSERT_EQ(read_q(secret), 0);
		expect_ve(1, secret, pages[PG_SECRET].gpa, 1);
		if (!i || (flags & KVM_VIEW_VCPU_NO_HW_VE) ||
		    !views_has(KVM_VIEWS_F_HW_VE))
			GUEST_ASSERT_EQ(last_ve.ut_flags & 1, 1);
		/* The CPU leaves it alone. */
		((struct kvm_ve_info *)pages[PG_VE].gva)->ut_flags = 0;
	}
	write_q(secret, 1);
	expect_ve(1, secret, pages[PG_SECRET].gpa, 2);
	GUEST_DONE();
}

static void guest_ve_lazy(void)
{
	ve_by_software(0);
}

static void guest_ve_sw(void)
{
	ve_by_software(KVM_VIEW_VCPU_NO_HW_VE);
}

/* Without #VE, or while the handler has not read the last one: #GP. */
static void guest_gp(void)
{
	struct kvm_ve_info *info = (void *)pages[PG_VE].gva;
	u64 secret = pages[PG_SECRET].gva;

	views_start(0);
	views_set(0, pages[PG_SECRET].gpa, 0);
	read_q(secret);
	GUEST_ASSERT_EQ(nr_gp, 1);
	write_q(secret, 1);
	GUEST_ASSERT_EQ(nr_gp, 2);
	GUEST_ASSERT_EQ(nr_ve, 0);

	GUEST_ASSERT_EQ(views_set_flags(0, pages[PG_SECRET].gpa, 1, 0,
					KVM_VIEW_OP_VE | KVM_VIEW_OP_POPULATE), 1);
	WRITE_ONCE(info->busy, 1);
	WRITE_ONCE(info->gpa, 0x77);
	read_q(secret);
	GUEST_ASSERT_EQ(nr_gp, 3);
	GUEST_ASSERT_EQ(READ_ONCE(info->busy), 1);
	GUEST_ASSERT_EQ(READ_ONCE(info->gpa), 0x77);
	WRITE_ONCE(info->busy, 0);
	read_q(secret);
	expect_ve(1, secret, pages[PG_SECRET].gpa, 1);
	GUEST_DONE();
}

/* Memory that the host maps when it is touched must not become #VE. */
static void guest_fresh(void)
{
	u64 i;

	views_start(0);
	for (i = 0; i < FRESH_PAGES; i++) {
		GUEST_ASSERT_EQ(read_q(fresh.gva + i * 4096), 0);
		write_q(fresh.gva + i * 4096, i);
		GUEST_ASSERT_EQ(read_q(fresh.gva + i * 4096), i);
	}
	GUEST_ASSERT_EQ(nr_ve, 0);
	GUEST_ASSERT_EQ(nr_gp, 0);
	GUEST_DONE();
}

static void prepare(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	vm_install_exception_handler(vm, 20, handle_ve);
	vm_install_exception_handler(vm, GP_VECTOR, handle_gp);
	fresh.gva = vm_alloc_pages(vm, FRESH_PAGES);
	sync_global_to_guest(vm, fresh);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(5);
	views_test("#VE by the CPU", guest_ve_hw, prepare);
	views_test("#VE at first touch", guest_ve_lazy, prepare);
	views_test("#VE by software", guest_ve_sw, prepare);
	views_test("#GP without #VE", guest_gp, prepare);
	views_test("no #VE for host faults", guest_fresh, prepare);
	ksft_finished();
}
