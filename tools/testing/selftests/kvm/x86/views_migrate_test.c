// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views that the VMM knows nothing of: the first step of a
 * migration fails, as their guest would go on without them.
 */
#include "views_state.h"

#define LARGE_GPA	0x40000000ull
#define SMALL_GPA	0x80000000ull
#define LARGE_SLOT	10
#define SMALL_SLOT	11
#define SMALL_BYTES	(64ull << 20)
#define LARGE_BYTES	(SMALL_BYTES + 4096)
#define LOG		KVM_MEM_LOG_DIRTY_PAGES
#define MIGRATE		"/sys/module/kvm/parameters/guest_views_migrate"

static void *mem;

static void guest_code(void)
{
	GUEST_SYNC(0);
	views_start(0);
	GUEST_SYNC(1);
	GUEST_DONE();
}

/* Asks as long as it is refused. */
static void guest_asks(void)
{
	u64 i = 0;
	long r;

	do {
		r = views_enable(16);
		GUEST_ASSERT(!r || r == -EBUSY);
		GUEST_SYNC(i++ << 1 | !r);
	} while (r);
}

static void set_param(const char *value)
{
	int fd = open(MIGRATE, O_WRONLY);

	TEST_ASSERT(fd >= 0 && write(fd, value, 1) == 1, "%s", MIGRATE);
	close(fd);
}

static int slot(struct kvm_vm *vm, u32 nr, u32 flags, u64 gpa, u64 size)
{
	return __vm_set_user_memory_region(vm, nr, flags, gpa, size, mem) ?
	       errno : 0;
}

static int large(struct kvm_vm *vm, u32 flags)
{
	return slot(vm, LARGE_SLOT, flags, LARGE_GPA, LARGE_BYTES);
}

static int small(struct kvm_vm *vm, u32 flags)
{
	return slot(vm, SMALL_SLOT, flags, SMALL_GPA, SMALL_BYTES);
}

static struct kvm_vcpu *new_vm(void (*guest)(void), u64 granted)
{
	struct kvm_vm *vm = vm_create(1);
	struct kvm_vcpu *vcpu;

	if (granted)
		vm_enable_cap(vm, KVM_CAP_X86_VIEWS, granted);
	vcpu = vm_vcpu_add(vm, 0, guest);
	views_setup(vm);
	return vcpu;
}

static void test_no_consent(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_code, 0);
	struct kvm_vm *vm = vcpu->vm;

	/* Without views, as ever. */
	views_run_to(vcpu, 0);
	TEST_ASSERT_EQ(large(vm, 0), 0);
	TEST_ASSERT_EQ(large(vm, LOG), 0);
	TEST_ASSERT_EQ(large(vm, 0), 0);

	views_run_to(vcpu, 1);
	TEST_ASSERT_EQ(large(vm, LOG), EPERM);
	TEST_ASSERT_EQ(large(vm, LOG), EPERM);
	TEST_ASSERT_EQ(slot(vm, LARGE_SLOT, 0, LARGE_GPA, 0), 0);
	TEST_ASSERT_EQ(large(vm, LOG), EPERM);
	TEST_ASSERT_EQ(large(vm, 0), 0);
	/* A frame buffer. */
	TEST_ASSERT_EQ(small(vm, LOG), 0);
	TEST_ASSERT_EQ(small(vm, 0), 0);
	TEST_ASSERT_EQ(small(vm, LOG), 0);
	ksft_test_result_pass("refused without consent\n");

	set_param("1");
	TEST_ASSERT_EQ(large(vm, LOG), 0);
	set_param("0");
	TEST_ASSERT_EQ(large(vm, LOG), 0);
	TEST_ASSERT_EQ(large(vm, 0), 0);
	TEST_ASSERT_EQ(large(vm, LOG), EPERM);
	kvm_vm_free(vm);
	ksft_test_result_pass("the owner of the host decides\n");
}

static bool asked(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) != UCALL_SYNC)
		TEST_FAIL("exit reason %u", vcpu->run->exit_reason);
	return uc.args[1] & 1;
}

/* The log was first: the guest can't have views now. */
static void test_log_first(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_asks, 0);
	struct kvm_vm *vm = vcpu->vm;

	TEST_ASSERT_EQ(large(vm, LOG), 0);
	TEST_ASSERT_EQ(small(vm, LOG), 0);
	TEST_ASSERT(!asked(vcpu), "views during a migration");
	/* Moved, and away: counts once, and then not any more. */
	TEST_ASSERT_EQ(slot(vm, LARGE_SLOT, LOG, LARGE_GPA + (1ull << 32),
			    LARGE_BYTES), 0);
	TEST_ASSERT(!asked(vcpu), "views during a migration");
	TEST_ASSERT_EQ(slot(vm, LARGE_SLOT, 0, LARGE_GPA, 0), 0);
	TEST_ASSERT(asked(vcpu), "no views after a migration");
	kvm_vm_free(vm);

	vcpu = new_vm(guest_asks, 0);
	TEST_ASSERT_EQ(large(vcpu->vm, LOG), 0);
	TEST_ASSERT(!asked(vcpu), "views during a migration");
	set_param("1");
	TEST_ASSERT(asked(vcpu), "the owner can't allow it");
	set_param("0");
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("the log was first\n");
}

static void test_consent(void)
{
	struct kvm_vcpu *vcpu = new_vm(guest_code, 16);
	struct kvm_vm *vm = vcpu->vm;

	views_run_to(vcpu, 0);
	views_run_to(vcpu, 1);
	TEST_ASSERT_EQ(large(vm, LOG), 0);
	kvm_vm_free(vm);

	vcpu = new_vm(guest_asks, 16);
	TEST_ASSERT_EQ(large(vcpu->vm, LOG), 0);
	TEST_ASSERT(asked(vcpu), "the VMM has agreed");
	kvm_vm_free(vcpu->vm);
	ksft_test_result_pass("a VMM that knows\n");
}

int main(void)
{
	views_require();
	mem = kvm_mmap(LARGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	ksft_print_header();
	ksft_set_plan(4);
	test_no_consent();
	test_log_first();
	test_consent();
	ksft_finished();
}
