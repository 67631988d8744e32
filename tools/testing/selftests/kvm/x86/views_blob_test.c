// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: saved states that are wrong.  Each is refused
 * with nothing changed, or taken to the letter.
 */
#include <sys/mman.h>

#include "views_state.h"

#define R	KVM_VIEW_R
#define RW	(KVM_VIEW_R | KVM_VIEW_W)
#define RX	(KVM_VIEW_R | KVM_VIEW_X)
#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)
#define MEM_GPA	0x100000ull

#define ROM_GPA	0x200000ull
#define ROM_SLOT 1

struct blob {
	struct kvm_view_state head;
	struct kvm_view_saved view[4];
	struct kvm_view_range range[13];
	struct kvm_view_remapped remap[3];
};

static struct blob good = {
	.head = {
		.size = sizeof(good),
		.version = KVM_VIEW_STATE_VERSION,
		.flags = KVM_VIEW_STATE_SEALED,
		.max_views = 16,
		.nr_views = 4,
		.nr_ranges = 13,
		.nr_remaps = 3,
	},
	.view = {
		{ .view = 0, .nr_ranges = 3, .flags = KVM_VIEW_STATE_SEALED },
		{ .view = 1, .nr_ranges = 1 },
		{ .view = 7, .nr_ranges = 6, .flags = KVM_VIEW_STATE_SEALED },
		{ .view = 9, .nr_ranges = 3 },
	},
	.range = {
		{ 0, RWX }, { 0x200, R, KVM_VIEW_RANGE_VE }, { 0x201, RWX },
		{ 0, R },
		{ 0, 0, KVM_VIEW_RANGE_VE }, { 0x100, RX }, { 0x180, RW }, { 0x10000, 0 },
		{ 0x10001, RX, KVM_VIEW_RANGE_REMAPPED }, { 0x10003, 0 },
		{ 0, R }, { 0x200, R, KVM_VIEW_RANGE_REMAPPED }, { 0x201, R },
	},
	.remap = {
		{ .view = 7, .gfn = 0x10001, .target = MEM_GPA >> 12 },
		{ .view = 7, .gfn = 0x10002, .target = MEM_GPA >> 12 },
		{ .view = 9, .gfn = 0x200, .target = (MEM_GPA >> 12) + 15 },
	},
};

static const struct kvm_view_vcpu_state good_vcpu = {
	.size = sizeof(good_vcpu),
	.version = KVM_VIEW_STATE_VERSION,
	.flags = KVM_VIEW_VCPU_REGISTERED,
	.view = 7,
	.cfg = {
		.size = sizeof(good_vcpu.cfg),
		.ve_info = MEM_GPA,
		.sp_cell = MEM_GPA + 0x1008,
		.gs_base = 0xffff888000000000ull,
		.fault_entry = 0xffffffff81000000ull,
		.cs = 0x10,
		.ss = 0x18,
		.vector = 20,
	},
};

/* A VM without views, and one vCPU that never runs. */
static struct kvm_vm *new_vm(struct kvm_vcpu **vcpu)
{
	struct kvm_vm *vm = vm_create_barebones();

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, 0, 16, 0);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, ROM_GPA, ROM_SLOT, 1,
				    KVM_MEM_READONLY);
	if (vcpu)
		*vcpu = __vm_vcpu_add(vm, 0);
	return vm;
}

static int set_state(struct kvm_vm *vm, const void *state)
{
	const struct kvm_view_state *head = state;

	return __vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, head) ? errno : 0;
}

static int set_vcpu(struct kvm_vcpu *vcpu,
		    const struct kvm_view_vcpu_state *state)
{
	return __vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, state) ? errno :
									0;
}

static void expect_none(struct kvm_vm *vm)
{
	struct kvm_view_state *state = views_get_state(vm);

	TEST_ASSERT_EQ(state->max_views, 0);
	TEST_ASSERT_EQ(state->size, sizeof(*state));
	free(state);
}

static void expect_state(struct kvm_vm *vm, const struct kvm_view_state *want)
{
	struct kvm_view_state *state = views_get_state(vm);

	TEST_ASSERT_EQ(state->size, want->size);
	TEST_ASSERT(!memcmp(state, want, want->size), "not to the letter");
	free(state);
}

#define bad(err, change)						\
do {									\
	s = good;							\
	(change);							\
	TEST_ASSERT_EQ(set_state(vm, &s), (err));			\
} while (0)

/* The same, and it is not noticed with the check for order switched off. */
#define weakened(change)						\
do {									\
	vm = new_vm(NULL);						\
	views_weaken(BIT(KVM_VIEWS_BREAK_RESTORE_CHECK));		\
	bad(0, (change));						\
	views_weaken(0);						\
	kvm_vm_free(vm);						\
} while (0)

