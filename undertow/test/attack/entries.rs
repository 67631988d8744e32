// SPDX-License-Identifier: GPL-2.0

//! The attackers.
//!
//! They come as assembly because that is what an attacker who found a bug has: the choice of every
//! register and of every instruction that passes the scan.

// Each gets a pointer to its orders in RDI: words [0] address, [1] value or result, [2] view, [3] RAX
// and [4] RBX of the instruction that switches views.
core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.ATTACK, "ax", @progbits
    .p2align 4
    .globl ut_attack_read
    .type ut_attack_read, @function
ut_attack_read:
    endbr64
    movq    (%rdi), %rax
    movq    (%rax), %rax
    movq    %rax, 8(%rdi)
    ret
    int3
    .size ut_attack_read, . - ut_attack_read

    .p2align 4
    .globl ut_attack_write
    .type ut_attack_write, @function
ut_attack_write:
    endbr64
    movq    (%rdi), %rax
    movq    8(%rdi), %rcx
    movq    %rcx, (%rax)
    ret
    int3
    .size ut_attack_write, . - ut_attack_write

    // Two gaps of three bytes, for the instruction that no compiler and no link tool lets
    // through: the test writes it there. The host replaces RSP on the way to view 0.
    .p2align 4
    .globl ut_attack_switch
    .type ut_attack_switch, @function
ut_attack_switch:
    endbr64
    pushq   %rbx
    movq    %rdi, %rsi
    movq    %rsp, %r12
    movq    24(%rsi), %rax
    movq    32(%rsi), %rbx
    xorl    %ecx, %ecx
    .globl ut_attack_gap_in
ut_attack_gap_in:
    nopl    (%rax)
    movq    (%rsi), %rdx
    movq    (%rdx), %rdx
    movq    %rdx, 8(%rsi)
    movq    24(%rsi), %rax
    movq    32(%rsi), %rbx
    movl    16(%rsi), %ecx
    .globl ut_attack_gap_out
ut_attack_gap_out:
    nopl    (%rax)
    movq    %r12, %rsp
    popq    %rbx
    ret
    int3
    .size ut_attack_switch, . - ut_attack_switch

    .p2align 4
    .globl ut_attack_fpu
    .type ut_attack_fpu, @function
ut_attack_fpu:
    endbr64
    movq    %xmm0, %rax
    movq    %rax, 8(%rdi)
    ret
    int3
    .size ut_attack_fpu, . - ut_attack_fpu

    // Interrupts are off, and it takes its time.
    .p2align 4
    .globl ut_attack_spin
    .type ut_attack_spin, @function
ut_attack_spin:
    endbr64
    movq    (%rdi), %rcx
1:  decq    %rcx
    jnz     1b
    movq    $1, 8(%rdi)
    ret
    int3
    .size ut_attack_spin, . - ut_attack_spin

    // Changes nothing, but is a write.
    .p2align 4
    .globl ut_attack_touch
    .type ut_attack_touch, @function
ut_attack_touch:
    endbr64
    movq    (%rdi), %rax
    lock addb $0, (%rax)
    ret
    int3
    .size ut_attack_touch, . - ut_attack_touch

    // Words [0] RSP and all else that a gate may take for an address, [1] where to jump, [2] RCX, [3]
    // RAX, [4] RBX.
    .p2align 4
    .globl ut_attack_jump
    .type ut_attack_jump, @function
ut_attack_jump:
    endbr64
    pushq   $0x47602
    popfq
    movq    (%rdi), %rsp
    movq    8(%rdi), %r9
    movq    16(%rdi), %rcx
    movq    %rcx, %r10
    shrq    $32, %r10
    movq    24(%rdi), %rax
    movq    32(%rdi), %rbx
    xorl    %esi, %esi
    movq    %rsp, %rdx
    movq    %rsp, %rbp
    movq    %rsp, %rdi
    jmp     *%r9
    int3
    .size ut_attack_jump, . - ut_attack_jump

    // Where a RET on the attacker's stack leads: a fault like no other.
    .p2align 4
    .globl ut_attack_reached
    .type ut_attack_reached, @function
ut_attack_reached:
    endbr64
    int     $0x77
    ret
    int3
    .size ut_attack_reached, . - ut_attack_reached

    // Word [0]: which one of 256.
    .p2align 4
    .globl ut_attack_int
    .type ut_attack_int, @function
ut_attack_int:
    endbr64
    movq    (%rdi), %rax
    leaq    1f(%rip), %rcx
    leaq    (%rcx,%rax,4), %rax
    jmp     *%rax
    .p2align 4, 0xcc
1:
    .set    .Lut_vector, 0
    .rept   256
    .byte   0xcd, .Lut_vector, 0xc3, 0xcc
    .set    .Lut_vector, .Lut_vector + 1
    .endr
    .size ut_attack_int, . - ut_attack_int

    // Words [0] how often to go round, [1] RSP meanwhile, [2] flags meanwhile, [3] done, [4] 1: with a
    // null selector in GS.
    .p2align 4
    .globl ut_attack_state
    .type ut_attack_state, @function
