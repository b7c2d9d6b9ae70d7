/* Double faults, priorities, NMI, interrupt shadow, alignment checks, I/O permission.
 * Run alone: meson test -C build bare-faults */
#include "rings.h"

enum { ABSENT = SEL_TEST, DF_TASK = SEL_TEST + 8, CODE_SMALL = SEL_TEST + 16 };

/* --- double fault: SDM 3A table 6-5. The first exception's gate is spoiled so that its delivery
 * raises the second one. --- */

static void divide(void *unused)
{
    __asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx", "cc");
}
static void undefined(void *unused)
{
    __asm__ volatile("ud2");
}
static void bad_segment(void *unused)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(0x3F8));
}
static void absent_segment(void *unused)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(ABSENT));
}
static void breakpoint(void *unused)
{
    __asm__ volatile("int3");
}
static void page_fault(void *address)
{
    __asm__ volatile("movb (%0), %%al" : : "r"(address) : "eax");
}

/* Runs with the gate of vector pointing to an absent segment: delivery raises #NP. */
static bool with_bad_gate(unsigned vector, void (*function)(void *), void *argument)
{
    struct gate saved = bare_idt[vector];
    bare_idt[vector].selector = ABSENT;
    bool faulted = bare_try(function, argument);
    bare_idt[vector] = saved;
    return faulted;
}

static void test_double_fault(void)
{
    ring_set(ABSENT, bare_descriptor(0, 0xFFFFF, 0x1B, 0xC), 0);
    FAULTS("SDM 3A table 6-5, #DE then #NP", with_bad_gate(0, divide, NULL), 8, 0);
    CHECK_EQUAL("SDM 3A 6.15, #DF: EIP, as processors give it", bare_caught.cs, SEL_CODE);
    FAULTS("SDM 3A table 6-5, #GP then #NP", with_bad_gate(13, bad_segment, NULL), 8, 0);
    FAULTS("SDM 3A table 6-5, #NP then #NP", with_bad_gate(11, absent_segment, NULL), 8, 0);
    FAULTS("SDM 3A table 6-5, #UD then #NP: one after the other", with_bad_gate(6, undefined, NULL),
           11, ABSENT | 1);
    FAULTS("SDM 3A 6.13, INT3 then #NP: EXT is 0", with_bad_gate(3, breakpoint, NULL), 11, ABSENT);
    struct gate saved = bare_idt[6];
    bare_idt[6].type = 0x0E00;
    FAULTS("SDM 3A 6.13, gate not present: IDT and EXT", bare_try(undefined, NULL), 11,
           6 * 8 + 2 + 1);
    bare_idt[6].type = 0x8C00;
    FAULTS("SDM 3A 6.13, no such gate: IDT and EXT", bare_try(undefined, NULL), 13, 6 * 8 + 2 + 1);
    bare_idt[6] = saved;
    bare_idt[6].selector = 0;
    FAULTS("SDM 3A 6.13, null selector: EXT", bare_try(undefined, NULL), 13, 1);
    bare_idt[6] = saved;
    FAULTS("SDM 3A 6.13", bare_try(undefined, NULL), 6, 0);
}

static void back_from_task(void)
{
    ring_load_tasks();
    write_eflags(2);
}

/* Delivery to CPL 0 with a bad stack in the TSS. */
static void test_delivery_stack(void)
{
    uint32_t ss0 = ring_tss.ss0, esp0 = ring_tss.esp0;
    struct gate saved = ring_double_fault_task(DF_TASK);
    ring_tss.ss0 = 0;
    /* #UD at CPL 3: #TS, whose delivery is #TS again: double fault, to its task. */
    bool faulted = ring_try(3, 0, undefined, NULL);
    ring_tss.ss0 = ss0;
    ring_tss.esp0 = esp0;
    bare_idt[8] = saved;
    FAULTS("SDM 3A 6.15, #DF through a task gate", faulted, 8, 0);
    CHECK_EQUAL("SDM 3A 6.15, #DF: the faulting task's CS", ring_tss.cs & 0xFFFF, SEL_USER_CODE);
    CHECK_EQUAL("SDM 3A 6.15, #DF: the faulting task's EIP", ring_tss.eip, (uint32_t)undefined);
    back_from_task();
}
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[4][1024] __attribute__((aligned(4096)));

