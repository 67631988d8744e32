// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-controlled EPT views: what they cost the host, not a test.
 *
 * Prints lines "UT-COST key=value".  Instructions are differences of the TSC,
 * which is a count of instructions on the emulated CPU of the bench and says
 * nothing on another one.  Without views (an unpatched kernel, or guest_views
 * other than 2) only the costs of VM exits are measured.
 */
#include "views_util.h"

#define SLOT		10
#define SLOT_GPA	(4ull << 30)
#define MIB		BIT_ULL(20)
#define ROUNDS		4000

/* A component: code in large pages, data here and there. */
#define TEXT_SIZE	(32 * MIB)
#define NR_REGIONS	20
#define REGION_PAGES	2
#define REGION_STRIDE	(16 * MIB)
#define FIRST_REGION	(64 * MIB)
#define COMPONENT_SIZE	(FIRST_REGION + NR_REGIONS * REGION_STRIDE)

struct result {
	u64 empty;
	u64 vmcall;
	u64 cpuid;
	u64 invd;
	u64 insns;
	u64 best;
	u64 hypercalls;
	u64 pt_pages;
} result;

/* What the guest is to build; set by the host. */
struct job {
	u64 npages;
	u64 nr_views;
	u64 dflt;
} job;

#define measure(insn, ...) ({						\
	u64 best = -1ull, i, start, took;				\
									\
	for (i = 0; i < ROUNDS; i++) {					\
		start = rdtsc();					\
		asm volatile(insn : : : "rax", "rbx", "rcx", "rdx",	\
			     "rsi", "memory");				\
		took = rdtsc() - start;					\
		best = min(best, took);					\
	}								\
	best;								\
})

/* The cheapest of many: nothing but the exit itself happened in it. */
static void measure_exits(void)
{
	result.empty = measure("xor %%eax, %%eax");
	/* A hypercall that no host has: nothing but the way there and back. */
	result.vmcall = measure("mov $0x7fff, %%eax; vmcall");
	result.cpuid = measure("xor %%eax, %%eax; xor %%ecx, %%ecx; cpuid");
	/* KVM handles this one in its fast path. */
	result.invd = measure("invd");
}

static void guest_exits(void)
{
	measure_exits();
	GUEST_DONE();
}

static void start(u64 max)
{
	struct kvm_view_vcpu *cfg = (void *)pages[PG_ARGS].gva;

	GUEST_ASSERT_EQ(views_enable(max), 0);
	views_default_cfg(cfg);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_VCPU_INIT, pages[PG_ARGS].gpa, 0, 0),
			0);
}

static void guest_exits_views(void)
{
	start(2);
	measure_exits();
	GUEST_DONE();
}

/* POPULATE may stop early; it says how far it came. */
static void populate(u64 view, u64 gfn, u64 npages)
{
	while (npages) {
		u64 now = min_t(u64, npages, 1ull << 18);
		long done = views_hc(KVM_VIEWS_POPULATE, view, gfn, now);

		result.hypercalls++;
		GUEST_ASSERT(done >= 0);
		gfn += done;
		npages -= done;
	}
}

static void guest_map(void)
{
	u64 before;

	start(2);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, 1, KVM_VIEW_R, 0), 0);
	before = rdtsc();
	populate(1, SLOT_GPA >> 12, job.npages);
	result.insns = rdtsc() - before;
	result.pt_pages = views_hc(KVM_VIEWS_QUERY, KVM_VIEWS_Q_PT_PAGES, 1, 0);
	GUEST_DONE();
}

static void add_op(struct kvm_view_op *op, u64 view, u64 gpa, u64 npages,
		   u8 mask, u32 flags)
{
	memset(op, 0, sizeof(*op));
	op->view = view;
	op->type = KVM_VIEW_OP_PROTECT;
	op->mask = mask;
	op->flags = flags;
	op->gfn = gpa >> 12;
	op->npages = npages;
}

/* The n-th component; its data is its own, the large pages around it shared. */
static void build_view(u64 view)
{
	struct kvm_view_op *ops = (void *)pages[PG_ARGS].gva;
	u64 own = view * REGION_PAGES * PAGE_SIZE;
	int i;

	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_CREATE, view, job.dflt, 0), 0);
	add_op(&ops[0], view, SLOT_GPA, TEXT_SIZE / PAGE_SIZE,
	       KVM_VIEW_R | KVM_VIEW_X, KVM_VIEW_OP_POPULATE);
	for (i = 0; i < NR_REGIONS; i++)
		add_op(&ops[i + 1], view, SLOT_GPA + FIRST_REGION +
		       i * REGION_STRIDE + own, REGION_PAGES,
		       KVM_VIEW_R | KVM_VIEW_W, KVM_VIEW_OP_POPULATE_WRITE);
	GUEST_ASSERT_EQ(views_hc(KVM_VIEWS_SET, pages[PG_ARGS].gpa,
				 NR_REGIONS + 1, 0), NR_REGIONS + 1);
	result.hypercalls += 2;
}

