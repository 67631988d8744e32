// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: the capability, the limit and the CPUID bit on a
 * host that lets every VM have views.
 */
#include <asm/kvm_para.h>

#include "views_util.h"

#define LIMIT	8

static u64 want_limit;

static int check(int fd)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_VIEWS);
}

static u32 kvm_features(const struct kvm_cpuid2 *cpuid)
{
	return get_cpuid_entry(cpuid, KVM_CPUID_FEATURES, 0)->eax;
}

static int enable(struct kvm_vm *vm, u64 a0, u64 a1, u64 a2, u64 a3, u32 flags)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_VIEWS,
		.flags = flags,
		.args = { a0, a1, a2, a3 },
	};

	return __vm_ioctl(vm, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

static void guest_limit(void)
{
	long limits = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_LIMITS, 0, 0);

	GUEST_ASSERT_EQ(limits & 0xffff, want_limit);
	GUEST_ASSERT_EQ(views_enable(want_limit + 1),
			-EINVAL);
	GUEST_ASSERT_EQ(views_enable(want_limit), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, want_limit - 1, KVM_VIEW_R,
				 0), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, want_limit, KVM_VIEW_R, 0),
			-EINVAL);
	GUEST_DONE();
}

static void guest_not_told(void)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_FEATURES, 0, 0),
			-KVM_ENOSYS);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_ENABLE, 8, 0, 0), -KVM_ENOSYS);
	GUEST_DONE();
}

static void run_guest(struct kvm_vm *vm, void (*guest)(void), u64 limit)
{
	struct kvm_vcpu *vcpu = vm_vcpu_add(vm, 0, guest);

	want_limit = limit;
	sync_global_to_guest(vm, want_limit);
	views_run_vcpu(vcpu);
}

static void test_args(void)
{
	struct kvm_vm *vm = vm_create(1);
	int offered = check(vm->kvm_fd);

	TEST_ASSERT_EQ(offered, get_kvm_param_integer("views_max"));
	TEST_ASSERT_EQ(check(vm->fd), offered);
	TEST_ASSERT_EQ(enable(vm, 0, 0, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, 1, 0, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, offered + 1, 0, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, 513, 0, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, 1ull << 32 | LIMIT, 0, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 1, 0, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 1, 0, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 1, 0), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 0, 1), -EINVAL);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 0, 0), 0);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 0, 0), -EBUSY);
	run_guest(vm, guest_limit, LIMIT);
	kvm_vm_free(vm);
	ksft_test_result_pass("arguments and limit\n");
}

static void test_late(void)
{
	struct kvm_vm *vm = vm_create(1);
	int offered = check(vm->fd);

	/* Nobody asked: what the host allows. */
	vm_vcpu_add(vm, 0, guest_limit);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 0, 0), -EBUSY);
	kvm_vm_free(vm);

	vm = vm_create(1);
	run_guest(vm, guest_limit, offered);
	TEST_ASSERT_EQ(enable(vm, LIMIT, 0, 0, 0, 0), -EBUSY);
	kvm_vm_free(vm);
	ksft_test_result_pass("too late\n");
}

static void test_cpuid(void)
{
	struct kvm_enable_cap enforce = {
		.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
		.args = { 1 },
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	TEST_ASSERT(kvm_features(kvm_get_supported_cpuid()) &
		    BIT(KVM_FEATURE_VIEWS), "the bit is not offered");

	/* Without the bit it works all the same: VMMs that don't know it. */
	vm = vm_create_with_one_vcpu(&vcpu, guest_limit);
	want_limit = check(vm->fd);
	sync_global_to_guest(vm, want_limit);
	vcpu_get_cpuid_entry(vcpu, KVM_CPUID_FEATURES)->eax &=
		~BIT(KVM_FEATURE_VIEWS);
	vcpu_set_cpuid(vcpu);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);

	/* Unless the VMM wants the bits to count. */
	vm = vm_create_with_one_vcpu(&vcpu, guest_not_told);
	vcpu_ioctl(vcpu, KVM_ENABLE_CAP, &enforce);
	vcpu_get_cpuid_entry(vcpu, KVM_CPUID_FEATURES)->eax &=
		~BIT(KVM_FEATURE_VIEWS);
	vcpu_set_cpuid(vcpu);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);

	vm = vm_create_with_one_vcpu(&vcpu, guest_limit);
	sync_global_to_guest(vm, want_limit);
	vcpu_ioctl(vcpu, KVM_ENABLE_CAP, &enforce);
	vcpu_set_cpuid(vcpu);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("CPUID\n");
}

int main(void)
{
	views_require();
	ksft_print_header();
	ksft_set_plan(3);
	test_args();
	test_late();
	test_cpuid();
	ksft_finished();
}
