// SPDX-License-Identifier: GPL-2.0

//! The memory routines of compartments, run against those of the C library.

use std::{
    fs,
    path::Path,
    process::Command, //
};

use super::fixture::Scratch;
use crate::names;

/// What the kernel's headers give, as far as the routines use it.
const HEADERS: [(&str, &str); 3] = [
    ("linux/export.h", "#define EXPORT_SYMBOL_GPL(name)\n"),
    (
        "linux/linkage.h",
        "#define SYM_FUNC_START(name) .globl name; .type name, @function; name:\n\
         #define SYM_FUNC_END(name) .size name, . - name\n\
         #define SYM_FUNC_ALIAS(name, of) .globl name; .set name, of\n\
         #define RET ret\n",
    ),
    ("asm/ibt.h", "#define ENDBR endbr64\n"),
];

/// Compares on all lengths, distances and directions up to a few words.
const PROGRAM: &str = r#"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void *_R_ut_memcpy(void *, const void *, size_t);
void *_R_ut_memmove(void *, const void *, size_t);
void *_R_ut_memset(void *, int, size_t);
int _R_ut_memcmp(const void *, const void *, size_t);
int _R_ut_bcmp(const void *, const void *, size_t);
size_t _R_ut_strlen(const char *);

static unsigned char ours[256], libc[256];

static void fill(void)
{
	for (int i = 0; i < 256; i++)
		ours[i] = libc[i] = i * 37 + 11;
}

#define CHECK(condition) do {						\
	if (!(condition) || memcmp(ours, libc, sizeof(ours))) {		\
		printf("line %d: len %d, from %d, to %d\n",		\
		       __LINE__, len, from, to);			\
		return 1;						\
	}								\
} while (0)

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

int main(void)
{
	for (int len = 0; len < 70; len++)
	for (int from = 0; from < 40; from++)
	for (int to = 0; to < 40; to++) {
		fill();
		memmove(libc + to, libc + from, len);
		CHECK(_R_ut_memmove(ours + to, ours + from, len) == ours + to);
		fill();
		memcpy(libc + 128 + to, libc + from, len);
		CHECK(_R_ut_memcpy(ours + 128 + to, ours + from, len) == ours + 128 + to);
		fill();
		memset(libc + to, from - 300, len);
		CHECK(_R_ut_memset(ours + to, from - 300, len) == ours + to);
		fill();
		memcpy(ours + 128, ours, 128);
		memcpy(libc + 128, libc, 128);
		if (to < len)
			ours[128 + to] = libc[128 + to] = from * 7;
		int wanted = sign(memcmp(libc, libc + 128, len));
		CHECK(sign(_R_ut_memcmp(ours, ours + 128, len)) == wanted);
		CHECK(sign(_R_ut_memcmp(ours + 128, ours, len)) == -wanted);
		CHECK(!_R_ut_bcmp(ours, ours + 128, len) == !wanted);
		fill();
		memset(ours + from, 'x', len);
		ours[from + len] = 0;
		memcpy(libc, ours, sizeof(ours));
		CHECK(_R_ut_strlen((char *)ours + from) == (size_t)len);
	}
	puts("same");
	return 0;
}
"#;

#[test]
fn same_results_as_the_c_library() {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        eprintln!("skipped: no C compiler ({})", compiler.to_string_lossy());
        return;
    }
    let scratch = Scratch::new();
    for (name, text) in HEADERS {
        let path = scratch.file(name);
        let directory = path.parent().expect("it is in a directory");
        fs::create_dir_all(directory).expect("the temporary directory is writable");
        fs::write(&path, text).expect("the temporary directory is writable");
    }
    let program = scratch.file("compare.c");
    fs::write(&program, PROGRAM).expect("the temporary directory is writable");
    let routines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../undertow/common/mem.S");
    let binary = scratch.file("compare");
    let built = Command::new(&compiler)
        .args(["-O1", "-fno-builtin", "-Wall", "-Werror", "-I"])
        .arg(scratch.file(""))
        .arg("-o")
        .args([&binary, &program, &routines])
        .output()
        .expect("the compiler runs");
    let message = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{message}");
    let output = Command::new(&binary).output().expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "same\n");
}

#[test]
fn every_routine_of_the_list_exists() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../undertow/common");
    let read = |name: &str| fs::read_to_string(directory.join(name)).expect("it can be read");
    let source = read("mem.S") + &read("panic.S") + &read("service.S");
    let inside = names::RUNTIME.map(|name| format!("{}{name}", names::PREFIX));
    for name in inside.iter().map(String::as_str).chain([names::PANIC]) {
        assert!(source.contains(&format!("({name}")), "{name} is defined");
        assert!(
            source.contains(&format!("EXPORT_SYMBOL_GPL({name})")),
            "{name} is exported"
        );
    }
}
