// SPDX-License-Identifier: GPL-2.0
/*
 * Text in which VMFUNC occurs twice: as an instruction, and inside another one.
 */
#include <linux/linkage.h>
#include <linux/module.h>

asmlinkage u32 undertow_stray_text(void);

asm(".pushsection .text, \"ax\"\n"
	".type undertow_stray_text, @function\n"
	"undertow_stray_text:\n"
	"	endbr64\n"
	"	mov	$0x00d4010f, %eax\n"
	"	ret\n"
	"	int3\n"
	".size undertow_stray_text, . - undertow_stray_text\n"
	".globl undertow_stray_insn\n"
	".type undertow_stray_insn, @function\n"
	"undertow_stray_insn:\n"
	"	endbr64\n"
	"	vmfunc\n"
	"	ret\n"
	"	int3\n"
	".size undertow_stray_insn, . - undertow_stray_insn\n"
	".popsection\n");

static int __init undertow_stray_init(void)
{
	pr_info("UT-STRAY %#x\n", undertow_stray_text());
	return 0;
}
module_init(undertow_stray_init);

static void __exit undertow_stray_exit(void)
{
}
module_exit(undertow_stray_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Text in which VMFUNC occurs");
