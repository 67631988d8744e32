// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what must not happen while a vCPU is in SMM that
 * came from a view, as it goes back there: its view is not destroyed, and the
 * vCPU is not saved.
 */
#include "views_smm.h"
#include "views_state.h"
#include "views_weaken.h"

#define RWX	(KVM_VIEW_R | KVM_VIEW_W | KVM_VIEW_X)

/* What RSM leads to: the first with the defences on, the others without. */
enum { TO_VIEW, TO_ROOT, TO_NOTHING, TO_ANOTHER };

static u64 expect;
static struct page cell1;

static void register_vcpu(struct page *cell)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_STACK].gva;

	views_default_cfg(cfg);
	cfg->sp_cell = cell->gpa;
	cfg->ve_info = pages[PG_CODE].gpa;
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_STACK].gpa, 0,
				 0), 0);
}

static void check_result(u64 r, u64 view)
{
	if (expect == TO_ROOT || expect == TO_ANOTHER) {
		GUEST_ASSERT_EQ(r, SECRET);
		return;
	}
	GUEST_ASSERT_EQ(r, AEX_RESULT);
	GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.view, view);
	/* Of a view that is gone, it is the next fetch or access. */
	if (expect == TO_VIEW) {
		GUEST_ASSERT_EQ(last_aex.missing, KVM_VIEW_R);
		GUEST_ASSERT_EQ(last_aex.gpa, pages[PG_SECRET].gpa);
	}
}

static void guest_saved(void)
{
	views_start(0);
	*(u32 *)pages[PG_SECRET].gva = SECRET;
	views_set(1, pages[PG_SECRET].gpa, 0);
	check_result(views_run(1, view_code, pages[PG_SECRET].gva), 1);
	GUEST_DONE();
}

static int save_error(struct kvm_vcpu *vcpu, struct kvm_view_vcpu_state *state)
{
	return __vcpu_ioctl(vcpu, KVM_X86_GET_VCPU_VIEW_STATE, state) ? errno :
									0;
}

/* In SMM the vCPU is in view 0, but what it goes back to is not. */
static void test_save(const char *name)
{
	struct kvm_view_vcpu_state state;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	expect = TO_VIEW;
	vm = vm_create_with_one_vcpu(&vcpu, guest_saved);
	prepare_smm(vm, vcpu, smi_reads, sizeof(smi_reads));
	sync_global_to_guest(vm, expect);
	run_to_spin(vcpu);
	TEST_ASSERT_EQ(save_error(vcpu, &state), 0);
	TEST_ASSERT_EQ(state.view, 1);

	enter_smm(vcpu);
	vcpu_run_complete_io(vcpu);
	TEST_ASSERT_EQ(save_error(vcpu, &state), EBUSY);
	/* The VM's part knows nothing of it. */
	free(views_get_state(vm));

	end_smm(vcpu);
	TEST_ASSERT_EQ(save_error(vcpu, &state), EBUSY);
	run_to_spin(vcpu);
	TEST_ASSERT_EQ(save_error(vcpu, &state), 0);
	TEST_ASSERT_EQ(state.view, 1);
	views_let_go(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

static void set_smm(struct kvm_vcpu *vcpu, bool smm)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(vcpu, &events);
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	events.smi.smm = smm;
	vcpu_events_set(vcpu, &events);
}

/*
 * The same state in another VM: RSM leads to view 0, with a view's registers.
 * The vCPU is registered before it is in SMM, where it sees other memory.
 */
static void test_saved_in_smm(const char *name)
{
	struct views_saved s;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	expect = TO_ROOT;
	vm = vm_create_with_one_vcpu(&vcpu, guest_saved);
	prepare_smm(vm, vcpu, smi_reads, sizeof(smi_reads));
	sync_global_to_guest(vm, expect);
	run_to_spin(vcpu);
	enter_smm(vcpu);
	views_save(vcpu, &s);
	TEST_ASSERT_EQ(s.vcpu.view, 0);

	s.x86->events.smi.smm = 0;
	vcpu = views_new_vm(vm, &s);
	show_secret(vm);
	views_restore(vcpu, &s);
	set_smm(vcpu, true);
	end_smm(vcpu);
	run_to_spin(vcpu);
	views_let_go(vm);
	views_run_vcpu(vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("%s\n", name);
}

/* Nor does a VMM get a vCPU into a view while that is in SMM. */
static void test_restore(void)
{
	struct views_saved s;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int r;

	vm = vm_create_with_one_vcpu(&vcpu, guest_saved);
	prepare_smm(vm, vcpu, smi_reads, sizeof(smi_reads));
	run_to_spin(vcpu);
	views_save(vcpu, &s);
	vcpu = views_new_vm(vm, &s);
	set_smm(vcpu, true);
	vm_ioctl(vm, KVM_X86_SET_VIEW_STATE, s.vm);
	r = __vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, &s.vcpu);
	TEST_ASSERT(r && errno == EBUSY, "restored in SMM");
	set_smm(vcpu, false);
	vcpu_ioctl(vcpu, KVM_X86_SET_VCPU_VIEW_STATE, &s.vcpu);
	kvm_vm_free(vm);
	views_drop(&s);
	ksft_test_result_pass("not restored in SMM\n");
}

static void new_view(u8 secret)
{
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 2, RWX, 0), 0);
	views_set(2, idt_gpa, 0);
	views_set(2, pages[PG_SECRET].gpa, secret);
}