static void test_fields(void)
{
	struct kvm_vm *vm = new_vm(NULL);
	struct blob s;

	bad(EINVAL, s.head.size -= 16);
	bad(EINVAL, s.head.size += 16);
	bad(EINVAL, s.head.size = 0);
	bad(EINVAL, s.head.version = 0);
	bad(EINVAL, s.head.version = 2);
	bad(EINVAL, s.head.flags |= 2);
	if (host_cpu_is_amd_compatible)
		bad(EOPNOTSUPP, s.head.flags &= ~KVM_VIEW_STATE_RW_PT);
	else
		bad(EINVAL, s.head.flags |= KVM_VIEW_STATE_RW_PT);
	bad(EINVAL, s.head.max_views = 1);
	bad(EINVAL, s.head.max_views = 0);
	bad(EINVAL, s.head.max_views = 2);
	bad(EINVAL, s.head.max_views = 7);
	bad(EINVAL, s.head.max_views = KVM_VIEWS_MAX + 1);
	bad(EPERM, s.head.max_views = get_kvm_param_integer("views_max") + 1);
	bad(EINVAL, s.head.nr_views = 2);
	bad(EINVAL, s.head.nr_views = 0);
	bad(EINVAL, s.head.nr_ranges = 7);
	bad(EINVAL, s.head.nr_ranges = ~0u);
	bad(EINVAL, s.head.nr_remaps = 1);
	bad(EINVAL, s.head.rsvd[0] = 1);
	bad(EINVAL, s.head.rsvd[1] = 1ull << 63);
	bad(EINVAL, s.view[0].view = 2);
	bad(EINVAL, s.view[1].view = 0);
	bad(EINVAL, s.view[1].view = 7);
	bad(EINVAL, s.view[1].view = 8);
	bad(EINVAL, s.view[2].view = 16);
	bad(EINVAL, s.view[2].flags = 4);
	bad(EINVAL, s.view[0].flags = KVM_VIEW_STATE_KILLED);
	bad(EINVAL, s.view[2].rsvd = 1);
	bad(EINVAL, s.view[2].nr_ranges = 3);
	bad(EINVAL, s.view[2].nr_ranges = 5);
	bad(EINVAL, s.view[1].nr_ranges = 0);
	bad(EINVAL, s.view[2].nr_ranges = ~0u);
	bad(EINVAL, s.range[0].gfn = 1);
	bad(EINVAL, s.range[3].gfn = 1);
	bad(EINVAL, s.range[5].gfn = 0);
	bad(EINVAL, s.range[6].gfn = 0x100);
	bad(EINVAL, s.range[6].gfn = 0xff);
	bad(EINVAL, s.range[7].gfn = 0x180);
	bad(EINVAL, s.range[7].gfn = 1ull << 52);
	bad(EINVAL, s.range[7].gfn = ~0ull);
	bad(EINVAL, s.range[7].gfn = 1ull << 60 | 0x10000);
	bad(EINVAL, s.range[6].rights = RX);
	bad(EINVAL, s.range[6].rights = KVM_VIEW_W);
	bad(EINVAL, s.range[6].rights = KVM_VIEW_X);
	bad(EINVAL, s.range[6].rights = KVM_VIEW_W | KVM_VIEW_X);
	bad(EINVAL, s.range[6].rights = 8 | R);
	bad(EINVAL, s.range[6].rights = 1u << 31 | RW);
	bad(EINVAL, s.range[6].flags = KVM_VIEW_RANGE_REMAPPED);
	bad(EINVAL, s.range[6].flags = 4);
	bad(EINVAL, s.range[6].flags = KVM_VIEW_RANGE_VE);
	bad(EINVAL, s.range[2].flags = KVM_VIEW_RANGE_VE);
	expect_none(vm);
	kvm_vm_free(vm);

	/* With the check switched off, the wrong order is not noticed. */
	weakened(s.range[6].gfn = 0xff);

	vm = new_vm(NULL);
	TEST_ASSERT_EQ(set_state(vm, &good), 0);
	expect_state(vm, &good.head);
	TEST_ASSERT_EQ(set_state(vm, &good), EEXIST);
	expect_state(vm, &good.head);
	kvm_vm_free(vm);
	ksft_test_result_pass("fields of a VM's state\n");
}

