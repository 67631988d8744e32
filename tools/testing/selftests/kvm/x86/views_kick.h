/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stop a vCPU while it runs in a view, as a signal does, so that the test can
 * do something to it there.
 */
#ifndef SELFTEST_KVM_VIEWS_KICK_H
#define SELFTEST_KVM_VIEWS_KICK_H

#include <signal.h>
#include <sys/time.h>

#include "views_util.h"

/* For the guest to go on. */
u64 views_go;

u64 views_spin(u64 arg);
void views_spin_end(void);
u64 views_transit(u64 view, u64 *sp_cell);
void views_transit_spin(void);
void views_transit_spin_end(void);

/*
 * views_spin() runs until views_go is set, and writes nothing.  views_transit()
 * does this in a view without using a stack there, as a gate's transit view: from
 * views_transit_spin() on, before that it is on its way there.
 */
asm(".pushsection .text\n"
	".globl views_spin\n"
	"views_spin:\n"
	"	cmpq $0, views_go(%rip); je views_spin\n"
	"	mov $1, %eax\n"
	"views_spin_end:\n"
	"	ret\n"
	".globl views_transit\n"
	"views_transit:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	pushfq; push %rsi\n"
	"	mov %rsp, (%rsi); mov %rdi, %rcx\n"
	"	mov views_by_host(%rip), %r14\n"
	VIEWS_SWITCH("%r14")
	".globl views_transit_spin\n"
	"views_transit_spin:\n"
	"	cmpq $0, views_go(%rip); je views_transit_spin\n"
	".globl views_transit_spin_end\n"
	"views_transit_spin_end:\n"
	"	xor %ecx, %ecx\n"
	VIEWS_SWITCH("%r14")
	"	mov $1, %eax\n"
	"	jmp views_back\n"
	".popsection\n");

static inline void views_alarm(int sig)
{
}

/* Run until the vCPU is stopped at code from @start on, before @end. */
static inline void views_run_to(struct kvm_vcpu *vcpu, u64 start, u64 end)
{
	struct itimerval often = {
		.it_interval.tv_usec = 20000,
		.it_value.tv_usec = 20000,
	};
	struct kvm_regs regs;
	struct ucall uc;

	signal(SIGALRM, views_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (;;) {
		if (!__vcpu_run(vcpu)) {
			if (get_ucall(vcpu, &uc) == UCALL_ABORT)
				REPORT_GUEST_ASSERT(uc);
			TEST_ASSERT(uc.cmd == UCALL_PRINTF,
				    "unexpected exit, reason %u (%s)",
				    vcpu->run->exit_reason,
				    exit_reason_str(vcpu->run->exit_reason));
			REPORT_GUEST_PRINTF(uc);
			continue;
		}
		TEST_ASSERT_EQ(errno, EINTR);
		vcpu_regs_get(vcpu, &regs);
		if (regs.rip >= start && regs.rip < end)
			break;
	}
	memset(&often, 0, sizeof(often));
	setitimer(ITIMER_REAL, &often, NULL);
}

static inline void views_let_go(struct kvm_vm *vm)
{
	views_go = 1;
	sync_global_to_guest(vm, views_go);
	views_go = 0;
}

#endif /* SELFTEST_KVM_VIEWS_KICK_H */
