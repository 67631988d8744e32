// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views and KVM's instruction emulator, which accesses
 * memory for the guest: in view 0 with the rights of view 0, in other views not
 * at all.  The attacks use a device as the other operand.
 */
#include "views_util.h"
#include "views_weaken.h"

#define FEP_PARAM	"/sys/module/kvm/parameters/force_emulation_prefix"
#define MMIO_GPA	0xc0000000ull
#define DEVICE_VALUE	0x4444444444444444ull
#define PATTERN		0xaaaaaaaaaaaaaaaaull

#define ROM_GPA		0xd0000000ull
#define ROM_SLOT	10

#define NO_SLOT		BIT(KVM_VIEWS_BREAK_NO_SLOT)
#define FAULT		BIT(KVM_VIEWS_BREAK_EMULATE_FAULT)
#define EMULATE		BIT(KVM_VIEWS_BREAK_EMULATE)
#define TRANSLATE	BIT(KVM_VIEWS_BREAK_TRANSLATE)

/* What an attempt in a view ends with. */
enum {
	E_DEVICE,	/* a view has no devices */
	E_FAULT,	/* no fault in a view leads to the emulator */
	E_EMULATOR,	/* the emulator does nothing for a view */
	E_RIGHTS,	/* the device is used, but memory by the view's rights */
	E_ALL,		/* nothing is left that would stop it */
};

/* Set by the host. */
static u64 ends, rights_off;

/* Each of these has a page of the device for itself. */
static u64 device(int nr)
{
	return MMIO_GPA + nr * 4096;
}

static u64 *victim(void)
{
	return (u64 *)pages[PG_DATA].gva;
}

static u64 *secret(void)
{
	return (u64 *)pages[PG_CODE].gva;
}

static u64 attack_movs(u64 arg)
{
	u64 *to = victim() + 8;

	asm volatile("movsq" : "+S" (arg), "+D" (to) : : "memory");
	return 1;
}

static u64 attack_push(u64 arg)
{
	asm volatile("mov %%rsp, %%r8; mov %1, %%rsp; pushq (%0);"
		     "mov %%r8, %%rsp" : : "r" (arg), "r" (victim() + 8) :
		     "r8", "memory");
	return 1;
}

/* Tells whether the secret is what the device says: an oracle. */
static u64 attack_cmps(u64 arg)
{
	u64 *to = secret();
	u8 equal;

	asm volatile("cmpsq; sete %0" : "=q" (equal), "+S" (arg), "+D" (to) : :
		     "memory", "cc");
	return 2 + equal;
}

static const struct {
	u64 (*fn)(u64 arg);
} attacks[] = { { attack_movs }, { attack_push }, { attack_cmps } };

static void refill(void)
{
	int i;

	for (i = 0; i < 512; i++)
		WRITE_ONCE(victim()[i], PATTERN);
}

static int changes(void)
{
	int i, n = 0;

	for (i = 0; i < 512; i++)
		n += victim()[i] != PATTERN;
	return n;
}

/* The AEX that ended the last attempt, of a right that @missing says. */
static void expect_aex(u64 gpa, u8 missing)
{
	GUEST_ASSERT_EQ(last_aex.view, 1);
	if (ends == E_RIGHTS) {
		GUEST_ASSERT_EQ(last_aex.cause, KVM_VIEW_AEX_EVENT);
		GUEST_ASSERT_EQ(last_aex.event & 0xff, GP_VECTOR);
		return;
	}
	GUEST_ASSERT_EQ(last_aex.cause, ends == E_EMULATOR ?
			KVM_VIEW_AEX_REFUSED : KVM_VIEW_AEX_VIOLATION);
	GUEST_ASSERT_EQ(last_aex.gpa, gpa);
	/* By its rights it could reach the device. */
	GUEST_ASSERT_EQ(last_aex.missing, ends == E_DEVICE ? missing : 0);
}

