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
struct task_struct;

#ifdef CONFIG_UNDERTOW

#include <asm/kvm_views.h>

/**
 * struct undertow_gate - one of the gates, VMFUNC or hypercall
 * @base: first of its four pages, G0 to G3
 * @enter: undertow_enter_*, see undertow/gate.S
 * @fault_entry: where an asynchronous exit continues
 * @landed: in G1, where a call and a resume part
 * @tail: the restore tail in G1
 * @tail_end: its end
 * @ve: in G1, where a #VE inside arrives; 0: the gate can't take it out
 * @request: in G1, the way out for requests of services
 */
struct undertow_gate {
	unsigned long base;
	unsigned long enter;
	unsigned long fault_entry;
	unsigned long landed;
	unsigned long tail;
	unsigned long tail_end;
	unsigned long ve;
	unsigned long request;
};

/**
 * struct undertow_outcome - how a crossing ended
 * @value: what the entry function returned; the address that a request was denied
 *	for; 0 if it was stopped otherwise
 * @status: 0, or a negative errno
 * @aex: the record of the asynchronous exit, if @status is -EFAULT
 */
struct undertow_outcome {
	u64 value;
	s64 status;
	struct kvm_view_aex aex;
};

/**
 * struct undertow_crossing - one crossing, on the stack of its caller
 * @out: how it ends
 * @stack: top of the stack that it runs on
 * @granted: frame that it was given because of its last violation, plus 1
 * @deadline: when it has to be over, in ns of the monotonic clock; 0: never
 * @call: what kernel::undertow knows it by; NULL: it may ask for no service
 * @view: EPTP index
 * @irqs_on: did the caller have interrupts on?
 * @has_context: was it resumed before, so that there is a struct undertow_resume?
 * @ve_lost: did an event come between a #VE and the end of its way out?
 */
struct undertow_crossing {
	struct undertow_outcome *out;
	unsigned long stack;
	u64 granted;
	u64 deadline;
	const void *call;
	u32 view;
	bool irqs_on;
	bool has_context;
	bool ve_lost;
};

/**
 * struct undertow_resume - what the gate's restore tail reads
 * @regs: rax rcx rdx rbx rsp rbp rsi rdi r8..r15
 * @rip: and the next four: as IRETQ takes them
 * @cs: kernel code selector
 * @rflags: flags
 * @rsp: stack pointer
 * @ss: kernel stack selector
 * @view: EPTP index to go to
 */
struct undertow_resume {
	u64 regs[16];
	u64 rip;
	u64 cs;
	u64 rflags;
	u64 rsp;
	u64 ss;
	u64 view;
};

/* What a call has of a compartment's stack. */
#define UNDERTOW_STACK_BYTES	16384
/**
 * struct undertow_serving - a request of a compartment, while it is served
 * @node: among those of all tasks
 * @task: whose stack this is on
 * @owner: the compartment that asks, as soon as it is known
 * @call: its call, see &struct undertow_crossing
 * @service: what for; means something only if the compartment may have it
 * @block: where the arguments are; the compartment's claim
 * @bytes: how many
 * @level: what runs: 0 a task, 1 a softirq, 2 an interrupt
 * @depth: how many others of that level the task is serving already
 * @may_sleep: can it sleep here?
 * @has_room: is enough left of the stack?
 * @result: for the compartment, 0 or a negative errno
 */
struct undertow_serving {
	struct hlist_node node;
	struct task_struct *task;
	const void *owner;
	const void *call;
	const void *service;
	u64 block;
	u64 bytes;
	u8 level;
	u32 depth;
	bool may_sleep;
	bool has_room;
	s64 result;
};

/* undertow_rs_fault(): the call does not end with an error. */
#define UNDERTOW_GO_ON		1	/* with a new struct undertow_resume */
#define UNDERTOW_REPLAY		2	/* with the one that is there */
#define UNDERTOW_RETURNED	3	/* it had returned, with the value in RDI */

extern bool undertow_live;
extern bool undertow_learn;
extern bool undertow_sealed;
extern unsigned int undertow_gate_tpr;
extern unsigned long undertow_gate_ts;
extern unsigned long undertow_stack_need;
extern bool undertow_inside_believed;
extern bool undertow_inside_kept;
extern unsigned int undertow_inside_lose;
extern unsigned int undertow_inside_divert;

/* gate and crossing: undertow/cross.c */
const struct undertow_gate *undertow_gate_get(void);
unsigned long undertow_gate_base(void);
void undertow_cross(void *arg, unsigned long entry, void *stack, u32 view,
		    u32 max_us, const void *call, struct undertow_outcome *out);
void undertow_kick_cpus(void);

/* services: undertow/serve.c */
bool undertow_is_serving(const void *owner);
long undertow_service_call(const void *service, void *block, size_t bytes);

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
u64 undertow_max_gfn(void);
u64 undertow_ve_page_gfn(unsigned int cpu);
void *undertow_pages_alloc(size_t bytes);
void undertow_pages_free(void *addr, size_t bytes);
unsigned int undertow_next_cpu(int cpu);

/* writes to regions that the kernel may only read: undertow/writer.rs */

/*
 * The view in which they can be written; 0 if nothing is enforced, or a negative
 * errno: -EPERM once the system is sealed and there is none.  May sleep.
 */
int undertow_writer_view(void);
/* 0, -EFAULT, or -EAGAIN when too many write at once.  Any context but NMI. */
int undertow_writer_put(void *to, const void *from, size_t bytes);

