// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: each tracepoint, with the fields that belong to
 * what the guest did, and nothing else.  Needs a kernel with tracing.
 *
 * ut-kernel: debug
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "views_util.h"

#define DIR	"/tmp/views_trace"
#define RX	(KVM_VIEW_R | KVM_VIEW_X)

/* Where the guest does what is traced. */
static u64 read_rip, out_rip, ve_rip;

static noinline u64 do_read(u64 gva)
{
	u64 val;

	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %1;"
		     "1: mov (%%rdi), %%rax"
		     : "=&a" (val), "=m" (read_rip) : "D" (gva) : "memory");
	return val;
}

static noinline u64 do_out(u64 arg)
{
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; 1: out %%al, $0x80"
		     : "=m" (out_rip) : : "rax", "memory");
	return 0;
}

static u64 do_nothing(u64 arg)
{
	return arg;
}

static void handle_ve(struct ex_regs *regs)
{
	WRITE_ONCE(((struct kvm_ve_info *)pages[PG_VE].gva)->busy, 0);
	ve_rip = regs->rip;
	/* The MOV of do_read(). */
	regs->rip += 3;
}

/* The host switches and delivers #VE: both are traced. */
static void guest_code(void)
{
	u64 secret = pages[PG_SECRET].gpa;

	views_start(KVM_VIEW_VCPU_NO_VMFUNC | KVM_VIEW_VCPU_NO_HW_VE);
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, RX, 0), 0);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, RX, 0), -EEXIST);
	GUEST_ASSERT_EQ(views_set_flags(1, secret, 1, 0, 0), 1);
	GUEST_ASSERT_EQ(views_set_flags(9, secret, 2, KVM_VIEW_R, 1), -ENOENT);
	GUEST_ASSERT_EQ(views_run(1, do_nothing, 5), 5);
	GUEST_ASSERT_EQ(views_run(1, do_read, pages[PG_SECRET].gva), AEX_RESULT);
	GUEST_ASSERT_EQ(views_run(1, do_out, 0), AEX_RESULT);
	GUEST_ASSERT_EQ(views_set_flags(0, secret, 1, 0, KVM_VIEW_OP_VE), 1);
	do_read(pages[PG_SECRET].gva);
	GUEST_SYNC(1);
	GUEST_DONE();
}

static void write_to(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DIR "/%s", name);
	views_write_param(path, value);
}

static const char * const events[] = {
	"create", "set", "switch", "aex", "ve", "refused",
};

static void enable_events(const char *on)
{
	char name[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(name, sizeof(name), "events/kvm/kvm_view_%s/enable",
			 events[i]);
		write_to(name, on);
	}
}

static FILE *trace;

/* The next line that is ours, from the event's name on. */
static char *next_event(void)
{
	static char line[512];
	char *event;

	while (fgets(line, sizeof(line), trace)) {
		event = strstr(line, "kvm_view_");
		if (line[0] == '#' || !event)
			continue;
		line[strcspn(line, "\n")] = 0;
		return event;
	}
	return NULL;
}

static __printf(2, 3) void expect(const char *event, const char *format, ...)
{
	char want[512], *have = next_event();
	va_list ap;
	int n;

	n = sprintf(want, "kvm_view_%s: vcpu 0 ", event);
	va_start(ap, format);
	vsnprintf(want + n, sizeof(want) - n, format, ap);
	va_end(ap);
	TEST_ASSERT(have && !strcmp(have, want), "'%s' instead of '%s'", have,
		    want);
}

/* By a VMCALL of the gate. */
static void expect_switch(int from, int to)
{
	char *have = next_event();
	u64 rip = 0, gate = (u64)views_call;
	int n = 0, vcpu = -1, a = -1, b = -1;

	if (have)
		n = sscanf(have, "kvm_view_switch: vcpu %d view %d to %d rip 0x%lx",
			   &vcpu, &a, &b, &rip);
	TEST_ASSERT(n == 4 && !vcpu && a == from && b == to && rip > gate &&
		    rip < gate + 4096, "'%s' instead of a switch from %d to %d",
		    have, from, to);
}

static void check_events(void)
{
	u64 gpa = pages[PG_SECRET].gpa, gfn = gpa >> 12;

	expect("create", "view 2 rights [rx]");
	expect("set",
	       "view 1 type 1 gfn 0x%lx npages 0x1 rights [] flags 0x0 ret 0",
	       gfn);
	expect("set",
	       "view 9 type 1 gfn 0x%lx npages 0x2 rights [r] flags 0x1 ret -2",
	       gfn);
	expect_switch(0, 1);
	expect_switch(1, 0);
	expect_switch(0, 1);
	expect("aex",
	       "view 1 cause violation reason EPT_VIOLATION rip 0x%lx gpa 0x%lx missing [r] event 0x0",
	       read_rip, gpa);
	expect_switch(0, 1);
	expect("aex",
	       "view 1 cause refused reason IO_INSTRUCTION rip 0x%lx gpa 0x0 missing [] event 0x0",
	       out_rip);
	expect("refused", "view 1 reason IO_INSTRUCTION rip 0x%lx", out_rip);
	expect("set",
	       "view 0 type 1 gfn 0x%lx npages 0x1 rights [] flags 0x4 ret 0",
	       gfn);
	expect("ve", "rip 0x%lx gpa 0x%lx qual 0x181", ve_rip, gpa);
	TEST_ASSERT(!next_event(), "one too many");
}

static void run_to_stage(struct kvm_vcpu *vcpu, u64 stage)
{
	struct ucall uc;

	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
	TEST_ASSERT_EQ(uc.args[1], stage);
}

static void end_tracing(void)
{
	umount2(DIR, MNT_DETACH);
	rmdir(DIR);
}

int main(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	views_require();
	mkdir(DIR, 0700);
	atexit(end_tracing);
	__TEST_REQUIRE(!mount("tracefs", DIR, "tracefs", 0, NULL) &&
		       !access(DIR "/events/kvm/kvm_view_aex/enable", W_OK),
		       "no tracing of events in this kernel");
	ksft_print_header();
	ksft_set_plan(1);

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	views_setup(vm);
	vm_install_exception_handler(vm, 20, handle_ve);
	run_to_stage(vcpu, 0);
	write_to("trace", " ");
	enable_events("1");
	run_to_stage(vcpu, 1);
	enable_events("0");
	sync_global_from_guest(vm, read_rip);
	sync_global_from_guest(vm, out_rip);
	sync_global_from_guest(vm, ve_rip);
	TEST_ASSERT_EQ(ve_rip, read_rip);

	trace = fopen(DIR "/trace", "r");
	TEST_ASSERT(trace, "no trace");
	check_events();
	fclose(trace);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("tracepoints\n");
	ksft_finished();
}