static void guest_view(void)
{
	u64 r;
	int i;

	*secret() = DEVICE_VALUE;
	refill();
	views_start(0);
	views_set(1, pages[PG_DATA].gpa, KVM_VIEW_R);
	views_set(1, pages[PG_CODE].gpa, 0);
	for (i = 0; i < ARRAY_SIZE(attacks); i++) {
		memset(&last_aex, 0, sizeof(last_aex));
		r = views_run(1, attacks[i].fn, device(i));
		if (ends == E_ALL) {
			/* One word written, or the secret known. */
			GUEST_ASSERT_EQ(r, attacks[i].fn == attack_cmps ? 3 : 1);
			GUEST_ASSERT_EQ(changes(), r == 1);
			refill();
			continue;
		}
		GUEST_ASSERT_EQ(r, AEX_RESULT);
		expect_aex(device(i), KVM_VIEW_R);
		GUEST_ASSERT_EQ(changes(), 0);
	}
	GUEST_DONE();
}

static u64 write_rom(u64 gva)
{
	WRITE_ONCE(*(u64 *)gva, PATTERN);
	return 1;
}

/*
 * Memory that is read-only for the VM, e.g. flash, behind which there is a
 * device all the same: a write to it is emulated.
 */
static void guest_rom(void)
{
	views_start(0);
	views_set(1, ROM_GPA, KVM_VIEW_R | KVM_VIEW_W);
	if (ends == E_ALL) {
		GUEST_ASSERT_EQ(views_run(1, write_rom, ROM_GPA), 1);
	} else {
		GUEST_ASSERT_EQ(views_run(1, write_rom, ROM_GPA), AEX_RESULT);
		expect_aex(ROM_GPA, 0);
	}
	GUEST_DONE();
}

/* In view 0, by force; an attempt returns the vector of its exception. */
#define TRY(insn, inputs...)	kvm_asm_safe_fep(insn, inputs)

static u8 root_mov(void)
{
	return TRY("movq %%rax, (%%rdi)", "a" (0ull), "D" (victim()));
}

static u8 root_xchg(void)
{
	return TRY("xchg %%rax, (%%rdi)", "a" (0ull), "D" (victim()));
}

static u8 root_cmpxchg(void)
{
	return TRY("lock cmpxchg %%rdx, (%%rdi)", "a" (PATTERN), "d" (0ull),
		   "D" (victim()));
}

static u8 root_movs(void)
{
	u64 from = 0;

	return TRY("movsq", "S" (&from), "D" (victim()));
}

/* Its first half is in a page that may be written. */
static u8 root_cross(void)
{
	return TRY("movq %%rax, (%%rdi)", "a" (0ull),
		   "D" (pages[PG_DATA].gva - 4));
}

static u8 root_mmio(void)
{
	return kvm_asm_safe("movsq", "S" (device(0)), "D" (victim()));
}

/* These read. */
static u8 root_load(void)
{
	return TRY("movq (%%rdi), %%rax", "D" (secret()));
}

static u8 root_cmps(void)
{
	return kvm_asm_safe("cmpsq", "S" (device(1)), "D" (secret()));
}

static const struct {
	const char *name;
	u8 (*fn)(void);
	bool writes;
} in_root[] = {
	{ "mov", root_mov, true },
	{ "xchg", root_xchg, true },
	{ "cmpxchg", root_cmpxchg, true },
	{ "movs", root_movs, true },
	{ "mov across a page boundary", root_cross, true },
	{ "movs from a device", root_mmio, true },
	{ "load", root_load, false },
	{ "cmps with a device", root_cmps, false },
};

static void guest_root(void)
{
	u8 vector;
	int i;

	refill();
	views_start(0);
	views_set(0, pages[PG_DATA].gpa, KVM_VIEW_R);
	views_set(0, pages[PG_CODE].gpa, 0);
	for (i = 0; i < ARRAY_SIZE(in_root); i++) {
		vector = in_root[i].fn();
		__GUEST_ASSERT(vector == (rights_off ? 0 : GP_VECTOR),
			       "%s: vector %u", in_root[i].name, vector);
		__GUEST_ASSERT(changes() == (rights_off && in_root[i].writes),
			       "%s: %d words changed", in_root[i].name, changes());
		if (!changes())
			continue;
		views_set(0, pages[PG_DATA].gpa, KVM_VIEW_R | KVM_VIEW_W);
		refill();
		views_set(0, pages[PG_DATA].gpa, KVM_VIEW_R);
	}
	GUEST_PRINTF("# %d of %ld denied\n",
		     rights_off ? 0 : i, ARRAY_SIZE(in_root));
	GUEST_DONE();
}