static void guest_build(void)
{
	u64 view, before, took;

	start(job.nr_views + 1);
	result.best = -1ull;
	for (view = 1; view <= job.nr_views; view++) {
		before = rdtsc();
		build_view(view);
		took = rdtsc() - before;
		result.insns += took;
		result.best = min(result.best, took);
	}
	for (view = 1; view <= job.nr_views; view++)
		result.pt_pages += views_hc(KVM_VIEWS_QUERY,
					    KVM_VIEWS_Q_PT_PAGES, view, 0);
	GUEST_DONE();
}

static u64 meminfo_kib(const char *key)
{
	char line[128], name[64];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	TEST_ASSERT(f, "no /proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^:]: %lu kB", name, &kib) == 2 &&
		    !strcmp(name, key))
			break;
		kib = 0;
	}
	fclose(f);
	return kib;
}

/* What the host says of the last run: its count of tables lags a little. */
static u64 host_tables_kib, huge_mib;

static void run(void (*guest)(void), u64 size, enum vm_mem_backing_src_type src)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 before;

	vm = vm_create_with_one_vcpu(&vcpu, guest);
	views_setup(vm);
	before = meminfo_kib("AnonHugePages");
	if (size) {
		vm_userspace_mem_region_add(vm, src, SLOT_GPA, SLOT,
					    size / PAGE_SIZE, 0);
		memset(addr_gpa2hva(vm, SLOT_GPA), 1, size);
	}
	huge_mib = (meminfo_kib("AnonHugePages") - before) / 1024;

	memset(&result, 0, sizeof(result));
	sync_global_to_guest(vm, result);
	sync_global_to_guest(vm, job);
	before = meminfo_kib("SecPageTables");
	views_run_vcpu(vcpu);
	host_tables_kib = meminfo_kib("SecPageTables") - before;
	sync_global_from_guest(vm, result);
	kvm_vm_free(vm);
}

static void cost(const char *name, const char *what, u64 value)
{
	printf("UT-COST %s%s=%lu\n", name, what, (unsigned long)value);
}

static void exits(const char *name, void (*guest)(void))
{
	run(guest, 0, 0);
	cost(name, "_vmcall", result.vmcall - result.empty);
	cost(name, "_cpuid", result.cpuid - result.empty);
	cost(name, "_invd", result.invd - result.empty);
}

/* One view that maps a guest of this size, read-only. */
static void map(const char *name, u64 mib, enum vm_mem_backing_src_type src)
{
	job.npages = mib * MIB / PAGE_SIZE;
	run(guest_map, mib * MIB, src);
	cost(name, "_table_bytes", result.pt_pages * PAGE_SIZE);
	cost(name, "_hypercalls", result.hypercalls);
	cost(name, "_insns", result.insns);
	cost(name, "_host_table_kib", host_tables_kib);
	cost(name, "_huge_mib", huge_mib);
}

static void build(const char *name, u64 nr_views, u8 dflt)
{
	job.nr_views = nr_views;
	job.dflt = dflt;
	run(guest_build, COMPONENT_SIZE, VM_MEM_SRC_ANONYMOUS_THP);
	cost(name, "_hypercalls", result.hypercalls);
	cost(name, "_insns", result.insns);
	cost(name, "_best_view_insns", result.best);
	cost(name, "_table_bytes", result.pt_pages * PAGE_SIZE);
	cost(name, "_host_table_kib", host_tables_kib);
	cost(name, "_huge_mib", huge_mib);
}

int main(void)
{
	exits("exit", guest_exits);

	if (access("/sys/module/kvm/parameters/guest_views", R_OK) ||
	    get_kvm_param_integer("guest_views") != 2)
		return 0;

	exits("exit_with_views", guest_exits_views);
	map("map512_4k", 512, VM_MEM_SRC_ANONYMOUS);
	map("map512_2m", 512, VM_MEM_SRC_ANONYMOUS_THP);
	map("map1024_4k", 1024, VM_MEM_SRC_ANONYMOUS);
	map("map1024_2m", 1024, VM_MEM_SRC_ANONYMOUS_THP);
	build("build16_none", 16, 0);
	build("build16_r", 16, KVM_VIEW_R);
	build("build160_none", 160, 0);
	build("build160_r", 160, KVM_VIEW_R);
	return 0;
}