static void test_page_fault_pairs(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 1024; j++)
            tables[i][j] = (i << 22 | j << 12) | 7;
        directory[i] = (uint32_t)tables[i] | 7;
    }
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | 0x80000000u);
    void *nowhere = (void *)0x40000000;
    FAULTS("SDM 3A table 6-5, #PF", bare_try(page_fault, nowhere), 14, 0);
    FAULTS("SDM 3A table 6-5, #PF then #NP", with_bad_gate(14, page_fault, nowhere), 8, 0);
    /* The stack for CPL 0 is not there: #PF then #PF. */
    uint32_t esp0 = ring_tss.esp0;
    struct gate saved = ring_double_fault_task(DF_TASK);
    ring_tss.esp0 = 0x40002000;
    ring_tss.cr3 = (uint32_t)directory;
    bool faulted = ring_try(3, 0, page_fault, nowhere);
    ring_tss.esp0 = esp0;
    bare_idt[8] = saved;
    FAULTS("SDM 3A table 6-5, #PF then #PF", faulted, 8, 0);
    CHECK_EQUAL("SDM 3A 6.15, CR2 is the second fault's", bare_caught.cr2, 0x40001FFC);
    back_from_task();
    write_cr0(read_cr0() & ~0x80000000u);
}

/* --- alignment checks: SDM 3A 6.15, interrupt 17 --- */

static uint8_t aligned[32] __attribute__((aligned(16)));
static void read16(void *address)
{
    __asm__ volatile("movw (%0), %%ax" : : "r"(address) : "eax");
}
static void read32(void *address)
{
    __asm__ volatile("movl (%0), %%eax" : : "r"(address) : "eax");
}
static void write32(void *address)
{
    __asm__ volatile("movl %%eax, (%0)" : : "r"(address) : "memory");
}
static void read8(void *address)
{
    __asm__ volatile("movb (%0), %%al" : : "r"(address) : "eax");
}
static void push_misaligned(void *unused)
{
    __asm__ volatile("movl %%esp, %%ecx; decl %%esp; pushl %%eax; movl %%ecx, %%esp"
                     :
                     :
                     : "ecx", "memory", "cc");
}

static void test_alignment(void)
{
    const char *where = "SDM 3A 6.15, #AC";
    RUNS("SDM 3A 6.15, CR0.AM = 0", ring_try(3, FL_AC, read32, aligned + 1));
    write_cr0(read_cr0() | 1 << 18);
    if (!(read_cr0() & 1 << 18))
        return; /* a 386 */
    FAULTS(where, ring_try(3, FL_AC, read32, aligned + 1), 17, 0);
    FAULTS(where, ring_try(3, FL_AC, read32, aligned + 2), 17, 0);
    FAULTS(where, ring_try(3, FL_AC, read16, aligned + 1), 17, 0);
    FAULTS(where, ring_try(3, FL_AC, write32, aligned + 3), 17, 0);
    FAULTS(where, ring_try(3, FL_AC, push_misaligned, NULL), 17, 0);
    RUNS(where, ring_try(3, FL_AC, read32, aligned + 4));
    RUNS(where, ring_try(3, FL_AC, read16, aligned + 2));
    RUNS(where, ring_try(3, FL_AC, read8, aligned + 1));
    RUNS("SDM 3A 6.15, EFLAGS.AC = 0", ring_try(3, 0, read32, aligned + 1));
    RUNS("SDM 3A 6.15, CPL 3 only", ring_try(2, FL_AC, read32, aligned + 1));
    RUNS("SDM 3A 6.15, CPL 3 only", ring_try(0, FL_AC, read32, aligned + 1));
    write_eflags(2);
    write_cr0(read_cr0() & ~(1u << 18));
}

/* --- I/O permission: SDM 1 16.5 --- */

