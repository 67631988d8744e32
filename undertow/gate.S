/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: the only code that changes the active view.
 *
 * Four pages in a row, the same bytes in every view. Only the right to
 * execute differs, and each page gives it up with its own last instruction,
 * so that no page can be entered from the wrong side:
 *
 *   page  executable in    holds                               ends with
 *   G0    view 0           undertow_enter                        -> view k
 *   G1    views k >= 2     landing, call, restore tail, exit     -> view 1
 *   G2    view 1, transit  pick up the trusted stack             -> view 0
 *   G3    view 0           rebuild the caller's state, return;
 *			    services; undertow_fault_entry, resume
 *
 * Inside a compartment the only executable VMFUNC is the last instruction of
 * G1, and an attacker may jump to it with registers, flags and stack of his
 * choosing. Wherever he points it, the next fetch is at G2 + 0: executable in
 * the transit view alone, where nothing is writable and where G2 replaces RSP
 * before it goes on. Anywhere else the fetch faults and the host ends the
 * call.
 *
 * The fetch comes too late for one thing: an event that is taken between
 * VMFUNC and the fetch is delivered in the new view, on the attacker's stack.
 * Two guards close that, and the gate is not safe without them:
 *
 *   M1  in the host, at VM entry: view 0 with an instruction pointer that is
 *	 not executable there never takes an event; it becomes an
 *	 asynchronous exit on the trusted stack first.
 *   M2  here: CR8 = 15 from before the compartment is entered until the
 *	 trusted stack is back. It holds off maskable interrupts where they
 *	 arrive without an exit, so that M1 could not see them.
 *
 * The FPU holds the registers of whatever task ran last, live: CR0.TS makes
 * the first use inside an exception, which ends the call.
 *
 * Text in a compartment holds no instruction that writes CR0, CR8, GS base or any
 * other register that the way back relies on: it is scanned for their bytes
 * at every offset before it becomes executable.
 *
 * A violation inside comes out without an exit where the CPU can deliver #VE: the
 * view has an IDT of its own (undertow/inside.c), in which vector 20 alone leads
 * anywhere, to the stub in G1. That saves the registers where the CPU has pushed
 * its frame, on the compartment's stack, and leaves by the same last instruction
 * as a return, with RSI = 1. So does whoever jumps there, or says so in RSI: view
 * 0 believes nothing but what the CPU wrote, and takes the registers for what
 * they are, the compartment's own. The stub ends in a violation if there is no
 * stack; by then #VE can't be delivered any more, and the host takes it out.
 *
 * A compartment that the host took out for the sake of an event goes on where
 * it was. Its registers are put back in its own view, by the restore tail in G1:
 * that reads them from the caller's stack and writes nothing. An NMI in the tail
 * overwrites the record, not what the tail reads, which begins below it: the
 * tail is simply run again. Whoever jumps into the tail from inside loads
 * registers that he could have loaded himself.
 *
 * A compartment that asks for a service leaves as if it returned: the same
 * instructions, checks and views, with R10 not 0. It comes back as after an
 * event, by the restore tail, so that there is one way in for both. Who jumps
 * to the way out from inside chooses what is asked for, as he can anyway.
 *
 * The caller's stack from the address in undertow_sp downwards, once there was
 * an asynchronous exit or a service:
 *
 *	-224  struct kvm_view_aex, written by the host
 *	-400  struct undertow_resume, what the restore tail reads
 *
 * And the frame, from that address upwards. undertow_sp is 0 while ordinary
 * kernel code runs, also between an exit and the way back in.
 * A compartment can read all this at most: its rights to kernel stacks end
 * there.
 *
 *	 0  0, the undertow_sp of before
 *	 8  CR8
 *	16  FS base
 *	24  RFLAGS
 *	32  r15, r14, r13, r12, rbx, rbp, return address
 */

#include <linux/export.h>
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/asm-offsets.h>
#include <asm/errno.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/unwind_hints.h>
#include <asm/kvm_views.h>

#define FRAME_FSBASE	16

