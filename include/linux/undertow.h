/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Undertow: isolation of parts of the kernel in EPT views.
 *
 * What the core kernel and the Rust API need of the guest core. Drivers use
 * kernel::undertow (Rust) only.
 */
#ifndef _LINUX_UNDERTOW_H
#define _LINUX_UNDERTOW_H

#include <linux/types.h>

struct module;
struct pt_regs;
struct seq_file;

#ifdef CONFIG_UNDERTOW

#include <asm/kvm_views.h>

/**
 * struct undertow_outcome - how a crossing ended
 * @value: what the entry function returned; 0 if it was stopped
 * @status: 0, or a negative errno
 * @aex: the record of the asynchronous exit, if @status is not 0
 */
struct undertow_outcome {
	u64 value;
	s64 status;
	struct kvm_view_aex aex;
};

extern bool undertow_live;
extern unsigned int undertow_gate_tpr;
extern unsigned long undertow_gate_ts;
extern unsigned long undertow_stack_need;

/* gate and crossing: undertow/cross.c */
unsigned long undertow_gate_base(void);
void undertow_cross(void *arg, unsigned long entry, void *stack, u32 view,
		    struct undertow_outcome *out);
u32 undertow_current_view(void);

/* host: undertow/host.c */
bool undertow_cpu_is_registered(unsigned int cpu);
bool undertow_host_possible(const char **why);
bool undertow_host_has_apx(void);
long undertow_hypercall(unsigned long op, unsigned long a1, unsigned long a2,
			unsigned long a3);
int undertow_cpus_register(u32 flags);

/* memory: undertow/mem.c */
u64 undertow_gfn(const void *addr);
u64 undertow_idt_gfn(void);
u64 undertow_ve_page_gfn(unsigned int cpu);
void *undertow_pages_alloc(size_t bytes);
void undertow_pages_free(void *addr, size_t bytes);
unsigned int undertow_next_cpu(int cpu);

/* #VE: undertow/ve.c */
bool undertow_has_fixup(unsigned long ip);
bool undertow_handle_ve(struct pt_regs *regs, unsigned long *addr);

/* undertow/bench.c, CONFIG_UNDERTOW_SELFTEST only */
enum undertow_bench_what {
	UNDERTOW_BENCH_CALL,
	UNDERTOW_BENCH_CROSSING,
	UNDERTOW_BENCH_CHECKED,
	UNDERTOW_BENCH_SWITCH,
	UNDERTOW_BENCH_FLOOR,
	UNDERTOW_BENCH_VE,
};

/**
 * struct undertow_bench - a measurement
 * @what: UNDERTOW_BENCH_*
 * @view: EPTP index to cross to
 * @entry: function to call there
 * @stack: top of a stack that is writable there
 * @target: protected address to touch, UNDERTOW_BENCH_VE only
 */
struct undertow_bench {
	u32 what;
	u32 view;
	unsigned long entry;
	void *stack;
	const void *target;
};

/**
 * struct undertow_tally - what many tries came to
 * @result: of the first one: a negative errno, or 0 if it succeeded
 * @differing: how many others had another result
 */
struct undertow_tally {
	s64 result;
	u64 differing;
};

/**
 * struct undertow_timed - orders of the timed attacker
 * @rsp: the stack pointer to jump with
 * @target: where to jump
 * @fire: TSC value at which to jump
 * @rax: to jump with, as what stands at @target wants it
 * @rbx: the same
 */
struct undertow_timed {
	u64 rsp;
	u64 target;
	u64 fire;
	u64 rax;
	u64 rbx;
};

int undertow_selftest_timed(const struct undertow_bench *b,
			    struct undertow_timed *arg, u32 tries, u32 *ended);
u64 undertow_bench_run(const struct undertow_bench *b);
u64 undertow_bench_exits(const struct undertow_bench *b, u64 times,
			 struct undertow_tally *tally);
unsigned long undertow_bench_floor(void);
unsigned long undertow_bench_gate(bool vmfunc);
int undertow_selftest_poke(void *addr, const void *bytes, size_t len);
void undertow_selftest_pause(void);
unsigned long undertow_selftest_deep(void (*fn)(void *arg), void *arg,
				     unsigned long left);
s64 undertow_selftest_cross(const struct undertow_bench *b, void *arg);

/* answered by kernel::undertow */
int undertow_rs_init(int mode);
long undertow_rs_fault(const struct kvm_view_aex *aex);
void undertow_rs_violation(const struct kvm_ve_info *info, unsigned long ip);
void undertow_rs_show(struct seq_file *m);
int undertow_rs_seal(void);
void undertow_rs_module_going(struct module *mod);

#else

#define undertow_live false
static inline bool undertow_handle_ve(struct pt_regs *regs, unsigned long *addr)
{
	return false;
}

#endif /* CONFIG_UNDERTOW */
#endif /* _LINUX_UNDERTOW_H */
