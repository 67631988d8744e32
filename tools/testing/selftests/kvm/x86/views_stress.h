/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests that put views under stress share: the switches that take one
 * defence of the host away, memory that the host can map in huge pages, vCPUs
 * in threads of their own, and accesses whose outcome is counted.
 */
#ifndef SELFTEST_KVM_VIEWS_STRESS_H
#define SELFTEST_KVM_VIEWS_STRESS_H

#include <sys/mman.h>

#include "views_util.h"

#define MEM_SLOT	10
#define MEM_GPA		0x40000000ull
#define MEM_GVA		0x40000000ull

#define V_NONE		0
#define V_R		KVM_VIEW_R
#define V_RW		(KVM_VIEW_R | KVM_VIEW_W)
#define V_RX		(KVM_VIEW_R | KVM_VIEW_X)
#define V_RWX		(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)

/*
 * Without a defence, an access that the rights allow may find an entry that KVM
 * waits for others to remove, for ever: attacks leave those out.
 */
bool views_attacking;

/*
 * A test without the defence, after the one with it: @attack must then succeed,
 * or the first one showed nothing.
 */
static inline void views_broken_test(const char *name, int what,
				     u64 (*attack)(void))
{
	u64 hits;

	if (!views_can_weaken()) {
		ksft_test_result_skip("%s: needs CONFIG_KVM_VIEWS_BREAK\n", name);
		return;
	}
	views_weaken(BIT(what));
	views_attacking = true;
	hits = attack();
	views_attacking = false;
	views_strengthen();
	ksft_print_msg("%s: %lu hits\n", name, hits);
	ksft_test_result(hits, "%s\n", name);
}

/* The other vCPUs': what views_setup() makes for the first. */
#define MAX_VCPUS	4
struct vcpu_pages {
	struct page cell, ve, cfg;
};

struct vcpu_pages vcpu_pages[MAX_VCPUS];

static inline void views_setup_vcpus(struct kvm_vm *vm, int nr)
{
	int i;

	for (i = 1; i < nr; i++) {
		struct vcpu_pages *p = &vcpu_pages[i];

		p->cell.gva = vm_alloc_page(vm);
		p->cell.gpa = addr_gva2gpa(vm, p->cell.gva);
		p->ve.gva = vm_alloc_page(vm);
		p->ve.gpa = addr_gva2gpa(vm, p->ve.gva);
		p->cfg.gva = vm_alloc_page(vm);
		p->cfg.gpa = addr_gva2gpa(vm, p->cfg.gva);
	}
	vcpu_pages[0] = (struct vcpu_pages) {
		.cell = pages[PG_CELL],
		.ve = pages[PG_VE],
		.cfg = pages[PG_ARGS],
	};
	sync_global_to_guest(vm, vcpu_pages);
}

/* VCPU_INIT of a vCPU other than the first, which has done ENABLE. */
static inline void views_start_vcpu(int nr, u32 flags)
{
	struct kvm_view_vcpu *cfg = (void *)vcpu_pages[nr].cfg.gva;

	views_default_cfg(cfg);
	cfg->flags = flags;
	cfg->sp_cell = vcpu_pages[nr].cell.gpa;
	cfg->ve_info = vcpu_pages[nr].ve.gpa;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, vcpu_pages[nr].cfg.gpa,
				 0, 0), 0);
}

static inline u64 views_run_on(int nr, u64 view, u64 (*fn)(u64 arg), u64 arg)
{
	return views_call(view, fn, arg, (u64 *)vcpu_pages[nr].cell.gva);
}

/* Accesses, to be made in a view. */
static inline u64 do_read(u64 addr)
{
	return READ_ONCE(*(u64 *)addr);
}

static inline u64 do_write(u64 addr)
{
	WRITE_ONCE(*(u64 *)addr, 0x5a5a);
	return 0;
}

static inline u64 do_exec(u64 addr)
{
	((void (*)(void))addr)();
	return 0;
}

/* What memory looks like that all three can be tried on: a RET, and a word. */
static inline void views_plant(u64 gva)
{
	WRITE_ONCE(*(u64 *)gva, 0xc3);
	WRITE_ONCE(*(u64 *)(gva + 8), 0);
	WRITE_ONCE(*(u64 *)(gva + 16), 0x1234);
}

struct views_outcome {
	u64 leaks;		/* let through against the rights */
	u64 denied;		/* denied although the rights allow it */
};

/* Try everything on one page in @view of vCPU @nr, whose rights are @mask. */
static inline void views_probe(int nr, u64 view, u64 gva, u8 mask,
			       struct views_outcome *out)
{
	static const struct {
		u64 (*fn)(u64 addr);
		u64 offset;
		u8 need;
	} tries[] = {
		{ do_read, 16, KVM_VIEW_R },
		{ do_write, 8, KVM_VIEW_W },
		{ do_exec, 0, KVM_VIEW_X },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		bool through;

		if (views_attacking && (mask & tries[i].need))
			continue;
		through = views_run_on(nr, view, tries[i].fn,
				       gva + tries[i].offset) != AEX_RESULT;
		out->leaks += through && !(mask & tries[i].need);
		out->denied += !through && (mask & tries[i].need);
	}
}

/* Run until GUEST_SYNC(); returns its argument, ~0: the guest is done. */
static inline u64 views_run_to_sync(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	for (;;) {
		vcpu_run(vcpu);
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_SYNC:
			return uc.args[1];
		case UCALL_DONE:
			return ~0ull;
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		default:
			TEST_FAIL("exit reason %u (%s)",
				  vcpu->run->exit_reason,
				  exit_reason_str(vcpu->run->exit_reason));
		}
	}
}

/* Runs a vCPU and goes on when the host's memory was missing for a moment. */
static inline void *views_vcpu_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct ucall uc;

	for (;;) {
		if (__vcpu_run(vcpu)) {
			TEST_ASSERT(errno == EFAULT || errno == EINTR,
				    "KVM_RUN: %d", errno);
			continue;
		}
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_DONE:
			return NULL;
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_ABORT:
			REPORT_GUEST_ASSERT(uc);
			break;
		default:
			TEST_FAIL("exit reason %u (%s)",
				  vcpu->run->exit_reason,
				  exit_reason_str(vcpu->run->exit_reason));
		}
	}
}

#endif /* SELFTEST_KVM_VIEWS_STRESS_H */