/* undertow/cross.c checks these. */
#define AEX_BYTES	224
#define RESUME_BYTES	176
#define RESUME_VIEW	168

/*
 * Begin code that ends with the page that ends @end bytes after @gate; it lasts
 * until the label @last. A gap would be executed, and traps.
 */
.macro GATE_TAIL gate, end, last
	.org	\gate + \end - (\last - .Ltail_\@), 0xcc
.Ltail_\@:
.endm

/* EAX = 0 is EPTP switching, ECX the EPTP index. Needs RAX = 0. */
.macro DO_VMFUNC
	.byte	0x0f, 0x01, 0xd4
.endm

/*
 * The same switch made by the host: a VMCALL where the CPU lacks VMFUNC.
 * ECX is the view here too; RBX and RAX are known constants afterwards.
 */
.macro DO_SWITCH
	.byte	0x0f, 0x01, 0xc1
.endm

/**
 * undertow_enter() - run a function inside a compartment
 * @arg:	%rdi, handed to the function
 * @entry:	%rsi, the function, executable in the view
 * @stack:	%rdx, top of a stack that is writable in the view
 * @view:	%rcx, EPTP index, 2 or more
 *
 * Return: %rax, what the function returned, or 0; %rdx, 0 or a negative
 * errno if the compartment was stopped.
 *
 * Interrupts are off throughout and restored with the caller's flags.
 * Takes no lock and makes no hypercall. Never in NMI context. The caller has
 * checked that this CPU is registered with the host.
 *
 * view 0, caller's stack, from here to the end of G0.
 */
.macro UNDERTOW_GATE kind, do_switch, nr
	.balign	PAGE_SIZE, 0xcc
SYM_CODE_START(undertow_gate_\kind)
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR

	GATE_TAIL undertow_gate_\kind, PAGE_SIZE, undertow_g1_\kind
SYM_INNER_LABEL(undertow_enter_\kind, SYM_L_GLOBAL)
	UNWIND_HINT_FUNC
	ENDBR
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq					/* IF, DF, AC of the caller */
	cli					/* no preemption until G3 */
	movq	%cr0, %rax
	orq	undertow_gate_ts(%rip), %rax	/* the FPU is someone else's: */
	movq	%rax, %cr0			/* #NM inside, no exit for it */
	rdfsbase %rax				/* "mov fs" needs no privilege */
	pushq	%rax
	movq	%cr8, %rax			/* Linux rests at 1, not at 0 */
	pushq	%rax
	pushq	PER_CPU_VAR(undertow_sp)
	movq	%rsp, PER_CPU_VAR(undertow_sp)
	movl	undertow_gate_tpr(%rip), %eax	/* M2: 15 */
	movq	%rax, %cr8
.Lgo_\kind:
	UNWIND_HINT_UNDEFINED			/* two ways, two depths */
	xorl	%ebp, %ebp			/* nothing of the caller's */
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	.if	\nr
	movl	$\nr, %eax
	movl	$KVM_VIEWS_SWITCH, %ebx
	.else
	xorl	%ebx, %ebx
	xorl	%eax, %eax
	.endif
	\do_switch				/* -> view k */

	/*
	 * G1. View k. RSP is still the caller's stack, which is not writable
	 * here; the compartment's own comes from RDX, set in view 0. Nothing
	 * to call means: go on where an event came in between.
	 */
SYM_INNER_LABEL(undertow_g1_\kind, SYM_L_GLOBAL)
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR
	testq	%rsi, %rsi
	jz	.Ltail_\kind