/* The list of frames, and the ranges that say the same. */
static void test_remaps(void)
{
	struct kvm_vm *vm = new_vm(NULL);
	struct blob s;

	bad(EINVAL, (s.head.nr_remaps = 0,
		     s.head.size = offsetof(struct blob, remap)));
	bad(EINVAL, (s.head.nr_remaps = 2, s.head.size -= sizeof(s.remap[0])));
	bad(EINVAL, (s.head.nr_remaps = 1025,
		     s.head.size += 1022 * sizeof(s.remap[0])));
	bad(EINVAL, s.head.nr_remaps = ~0u);
	bad(EINVAL, s.remap[1].gfn = 0x10001);
	bad(EINVAL, s.remap[0].gfn = 0x10002);
	bad(EINVAL, (s.remap[0].gfn = 0x10002, s.remap[1].gfn = 0x10001));
	bad(EINVAL, s.remap[0].gfn = 0x10000);
	bad(EINVAL, s.remap[1].gfn = 0x10003);
	bad(EINVAL, s.remap[2].gfn = 0x201);
	bad(EINVAL, s.remap[2].gfn = 1ull << 52);
	bad(EINVAL, s.remap[2].gfn = ~0ull);
	bad(EINVAL, s.remap[2].gfn |= 1ull << 60);
	bad(EINVAL, s.remap[2].view = 7);
	bad(EINVAL, s.remap[2].view = 8);
	bad(EINVAL, s.remap[2].view = 16);
	bad(EINVAL, s.remap[2].view = 65535);
	bad(EINVAL, s.remap[0].view = 0);
	bad(EINVAL, s.remap[0].view = 1);
	bad(EINVAL, s.remap[0].view = 9);
	bad(EINVAL, s.remap[0].pad[0] = 1);
	bad(EINVAL, s.remap[0].pad[1] = 1);
	bad(EINVAL, s.remap[2].pad[2] = 1);
	bad(EINVAL, s.remap[2].target = 1ull << 52);
	bad(EINVAL, s.remap[2].target = ~0ull);
	bad(EFAULT, s.remap[2].target = (MEM_GPA >> 12) + 16);
	bad(EFAULT, s.remap[2].target = ROM_GPA >> 12);
	bad(EINVAL, s.range[8].flags = 0);
	bad(EINVAL, s.range[8].rights = RW);
	bad(EINVAL, s.range[8].flags |= KVM_VIEW_RANGE_VE);
	bad(EINVAL, s.range[8].gfn = 0x10002);
	bad(EINVAL, s.range[9].gfn = 0x10004);
	bad(EINVAL, s.range[5].flags = KVM_VIEW_RANGE_REMAPPED);
	bad(EINVAL, s.range[1].flags = KVM_VIEW_RANGE_REMAPPED);
	bad(EINVAL, s.range[12].flags = KVM_VIEW_RANGE_REMAPPED);
	expect_none(vm);
	kvm_vm_free(vm);

	weakened(s.remap[1].gfn = 0x10001);
	ksft_test_result_pass("frames seen in place of others\n");
}

/* Every bit. */
static void test_bits(void)
{
	unsigned int i, taken = 0, refused = 0;
	u8 state[sizeof(good)];
	struct kvm_vm *vm = new_vm(NULL);
	int r;

	for (i = 0; i < 8 * sizeof(good); i++) {
		memcpy(state, &good, sizeof(good));
		state[i / 8] ^= 1 << i % 8;
		r = set_state(vm, state);
		if (r) {
			TEST_ASSERT(r == EINVAL || r == EPERM || r == EFAULT ||
				    (r == EOPNOTSUPP && views_state_flags()),
				    "bit %u: %d", i, r);
			refused++;
			continue;
		}
		expect_state(vm, (void *)state);
		taken++;
		kvm_vm_free(vm);
		vm = new_vm(NULL);
	}
	expect_none(vm);
	kvm_vm_free(vm);
	ksft_print_msg("%u bits: %u refused, %u taken\n", i, refused, taken);
	TEST_ASSERT(taken && refused > taken, "that can't be");
	ksft_test_result_pass("bits of a VM's state\n");
}

/* A state of which only a part can be read, and no room for one. */
static void test_memory(void)
{
	struct kvm_view_state head = { .size = sizeof(head) - 1 };
	struct kvm_vm *vm = new_vm(NULL);
	u8 *mem, *state;
	u32 cut;

	mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(mem != MAP_FAILED, "no memory");
	for (cut = 1; cut < sizeof(good); cut += 3) {
		state = mem + 4096 - cut;
		memcpy(state, &good, sizeof(good));
		mprotect(mem + 4096, 4096, PROT_NONE);
		TEST_ASSERT_EQ(set_state(vm, state), EFAULT);
		mprotect(mem + 4096, 4096, PROT_READ | PROT_WRITE);
	}
	expect_none(vm);

	TEST_ASSERT(__vm_ioctl(vm, KVM_X86_GET_VIEW_STATE, &head) &&
		    errno == EINVAL, "no room for the header");
	TEST_ASSERT_EQ(set_state(vm, &good), 0);
	head.size = sizeof(good) - 1;
	TEST_ASSERT(__vm_ioctl(vm, KVM_X86_GET_VIEW_STATE, &head) &&
		    errno == E2BIG && head.size == sizeof(good), "size");
	TEST_ASSERT_EQ(head.max_views, 0);
	munmap(mem, 8192);
	kvm_vm_free(vm);
	ksft_test_result_pass("memory of the VMM\n");
}