/* #VE inside compartments: undertow/inside.c */
u64 undertow_inside_idt_gfn(void);

/* #VE: undertow/ve.c */
bool undertow_has_fixup(unsigned long ip);
bool undertow_handle_ve(struct pt_regs *regs, unsigned long *addr);

/* undertow/bench.c, CONFIG_UNDERTOW_SELFTEST only */
enum undertow_bench_what {
	UNDERTOW_BENCH_CALL,
	UNDERTOW_BENCH_CROSSING,
	UNDERTOW_BENCH_CHECKED,
	UNDERTOW_BENCH_IRQS_ON,
	UNDERTOW_BENCH_SWITCH,
	UNDERTOW_BENCH_FLOOR,
	UNDERTOW_BENCH_VE,
	UNDERTOW_BENCH_DENIED,
	UNDERTOW_BENCH_SERVICE,
};

/**
 * struct undertow_bench - a measurement
 * @what: UNDERTOW_BENCH_*
 * @view: EPTP index to cross to
 * @entry: function to call there
 * @stack: top of a stack that is writable there
 * @target: protected address to touch, UNDERTOW_BENCH_VE and _DENIED only
 * @call: whose crossing it is, UNDERTOW_BENCH_SERVICE and storms only
 * @arg: handed to @entry, UNDERTOW_BENCH_SERVICE only
 */
struct undertow_bench {
	u32 what;
	u32 view;
	unsigned long entry;
	void *stack;
	const void *target;
	const void *call;
	void *arg;
};

/**
 * struct undertow_tally - what many tries came to
 * @result: of the first one: a negative errno, or 0 if it succeeded
 * @differing: how many others had another result
 * @repeated: thousands that were made again, as an interrupt came meanwhile
 */
struct undertow_tally {
	s64 result;
	u64 differing;
	u64 repeated;
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

/**
 * struct undertow_storm - calls under fire
 * @calls: how many to make
 * @period_ns: between two interrupts of a timer, 0: no timer
 * @loops: how often to go round in view 0, without a crossing
 * @max_us: as for undertow_cross()
 * @nmi: the timer is another CPU's, and sends an NMI here each time
 * @irqs_off: call with interrupts off
 * @roam: don't stay on one CPU
 * @ticks: result: interrupts of the timer
 * @nmis: result: NMIs handled, no more than one a tick
 * @nmis_inside: result: of these, while a compartment ran
 * @ended: result: calls that ended with an error
 * @status: result: the last such error
 * @value: result: what the last call returned
 * @tsc: result: ticks of the TSC
 */
struct undertow_storm {
	u64 calls;
	u64 period_ns;
	u64 loops;
	u32 max_us;
	bool nmi;
	bool irqs_off;
	bool roam;
	u64 ticks;
	u64 nmis;
	u64 nmis_inside;
	u64 ended;
	s64 status;
	u64 value;
	u64 tsc;
};

int undertow_selftest_storm(const struct undertow_bench *b, void *arg,
			    struct undertow_storm *s);

struct undertow_shake {
	u64 ticks;
	u64 moves;
};

int undertow_selftest_shake(int (*work)(void *), unsigned long nr,
			    u32 period_ns, u32 seconds,
			    struct undertow_shake *shake);
int undertow_selftest_timed(const struct undertow_bench *b,
			    struct undertow_timed *arg, u32 tries, u32 *ended);
u64 undertow_bench_run(const struct undertow_bench *b);
u64 undertow_bench_exits(const struct undertow_bench *b, u64 times,
			 struct undertow_tally *tally);
unsigned long undertow_bench_floor(void);
unsigned long undertow_bench_gate(bool vmfunc);
int undertow_selftest_poke(void *addr, const void *bytes, size_t len);
void *undertow_selftest_alias(void *addr);
void undertow_selftest_unalias(void *alias);
void undertow_selftest_pause(void);
unsigned int undertow_selftest_move(void);
unsigned long undertow_selftest_free_frames(void);
unsigned long undertow_selftest_deep(void (*fn)(void *arg), void *arg,
				     unsigned long left);
s64 undertow_selftest_cross(const struct undertow_bench *b, void *arg);

/* answered by kernel::undertow */
int undertow_rs_init(int mode);
long undertow_rs_fault(struct kvm_view_aex *aex,
		       const struct kvm_ve_info *info,
		       struct undertow_crossing *crossing,
		       const struct undertow_gate *gate,
		       struct undertow_resume *resume);
bool undertow_rs_is_dead(const struct undertow_crossing *crossing);
void undertow_rs_ended(const struct undertow_crossing *crossing, s64 status,
		       bool was_event);
s64 undertow_rs_serve(struct undertow_serving *serving);
void undertow_rs_denied(const struct undertow_crossing *crossing, s64 status,
			const struct undertow_serving *serving);
long undertow_rs_service_call(const void *service, void *block, size_t bytes);
void undertow_rs_violation(const struct kvm_ve_info *info, unsigned long ip);
void undertow_rs_show(struct seq_file *m);
int undertow_rs_seal(void);
void undertow_rs_module_going(struct module *mod);
void undertow_rs_kernel_text(const void *start, const void *end);
void undertow_rs_module_text(const void *start, size_t bytes, bool coming,
			     const char *name);
int undertow_rs_walk(struct seq_file *m);

#else

#define undertow_live false
static inline bool undertow_handle_ve(struct pt_regs *regs, unsigned long *addr)
{
	return false;
}

#endif /* CONFIG_UNDERTOW */
#endif /* _LINUX_UNDERTOW_H */
