/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saving a VM with EPT views, and going on with it in a new one.
 */
#ifndef SELFTEST_KVM_VIEWS_STATE_H
#define SELFTEST_KVM_VIEWS_STATE_H

#include "views_util.h"

struct views_saved {
	struct kvm_view_state *vm;
	struct kvm_view_vcpu_state vcpu;
	struct kvm_x86_state *x86;
};

/* Ask for the size first, as a VMM does. */
static inline struct kvm_view_state *views_get_state(struct kvm_vm *vm)
{
	struct kvm_view_state head = { .size = sizeof(head) };
	struct kvm_view_state *state;

	if (!__vm_ioctl(vm, KVM_X86_GET_VIEW_STATE, &head)) {
		TEST_ASSERT_EQ(head.max_views, 0);
	} else {
		TEST_ASSERT_EQ(errno, E2BIG);
		TEST_ASSERT(head.size > sizeof(head), "no size");
	}
	state = calloc(1, head.size);
	TEST_ASSERT(state, "no memory");
	state->size = head.size;
	vm_ioctl(vm, KVM_X86_GET_VIEW_STATE, state);
	TEST_ASSERT_EQ(state->size, head.size);
	return state;
}

static inline struct kvm_view_saved *
views_saved_view(struct kvm_view_state *state)
{
	return (void *)(state + 1);
}

static inline struct kvm_view_range *
views_saved_range(struct kvm_view_state *state)
{
	return (void *)(views_saved_view(state) + state->nr_views);
}

static inline struct kvm_view_remapped *
views_saved_remaps(struct kvm_view_state *state)
{
	return (void *)(views_saved_range(state) + state->nr_ranges);
}

static inline void views_save(struct kvm_vcpu *vcpu, struct views_saved *s)
{
	s->x86 = vcpu_save_state(vcpu);
	s->vm = views_get_state(vcpu->vm);
	vcpu_ioctl(vcpu, KVM_X86_GET_VCPU_VIEW_STATE, &s->vcpu);
}

/* A new VM in place of the old one, with one vCPU and its registers. */
static inline struct kvm_vcpu *views_new_vm(struct kvm_vm *vm,
					    struct views_saved *s)
{
	struct kvm_vcpu *vcpu;

	kvm_vm_release(vm);
	vcpu = vm_recreate_with_one_vcpu(vm);
	vcpu_load_state(vcpu, s->x86);
	return vcpu;
}

static inline void views_restore(struct kvm_vcpu *vcpu, struct views_saved *s)
{
	vm_ioctl(vcpu->vm, KVM_X86_SET_VIEW_STATE, s->vm);
	vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, &s->vcpu);
}

static inline void views_drop(struct views_saved *s)
{
	kvm_x86_state_cleanup(s->x86);
	free(s->vm);
}

/* Run until GUEST_SYNC(stage). */
static inline void views_run_to_stage(struct kvm_vcpu *vcpu, u64 stage)
{
	struct ucall uc;

	for (;;) {
		vcpu_run(vcpu);
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_SYNC:
			TEST_ASSERT_EQ(uc.args[1], stage);
			return;
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
		default:
			TEST_FAIL("exit reason %u (%s)",
				  vcpu->run->exit_reason,
				  exit_reason_str(vcpu->run->exit_reason));
		}
	}
}

#endif /* SELFTEST_KVM_VIEWS_STATE_H */