ut_attack_state:
    endbr64
    pushq   %r12
    movq    %rsp, %r12
    movq    (%rdi), %rcx
    cmpq    $0, 32(%rdi)
    je      1f
    xorl    %eax, %eax
    movl    %eax, %gs
1:  pushq   16(%rdi)
    popfq
    movq    8(%rdi), %rsp
2:  decq    %rcx
    jnz     2b
    movq    %r12, %rsp
    pushq   $2
    popfq
    incq    24(%rdi)
    popq    %r12
    ret
    int3
    .size ut_attack_state, . - ut_attack_state

    // Words [0] RSP, [1] where to jump, [2] RDI, [3] RSI.
    .p2align 4
    .globl ut_attack_way_out
    .type ut_attack_way_out, @function
ut_attack_way_out:
    endbr64
    pushq   $0x47602
    popfq
    movq    (%rdi), %rsp
    movq    8(%rdi), %r9
    movq    24(%rdi), %rsi
    movq    16(%rdi), %rdi
    xorl    %eax, %eax
    movl    $1, %ecx
    movq    %rdi, %rdx
    jmp     *%r9
    int3
    .size ut_attack_way_out, . - ut_attack_way_out

    // Where registers lead that were somebody else's: keeps RAX.
    .p2align 4
    .globl ut_attack_keep
    .type ut_attack_keep, @function
ut_attack_keep:
    endbr64
    movq    %rax, 32(%rdi)
    ud2
    .size ut_attack_keep, . - ut_attack_keep

    .p2align 4
    .globl ut_attack_int_20
    .type ut_attack_int_20, @function
ut_attack_int_20:
    endbr64
    int     $20
    ret
    int3
    .size ut_attack_int_20, . - ut_attack_int_20

    // Word [0]: where #VE arrives. With a frame like the CPU's.
    .p2align 4
    .globl ut_attack_stub
    .type ut_attack_stub, @function
ut_attack_stub:
    endbr64
    movq    (%rdi), %rax
    movq    %rsp, %rdx
    pushq   $0x18
    pushq   %rdx
    pushq   $2
    pushq   $0x10
    leaq    1f(%rip), %rcx
    pushq   %rcx
    jmp     *%rax
1:  ret
    int3
    .size ut_attack_stub, . - ut_attack_stub

    // Words [0] address, [1] how much of the stack to leave behind.
    .p2align 4
    .globl ut_attack_deep_read
    .type ut_attack_deep_read, @function
ut_attack_deep_read:
    endbr64
    movq    (%rdi), %rax
    andq    $-4096, %rsp
    subq    8(%rdi), %rsp
    addq    $4096, %rsp
    movq    (%rax), %rax
    ud2
    .size ut_attack_deep_read, . - ut_attack_deep_read

    // Words [0] RSP, [1] where to jump, [2] when, [3] RAX, [4] RBX.
    .p2align 4
    .globl ut_attack_timed
    .type ut_attack_timed, @function
ut_attack_timed:
    endbr64
    movq    (%rdi), %r8
    movq    8(%rdi), %r9
    movq    16(%rdi), %r10
    movq    24(%rdi), %r11
    movq    32(%rdi), %rbx
    sti
1:  rdtsc
    shlq    $32, %rdx
    orq     %rdx, %rax
    cmpq    %r10, %rax
    jb      1b
    movq    %r8, %rsp
    movq    %r11, %rax
    xorl    %ecx, %ecx
    jmp     *%r9
    int3
    .size ut_attack_timed, . - ut_attack_timed
    .popsection
    "#,
    options(att_syntax)
);

extern "C" {
    pub(super) fn ut_attack_read(orders: *mut u8);
    pub(super) fn ut_attack_write(orders: *mut u8);
    pub(super) fn ut_attack_switch(orders: *mut u8);
    pub(super) fn ut_attack_fpu(orders: *mut u8);
    pub(super) fn ut_attack_spin(orders: *mut u8);
    pub(super) fn ut_attack_timed(orders: *mut u8);
    pub(super) fn ut_attack_touch(orders: *mut u8);
    pub(super) fn ut_attack_jump(orders: *mut u8);
    pub(super) fn ut_attack_reached(orders: *mut u8);
    pub(super) fn ut_attack_int(orders: *mut u8);
    pub(super) fn ut_attack_state(orders: *mut u8);
    pub(super) fn ut_attack_way_out(orders: *mut u8);
    pub(super) fn ut_attack_keep(orders: *mut u8);
    pub(super) fn ut_attack_int_20(orders: *mut u8);
    pub(super) fn ut_attack_stub(orders: *mut u8);
    pub(super) fn ut_attack_deep_read(orders: *mut u8);
    pub(super) static ut_attack_gap_in: u8;
    pub(super) static ut_attack_gap_out: u8;
    pub(super) static __ut_text_start_ATTACK: u8;
    pub(super) static __ut_text_end_ATTACK: u8;
}
