/* Real-address mode: interrupts, limits, what is undefined there, big real mode, A20.
 * Run alone: meson test -C build bare-real */
#include "real.h"

#define ENDS(where, name, expected_vector, expected_ip)                                            \
    do {                                                                                           \
        struct real_state state_ = REAL(name);                                                     \
        CHECK_EQUAL(where ": vector of " #name, state_.vector, (expected_vector));                 \
        CHECK_EQUAL(where ": IP of " #name, state_.ip, (expected_ip));                             \
    } while (0)

/* --- interrupts and exceptions --- */

REAL_SNIPPET(real_int_60, "nop\nint $0x60");
REAL_SNIPPET(real_int3, "nop\nint3");
REAL_SNIPPET(real_into, "mov $0x7F, %al\ninc %al\ninto");
REAL_SNIPPET(real_divide, "xor %cx, %cx\nnop\ndiv %cx");
REAL_SNIPPET(real_bound, "movl $0x00050001, 0x10\nmov $6, %ax\nbound %ax, 0x10");
REAL_SNIPPET(real_ud2, "nop\nud2");
REAL_SNIPPET(real_flags, "sti\nstd\nint $0x60");
REAL_SNIPPET(real_own_handler,
             "xor %ax, %ax\nmov %ax, %es\n"
             "movw $(1f - real_own_handler), %es:0x61*4\n"
             "movw $0x0800, %es:0x61*4+2\n"
             "sti\nint $0x61\npushf\npop %bx\ncli\nlret\n"
             "1: pushf\npop %ax\niretw");
REAL_SNIPPET(real_idt_limit,
             "lidtl %cs:(1f - real_idt_limit)\n"
             "int $0x60\n"
             "1: .word 0x60 * 4 + 2\n.long 0\n");

static void test_interrupts(void)
{
    ENDS("SDM 3A 20.1.4, INT n", real_int_60, 0x60, 3);
    struct real_state state = REAL(real_int_60);
    CHECK_EQUAL("SDM 3A 20.1.4, frame of three words", state.sp, REAL_SP);
    CHECK_EQUAL("SDM 3A 20.1.4, frame", state.cs, REAL_CODE >> 4);
    ENDS("SDM 3A 20.1.4, INT3", real_int3, 3, 2);
    ENDS("SDM 3A 20.1.4, INTO", real_into, 4, 5);
    ENDS("SDM 3A 6.15, #DE is a fault", real_divide, 0, 3);
    ENDS("SDM 3A 6.15, #BR", real_bound, 5, 12);
    ENDS("SDM 3A 6.15, #UD", real_ud2, 6, 1);
    state = REAL(real_flags);
    CHECK_EQUAL("SDM 2A INT, FLAGS in the frame", state.flags & 0x600, 0x600);
    state = REAL(real_own_handler);
    CHECK_EQUAL("SDM 2A INT, IF is clear in the handler", state.eax & FL_IF, 0);
    CHECK_EQUAL("SDM 2A IRET, IF comes back", state.ebx & FL_IF, FL_IF);
    state = REAL(real_idt_limit);
    CHECK_EQUAL("SDM 3A 20.1.4, vector beyond the IDT limit", state.vector, 13);
    CHECK_EQUAL("SDM 3A 20.1.4, vector beyond the IDT limit", state.sp, REAL_SP);
}

/* --- limits --- */

REAL_SNIPPET(real_word_ffff, "mov $0xFFFF, %bx\nmov (%bx), %ax");
REAL_SNIPPET(real_word_fffe, "mov $0xFFFE, %bx\nmov (%bx), %ax\nlret");
REAL_SNIPPET(real_dword_fffd, "mov $0xFFFD, %bx\nmovl (%bx), %eax");
REAL_SNIPPET(real_write_ffff, "mov $0xFFFF, %bx\nmov %ax, (%bx)");
REAL_SNIPPET(real_stack_ffff, "mov $0xFFFF, %bp\nmov (%bp), %ax");
REAL_SNIPPET(real_address32, "movl $0x10000, %ebx\naddr32 movb (%ebx), %al");
REAL_SNIPPET(real_address32_wrap, "movl $0xFFFFFFFF, %ebx\naddr32 movb (%ebx), %al");
REAL_SNIPPET(real_offset_wrap,
             "movb $0x5A, 0x10\nmov $0xFFF0, %bx\nmov $0x20, %si\n"
             "mov (%bx,%si), %al\nlret");
REAL_SNIPPET(real_jump_far_out, "movl $0x10000, %eax\n.byte 0x66\njmp *%ax");
REAL_SNIPPET(real_push_wrap,
             "xor %dx, %dx\nmov %sp, %cx\nmov %dx, %sp\npush %cx\nmov %sp, %ax\n"
             "mov %cx, %sp\nlret");
REAL_SNIPPET(real_pop_ffff, "mov %sp, %cx\nmov $0xFFFF, %sp\npop %ax");

static void test_limits(void)
{
    const char *where = "SDM 3A 20.1.1";
    ENDS("SDM 3A 20.1.1, limit FFFFh", real_word_ffff, 13, 3);
    CHECK_EQUAL(where, REAL(real_word_fffe).vector, REAL_RETURNED);
    ENDS("SDM 3A 20.1.1, limit FFFFh", real_dword_fffd, 13, 3);
    ENDS("SDM 3A 20.1.1, limit FFFFh", real_write_ffff, 13, 3);
    ENDS("SDM 3A 20.1.4, #SS", real_stack_ffff, 12, 3);
    ENDS("SDM 3A 20.1.1, 32-bit addresses", real_address32, 13, 6);
    ENDS("SDM 3A 20.1.1, 32-bit addresses", real_address32_wrap, 13, 6);
    struct real_state state = REAL(real_offset_wrap);
    CHECK_EQUAL("SDM 3A 20.1.1, 16-bit offsets wrap", state.eax & 0xFF, 0x5A);
    CHECK_EQUAL("SDM 2A JMP, beyond the limit", REAL(real_jump_far_out).vector, 13);
    state = REAL(real_push_wrap);
    CHECK_EQUAL("SDM 3A 20.1.1, SP wraps from 0", state.eax & 0xFFFF, 0xFFFE);
    CHECK_EQUAL("SDM 3A 20.1.4, POP at FFFFh", REAL(real_pop_ffff).vector, 12);
}

/* --- what does not exist in real mode --- */

REAL_SNIPPET(real_lldt, "lldt %ax");
REAL_SNIPPET(real_ltr, "ltr %ax");
REAL_SNIPPET(real_sldt, "sldt %ax");
REAL_SNIPPET(real_str, "str %ax");
REAL_SNIPPET(real_lar, "lar %ax, %bx");
REAL_SNIPPET(real_lsl, "lsl %ax, %bx");
REAL_SNIPPET(real_verr, "verr %ax");
REAL_SNIPPET(real_arpl, ".byte 0x63, 0xD8");
REAL_SNIPPET(real_mov_cs, ".byte 0x8E, 0xC8");
REAL_SNIPPET(real_mov_sreg7, ".byte 0x8E, 0xF8");
REAL_SNIPPET(real_lock_mov, ".byte 0xF0\nmov %ax, (%bx)");
REAL_SNIPPET(real_lock_reg, ".byte 0xF0\nadd %ax, %bx");
REAL_SNIPPET(real_les_register, ".byte 0xC4, 0xC0");
REAL_SNIPPET(real_lea_register, ".byte 0x8D, 0xC0");

static void test_undefined(void)
{
    ENDS("SDM 3A 20.1.3, LLDT", real_lldt, 6, 0);
    ENDS("SDM 3A 20.1.3, LTR", real_ltr, 6, 0);
    ENDS("SDM 3A 20.1.3, SLDT", real_sldt, 6, 0);
    ENDS("SDM 3A 20.1.3, STR", real_str, 6, 0);
    ENDS("SDM 3A 20.1.3, LAR", real_lar, 6, 0);
    ENDS("SDM 3A 20.1.3, LSL", real_lsl, 6, 0);
    ENDS("SDM 3A 20.1.3, VERR", real_verr, 6, 0);
    ENDS("SDM 3A 20.1.3, ARPL", real_arpl, 6, 0);
    ENDS("SDM 2B MOV to CS", real_mov_cs, 6, 0);
    ENDS("SDM 2B MOV to a seventh segment register", real_mov_sreg7, 6, 0);
    ENDS("SDM 2A LOCK, MOV", real_lock_mov, 6, 0);
    ENDS("SDM 2A LOCK, register destination", real_lock_reg, 6, 0);
    ENDS("SDM 2A LES, register operand", real_les_register, 6, 0);
    ENDS("SDM 2A LEA, register operand", real_lea_register, 6, 0);
}

/* --- registers --- */

REAL_SNIPPET(real_popf, "push $0x7202\npopf\npushf\npop %ax\npush $2\npopf\nlret");
REAL_SNIPPET(real_tables,
             "sgdtl 0x10\nmovl 0x12, %eax\nlgdtw 0x10\nsgdtl 0x10\nmovl 0x12, %ebx\n"
             "lret");
REAL_SNIPPET(real_msw, "smsw %ax\nmovl %cr0, %ebx\nlret");
REAL_SNIPPET(real_step, "pushf\npop %ax\nor $0x100, %ax\npush %ax\npopf\nnop\nnop");
REAL_SNIPPET(real_move_32, "movl $0x12345678, %eax\nmovl %eax, 0x20\nmov 0x22, %bx\nlret");
REAL_SNIPPET(real_segments,
             "mov $0x1234, %ax\nmov %ax, %es\nmov %es, %bx\n"
             "push %es\npop %cx\nlret");
REAL_SNIPPET(real_string_wrap,
             "mov $0xA5A5, %ax\nmov %ax, 0\nmov %al, %ds:0xFFFF\n"
             "mov $0xFFFF, %si\nlodsb\nmov %si, %bx\nlret");
REAL_SNIPPET(real_modify,
             "movb $0x43, %cs:(1f - real_modify)\n"
             "jmp 1f\n1: incw %ax\nlret");

static void test_registers(void)
{
    CHECK_EQUAL("SDM 2B POPF, IOPL and NT can be set", REAL(real_popf).eax & 0x7200, 0x7200);
    struct real_state state = REAL(real_tables);
    CHECK_EQUAL("SDM 2A LGDT, 24 bits of base with 16-bit operands", state.ebx,
                state.eax & 0xFFFFFF);
    state = REAL(real_msw);
    CHECK_EQUAL("SDM 2B SMSW, PE", state.eax & 1, 0);
    CHECK_EQUAL("SDM 2B SMSW is the low word of CR0", state.eax & 0xFFFF, state.ebx & 0xFFFF);
    ENDS("SDM 3B 17.3.1.4, single step", real_step, 1, 8);
    CHECK_EQUAL("SDM 3A 3.6, operand-size prefix", REAL(real_move_32).ebx, 0x1234);
    state = REAL(real_segments);
    CHECK_EQUAL("SDM 3A 20.1.1, any selector", state.ebx, 0x1234);
    CHECK_EQUAL("SDM 3A 20.1.1, any selector", state.ecx, 0x1234);
    state = REAL(real_string_wrap);
    CHECK_EQUAL("SDM 3A 20.1.1, SI wraps", state.ebx, 0);
    CHECK_EQUAL("SDM 3A 20.1.1, SI wraps", state.eax & 0xFF, 0xA5);
    state = REAL(real_modify);
    CHECK_EQUAL("SDM 3A 8.1.3, self-modifying code", state.ebx << 16 | state.eax, 1 << 16);
}

/* --- big real mode, A20 --- */

REAL_SNIPPET(real_flat_read,
             "movl $big_real_word, %ebx\naddr32 movl %es:(%ebx), %eax\n"
             "xor %dx, %dx\nmov %dx, %es\n"
             "addr32 movl %es:(%ebx), %ecx\nlret");
uint32_t big_real_word = 0xCAFEF00D;

REAL_SNIPPET(real_a20,
             "mov $0xFFFF, %ax\nmov %ax, %es\n"
             "movw $0x1111, %fs:0x100\n"  /* A100h */
             "movw $0x2222, %es:0xA110\n" /* 10A100h */
             "mov %fs:0x100, %bx\nmov %es:0xA110, %cx\nlret");

/* With A20 closed nothing may run above 1 MiB: the snippet opens it again. */
REAL_SNIPPET(real_a20_closed,
             "mov $0xFFFF, %ax\nmov %ax, %es\n"
             "movw $0x1111, %fs:0x100\n"
             "in $0x92, %al\nand $0xFC, %al\nout %al, $0x92\n"
             "movw $0x2222, %es:0xA110\n"
             "mov %fs:0x100, %bx\nmov %es:0xA110, %cx\n"
             "in $0x92, %al\nor $2, %al\nand $0xFE, %al\nout %al, $0x92\n"
             "mov %es:0xA110, %dx\nlret");

static void test_memory(void)
{
    struct real_state state = real_run(real_flat_read, real_flat_read_end, true);
    CHECK_EQUAL("SDM 3A 9.9.2, limits survive the way to real mode", state.vector, REAL_RETURNED);
    CHECK_EQUAL("SDM 3A 9.9.2", state.eax, big_real_word);
    CHECK_EQUAL("SDM 3A 9.9.2, and a load there", state.ecx, big_real_word);
    CHECK_EQUAL("SDM 3A 20.1.1, not otherwise", REAL(real_flat_read).vector, 13);
    out8(0x92, (uint8_t)((in8(0x92) & 0xFC) | 2));
    state = REAL(real_a20);
    CHECK_EQUAL("SDM 3A 20.1.1, A20 open: beyond 1 MiB", state.ebx, 0x1111);
    CHECK_EQUAL("SDM 3A 20.1.1, A20 open", state.ecx, 0x2222);
    state = REAL(real_a20_closed);
    CHECK_EQUAL("SDM 3A 8.7.13.4, A20M#: wraps at 1 MiB", state.ebx, 0x2222);
    CHECK_EQUAL("SDM 3A 8.7.13.4, A20M#", state.ecx, 0x2222);
    CHECK_EQUAL("SDM 3A 8.7.13.4, open again", state.edx, 0x2222);
}

void bare_tests(void)
{
    ring_init();
    test_interrupts();
    test_limits();
    test_undefined();
    test_registers();
    test_memory();
}
