/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where SVM differs from the table of views_refuse_test: what a view's own
 * intercepts stop, what these CPUs don't have, and what exits by other names.
 */
#ifndef SELFTEST_KVM_VIEWS_REFUSE_SVM_H
#define SELFTEST_KVM_VIEWS_REFUSE_SVM_H

#define NO_OPCODE	0x80000306

static const struct cell svm_cells[] = {
	DEFENDED(lgdt, 46, SVM_INTERCEPTS, ST(GDTR)),
	DEFENDED(lidt, 46, SVM_INTERCEPTS, ST(IDTR)),
	DEFENDED(sgdt, 46, SVM_INTERCEPTS, 0),
	DEFENDED(sidt, 46, SVM_INTERCEPTS, 0),
	DEFENDED(lldt, 47, SVM_INTERCEPTS, 0),
	DEFENDED(sldt, 47, SVM_INTERCEPTS, 0),
	DEFENDED(str, 47, SVM_INTERCEPTS, 0),
	/* These need the emulator, unless the CPU helps: refused twice. */
	CELL(cr0_wp, STOP, 28),
	CELL(cr0_am, STOP, 28),
	CELL(cr4_tsd, STOP, 28),
	CELL(cr4_de, STOP, 28),
	CELL(cr4_pge, STOP, 28),
	CELL(cr4_pce, STOP, 28),
	CELL(cr4_fsgsbase, STOP, 28),
	CELL(ts, STOP, 28),
	DEFENDED(cr3, 28, SVM_INTERCEPTS, 0),
	DEFENDED(dr0, 29, ALLOW_LIST, ST(DR0)),
	DEFENDED(read_dr0, 29, ALLOW_LIST, 0),
	DEFENDED(wrmsr_fs_base, 32, SVM_INTERCEPTS, ST(FS_BASE)),
	DEFENDED(wrmsr_gs_base, 32, SVM_INTERCEPTS, ST(GS_BASE)),
	DEFENDED(wrmsr_kernel_gs_base, 32, SVM_INTERCEPTS, ST(KERNEL_GS_BASE)),
	DEFENDED(wrmsr_sysenter_cs, 32, SVM_INTERCEPTS, ST(SYSENTER_CS)),
	DEFENDED(wrmsr_sysenter_esp, 32, SVM_INTERCEPTS, ST(SYSENTER_ESP)),
	DEFENDED(wrmsr_sysenter_eip, 32, SVM_INTERCEPTS, ST(SYSENTER_EIP)),
	DEFENDED(wrmsr_star, 32, SVM_INTERCEPTS, ST(STAR)),
	DEFENDED(wrmsr_lstar, 32, SVM_INTERCEPTS, ST(LSTAR)),
	DEFENDED(wrmsr_cstar, 32, SVM_INTERCEPTS, ST(CSTAR)),
	DEFENDED(wrmsr_sfmask, 32, SVM_INTERCEPTS, ST(SFMASK)),
	/* Without NRIPS, KVM has no fast path for them. */
	DEFENDED(wrmsr_tsc_deadline, 32, ALLOW_LIST, ST(TSC_DEADLINE)),
	DEFENDED(wrmsr_x2_icr, 32, ALLOW_LIST, ST(ICR) | ST(IRR)),
	DEFENDED(rdmsr_tsc, 31, ALLOW_LIST, 0),
	CELL(vmxon, EVENT, NO_OPCODE),
	CELL(vmxoff, EVENT, NO_OPCODE),
	CELL(vmclear, EVENT, NO_OPCODE),
	CELL(vmptrld, EVENT, NO_OPCODE),
	CELL(vmptrst, EVENT, NO_OPCODE),
	CELL(vmlaunch, EVENT, NO_OPCODE),
	CELL(vmresume, EVENT, NO_OPCODE),
	CELL(vmread, EVENT, NO_OPCODE),
	CELL(vmwrite, EVENT, NO_OPCODE),
	CELL(invept, EVENT, NO_OPCODE),
	CELL(invvpid, EVENT, NO_OPCODE),
	CELL(vmfunc_leaf, EVENT, NO_OPCODE),
	CELL(vmfunc_none, EVENT, NO_OPCODE),
	CELL(vmfunc_512, EVENT, NO_OPCODE),
	/* Refused on silicon; QEMU knows no ICEBP. */
	CELL(icebp, AEX, 0),
	CELL(rsm, AEX, 0),
};

/* What depends on the model. */
static const struct cell no_xsave = CELL(xsetbv, EVENT, NO_OPCODE);
static const struct cell no_invpcid = CELL(invpcid, EVENT, NO_OPCODE);

static void replace(const struct cell *cell)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cells); i++) {
		if (strcmp(cells[i].name, cell->name))
			continue;
		cells[i] = *cell;
		return;
	}
	TEST_FAIL("there is no %s", cell->name);
}

static void use_svm_cells(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(svm_cells); i++)
		replace(&svm_cells[i]);
	if (!kvm_cpu_has(X86_FEATURE_XSAVE))
		replace(&no_xsave);
	if (!kvm_cpu_has(X86_FEATURE_INVPCID))
		replace(&no_invpcid);
}

#endif /* SELFTEST_KVM_VIEWS_REFUSE_SVM_H */
