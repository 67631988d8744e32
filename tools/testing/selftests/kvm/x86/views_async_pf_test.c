// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and asynchronous page faults: when memory is slow to
 * come, KVM tells a guest that wants to know, and the guest does something else.
 * In a view it waits instead.
 */
#include <asm/kvm_para.h>

#include "apic.h"
#include "userfaultfd_util.h"
#include "views_util.h"

#define MEM_GPA		0x40000000ull
#define MEM_SLOT	10
#define READY_VECTOR	0x40
#define VALUE		0x1234u
#define DELAY_US	200000

/* Pages of the slot, each of which is slow to come once. */
enum { IN_ROOT, IN_VIEW, NR_PAGES };

static u64 nr_not_present, nr_ready, told;
static struct page apf;

static struct kvm_vcpu_pv_apf_data *apf_data(void)
{
	return (void *)apf.gva;
}

static void handle_pf(struct ex_regs *regs)
{
	GUEST_ASSERT_EQ(apf_data()->flags, KVM_PV_REASON_PAGE_NOT_PRESENT);
	apf_data()->flags = 0;
	WRITE_ONCE(nr_not_present, nr_not_present + 1);
	/* Again: KVM waits now, with the vCPU halted. */
}

static void handle_ready(struct ex_regs *regs)
{
	/* The first one comes of the MSR, and is for no page. */
	if (apf_data()->token != ~0u)
		WRITE_ONCE(nr_ready, nr_ready + 1);
	apf_data()->token = 0;
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);
	x2apic_write_reg(APIC_EOI, 0);
}

static u64 do_read(u64 gva)
{
	return READ_ONCE(*(u64 *)gva);
}

static u64 slow_page(int nr)
{
	return MEM_GPA + nr * 4096;
}

static void wait_ready(u64 nr)
{
	while (READ_ONCE(nr_ready) != nr)
		cpu_relax();
}

static void guest_code(void)
{
	u64 r;

	x2apic_enable();
	wrmsr(MSR_KVM_ASYNC_PF_INT, READY_VECTOR);
	wrmsr(MSR_KVM_ASYNC_PF_EN, apf.gpa | KVM_ASYNC_PF_ENABLED |
	      KVM_ASYNC_PF_SEND_ALWAYS | KVM_ASYNC_PF_DELIVERY_AS_INT);
	views_start(0);
	/* Not in the shadow of STI: nothing could be delivered there. */
	sti_nop();

	/* In view 0 as ever. */
	GUEST_ASSERT_EQ(do_read(slow_page(IN_ROOT)), VALUE);
	GUEST_ASSERT_EQ(READ_ONCE(nr_not_present), 1);
	wait_ready(1);

	r = views_run(1, do_read, slow_page(IN_VIEW));
	GUEST_ASSERT_EQ(READ_ONCE(nr_not_present), 1);
	if (!told) {
		GUEST_ASSERT_EQ(r, VALUE);
		GUEST_ASSERT_EQ(nr_aex, 0);
		GUEST_ASSERT_EQ(READ_ONCE(nr_ready), 1);
	} else {
		/* The call is lost, for nothing that the guest did. */
		GUEST_ASSERT_EQ(r, AEX_RESULT);
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event & 0xff, PF_VECTOR);
		GUEST_ASSERT_EQ(last_aex.view, 1);
		GUEST_ASSERT_EQ(apf_data()->flags,
				KVM_PV_REASON_PAGE_NOT_PRESENT);
		wait_ready(2);
	}
	GUEST_DONE();
}

static int serve(int mode, int uffd, struct uffd_msg *msg)
{
	static u64 page[512] = { VALUE };
	struct uffdio_copy copy = {
		.src = (u64)page,
		.dst = msg->arg.pagefault.address & ~4095ull,
		.len = 4096,
	};

	usleep(DELAY_US);
	/* Who waits for the page may have asked twice. */
	return ioctl(uffd, UFFDIO_COPY, &copy) && errno != EEXIST ? -1 : 0;
}

static void test(const char *name)
{
	struct kvm_vcpu *vcpu;
	struct uffd_desc *uffd;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	views_setup(vm);
	apf.gva = vm_alloc_page(vm);
	apf.gpa = addr_gva2gpa(vm, apf.gva);
	sync_global_to_guest(vm, apf);
	sync_global_to_guest(vm, told);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
				    NR_PAGES, 0);
	virt_map(vm, MEM_GPA, MEM_GPA, NR_PAGES);
	vm_install_exception_handler(vm, PF_VECTOR, handle_pf);
	vm_install_exception_handler(vm, READY_VECTOR, handle_ready);
	uffd = uffd_setup_demand_paging(UFFDIO_REGISTER_MODE_MISSING, 0,
					addr_gpa2hva(vm, MEM_GPA),
					NR_PAGES * 4096, 1, serve);
	views_run_vcpu(vcpu);
	uffd_stop_demand_paging(uffd);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

int main(void)
{
	views_require();
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_ASYNC_PF_INT));
	ksft_print_header();
	ksft_set_plan(2);
	test("a view waits for its memory");
	told = 1;
	views_weakened_test(KVM_VIEWS_BREAK_ASYNC_PF,
			    "... or its call ends by an event", test);
	ksft_finished();
}