SYM_INNER_LABEL(undertow_landed_\kind, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	movq	%rdx, %rsp
	ANNOTATE_RETPOLINE_SAFE
	call	*%rsi
	jmp	.Lexit_\kind

	/*
	 * Restore tail. RDX: struct undertow_resume, on the caller's stack.
	 */
SYM_INNER_LABEL(undertow_tail_\kind, SYM_L_GLOBAL)
.Ltail_\kind:
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR
	movq	%rdx, %rsp
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rbx
	popq	%rbp				/* RSP's place */
	popq	%rbp
	popq	%rsi
	popq	%rdi
	popq	%r8
	popq	%r9
	popq	%r10
	popq	%r11
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	iretq
SYM_INNER_LABEL(undertow_tail_end_\kind, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	int3

	.if	!\nr
	/*
	 * #VE. On the compartment's stack, below the CPU's frame, build the
	 * rest of struct undertow_resume. RDI: where it is.
	 */
SYM_INNER_LABEL(undertow_ve_\kind, SYM_L_GLOBAL)
	UNWIND_HINT_UNDEFINED
	ENDBR
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%r11
	pushq	%r10
	pushq	%r9
	pushq	%r8
	pushq	%rdi
	pushq	%rsi
	pushq	%rbp
	pushq	%rbp				/* RSP's place */
	pushq	%rbx
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	movq	%rsp, %rdi
	movl	$1, %esi			/* a violation */
	xorl	%r10d, %r10d			/* of a call, no request */
	jmp	.Lout_\kind
	.endif

	/*
	 * From here on every register may be the attacker's, and he may have
	 * come here by any jump. Nothing is relied upon that view 0 uses.
	 */
	GATE_TAIL undertow_gate_\kind, 2 * PAGE_SIZE, undertow_g2_\kind
.Lexit_\kind:
	movq	%rax, %rdi			/* the result */
	.if	!\nr
	xorl	%esi, %esi			/* returned */
	.endif
	xorl	%r10d, %r10d			/* of a call, no request */
SYM_INNER_LABEL(undertow_request_\kind, SYM_L_GLOBAL)
	ENDBR					/* from _R_ut_undertow_service_call */
.Lout_\kind:
	.if	\nr
	movl	$\nr, %eax
	movl	$KVM_VIEWS_SWITCH, %ebx
	.else
	xorl	%eax, %eax
	.endif
	movl	$1, %ecx
	\do_switch				/* -> view 1 */

	/*
	 * G2. Transit view: nothing is writable, no event can be delivered
	 * (the IDT is absent: it exits). GS base is the one thing to check:
	 * "mov gs" and "pop gs" can't be told from harmless bytes, but load a
	 * base below 4 GiB at most. A kernel base has its sign bit set.
	 */
SYM_INNER_LABEL(undertow_g2_\kind, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	cli
	rdgsbase %rax
	testq	%rax, %rax
	jns	.Lforged_gs_\kind
	movq	PER_CPU_VAR(undertow_sp), %rsp
	jmp	.Lleave_\kind
.Lforged_gs_\kind:
	ud2					/* the host ends the call */

	GATE_TAIL undertow_gate_\kind, 3 * PAGE_SIZE, undertow_g3_\kind
.Lleave_\kind:
	.if	\nr
	movl	$\nr, %eax
	movl	$KVM_VIEWS_SWITCH, %ebx
	.else
	xorl	%eax, %eax
	.endif
	xorl	%ecx, %ecx
	\do_switch				/* -> view 0 */

	/*
	 * G3. View 0, trusted stack, interrupts off. RDI is the result, all
	 * else is rebuilt or cleared, unless R10 says that it is a request.
	 */
SYM_INNER_LABEL(undertow_g3_\kind, SYM_L_GLOBAL)
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR
	testq	%r10, %r10
	jnz	.Lserve_\kind
	.if	!\nr
	testq	%rsi, %rsi
	jnz	.Lviolation_\kind
	.endif
	movq	%rdi, %rax
	xorl	%edx, %edx			/* status: returned */
.Lrestore_\kind:
	clts
	rdfsbase %rcx
	cmpq	%rcx, FRAME_FSBASE(%rsp)
	jne	.Lforged_fs_\kind
.Lfs_good_\kind:
	popq	PER_CPU_VAR(undertow_sp)
	popq	%rcx
	movq	%rcx, %cr8			/* M2 ends; interrupts still off */
	popq	%rcx				/* FS base: holds it already */
	xorl	%ecx, %ecx			/* nothing of the compartment's */
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	popfq					/* DF, AC, NT, IOPL, then IF */
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	UNWIND_HINT_FUNC
	ANNOTATE_UNRET_SAFE
	ret
	int3

	/*
	 * A null selector first: with another one a context switch would load
	 * the base from its descriptor. A 32-bit task loses its FS selector.
	 */
.Lforged_fs_\kind:
	UNWIND_HINT_UNDEFINED
	xorl	%ecx, %ecx
	movl	%ecx, %fs
	movq	FRAME_FSBASE(%rsp), %rcx
	wrfsbase %rcx
	jmp	.Lfs_good_\kind

	.if	!\nr
	/*
	 * A violation inside, or so it says. RDI: where its registers are, or
	 * anything. To be looked at in C, as a record in the same place as the
	 * host's.
	 */
.Lviolation_\kind:
	UNWIND_HINT_UNDEFINED
	pushq	$X86_EFLAGS_FIXED
	popfq					/* DF, AC, NT, IOPL */
	subq	$AEX_BYTES, %rsp
	movq	%rsp, %rsi
	subq	$RESUME_BYTES, %rsp
	movq	%rsp, %rdx
	xorl	%eax, %eax			/* nothing of the compartment's */
	xorl	%ecx, %ecx
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	call	undertow_ve_inside		/* as undertow_fault */
	jmp	.Lstopped_\kind
	.endif

	/*
	 * undertow_fault_entry - where the host continues after an
	 * asynchronous exit
	 *
	 * View 0, interrupts off, all general registers 0. RSP points to the
	 * record, struct kvm_view_aex, right below the frame. An NMI or a
	 * machine check that was in flight has been handled before the first
	 * instruction, on a stack of its own: what stands below the record is
	 * still what the last resume read.
	 */
SYM_INNER_LABEL(undertow_fault_entry_\kind, SYM_L_GLOBAL)
	UNWIND_HINT_UNDEFINED
	ENDBR
	movq	%rsp, %rdi
	subq	$RESUME_BYTES, %rsp
	movq	%rsp, %rsi
	call	undertow_fault			/* RAX value, RDX status */
.Lstopped_\kind:
	testq	%rdx, %rdx
	jg	.Lresume_\kind
	addq	$(RESUME_BYTES + AEX_BYTES), %rsp
	jmp	.Lrestore_\kind

	/*
	 * Interrupts off. The CPU can be another one than before, and CR8 and
	 * CR0 those of the caller.
	 */
.Lresume_\kind:
	leaq	(RESUME_BYTES + AEX_BYTES)(%rsp), %rax
	movq	%rax, PER_CPU_VAR(undertow_sp)
	movq	%cr0, %rax
	orq	undertow_gate_ts(%rip), %rax
	movq	%rax, %cr0
	movl	undertow_gate_tpr(%rip), %eax	/* M2 */
	movq	%rax, %cr8
	movl	RESUME_VIEW(%rsp), %ecx
	movq	%rsp, %rdx
	xorl	%esi, %esi			/* nothing to call */
	xorl	%edi, %edi
	jmp	.Lgo_\kind

	/*
	 * A request. RDI, RSI, RDX: what is asked for and where the arguments
	 * are; R11: the compartment's stack pointer. They mean something in
	 * the compartment's view only. The context of the way back comes to
	 * where one after an event would be.
	 */
.Lserve_\kind:
	UNWIND_HINT_UNDEFINED
	subq	$(RESUME_BYTES + AEX_BYTES), %rsp
	pushq	$2
	popfq					/* DF, AC, TF, NT, IOPL; IF = 0 */
	movq	%rsp, %rcx
	movq	%r11, %r8
	xorl	%ebx, %ebx			/* nothing of the compartment's */
	xorl	%ebp, %ebp
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	call	undertow_serve			/* as undertow_fault */
	jmp	.Lstopped_\kind
	.balign	PAGE_SIZE, 0xcc
SYM_CODE_END(undertow_gate_\kind)
.endm

	.section .text..undertow.gate, "ax"

	UNDERTOW_GATE vmfunc, DO_VMFUNC, 0
	UNDERTOW_GATE switch, DO_SWITCH, KVM_HC_VIEWS
