// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: frames that are seen in place of others, saved and
 * restored in another VM: the same list, and still known by their targets.
 */
#include <sys/mman.h>

#include "views_state.h"

#define R	KVM_VIEW_R
#define RX	(KVM_VIEW_R | KVM_VIEW_X)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull
#define MEM_PAGES	1024
/* Seen in the views, and without memory itself. */
#define FAR_GPA		0x60000000ull
#define FAR_GVA		0x60000000ull
#define FAR_PAGES	4

#define OWN		11
#define TARGET		22

static u64 after_discard;

static u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 1);
	return 0;
}

static u64 far(int nr)
{
	return FAR_GPA + nr * 4096;
}

static u64 mem(int nr)
{
	return MEM_GPA + nr * 4096;
}

static void expect_denied(u64 view, u64 (*fn)(u64 arg), u64 gva, u8 missing)
{
	GUEST_ASSERT_EQ(views_run(view, fn, gva), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.missing, missing);
}

static long policy(u64 view, u64 gpa)
{
	return views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_POLICY, view, gpa >> 12) &
	       0xff;
}

static void guest_prepare(void)
{
	int i;

	views_start(0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 3, R, 0), 0);
	WRITE_ONCE(*(u64 *)pages[PG_DATA].gva, OWN);
	for (i = 0; i < 8; i++)
		WRITE_ONCE(*(u64 *)(MEM_GVA + i * 4096), TARGET + i);
	views_set(1, mem(0), 0);

	/* Not in order, and with one that goes again. */
	GUEST_ASSERT_EQ(views_remap_pages(3, far(2), mem(4), 2, RX), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, far(0), mem(1), 3, R), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, pages[PG_DATA].gpa, mem(0), 1, R),
			1);
	GUEST_ASSERT_EQ(views_unremap_pages(1, far(1), 1, R), 1);
	/* Its rights changed: none on one that is remapped. */
	views_set(3, far(3), 0);
}

static void guest_check(void)
{
	u64 data = pages[PG_DATA].gva;

	GUEST_ASSERT_EQ(views_run(1, do_read, data), TARGET);
	GUEST_ASSERT_EQ(*(u64 *)data, OWN);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA), TARGET + 1);
	GUEST_ASSERT_EQ(views_run(1, do_read, FAR_GVA + 2 * 4096), TARGET + 3);
	expect_denied(1, do_read, FAR_GVA + 4096, R);
	expect_denied(1, do_write, data, KVM_VIEW_W);
	expect_denied(1, do_write, FAR_GVA, KVM_VIEW_W);
	expect_denied(1, do_read, MEM_GVA, R);
	GUEST_ASSERT_EQ(policy(1, pages[PG_DATA].gpa),
			R | KVM_VIEWS_POLICY_REMAPPED);
	GUEST_ASSERT_EQ(policy(1, far(1)), R);
	GUEST_ASSERT_EQ(policy(3, far(2)), RX | KVM_VIEWS_POLICY_REMAPPED);
	GUEST_ASSERT_EQ(policy(3, far(3)), KVM_VIEWS_POLICY_REMAPPED);
	GUEST_ASSERT_EQ(policy(3, far(0)), R);
	/* Populated, as the view has nothing else that it could run from. */
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_POPULATE, 3, far(2) >> 12, 1), 1);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_FAULT, 3, far(3), R), 1);
}

static void guest_round_trip(void)
{
	u64 data = pages[PG_DATA].gva;
	int i;

	guest_prepare();
	guest_check();
	GUEST_SYNC(0);
	guest_check();

	/* The memory of the target goes away: known by it, not by its place. */
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(views_run(1, do_read, data), after_discard);
	if (after_discard)
		GUEST_DONE();

	/* Five are in use, each once. */
	GUEST_ASSERT_EQ(views_remap_pages(1, 1ull << 32, mem(0), 512, R), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, 2ull << 32, mem(0), 507, R), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, 3ull << 32, mem(0), 1, R), -E2BIG);
	GUEST_ASSERT_EQ(views_remap_pages(1, far(0), mem(0), 1, R), -EEXIST);
	for (i = 0; i < 2; i++) {
		GUEST_ASSERT_EQ(views_unremap_pages(1, pages[PG_DATA].gpa, 1, R),
				1);
		GUEST_ASSERT_EQ(views_run(1, do_read, data), OWN);
		GUEST_ASSERT_EQ(views_remap_pages(1, pages[PG_DATA].gpa, mem(2),
						  1, R), 1);
		GUEST_ASSERT_EQ(views_run(1, do_read, data), TARGET + 2);
	}
	GUEST_DONE();
}

