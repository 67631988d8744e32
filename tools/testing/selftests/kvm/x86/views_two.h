/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of EPT views with two vCPUs share: the first one does something to
 * a view in which the second one is.
 */
#ifndef SELFTEST_KVM_VIEWS_TWO_H
#define SELFTEST_KVM_VIEWS_TWO_H

#include "views_util.h"

/* turn: what the first vCPU says; ready: what the second one answers. */
u64 turn, ready;
struct page cell1;

static inline void wait_for(u64 *what, u64 val)
{
	while (READ_ONCE(*what) != val)
		cpu_relax();
}

/* Register the second vCPU. */
static inline void views_register_second(void)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_STACK].gva;

	views_default_cfg(cfg);
	cfg->sp_cell = cell1.gpa;
	cfg->ve_info = pages[PG_CODE].gpa;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_STACK].gpa, 0, 0),
			0);
}

/* The same after the first one has said 1. */
static inline void views_start_second(void)
{
	wait_for(&turn, 1);
	views_register_second();
	WRITE_ONCE(ready, 1);
}

/* The first vCPU: start all of it. */
static inline void views_start_first(void)
{
	views_start(0);
	WRITE_ONCE(turn, 1);
	wait_for(&ready, 1);
}

static inline u64 views_run_second(u64 view, u64 (*fn)(u64 arg), u64 arg)
{
	return views_call(view, fn, arg, (u64 *)cell1.gva);
}

static void *views_thread(void *vcpu)
{
	views_run_vcpu(vcpu);
	return NULL;
}

static inline struct kvm_vm *views_two_vm(struct kvm_vcpu *vcpus[2],
					  void (*guest0)(void),
					  void (*guest1)(void))
{
	struct kvm_vm *vm = vm_create_with_vcpus(2, guest0, vcpus);

	vcpu_arch_set_entry_point(vcpus[1], guest1);
	views_setup(vm);
	cell1.gva = vm_alloc_page(vm);
	cell1.gpa = addr_gva2gpa(vm, cell1.gva);
	sync_global_to_guest(vm, cell1);
	return vm;
}

/* Run both until they are done, and free the VM. */
static inline void views_two_run(struct kvm_vm *vm, struct kvm_vcpu *vcpus[2])
{
	pthread_t thread;

	pthread_create(&thread, NULL, views_thread, vcpus[1]);
	views_pin(pthread_self(), 0);
	views_pin(thread, 1);
	views_run_vcpu(vcpus[0]);
	pthread_join(thread, NULL);
	kvm_vm_free(vm);
}

static inline void views_two_test(const char *name, void (*guest0)(void),
				  void (*guest1)(void))
{
	struct kvm_vcpu *vcpus[2];

	views_two_run(views_two_vm(vcpus, guest0, guest1), vcpus);
	ksft_test_result_pass("%s\n", name);
}

#endif /* SELFTEST_KVM_VIEWS_TWO_H */
