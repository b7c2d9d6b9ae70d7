/* Virtual-8086 mode, VME and PVI.
 * Run alone: meson test -C build bare-v86 */
#include "rings.h"

#define CODE16(text) ".code16\n" text "\n.code32\n"

enum { SEL_CONFORMING = SEL_TEST, SEL_GATE = SEL_TEST + 8 };

/* --- entering, segments, limits --- */

SNIPPET(v86_addresses, CODE16("mov %cs, %ax\n"
                              "mov %ss, %bx\n"
                              "mov $0x1234, %cx\n"
                              "mov %cx, %ds\n"
                              "mov %ds, %dx\n"
                              "mov $0x55AA, %si\n"
                              "push %si\n"
                              "pop %di\n"
                              "hlt"));
SNIPPET(v86_base, CODE16("mov $0x0A10, %ax\n"
                         "mov %ax, %ds\n"
                         "movw $0x7654, 0x20\n"
                         "hlt"));
SNIPPET(v86_limit_word, CODE16("movw 0xFFFF, %ax"));
SNIPPET(v86_limit_32, CODE16("movl $0x10000, %ebx\n"
                             "addr32 movb (%ebx), %al"));
SNIPPET(v86_limit_stack, CODE16("mov $1, %sp\n"
                                "push %ax"));
SNIPPET(v86_code_write, CODE16("movw $0x1111, %cs:0x100\n"
                               "hlt"));

static void test_segments(void)
{
    V86_RUNS("SDM 3A 20.2.1", v86_addresses, FL_IOPL3);
    CHECK_EQUAL("SDM 3A 20.2.1, selectors", bare_frame.eax & 0xFFFF, V86_CODE >> 4);
    CHECK_EQUAL("SDM 3A 20.2.1, selectors", bare_frame.ebx & 0xFFFF, V86_STACK >> 4);
    CHECK_EQUAL("SDM 3A 20.2.1, any selector loads", bare_frame.edx & 0xFFFF, 0x1234);
    CHECK_EQUAL("SDM 3A 20.2.1, stack", bare_frame.edi & 0xFFFF, 0x55AA);
    CHECK_EQUAL("SDM 3A 20.2.5, frame: DS", bare_frame.v86_ds, 0x1234);
    CHECK_EQUAL("SDM 3A 20.2.5, frame: ES", bare_frame.v86_es, V86_DATA >> 4);
    CHECK_EQUAL("SDM 3A 20.2.5, frame: SP", bare_frame.esp, 0x1000);
    CHECK_EQUAL("SDM 3A 20.2.5, frame: VM", bare_frame.eflags & FL_VM, FL_VM);
    CHECK_EQUAL("SDM 3A 20.2.5, DS is null in the handler", bare_frame.ds & 0xFFFF, 0);
    V86_RUNS("SDM 3A 20.1.1, base is selector * 16", v86_base, FL_IOPL3);
    CHECK_EQUAL("SDM 3A 20.1.1", *(volatile uint16_t *)(0xA100 + 0x20), 0x7654);
    V86_FAULTS("SDM 3A 20.2, limit FFFFh", v86_limit_word, FL_IOPL3, 13, 0);
    V86_FAULTS("SDM 3A 20.2, limit FFFFh", v86_limit_32, FL_IOPL3, 13, 0);
    V86_FAULTS("SDM 3A 20.2, limit FFFFh", v86_limit_stack, FL_IOPL3, 12, 0);
    V86_RUNS("SDM 3A 20.2, CS is writable", v86_code_write, FL_IOPL3);
}

/* --- what is forbidden --- */