static void guest_destroyer(void)
{
	views_start(0);
	*(u32 *)pages[PG_SECRET].gva = SECRET;
	new_view(0);
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_DESTROY, 2, 0, 0),
			expect == TO_VIEW ? -EBUSY : 0);
	/* One with the same number may see more. */
	if (expect == TO_ANOTHER)
		new_view(KVM_VIEW_R);
	GUEST_SYNC(2);
	if (expect != TO_NOTHING)
		GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_DESTROY, 2, 0, 0), 0);
	GUEST_DONE();
}

static void guest_inside(void)
{
	register_vcpu(&cell1);
	check_result(views_call(2, view_code, pages[PG_SECRET].gva,
				(u64 *)cell1.gva), 2);
	GUEST_DONE();
}

static void test_destroy(const char *name, u64 to)
{
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vm;

	expect = to;
	vm = vm_create_with_vcpus(2, guest_destroyer, vcpus);
	vcpu_arch_set_entry_point(vcpus[1], guest_inside);
	prepare_smm(vm, vcpus[1], smi_reads, sizeof(smi_reads));
	cell1.gva = vm_alloc_page(vm);
	cell1.gpa = addr_gva2gpa(vm, cell1.gva);
	sync_global_to_guest(vm, cell1);
	sync_global_to_guest(vm, expect);

	views_run_to_stage(vcpus[0], 1);
	run_to_spin(vcpus[1]);
	enter_smm(vcpus[1]);
	views_run_to_stage(vcpus[0], 2);
	end_smm(vcpus[1]);
	views_let_go(vm);
	views_run_vcpu(vcpus[1]);
	views_run_vcpu(vcpus[0]);
	kvm_vm_free(vm);
	ksft_test_result_pass("%s\n", name);
}

static void test_destroy_refused(const char *name)
{
	test_destroy(name, TO_VIEW);
}

static void test_destroyed(const char *name)
{
	test_destroy(name, TO_NOTHING);
}

static void test_replaced(const char *name)
{
	test_destroy(name, TO_ANOTHER);
}

int main(void)
{
	views_require();
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_X86_SMM));
	ksft_print_header();
	ksft_set_plan(6);
	test_save("not saved in SMM");
	views_weakened_test(KVM_VIEWS_BREAK_SMM_SAVE,
			    "... or it goes on in view 0", test_saved_in_smm);
	test_restore();
	test_destroy_refused("not destroyed while RSM leads there");
	views_weakened_test(KVM_VIEWS_BREAK_SMM_DESTROY,
			    "... or RSM leads to nothing", test_destroyed);
	views_weakened_test(KVM_VIEWS_BREAK_SMM_DESTROY,
			    "... or to another view of that number",
			    test_replaced);
	ksft_finished();
}