static void expect_unregistered(struct kvm_vcpu *vcpu)
{
	struct kvm_view_vcpu_state state;

	vcpu_ioctl(vcpu, KVM_X86_GET_VCPU_VIEW_STATE, &state);
	TEST_ASSERT_EQ(state.flags, 0);
	TEST_ASSERT_EQ(state.view, 0);
	TEST_ASSERT_EQ(state.cfg.fault_entry, 0);
}

#define bad_vcpu(err, change)						\
do {									\
	s = good_vcpu;							\
	(change);							\
	TEST_ASSERT_EQ(set_vcpu(vcpu, &s), (err));			\
} while (0)

static void test_vcpu_fields(void)
{
	struct kvm_view_vcpu_state s;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = new_vm(&vcpu);

	TEST_ASSERT_EQ(set_vcpu(vcpu, &good_vcpu), ENOENT);
	TEST_ASSERT_EQ(set_state(vm, &good), 0);
	bad_vcpu(EINVAL, s.size = 0);
	bad_vcpu(EINVAL, s.version = 2);
	bad_vcpu(EINVAL, s.flags = 0);
	bad_vcpu(EINVAL, s.flags |= 2);
	bad_vcpu(EINVAL, s.pad = 1);
	bad_vcpu(EINVAL, s.rsvd[0] = 1);
	bad_vcpu(EINVAL, s.rsvd[1] = 1);
	bad_vcpu(ENOENT, s.view = 2);
	bad_vcpu(ENOENT, s.view = 16);
	bad_vcpu(ENOENT, s.view = 65535);
	bad_vcpu(EINVAL, s.cfg.size = 0);
	bad_vcpu(EINVAL, s.cfg.flags = 1u << 31);
	bad_vcpu(EINVAL, s.cfg.ve_info += 8);
	bad_vcpu(EFAULT, s.cfg.ve_info = 1ull << 30);
	bad_vcpu(EINVAL, s.cfg.sp_cell += 4);
	bad_vcpu(EFAULT, s.cfg.sp_cell = 1ull << 30);
	bad_vcpu(EINVAL, s.cfg.gs_base = 1ull << 60);
	bad_vcpu(EINVAL, s.cfg.fault_entry = 1ull << 60);
	bad_vcpu(EINVAL, s.cfg.cs = 0);
	bad_vcpu(EINVAL, s.cfg.cs = 3);
	bad_vcpu(EINVAL, s.cfg.ss = 4);
	bad_vcpu(EINVAL, s.cfg.vector = 14);
	bad_vcpu(EINVAL, s.cfg.rsvd[0] = 1);
	bad_vcpu(EINVAL, s.cfg.rsvd[1] = 1);
	expect_unregistered(vcpu);
	TEST_ASSERT_EQ(set_vcpu(vcpu, &good_vcpu), 0);
	TEST_ASSERT_EQ(set_vcpu(vcpu, &good_vcpu), EBUSY);
	kvm_vm_free(vm);
	ksft_test_result_pass("fields of a vCPU's state\n");
}

static void test_vcpu_bits(void)
{
	struct kvm_view_vcpu_state s, again;
	unsigned int i, taken = 0, refused = 0;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int r;

	vm = new_vm(&vcpu);
	TEST_ASSERT_EQ(set_state(vm, &good), 0);
	for (i = 0; i < 8 * sizeof(s); i++) {
		s = good_vcpu;
		((u8 *)&s)[i / 8] ^= 1 << i % 8;
		r = set_vcpu(vcpu, &s);
		if (r) {
			TEST_ASSERT(r == EINVAL || r == EFAULT || r == ENOENT,
				    "bit %u: %d", i, r);
			refused++;
			continue;
		}
		vcpu_ioctl(vcpu, KVM_X86_GET_VCPU_VIEW_STATE, &again);
		TEST_ASSERT(!memcmp(&s, &again, sizeof(s)), "bit %u", i);
		taken++;
		kvm_vm_free(vm);
		vm = new_vm(&vcpu);
		TEST_ASSERT_EQ(set_state(vm, &good), 0);
	}
	expect_unregistered(vcpu);
	expect_state(vm, &good.head);
	kvm_vm_free(vm);
	ksft_print_msg("%u bits: %u refused, %u taken\n", i, refused, taken);
	TEST_ASSERT(taken && refused > taken, "that can't be");
	ksft_test_result_pass("bits of a vCPU's state\n");
}

int main(void)
{
	views_require();
	good.head.flags |= views_state_flags();
	ksft_print_header();
	ksft_set_plan(6);
	test_fields();
	test_remaps();
	test_bits();
	test_memory();
	test_vcpu_fields();
	test_vcpu_bits();
	ksft_finished();
}