/* In order of views and frames, whatever the order in which they were made. */
static void check_saved(struct kvm_view_state *state)
{
	struct kvm_view_remapped *m = views_saved_remaps(state);
	const struct kvm_view_remapped want[] = {
		{ pages[PG_DATA].gpa >> 12, mem(0) >> 12, 1 },
		{ far(0) >> 12, mem(1) >> 12, 1 },
		{ far(2) >> 12, mem(3) >> 12, 1 },
		{ far(2) >> 12, mem(4) >> 12, 3 },
		{ far(3) >> 12, mem(5) >> 12, 3 },
	};

	TEST_ASSERT_EQ(state->nr_remaps, ARRAY_SIZE(want));
	TEST_ASSERT(!memcmp(m, want, sizeof(want)), "another list");
	TEST_ASSERT_EQ((u8 *)state + state->size,
		       (u8 *)(m + ARRAY_SIZE(want)));
}

static void round_trip(const char *name, u64 after)
{
	struct kvm_view_state *again;
	struct kvm_vcpu *vcpu;
	struct views_saved s;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_round_trip);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	virt_map(vm, MEM_GVA, MEM_GPA, MEM_PAGES);
	virt_map(vm, FAR_GVA, FAR_GPA, FAR_PAGES);
	after_discard = after;
	sync_global_to_guest(vm, after_discard);

	views_run_to_stage(vcpu, 0);
	views_save(vcpu, &s);
	check_saved(s.vm);
	vcpu = views_new_vm(vm, &s);
	views_restore(vcpu, &s);
	again = views_get_state(vm);
	TEST_ASSERT_EQ(again->size, s.vm->size);
	TEST_ASSERT(!memcmp(again, s.vm, s.vm->size), "restored another state");
	free(again);

	views_run_to_stage(vcpu, 1);
	TEST_ASSERT_EQ(madvise(addr_gpa2hva(vm, MEM_GPA), 4096, MADV_DONTNEED),
		       0);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("%s\n", name);
}

static void test_round_trip(const char *name)
{
	round_trip(name, 0);
}

static void test_stale(const char *name)
{
	round_trip(name, TARGET);
}

/* As many as there can be, and a VM that has no memory for their targets yet. */
static void guest_many(void)
{
	views_start(0);
	GUEST_ASSERT_EQ(views_remap_pages(1, 1ull << 32, mem(512), 512, R), 1);
	GUEST_ASSERT_EQ(views_remap_pages(1, 2ull << 32, mem(0), 512, R), 1);
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(views_remap_pages(1, 3ull << 32, mem(0), 1, R), -E2BIG);
	GUEST_ASSERT_EQ(views_unremap_pages(1, 1ull << 32, 512, R), 1);
	GUEST_ASSERT_EQ(views_unremap_pages(1, 2ull << 32, 512, R), 1);
	GUEST_ASSERT_EQ(views_unremap_pages(1, 2ull << 32, 1, R), -ENOENT);
	GUEST_DONE();
}

static void test_many(const char *name)
{
	struct kvm_vcpu *vcpu;
	struct views_saved s;
	struct kvm_vm *vm, *other;

	vm = vm_create_with_one_vcpu(&vcpu, guest_many);
	views_setup(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    MEM_PAGES, 0);
	views_run_to_stage(vcpu, 0);
	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.vm->nr_remaps, 1024);

	other = vm_create_barebones();
	TEST_ASSERT(__vm_ioctl(other, KVM_X86_SET_VIEW_STATE, s.vm) &&
		    errno == EFAULT, "remapped to where no memory is");
	vm_userspace_mem_region_add(other, VM_MEM_SRC_ANONYMOUS, MEM_GPA,
				    MEM_SLOT, MEM_PAGES, 0);
	vm_ioctl(other, KVM_X86_SET_VIEW_STATE, s.vm);
	kvm_vm_free(other);

	vcpu = views_new_vm(vm, &s);
	views_restore(vcpu, &s);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	test_round_trip("round trip");
	views_weakened_test(KVM_VIEWS_BREAK_REVERSE,
			    "... and a list that is not looked at is noticed",
			    test_stale);
	test_many("as many as there can be");
	ksft_finished();
}