SNIPPET(v86_sldt, CODE16("sldt %ax"));
SNIPPET(v86_lar, CODE16("lar %ax, %bx"));
SNIPPET(v86_verr, CODE16("verr %ax"));
SNIPPET(v86_arpl, ".byte 0x63, 0xD8");
SNIPPET(v86_lgdt, CODE16("lgdt 0"));
SNIPPET(v86_mov_cr, CODE16("movl %cr0, %eax"));
SNIPPET(v86_mov_dr, CODE16("movl %dr0, %eax"));
SNIPPET(v86_clts, CODE16("clts"));
SNIPPET(v86_lmsw, CODE16("lmsw %ax"));
SNIPPET(v86_smsw, CODE16("smsw %ax\nhlt"));
SNIPPET(v86_sgdt, CODE16("sgdt 0\nhlt"));
SNIPPET(v86_hlt_first, CODE16("hlt\nnop"));
SNIPPET(v86_cli, CODE16("cli\nhlt"));
SNIPPET(v86_sti, CODE16("sti\nhlt"));
SNIPPET(v86_pushf, CODE16("pushf\npop %ax\nhlt"));
SNIPPET(v86_pushfl, CODE16("pushfl\npopl %eax\nhlt"));
SNIPPET(v86_popf, CODE16("push $0x4AD7\npopf\nhlt"));
SNIPPET(v86_popf_if, CODE16("push $0x0202\npopf\nhlt"));
SNIPPET(v86_popf_tf, CODE16("push $0x0102\npopf\nhlt"));
SNIPPET(v86_popfl, CODE16("pushl $0x00000202\npopfl\nhlt"));
SNIPPET(v86_iret, CODE16("push $0x0AD7\npush %cs\npush $(1f - v86_iret)\niretw\n"
                         "1: hlt"));

static void test_forbidden(void)
{
    const char *where = "SDM 3A 20.2.3, undefined instructions";
    V86_FAULTS(where, v86_sldt, FL_IOPL3, 6, 0);
    V86_FAULTS(where, v86_lar, FL_IOPL3, 6, 0);
    V86_FAULTS(where, v86_verr, FL_IOPL3, 6, 0);
    V86_FAULTS(where, v86_arpl, FL_IOPL3, 6, 0);
    where = "SDM 3A 5.9, privileged instructions";
    V86_FAULTS(where, v86_lgdt, FL_IOPL3, 13, 0);
    V86_FAULTS(where, v86_mov_cr, FL_IOPL3, 13, 0);
    V86_FAULTS(where, v86_mov_dr, FL_IOPL3, 13, 0);
    V86_FAULTS(where, v86_clts, FL_IOPL3, 13, 0);
    V86_FAULTS(where, v86_lmsw, FL_IOPL3, 13, 0);
    V86_FAULTS(where, v86_hlt_first, FL_IOPL3, 13, 0);
    V86_RUNS("SDM 3A 5.9, SMSW is not privileged", v86_smsw, 0);
    V86_RUNS("SDM 3A 5.9, SGDT is not privileged", v86_sgdt, 0);
}

static void test_iopl(void)
{
    const char *where = "SDM 3A 20.2.7, IOPL-sensitive";
    V86_FAULTS(where, v86_cli, 0, 13, 0);
    V86_FAULTS(where, v86_sti, 0, 13, 0);
    V86_FAULTS(where, v86_pushf, 0, 13, 0);
    V86_FAULTS(where, v86_pushfl, 0, 13, 0);
    V86_FAULTS(where, v86_popfl, 0, 13, 0);
    CHECK_EQUAL(where, bare_caught.eip, 6);
    CHECK("SDM 3A 20.2.7, IRET", !V86(v86_iret, 0) && bare_caught.vector == 13);
    where = "SDM 3A 20.2.7, IOPL 3";
    V86_RUNS(where, v86_cli, FL_IOPL3 | FL_IF);
    CHECK_EQUAL(where, bare_caught.eflags & FL_IF, 0);
    V86_RUNS(where, v86_sti, FL_IOPL3);
    CHECK_EQUAL(where, bare_caught.eflags & FL_IF, FL_IF);
    V86_RUNS(where, v86_pushf, FL_IOPL3);
    CHECK_EQUAL(where, bare_frame.eax & 0xFFFF, FL_IOPL3 | 2);
    V86_RUNS(where, v86_pushfl, FL_IOPL3);
    CHECK_EQUAL("SDM 2B PUSHFD shows VM as 0", bare_frame.eax & FL_VM, 0);
    V86_RUNS("SDM 2B POPF, IOPL is kept", v86_popf, FL_IOPL3);
    CHECK_EQUAL("SDM 2B POPF, IOPL is kept", bare_caught.eflags & 0x7FFF,
                (0x4AD7 & ~0x3000) | FL_IOPL3);
    V86_RUNS("SDM 2A IRET, V86", v86_iret, FL_IOPL3);
    CHECK_EQUAL("SDM 2A IRET, V86: IOPL is kept", bare_caught.eflags & 0x7FFF, 0x0AD7 | FL_IOPL3);
}

