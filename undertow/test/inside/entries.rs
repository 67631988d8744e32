// SPDX-License-Identifier: GPL-2.0

//! What runs in the compartment: accesses that it may not make, on stacks that are none.

// Each gets a pointer to its orders in RDI: words [0] address, [1] value, result or RSP.
core::arch::global_asm!(
    r#"
    .macro UT_INSIDE name
    .p2align 4
    .globl ut_inside_\name
    .type ut_inside_\name, @function
ut_inside_\name:
    endbr64
    .endm
    .macro UT_INSIDE_END name
    int3
    .size ut_inside_\name, . - ut_inside_\name
    .endm

    .pushsection .text..undertow.entry.INSIDE, "ax", @progbits
    UT_INSIDE nothing
    ret
    UT_INSIDE_END nothing

    UT_INSIDE read
    movq    (%rdi), %rax
    movq    (%rax), %rax
    movq    %rax, 8(%rdi)
    ret
    UT_INSIDE_END read

    UT_INSIDE write
    movq    (%rdi), %rax
    movq    %rdi, (%rax)
    ret
    UT_INSIDE_END write

    UT_INSIDE run
    movq    (%rdi), %rax
    jmp     *%rax
    UT_INSIDE_END run

    UT_INSIDE read_on
    movq    (%rdi), %rax
    movq    8(%rdi), %rsp
    movq    (%rax), %rax
    ud2
    UT_INSIDE_END read_on

    // Words [0] address, [1] how much of the stack to leave behind.
    UT_INSIDE read_deep
    movq    (%rdi), %rax
    andq    $-4096, %rsp
    subq    8(%rdi), %rsp
    addq    $4096, %rsp
    movq    (%rax), %rax
    ud2
    UT_INSIDE_END read_deep

    UT_INSIDE touch_on
    movq    (%rdi), %rax
    movq    %rsp, %rcx
    movq    8(%rdi), %rsp
    movq    $7, (%rax)
    movq    %rcx, %rsp
    ret
    UT_INSIDE_END touch_on

    // Words [0] where to write [2]; [1] 1 at the end if nothing else has changed.
    UT_INSIDE regs
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   %rdi
    movq    (%rdi), %rax
    movq    16(%rdi), %rcx
    movl    $0x102, %edx
    movl    $0x103, %ebx
    movl    $0x105, %ebp
    movl    $0x106, %esi
    movl    $0x107, %edi
    movl    $0x108, %r8d
    movl    $0x109, %r9d
    movl    $0x10a, %r10d
    movl    $0x10b, %r11d
    movl    $0x10c, %r12d
    movl    $0x10d, %r13d
    movl    $0x10e, %r14d
    movq    %rsp, %r15
    std
    stc
    movq    %rcx, (%rax)
    pushfq
    cld
    subq    $0x102, %rdx
    subq    $0x103, %rbx
    orq     %rbx, %rdx
    subq    $0x105, %rbp
    orq     %rbp, %rdx
    subq    $0x106, %rsi
    orq     %rsi, %rdx
    subq    $0x107, %rdi
    orq     %rdi, %rdx
    subq    $0x108, %r8
    orq     %r8, %rdx
    subq    $0x109, %r9
    orq     %r9, %rdx
    subq    $0x10a, %r10
    orq     %r10, %rdx
    subq    $0x10b, %r11
    orq     %r11, %rdx
    subq    $0x10c, %r12
    orq     %r12, %rdx
    subq    $0x10d, %r13
    orq     %r13, %rdx
    subq    $0x10e, %r14
    orq     %r14, %rdx
    popq    %rsi
    subq    %rsp, %r15
    orq     %r15, %rdx
    andl    $0x401, %esi
    xorl    $0x401, %esi
    orq     %rsi, %rdx
    popq    %rdi
    subq    16(%rdi), %rcx
    orq     %rcx, %rdx
    subq    (%rdi), %rax
    orq     %rax, %rdx
    sete    8(%rdi)
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    ret
    UT_INSIDE_END regs

    // Words [0] first page, [1] how many, [2] what to write to each.
    UT_INSIDE sweep
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    16(%rdi), %rdx
1:  movq    %rdx, (%rax)
    addq    $4096, %rax
    decq    %rcx
    jnz     1b
    ret
    UT_INSIDE_END sweep

    // Word [0]: which.
    UT_INSIDE event
    movq    (%rdi), %rax
    leaq    1f(%rip), %rcx
    shlq    $4, %rax
    addq    %rcx, %rax
    xorl    %ecx, %ecx
    xorl    %edx, %edx
    jmp     *%rax
    .p2align 4, 0xcc
1:  int3
    .p2align 4, 0xcc
    ud2
    .p2align 4, 0xcc
    divl    %ecx
    .p2align 4, 0xcc
    movq    8(%rcx), %rax
    .p2align 4, 0xcc
    movl    $1, %ecx
    rorq    $1, %rcx
    movq    (%rcx), %rax
    .p2align 4, 0xcc
    int     $0x80
    .p2align 4, 0xcc
    int     $13
    .p2align 4, 0xcc
    inb     $0x80, %al
    .p2align 4, 0xcc
    hlt
    .p2align 4, 0xcc
    UT_INSIDE_END event
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    pub(super) fn ut_inside_nothing(orders: *mut u8);
    pub(super) fn ut_inside_read(orders: *mut u8);
    pub(super) fn ut_inside_write(orders: *mut u8);
    pub(super) fn ut_inside_run(orders: *mut u8);
    pub(super) fn ut_inside_read_on(orders: *mut u8);
    pub(super) fn ut_inside_read_deep(orders: *mut u8);
    pub(super) fn ut_inside_touch_on(orders: *mut u8);
    pub(super) fn ut_inside_regs(orders: *mut u8);
    pub(super) fn ut_inside_sweep(orders: *mut u8);
    pub(super) fn ut_inside_event(orders: *mut u8);
}
