// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: memory that is none.  A view has no devices,
 * whatever its rights say, and gets nothing mapped that it has no rights to
 * when the VMM maps memory ahead of its use.
 */
#include "views_kick.h"
#include "views_weaken.h"

#define MMIO_GPA	0xc0000000ull

static u64 nr_ve;

static u64 do_read(u64 gva)
{
	return READ_ONCE(*(u64 *)gva);
}

static u64 do_write(u64 gva)
{
	WRITE_ONCE(*(u64 *)gva, 1);
	return 1;
}

static u64 do_exec(u64 gva)
{
	((void (*)(void))gva)();
	return 1;
}

static const struct {
	u64 (*fn)(u64 gva);
	u8 missing;
} accesses[] = {
	{ do_read, KVM_VIEW_R },
	{ do_write, KVM_VIEW_W },
	{ do_exec, KVM_VIEW_X },
};

static const u8 all_rights[] = {
	0, KVM_VIEW_R, KVM_VIEW_R | KVM_VIEW_W, KVM_VIEW_R | KVM_VIEW_X,
	KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X,
};

static void guest_device(void)
{
	int i, j;

	views_start(0);
	for (i = 0; i < ARRAY_SIZE(all_rights); i++) {
		views_set(1, MMIO_GPA, all_rights[i]);
		for (j = 0; j < ARRAY_SIZE(accesses); j++) {
			memset(&last_aex, 0, sizeof(last_aex));
			GUEST_ASSERT_EQ(views_run(1, accesses[j].fn, MMIO_GPA),
					AEX_RESULT);
			GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
			GUEST_ASSERT_EQ(last_aex.gpa, MMIO_GPA);
			GUEST_ASSERT_EQ(last_aex.missing, accesses[j].missing);
		}
	}

	/* View 0 needs both r and w to reach it, and has them. */
	GUEST_ASSERT_EQ(do_read(MMIO_GPA), 0);
	GUEST_DONE();
}

/* With that rule off another one is left: nothing is emulated for a view. */
static void guest_open(void)
{
	views_start(0);
	views_set(1, MMIO_GPA, KVM_VIEW_R | KVM_VIEW_W);
	GUEST_ASSERT_EQ(views_run(1, do_read, MMIO_GPA), AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.gpa, MMIO_GPA);
	GUEST_ASSERT_EQ(last_aex.missing, 0);
	GUEST_DONE();
}

static void run_device(const char *name, void (*guest)(void), int uses)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct ucall uc;
	int n = 0;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	virt_map(vm, MMIO_GPA, MMIO_GPA, 1);
	for (;;) {
		vcpu_run(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
			memset(vcpu->run->mmio.data, 0, 8);
			n++;
			continue;
		}
		if (get_ucall(vcpu, &uc) == UCALL_DONE)
			break;
		REPORT_GUEST_ASSERT(uc);
	}
	kvm_vm_free(vm);
	ksft_test_result(n == uses, "%s\n", name);
}

static void handle_ve(struct ex_regs *regs)
{
	nr_ve++;
}

static u64 spin_and(u64 access)
{
	views_spin(0);
	return accesses[access].fn(access ? pages[PG_DATA].gva :
				   pages[PG_SECRET].gva);
}

static void guest_prefault(void)
{
	int i;

	views_start(0);
	views_set(1, pages[PG_SECRET].gpa, 0);
	views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R);
	for (i = 0; i < 2; i++) {
		views_go = 0;
		memset(&last_aex, 0, sizeof(last_aex));
		GUEST_ASSERT_EQ(views_run(1, spin_and, i), AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
		GUEST_ASSERT_EQ(last_aex.missing, accesses[i].missing);
		GUEST_ASSERT_EQ(last_aex.gpa, pages[i ? PG_DATA : PG_SECRET].gpa);
	}
	GUEST_ASSERT_EQ(nr_ve, 0);
	GUEST_DONE();
}

static int prefault(struct kvm_vcpu *vcpu, u64 gpa)
{
	struct kvm_pre_fault_memory range = {
		.gpa = gpa,
		.size = 4096,
	};

	return __vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range) ? errno : 0;
}

/* While the vCPU is in a view: by the rights of that view. */
static void test_prefault(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int i;

	vm = vm_create_with_one_vcpu(&vcpu, guest_prefault);
	views_setup(vm);
	vm_install_exception_handler(vm, 20, handle_ve);
	for (i = 0; i < 2; i++) {
		views_run_to(vcpu, (u64)views_spin, (u64)views_spin_end);
		TEST_ASSERT_EQ(prefault(vcpu, pages[PG_SECRET].gpa), EACCES);
		TEST_ASSERT_EQ(prefault(vcpu, pages[PG_DATA].gpa), 0);
		views_let_go(vm);
	}
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("KVM_PRE_FAULT_MEMORY in a view\n");
}

int main(void)
{
	const char *name = "nor without the first of two defences";

	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	run_device("no device for a view", guest_device, 1);
	if (views_can_weaken()) {
		views_weaken(BIT(KVM_VIEWS_BREAK_NO_SLOT));
		run_device(name, guest_open, 0);
		views_strengthen();
	} else {
		ksft_test_result_skip("%s\n", name);
	}
	test_prefault();
	ksft_finished();
}