/* --- interrupts --- */

SNIPPET(v86_int_60, CODE16("int $0x60\nhlt"));
SNIPPET(v86_int3, CODE16("int3\nhlt"));
SNIPPET(v86_into, CODE16("mov $0x7F, %al\ninc %al\ninto\nhlt"));
SNIPPET(v86_divide, CODE16("xor %cx, %cx\ndiv %cx\nhlt"));

static void set_vector(unsigned vector, uint16_t selector, uint16_t type)
{
    uint32_t stub = (uint32_t)bare_stubs[vector];
    bare_idt[vector] = (struct gate){(uint16_t)stub, selector, type, (uint16_t)(stub >> 16)};
}

static void test_interrupts(void)
{
    set_vector(0x60, SEL_CODE, 0xEE00);
    V86_FAULTS("SDM 3A 20.3.1.1, INT n at IOPL 3", v86_int_60, FL_IOPL3, 0x60, 0);
    CHECK_EQUAL("SDM 3A 20.3.1.1", bare_caught.eip, 2);
    V86_FAULTS("SDM 3A 20.2.7, INT n below IOPL 3", v86_int_60, 0, 13, 0);
    V86_FAULTS("SDM 3A 20.2.7, INT3 does not look at IOPL", v86_int3, 0, 3, 0);
    V86_FAULTS("SDM 3A 20.2.7, INTO does not look at IOPL", v86_into, 0, 4, 0);
    V86_FAULTS("SDM 3A 20.3.1, exceptions", v86_divide, 0, 0, 0);
    set_vector(0x60, SEL_CODE, 0x8E00);
    V86_FAULTS("SDM 3A 20.3.1, gate DPL below 3", v86_int_60, FL_IOPL3, 13, 0x60 * 8 + 2);
    set_vector(0x60, SEL_CODE1 & ~3, 0xEE00);
    V86_FAULTS("SDM 3A 20.3.1, handler DPL must be 0", v86_int_60, FL_IOPL3, 13, SEL_CODE1 & ~3);
    ring_set(SEL_CONFORMING, bare_descriptor(0, 0xFFFFF, 0x9F, 0xC), 0);
    set_vector(0x60, SEL_CONFORMING, 0xEE00);
    V86_FAULTS("SDM 3A 20.3.1, conforming handler", v86_int_60, FL_IOPL3, 13, SEL_CONFORMING);
    set_vector(0x60, SEL_CODE, 0xEE00);
}

/* The handler returns into V86 mode, and changes DS on the way. */
static void change_ds(struct trap_frame *frame)
{
    frame->v86_ds = 0x0A20;
    frame->eax = 0xABCD;
}
SNIPPET(v86_back, CODE16("int $0x60\nmov %ds, %bx\nhlt"));
static void test_return(void)
{
    bare_set_handler(0x60, change_ds);
    V86_RUNS("SDM 3A 20.2.6, back by IRET", v86_back, FL_IOPL3);
    CHECK_EQUAL("SDM 3A 20.2.6", bare_frame.eax & 0xFFFF, 0xABCD);
    CHECK_EQUAL("SDM 3A 20.2.6, DS from the frame", bare_frame.ebx & 0xFFFF, 0x0A20);
    bare_set_handler(0x60, NULL);
}

/* --- I/O --- */

SNIPPET(v86_in, CODE16("mov $0x80, %dx\nin %dx, %al\nhlt"));
SNIPPET(v86_in_word, CODE16("mov $0x80, %dx\nin %dx, %ax\nhlt"));
SNIPPET(v86_outs, CODE16("mov $0x80, %dx\nxor %si, %si\nmov $2, %cx\nrep outsb\nhlt"));

static void test_io(void)
{
    const char *where = "SDM 1 16.5.2, I/O bitmap in V86 mode";
    V86_FAULTS("SDM 3A 20.2.8, whatever IOPL is", v86_in, FL_IOPL3, 13, 0);
    ring_tss.io_bitmap[0x10] = 0xFE;
    V86_RUNS(where, v86_in, 0);
    V86_FAULTS("SDM 1 16.5.2, every byte of the access", v86_in_word, 0, 13, 0);
    V86_RUNS(where, v86_outs, 0);
    ring_tss.io_bitmap[0x10] = 0xFC;
    V86_RUNS(where, v86_in_word, 0);
    ring_tss.io_bitmap[0x10] = 0xFF;
}

