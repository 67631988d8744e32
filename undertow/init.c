// SPDX-License-Identifier: GPL-2.0
/*
 * Boot parameter, start, and the files in debugfs.
 */
#define pr_fmt(fmt) "undertow: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/undertow.h>
#include <asm/sections.h>
#include "internal.h"

enum { UNDERTOW_OFF, UNDERTOW_AUTO, UNDERTOW_REQUIRE };

static int undertow_mode __ro_after_init = UNDERTOW_AUTO;

/* Set once the host enforces views: from then on #VE is ours. */
bool undertow_live __ro_after_init;

static int __init undertow_param(char *arg)
{
	if (!arg)
		return -EINVAL;

	if (!strcmp(arg, "off")) {
		undertow_mode = UNDERTOW_OFF;
	} else if (!strcmp(arg, "auto")) {
		undertow_mode = UNDERTOW_AUTO;
	} else if (!strcmp(arg, "require")) {
		undertow_mode = UNDERTOW_REQUIRE;
	} else {
		/* Whoever asked for something wants protection, not silence. */
		pr_err("undertow=%s: not off, auto or require; taken as require\n",
		       arg);
		undertow_mode = UNDERTOW_REQUIRE;
	}
	return 0;
}
early_param("undertow", undertow_param);

/* Compartments that ask for it learn what they need instead of being stopped. */
bool undertow_learn __ro_after_init;

static int __init undertow_learn_param(char *arg)
{
	return kstrtobool(arg && *arg ? arg : "1", &undertow_learn);
}
early_param("undertow_learn", undertow_learn_param);

static int status_show(struct seq_file *m, void *v)
{
	undertow_rs_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int walk_show(struct seq_file *m, void *v)
{
	return undertow_rs_walk(m);
}
DEFINE_SHOW_ATTRIBUTE(walk);

#ifdef CONFIG_UNDERTOW_SELFTEST
static u32 status_pause;

/* CPUs that come online are not registered with the host. */
bool undertow_selftest_unregistered;

/**
 * undertow_selftest_pause() - what a test wants the status file to wait for
 *
 * Called between finding a compartment and printing its name.
 */
void undertow_selftest_pause(void)
{
	if (status_pause)
		msleep(status_pause);
}

static void __init create_selftest_files(struct dentry *dir)
{
	debugfs_create_u32("status_pause_ms", 0600, dir, &status_pause);
	debugfs_create_bool("unregistered", 0600, dir,
			    &undertow_selftest_unregistered);
}
#else
static void __init create_selftest_files(struct dentry *dir)
{
}
#endif

static ssize_t seal_write(struct file *file, const char __user *buf,
			  size_t len, loff_t *pos)
{
	bool seal;
	int ret;

	ret = kstrtobool_from_user(buf, len, &seal);
	if (ret)
		return ret;
	if (!seal)
		return -EINVAL;

	ret = undertow_rs_seal();
	return ret ?: len;
}

static const struct file_operations seal_fops = {
	.owner = THIS_MODULE,
	.write = seal_write,
	.llseek = noop_llseek,
};

/*
 * A module's pages must get back the rights that its compartments took from
 * view 0 before they are freed, also when its init failed half-way.
 */
static int undertow_module_event(struct notifier_block *nb,
				 unsigned long event, void *data)
{
	struct module *mod = data;
	const struct module_memory *text = &mod->mem[MOD_TEXT];

	if (event == MODULE_STATE_GOING)
		undertow_rs_module_going(mod);
	if (event == MODULE_STATE_COMING || event == MODULE_STATE_GOING)
		undertow_rs_module_text(text->base, text->size,
					event == MODULE_STATE_COMING,
					mod->name);
	return NOTIFY_OK;
}

static struct notifier_block undertow_module_nb = {
	.notifier_call = undertow_module_event,
};

static int __init undertow_init(void)
{
	struct dentry *dir;

	if (undertow_learn && undertow_mode == UNDERTOW_REQUIRE) {
		pr_err("undertow_learn is ignored: undertow=require\n");
		undertow_learn = false;
	}
	if (undertow_learn) {
		pr_warn("undertow_learn: who asks to learn is not isolated\n");
		add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	}

	undertow_live = undertow_rs_init(undertow_mode) == 1;
	if (undertow_live) {
		undertow_reset_init();
		undertow_serve_init();
	}

	undertow_rs_kernel_text(_stext, _etext);
	register_module_notifier(&undertow_module_nb);

	dir = debugfs_create_dir("undertow", NULL);
	debugfs_create_file("status", 0400, dir, NULL, &status_fops);
	debugfs_create_file("walk", 0400, dir, NULL, &walk_fops);
	debugfs_create_file("seal", 0200, dir, NULL, &seal_fops);
	create_selftest_files(dir);
	return 0;
}
subsys_initcall(undertow_init);
