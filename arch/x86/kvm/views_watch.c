// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code in a view can keep interrupts off, by IF or by CR8, and not return.
 * Bound the time for which an interrupt waits for that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hrtimer.h>

#include "irq.h"
#include "lapic.h"
#include "views.h"
#include "x86.h"

static unsigned int views_irq_limit_us = USEC_PER_SEC;
module_param(views_irq_limit_us, uint, 0644);
MODULE_PARM_DESC(views_irq_limit_us,
		 "How long code in an EPT view may run while an interrupt waits for it, in microseconds (default 1000000); 0 for ever");

/* Not only what could be injected now: CR8 hides it, IF does not. */
static bool irq_waiting(struct kvm_vcpu *vcpu)
{
	return kvm_cpu_has_injectable_intr(vcpu) ||
	       (lapic_in_kernel(vcpu) &&
		kvm_lapic_find_highest_irr(vcpu) != -1);
}

static enum hrtimer_restart look_again(struct hrtimer *timer)
{
	struct kvm_vcpu_views *vv = container_of(timer, struct kvm_vcpu_views,
						 irq_timer);

	/* The vCPU has to exit, or the view would run on unseen. */
	kvm_make_request(KVM_REQ_EVENT, vv->vcpu);
	kvm_vcpu_kick(vv->vcpu);
	return HRTIMER_NORESTART;
}

void kvm_views_watch_init(struct kvm_vcpu_views *vv)
{
	hrtimer_setup(&vv->irq_timer, look_again, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

/**
 * kvm_views_watch_irq() - end a stay in a view that has lasted too long
 *
 * Called before each VM-Entry, before events are looked at.  What counts is the
 * time that the vCPU's task has run, not that for which the host kept it from
 * running.
 */
void kvm_views_watch_irq(struct kvm_vcpu *vcpu)
{
	u64 limit = (u64)READ_ONCE(views_irq_limit_us) * NSEC_PER_USEC;
	struct kvm_vcpu_views *vv = vcpu->arch.views;
	u64 ran;

	/* Told of it, the guest looked, and is about to go back. */
	if (!vcpu->arch.view && vv->irq_task && kvm_view_trusted_sp(vcpu))
		return;

	if (!vcpu->arch.view || !limit || !irq_waiting(vcpu) ||
	    kvm_views_broken(KVM_VIEWS_BREAK_IRQ_LIMIT)) {
		vv->irq_task = NULL;
		return;
	}

	if (vv->irq_task != current) {
		vv->irq_task = current;
		vv->irq_since = current->se.sum_exec_runtime;
	}

	ran = current->se.sum_exec_runtime - vv->irq_since;
	if (ran >= limit) {
		vv->irq_task = NULL;
		kvm_view_aex_current(vcpu, KVM_VIEW_AEX_TIMEOUT, 0);
	} else if (!hrtimer_active(&vv->irq_timer)) {
		hrtimer_start(&vv->irq_timer, ns_to_ktime(limit - ran),
			      HRTIMER_MODE_REL);
	}
}