static void in_byte(void *port)
{
    __asm__ volatile("inb %w0, %%al" : : "d"(port) : "eax");
}
static void in_word(void *port)
{
    __asm__ volatile("inw %w0, %%ax" : : "d"(port) : "eax");
}
static void in_long(void *port)
{
    __asm__ volatile("inl %w0, %%eax" : : "d"(port) : "eax");
}
static void ins_byte(void *port)
{
    static uint8_t to;
    uint32_t address = (uint32_t)&to;
    __asm__ volatile("cld; insb" : "+D"(address) : "d"(port) : "memory");
}
static void rep_ins(void *to)
{
    uint32_t count = 8;
    __asm__ volatile("cld; rep insb" : "+D"(to), "+c"(count) : "d"(0x80) : "memory");
}

static void test_io_bitmap(void)
{
    const char *where = "SDM 1 16.5.2";
    RUNS("SDM 1 16.5.1, CPL 0", bare_try(in_byte, (void *)0x80));
    RUNS("SDM 1 16.5.1, CPL up to IOPL", ring_try(3, FL_IOPL3, in_byte, (void *)0x80));
    FAULTS(where, ring_try(3, 0, in_byte, (void *)0x80), 13, 0);
    ring_tss.io_bitmap[0x10] = 0xFE;
    RUNS(where, ring_try(3, 0, in_byte, (void *)0x80));
    RUNS(where, ring_try(1, 0, in_byte, (void *)0x80));
    RUNS(where, ring_try(3, 0, ins_byte, (void *)0x80));
    FAULTS(where, ring_try(3, 0, in_byte, (void *)0x81), 13, 0);
    FAULTS(where, ring_try(3, 0, in_word, (void *)0x80), 13, 0);
    ring_tss.io_bitmap[0x10] = 0x7F;
    ring_tss.io_bitmap[0x11] = 0xFE;
    RUNS("SDM 1 16.5.2, across bytes of the bitmap", ring_try(3, 0, in_word, (void *)0x87));
    FAULTS("SDM 1 16.5.2, across bytes of the bitmap", ring_try(3, 0, in_long, (void *)0x87), 13,
           0);
    ring_tss.io_bitmap[0x10] = ring_tss.io_bitmap[0x11] = 0xFF;
    /* A TSS that ends within the bitmap. */
    uint64_t saved = bare_gdt[SEL_TSS >> 3];
    uint32_t end = offsetof(struct tss32, io_bitmap) + 0x10;
    memset(ring_tss.io_bitmap, 0, 0x20);
    ring_set(SEL_TSS, bare_descriptor((uint32_t)&ring_tss, end, 0x89, 0), 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
    FAULTS("SDM 1 16.5.2, two bytes are read", ring_try(3, 0, in_byte, (void *)0x80), 13, 0);
    RUNS("SDM 1 16.5.2, limit", ring_try(3, 0, in_byte, (void *)0x78));
    ring_set(SEL_TSS, bare_descriptor((uint32_t)&ring_tss, end + 1, 0x89, 0), 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
    RUNS("SDM 1 16.5.2, limit", ring_try(3, 0, in_byte, (void *)0x80));
    bare_gdt[SEL_TSS >> 3] = saved & ~(UINT64_C(2) << 40);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
    memset(ring_tss.io_bitmap, 0xFF, 0x20);
    static uint8_t to[16];
    uint16_t small = ring_set(CODE_SMALL, bare_descriptor((uint32_t)to, 4, 0x93, 0x4), 0);
    __asm__ volatile("movw %w0, %%es" : : "r"(small));
    bool faulted = bare_try(rep_ins, 0);
    FAULTS("SDM 2A INS, limit of ES", faulted, 13, 0);
    CHECK_EQUAL("SDM 2A INS, iterations before the fault", bare_frame.ecx, 3);
}

/* --- interrupt shadow --- */

static volatile uint32_t interrupted_at;
extern uint8_t shadow_here[], shadow_next[], shadow_ss[];
static void note_interrupt(struct trap_frame *frame)
{
    interrupted_at = frame->eip;
    out8(0x21, 0xFF);
    out8(0x20, 0x20);
}

/* Waits until the timer's interrupt is pending, interrupts being off. */
static void request_interrupt(void)
{
    interrupted_at = 0;
    bare_init_pic();
    out8(0x43, 0x30); /* counter 0, mode 0 */
    out8(0x40, 100);
    out8(0x40, 0);
    out8(0x21, 0xFE);
    do
        out8(0x20, 0x0A);
    while (!(in8(0x20) & 1));
}

__attribute__((noinline, noclone)) static void sti_nop(void)
{
    __asm__ volatile("sti\nshadow_here: nop\nshadow_next: nop\ncli" : : : "memory");
}
__attribute__((noinline, noclone)) static void sti_ss(void)
{
    __asm__ volatile("movl %%ss, %%eax\nsti\nmovw %%ax, %%ss\nnop\nshadow_ss: nop\ncli"
                     :
                     :
                     : "eax", "memory");
}

static void test_shadow(void)
{
    bare_set_handler(0x20, note_interrupt);
    request_interrupt();
    sti_nop();
    CHECK_EQUAL("SDM 2B STI, one instruction is executed first", interrupted_at,
                (uint32_t)shadow_next);
    request_interrupt();
    sti_ss();
    CHECK_EQUAL("SDM 3A 6.8.3, MOV SS, too", interrupted_at, (uint32_t)shadow_ss);
    request_interrupt();
    __asm__ volatile("sti; cli; nop" : : : "memory");
    CHECK_EQUAL("SDM 2B STI, CLI in the shadow", interrupted_at, 0);
    request_interrupt();
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    CHECK("SDM 2A HLT, behind STI", interrupted_at != 0);
    bare_set_handler(0x20, NULL);
    out8(0x21, 0xFF);
}

/* --- NMI, sent by the local APIC to itself --- */

static volatile uint32_t *const apic = (volatile uint32_t *)0xFEE00000;
static volatile unsigned nmi_count, nmi_depth, nmi_deepest;

static void send_nmi(void)
{
    apic[0x310 / 4] = apic[0x20 / 4];
    apic[0x300 / 4] = 0x4400;
    while (apic[0x300 / 4] & 0x1000)
        ;
}

static void note_nmi(struct trap_frame *frame)
{
    nmi_count++;
    if (++nmi_depth > nmi_deepest)
        nmi_deepest = nmi_depth;
    if (nmi_count == 1) {
        send_nmi();
        for (volatile unsigned i = 0; i < 1000; i++)
            ;
    }
    nmi_depth--;
}

static void test_nmi(void)
{
    if (!(ring_features() & 1 << 9))
        return;
    bare_set_handler(2, note_nmi);
    write_eflags(2);
    send_nmi();
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    CHECK("SDM 3A 6.7, NMI does not look at IF", nmi_count >= 1);
    CHECK_EQUAL("SDM 3A 6.7.1, a second one waits for IRET", nmi_deepest, 1);
    CHECK_EQUAL("SDM 3A 6.7.1, and comes then", nmi_count, 2);
    bare_set_handler(2, NULL);
}

/* --- order of checks --- */

static void test_priority(void)
{
    /* #UD ranks before #GP: a LOCK prefix on a privileged instruction at CPL 3. */
    static const uint8_t lock_clts[] = {0xF0, 0x0F, 0x06, 0xC3};
    FAULTS("SDM 3A table 6-2, #UD before #GP",
           ring_try(3, 0, (void (*)(void *))(uint32_t)lock_clts, NULL), 6, 0);
    static const uint8_t long_one[] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                       0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90, 0xC3};
    FAULTS("SDM 2A 2.3.11, more than 15 bytes",
           bare_try((void (*)(void *))(uint32_t)long_one, NULL), 13, 0);
    RUNS("SDM 2A 2.3.11, 15 bytes", bare_try((void (*)(void *))(uint32_t)(long_one + 1), NULL));
}

void bare_tests(void)
{
    ring_init();
    test_double_fault();
    test_delivery_stack();
    test_page_fault_pairs();
    test_alignment();
    test_io_bitmap();
    test_shadow();
    test_nmi();
    test_priority();
}