/* --- VME --- */

/* A handler in V86 mode at 0B00:0000: notes FLAGS of its caller, and its own. */
SNIPPET(v86_handler, CODE16("push %bp\nmov %sp, %bp\nmov 6(%bp), %si\npop %bp\n"
                            "mov %cs, %di\niretw"));
SNIPPET(v86_vme_int, CODE16("mov $0, %di\nint $0x61\nhlt"));
SNIPPET(v86_vme_int_sti, CODE16("sti\nint $0x61\nhlt"));

static void test_vme_interrupts(void)
{
    memcpy((void *)0xB000, v86_handler, (size_t)(v86_handler_end - v86_handler));
    volatile uint32_t *table = (volatile uint32_t *)(0x61 * 4);
    __asm__("" : "+r"(table));
    *table = 0x0B000000;
    set_vector(0x61, SEL_CODE, 0xEE00);
    V86_FAULTS("SDM 3A 20.3.3.4, bit set, IOPL 0", v86_vme_int, 0, 13, 0);
    V86_FAULTS("SDM 3A 20.3.3.2, bit set, IOPL 3", v86_vme_int, FL_IOPL3, 0x61, 0);
    ring_tss.redirection[0x61 / 8] &= (uint8_t) ~(1 << (0x61 & 7));
    V86_RUNS("SDM 3A 20.3.3.5, bit clear, IOPL 3", v86_vme_int, FL_IOPL3 | FL_IF);
    CHECK_EQUAL("SDM 3A 20.3.3.5, handler", bare_frame.edi & 0xFFFF, 0x0B00);
    CHECK_EQUAL("SDM 3A 20.3.3.5, FLAGS", bare_frame.esi & (FL_IF | FL_IOPL3), FL_IF | FL_IOPL3);
    V86_RUNS("SDM 3A 20.3.3.6, bit clear, IOPL 0", v86_vme_int, FL_IF);
    CHECK_EQUAL("SDM 3A 20.3.3.6, handler", bare_frame.edi & 0xFFFF, 0x0B00);
    CHECK_EQUAL("SDM 3A 20.3.3.6, IF in the image is VIF", bare_frame.esi & FL_IF, 0);
    CHECK_EQUAL("SDM 3A 20.3.3.6, IOPL 3 in the image", bare_frame.esi & FL_IOPL3, FL_IOPL3);
    V86_RUNS("SDM 3A 20.3.3.6, VIF", v86_vme_int_sti, FL_IF);
    CHECK_EQUAL("SDM 3A 20.3.3.6, VIF is IF in the image", bare_frame.esi & FL_IF, FL_IF);
    CHECK_EQUAL("SDM 3A 20.3.3.6, IRET restores VIF", bare_caught.eflags & FL_VIF, FL_VIF);
    uint16_t io_base = ring_tss.io_base;
    ring_tss.io_base = 0xFFFF;
    V86_FAULTS("SDM 3A 20.3.3, bitmap beyond the TSS", v86_vme_int, 0, 13, 0);
    ring_tss.io_base = io_base;
    ring_tss.redirection[0x61 / 8] = 0xFF;
}

