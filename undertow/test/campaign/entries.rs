// SPDX-License-Identifier: GPL-2.0

//! What runs inside: work that can be checked, and everything that can go wrong.
//!
//! As assembly, so that a fault is exactly the one that was meant.

// Each gets a pointer to its orders in RDI: words [0] and [1] what to do it with, [2] the result, [3]
// set when it has begun. Those whose names end in "block" get the block of a call instead, as
// `kernel::undertow::wire` lays it out.
core::arch::global_asm!(
    r#"
    .macro UT_CAMP name
    .pushsection .text..undertow.entry.\name, "ax", @progbits

    // A linear congruential generator, [0] rounds from seed [1] on.
    .p2align 4
    .globl ut_camp_work_\name
    .type ut_camp_work_\name, @function
ut_camp_work_\name:
    endbr64
    movq    (%rdi), %rcx
    movq    8(%rdi), %rax
    movabsq $6364136223846793005, %rdx
1:  imulq   %rdx, %rax
    incq    %rax
    decq    %rcx
    jnz     1b
    movq    %rax, 16(%rdi)
    ret
    int3
    .size ut_camp_work_\name, . - ut_camp_work_\name

    .p2align 4
    .globl ut_camp_spin_\name
    .type ut_camp_spin_\name, @function
ut_camp_spin_\name:
    endbr64
    movq    $1, 24(%rdi)
1:  jmp     1b
    int3
    .size ut_camp_spin_\name, . - ut_camp_spin_\name

    .p2align 4
    .globl ut_camp_spin_cli_\name
    .type ut_camp_spin_cli_\name, @function
ut_camp_spin_cli_\name:
    endbr64
    movq    $1, 24(%rdi)
    cli
1:  jmp     1b
    int3
    .size ut_camp_spin_cli_\name, . - ut_camp_spin_cli_\name
    .popsection
    .endm
    UT_CAMP TARGET
    UT_CAMP PATIENT

    .macro UT_FUNC name
    .p2align 4
    .globl \name
    .type \name, @function
\name:
    endbr64
    .endm
    .macro UT_END name
    ret
    int3
    .size \name, . - \name
    .endm

    .pushsection .text..undertow.entry.TARGET, "ax", @progbits
    UT_FUNC ut_camp_read
    movq    (%rdi), %rax
    movq    (%rax), %rax
    movq    %rax, 16(%rdi)
    UT_END ut_camp_read

    UT_FUNC ut_camp_write
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    %rcx, (%rax)
    UT_END ut_camp_write

    UT_FUNC ut_camp_jump
    movq    (%rdi), %rax
    jmp     *%rax
    UT_END ut_camp_jump

    // [0]: bytes of a frame.
    UT_FUNC ut_camp_overflow
    movq    (%rdi), %rax
1:  subq    %rax, %rsp
    movq    %rax, (%rsp)
    jmp     1b
    UT_END ut_camp_overflow

    // A switch of the view, written into the gap before the text is isolated: [0] EAX, [1] ECX.
    UT_FUNC ut_camp_switch
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    .globl ut_camp_gap
ut_camp_gap:
    nopl    (%rax)
    UT_END ut_camp_switch

    // [0]: which one. Each has a place of 16 bytes.
    UT_FUNC ut_camp_trap
    movq    (%rdi), %rax
    shlq    $4, %rax
    leaq    1f(%rip), %rcx
    addq    %rcx, %rax
    jmp     *%rax
    .macro UT_PLACE
    ret
    .p2align 4, 0xcc
    .endm
    .p2align 4, 0xcc
1:  xorl    %ecx, %ecx
    movl    $1, %eax
    cltd
    idivl   %ecx
    UT_PLACE
    ud2
    UT_PLACE
    int3
    UT_PLACE
    int     $0x80
    UT_PLACE
    movq    %xmm0, %rax
    UT_PLACE
    movabsq $0x8000000000000000, %rsp
    popq    %rax
    UT_PLACE
    movl    $0xfff8, %eax
    movl    %eax, %ds
    UT_PLACE
    pushfq
    orl     $0x100, (%rsp)
    popfq
    nop
    UT_PLACE
    .byte   0xf1
    UT_PLACE
    hlt
    UT_PLACE
    inb     $0x80, %al
    UT_PLACE
    outb    %al, $0x80
    UT_PLACE
    xorl    %ecx, %ecx
    rdpmc
    UT_PLACE
    movl    $0x1b, %ecx
    rdmsr
    UT_PLACE
    sgdt    16(%rdi)
    UT_PLACE
    str     %ax
    UT_END ut_camp_trap

    // Asks for the service [0], with the block at [1].
    UT_FUNC ut_camp_ask
    pushq   %rbx
    movq    %rdi, %rbx
    movq    8(%rbx), %rsi
    movq    (%rbx), %rdi
    movl    $32, %edx
    call    undertow_service_call
    movq    $1, 16(%rbx)
    popq    %rbx
    UT_END ut_camp_ask

    // IF, IOPL 3, NT, DF, AC and CF on, and left so.
    UT_FUNC ut_camp_flags
    pushq   $0x47603
    popfq
    movl    $1, %eax
    movq    %rax, 16(%rdi)
    UT_END ut_camp_flags

    // To the way out [0], with RSP = [1].
    UT_FUNC ut_camp_leave
    movq    $1, 16(%rdi)
    movq    (%rdi), %rax
    movq    8(%rdi), %rsp
    jmp     *%rax
    UT_END ut_camp_leave

    UT_FUNC ut_camp_gs
    xorl    %eax, %eax
    movl    %eax, %gs
    UT_END ut_camp_gs

    UT_FUNC ut_camp_fs
    movq    $1, 16(%rdi)
    xorl    %eax, %eax
    movl    %eax, %fs
    UT_END ut_camp_fs

    // The argument is [u64; 4]; what the result is to be stands in the first two words of it.
    UT_FUNC ut_camp_result_block
    movq    (%rdi), %rax
    movq    %rax, 32(%rdi)
    movq    8(%rdi), %rax
    movq    %rax, 40(%rdi)
    UT_END ut_camp_result_block

    // A page and a half full of the mark of a finished call, or of something else.
    UT_FUNC ut_camp_scribble_done_block
    movabsq $0x444f4e45444f4e45, %rax
    movl    $768, %ecx
    rep stosq
    UT_END ut_camp_scribble_done_block

    UT_FUNC ut_camp_scribble_block
    movabsq $0x4141414141414141, %rax
    movl    $768, %ecx
    rep stosq
    UT_END ut_camp_scribble_block

    // The argument is one `&mut [u8]`: address and length of something else, and a good result.
    UT_FUNC ut_camp_misdirect_block
    leaq    ut_camp_read(%rip), %rax
    movq    %rax, (%rdi)
    movq    %rax, 8(%rdi)
    movq    $1, 16(%rdi)
    movabsq $0x444f4e4500000001, %rax
    movq    %rax, 24(%rdi)
    UT_END ut_camp_misdirect_block
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    pub(crate) fn ut_camp_work_TARGET(orders: *mut u8);
    pub(crate) fn ut_camp_work_PATIENT(orders: *mut u8);
    pub(crate) fn ut_camp_spin_TARGET(orders: *mut u8);
    pub(crate) fn ut_camp_spin_PATIENT(orders: *mut u8);
    pub(crate) fn ut_camp_spin_cli_TARGET(orders: *mut u8);
    pub(crate) fn ut_camp_spin_cli_PATIENT(orders: *mut u8);
    pub(crate) fn ut_camp_read(orders: *mut u8);
    pub(crate) fn ut_camp_write(orders: *mut u8);
    pub(crate) fn ut_camp_jump(orders: *mut u8);
    pub(crate) fn ut_camp_overflow(orders: *mut u8);
    pub(crate) fn ut_camp_switch(orders: *mut u8);
    pub(crate) fn ut_camp_trap(orders: *mut u8);
    pub(crate) fn ut_camp_ask(orders: *mut u8);
    pub(crate) fn ut_camp_flags(orders: *mut u8);
    pub(crate) fn ut_camp_leave(orders: *mut u8);
    pub(crate) fn ut_camp_gs(orders: *mut u8);
    pub(crate) fn ut_camp_fs(orders: *mut u8);
    pub(crate) fn ut_camp_result_block(block: *mut u8);
    pub(crate) fn ut_camp_scribble_done_block(block: *mut u8);
    pub(crate) fn ut_camp_scribble_block(block: *mut u8);
    pub(crate) fn ut_camp_misdirect_block(block: *mut u8);
    pub(crate) static ut_camp_gap: u8;
}