/* Returns how often the device was used. */
static int run(void (*guest)(void))
{
	u64 value = DEVICE_VALUE;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct ucall uc;
	int i, uses = 0;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		virt_map(vm, device(i), device(i), 1);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, ROM_GPA, ROM_SLOT, 1,
				    KVM_MEM_READONLY);
	virt_map(vm, ROM_GPA, ROM_GPA, 1);
	sync_global_to_guest(vm, ends);
	sync_global_to_guest(vm, rights_off);
	/* What lies below the victim may be written. */
	TEST_ASSERT(pages[PG_SECRET].gva + 4096 == pages[PG_DATA].gva,
		    "pages are not in a row");

	for (;;) {
		vcpu_run(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
			TEST_ASSERT_EQ(vcpu->run->mmio.is_write,
				       guest == guest_rom);
			memcpy(vcpu->run->mmio.data, &value, vcpu->run->mmio.len);
			uses++;
			continue;
		}
		switch (get_ucall(vcpu, &uc)) {
		case UCALL_PRINTF:
			REPORT_GUEST_PRINTF(uc);
			break;
		case UCALL_DONE:
			kvm_vm_free(vm);
			return uses;
		default:
			REPORT_GUEST_ASSERT(uc);
		}
	}
}

/* Of what else would stop it, an attempt is stopped by what is still there. */
static const struct {
	const char *name;
	void (*guest)(void);
	u64 ends;
	unsigned long weaken;
	int uses;
} layers[] = {
	{ "a view has no devices", guest_view, E_DEVICE, 0 },
	{ "... that alone is enough", guest_view, E_DEVICE, FAULT | EMULATE },
	{ "no fault leads to the emulator", guest_view, E_FAULT, NO_SLOT },
	{ "... that alone is enough", guest_view, E_FAULT, NO_SLOT | EMULATE },
	{ "nothing is emulated for a view", guest_view, E_EMULATOR,
	  NO_SLOT | FAULT },
	{ "with all of that off, a view uses a device", guest_view, E_RIGHTS,
	  NO_SLOT | FAULT | EMULATE, 3 },
	{ "... and without the rights writes and reads what it may not",
	  guest_view, E_ALL, NO_SLOT | FAULT | EMULATE | TRANSLATE, 3 },
	{ "a write to ROM does not reach the VMM", guest_rom, E_FAULT, 0 },
	{ "... nor by the emulator", guest_rom, E_EMULATOR, FAULT },
	{ "... nor by a fault", guest_rom, E_FAULT, EMULATE },
	{ "... without these two, it does", guest_rom, E_ALL, FAULT | EMULATE,
	  1 },
};

static char old_fep[8];

static void restore_fep(void)
{
	views_write_param(FEP_PARAM, old_fep);
}

int main(void)
{
	int fd, i;

	views_require();
	fd = open(FEP_PARAM, O_RDONLY);
	TEST_ASSERT(fd >= 0 && read(fd, old_fep, sizeof(old_fep) - 1) > 0,
		    "can't read " FEP_PARAM);
	close(fd);
	atexit(restore_fep);
	views_write_param(FEP_PARAM, "1");

	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(layers) + 2);
	for (i = 0; i < ARRAY_SIZE(layers); i++) {
		if (layers[i].weaken && !views_can_weaken()) {
			ksft_test_result_skip("%s\n", layers[i].name);
			continue;
		}
		if (layers[i].weaken)
			views_weaken(layers[i].weaken);
		ends = layers[i].ends;
		ksft_test_result(run(layers[i].guest) == layers[i].uses, "%s\n",
				 layers[i].name);
		views_strengthen();
	}

	ksft_test_result(run(guest_root) == 2, "rights of view 0\n");
	if (views_can_weaken()) {
		rights_off = 1;
		views_weaken(BIT(KVM_VIEWS_BREAK_TRANSLATE));
		ksft_test_result(run(guest_root) == 2,
				 "without these all accesses succeed\n");
		views_strengthen();
	} else {
		ksft_test_result_skip("without these all accesses succeed\n");
	}
	ksft_finished();
}