static void test_vme_flags(void)
{
    const char *where = "SDM 3A 20.3.3.6, VIF";
    V86_RUNS("SDM 3A 20.3.2, STI sets VIF", v86_sti, 0);
    CHECK_EQUAL(where, bare_caught.eflags & (FL_VIF | FL_IF), FL_VIF);
    V86_RUNS("SDM 3A 20.3.2, CLI clears VIF", v86_cli, FL_VIF | FL_IF);
    CHECK_EQUAL(where, bare_caught.eflags & (FL_VIF | FL_IF), FL_IF);
    V86_FAULTS("SDM 3A 20.3.2, STI with VIP", v86_sti, FL_VIP, 13, 0);
    CHECK_EQUAL("SDM 3A 20.3.2, STI with VIP", bare_caught.eip, 0);
    V86_FAULTS("SDM 3A 20.3.2, VIF and VIP at the beginning of an instruction", v86_pushf,
               FL_VIF | FL_VIP, 13, 0);
    CHECK_EQUAL("SDM 3A 20.3.2, VIF and VIP", bare_caught.eip, 0);
    V86_RUNS("SDM 2B PUSHF, VME", v86_pushf, FL_VIF);
    CHECK_EQUAL("SDM 2B PUSHF, VME", bare_frame.eax & (FL_IF | FL_IOPL3), FL_IF | FL_IOPL3);
    V86_RUNS("SDM 2B PUSHF, VME", v86_pushf, FL_IF);
    CHECK_EQUAL("SDM 2B PUSHF, VME", bare_frame.eax & (FL_IF | FL_IOPL3), FL_IOPL3);
    V86_FAULTS("SDM 2B PUSHFD, VME does not help", v86_pushfl, 0, 13, 0);
    V86_RUNS("SDM 2B POPF, VME", v86_popf_if, 0);
    CHECK_EQUAL("SDM 2B POPF, VME", bare_caught.eflags & (FL_VIF | FL_IF | FL_IOPL3), FL_VIF);
    V86_FAULTS("SDM 2B POPF, VME, VIP", v86_popf_if, FL_VIP, 13, 0);
    V86_FAULTS("SDM 2B POPF, VME, TF", v86_popf_tf, 0, 13, 0);
    V86_FAULTS("SDM 2B POPFD, VME does not help", v86_popfl, 0, 13, 0);
    V86_RUNS("SDM 2A IRET, VME", v86_iret, 0);
    CHECK_EQUAL("SDM 2A IRET, VME", bare_caught.eflags & (FL_VIF | FL_IF | FL_IOPL3), FL_VIF);
}

/* --- PVI: the same for protected mode at CPL 3 --- */

static void do_cli(void *unused)
{
    __asm__ volatile("cli");
}
static void do_sti(void *unused)
{
    __asm__ volatile("sti");
}
static void do_pushf(void *unused)
{
    __asm__ volatile("pushfl; popl %%eax; int $0xF0" : : : "eax");
}

static void test_pvi(void)
{
    FAULTS("SDM 2A CLI, CPL above IOPL", ring_try(3, 0, do_cli, NULL), 13, 0);
    FAULTS("SDM 2B STI, CPL above IOPL", ring_try(3, 0, do_sti, NULL), 13, 0);
    RUNS("SDM 2A CLI, CPL 3 and IOPL 3", ring_try(3, FL_IOPL3, do_cli, NULL));
    if (!(ring_features() & FEATURE_VME))
        return;
    write_cr4(read_cr4() | CR4_PVI);
    RUNS("SDM 3A 20.4, STI", ring_try(3, 0, do_sti, NULL));
    CHECK_EQUAL("SDM 3A 20.4, STI sets VIF", bare_caught.eflags & (FL_VIF | FL_IF), FL_VIF);
    RUNS("SDM 3A 20.4, CLI", ring_try(3, FL_VIF, do_cli, NULL));
    CHECK_EQUAL("SDM 3A 20.4, CLI clears VIF", bare_caught.eflags & (FL_VIF | FL_IF), 0);
    FAULTS("SDM 3A 20.4, STI with VIP", ring_try(3, FL_VIP, do_sti, NULL), 13, 0);
    RUNS("SDM 3A 20.4, PUSHF is not affected", ring_try(3, FL_VIF, do_pushf, NULL));
    CHECK_EQUAL("SDM 3A 20.4, PUSHF is not affected", bare_frame.eax & (FL_VIF | FL_IF), FL_VIF);
    FAULTS("SDM 3A 20.4, CPL 3 only", ring_try(1, 0, do_sti, NULL), 13, 0);
    write_cr4(read_cr4() & ~CR4_PVI);
}

void bare_tests(void)
{
    ring_init();
    test_segments();
    test_forbidden();
    test_iopl();
    test_interrupts();
    test_return();
    test_io();
    test_pvi();
    if (ring_features() & FEATURE_VME) {
        write_cr4(read_cr4() | CR4_VME);
        test_vme_interrupts();
        test_vme_flags();
    }
}
