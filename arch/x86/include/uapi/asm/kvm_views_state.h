/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Guest-controlled EPT views: the ABI between KVM and a VMM, which saves the
 * views of a VM and restores them in another one.
 *
 * Reserved fields must be zero, and so must be flags that are not named here.
 */
#ifndef _UAPI_ASM_X86_KVM_VIEWS_STATE_H
#define _UAPI_ASM_X86_KVM_VIEWS_STATE_H

#include <linux/types.h>
#include <asm/kvm_views.h>

#define KVM_VIEW_STATE_VERSION		1

/* kvm_view_state.flags: no view can be created any more. */
/* kvm_view_saved.flags: rights can only be taken away. */
#define KVM_VIEW_STATE_SEALED		0x1
/* kvm_view_saved.flags: nothing is executable in the view any more (KILL). */
#define KVM_VIEW_STATE_KILLED		0x2
/*
 * kvm_view_state.flags: the guest enabled views with KVM_VIEWS_ENABLE_RW_PT.  As
 * there, the flag is required (EOPNOTSUPP) or illegal (EINVAL).
 */
#define KVM_VIEW_STATE_RW_PT		0x4

/* kvm_view_range.flags: a violation becomes #VE (without W) */
#define KVM_VIEW_RANGE_VE		0x1
/* kvm_view_range.flags: other frames are seen there (not in view 0, without W) */
#define KVM_VIEW_RANGE_REMAPPED		0x2

/* kvm_view_vcpu_state.flags: the vCPU did VCPU_INIT */
#define KVM_VIEW_VCPU_REGISTERED	0x1

/**
 * struct kvm_view_state - the views of a VM, for KVM_X86_GET_VIEW_STATE and
 * KVM_X86_SET_VIEW_STATE on the VM's file descriptor
 * @size: of this and all that follows it, in bytes.  GET: in, the room that
 *	there is; out, what is used, or needed if it fails with E2BIG
 * @version: KVM_VIEW_STATE_VERSION
 * @flags: KVM_VIEW_STATE_*
 * @max_views: what the guest gave to ENABLE; 0: it didn't, then the rest is 0
 * @nr_views: number of struct kvm_view_saved that follow, in ascending order of
 *	their views, the first one of view 0
 * @nr_ranges: number of struct kvm_view_range that follow these, those of the
 *	first view first
 * @nr_remaps: number of struct kvm_view_remapped that follow the ranges, in
 *	ascending order of views, and of gfns in each: one for each frame of the
 *	ranges that have KVM_VIEW_RANGE_REMAPPED
 */
struct kvm_view_state {
	__u32 size;
	__u32 version;
	__u32 flags;
	__u16 max_views;
	__u16 nr_views;
	__u32 nr_ranges;
	__u32 nr_remaps;
	__u64 rsvd[2];
};

/**
 * struct kvm_view_saved - one view
 * @view: its number
 * @flags: KVM_VIEW_STATE_*
 * @nr_ranges: how many of the ranges are its own, at least 1
 */
struct kvm_view_saved {
	__u16 view;
	__u16 flags;
	__u32 nr_ranges;
	__u64 rsvd;
};

/**
 * struct kvm_view_range - frames with the same rights
 * @gfn: the first one; they end where the next range of the same view begins,
 *	the last one where the guest's memory does.  A view's first range begins
 *	at 0, and neighbours differ
 * @rights: KVM_VIEW_R|W|X, one of the legal combinations
 * @flags: KVM_VIEW_RANGE_*
 */
struct kvm_view_range {
	__u64 gfn;
	__u32 rights;
	__u32 flags;
};

/**
 * struct kvm_view_remapped - a frame in place of which another one is seen
 * @gfn: the frame
 * @target: the one that is seen, memory that is not read-only
 * @view: in which view
 */
struct kvm_view_remapped {
	__u64 gfn;
	__u64 target;
	__u16 view;
	__u16 pad[3];
};

/**
 * struct kvm_view_vcpu_state - what a vCPU has of views, for
 * KVM_X86_GET_VCPU_VIEW_STATE and KVM_X86_SET_VCPU_VIEW_STATE on its file
 * descriptor
 * @size: sizeof(struct kvm_view_vcpu_state)
 * @version: KVM_VIEW_STATE_VERSION
 * @flags: KVM_VIEW_VCPU_*; without REGISTERED the rest is 0
 * @view: the view that the vCPU is in
 * @cfg: what the guest gave to VCPU_INIT
 *
 * A #VE that is to be delivered is in struct kvm_vcpu_events, and what it is
 * about in the guest's memory.
 */
struct kvm_view_vcpu_state {
	__u32 size;
	__u32 version;
	__u32 flags;
	__u16 view;
	__u16 pad;
	struct kvm_view_vcpu cfg;
	__u64 rsvd[2];
};

#endif /* _UAPI_ASM_X86_KVM_VIEWS_STATE_H */
