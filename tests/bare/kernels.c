/* What small kernels that test processors rely on, in the ways they use it: tasks as handlers of
 * exceptions, NMIs and interrupts; events that wait for each other; the local APIC's switch in its
 * MSR; the time stamp counter against the APIC timer; CMPXCHG8B.
 * Run alone: meson test -C build bare-kernels
 *
 * QEMU 7.2 (TCG) hangs in the task with a conforming CS. A P6 whose APIC was switched off in the
 * MSR gets it back by reset only (SDM 3A 10.4.3), which Bochs does for its Pentium III; later
 * processors, and this emulator for all, let software switch it on again. */
#include "../device/local_apic_registers.h"
#include "rings.h"

enum {
    SEL_HANDLER = SEL_TEST,
    SEL_MAIN = SEL_TEST + 0x08,
    SEL_V86 = SEL_TEST + 0x10,
    SEL_CONFORMING = SEL_TEST + 0x18,
};
enum { CR0_PG = (int)0x80000000u, MSR_APIC_BASE = 0x1B, MSR_TSC = 0x10 };

static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (uint64_t)high << 32;
}
static void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

/* --- tasks as handlers: SDM 3A 6.12.2 --- */

static struct tss32 handler_task;
static uint8_t handler_stack[4096] __attribute__((aligned(16)));
static volatile uint32_t ran, resumed, divisor, seen_error, seen_cs, fixed_entry;
static volatile uint32_t *volatile repair_to; /* what the handler of page faults fills in */
__asm__(".globl ran, resumed, divisor, seen_error, seen_cs, repair_to, fixed_entry");

/* Each notes that it ran, does something, and goes back by IRET; called again, it goes on there. */
void plain_task(void);
void divide_task(void);
void page_task(void);
void jump_task(void);
__asm__(
    ".pushsection .text\n"
    "plain_task:\n"
    "    incl ran\n"
    "    movl %cs, %eax\n"
    "    movl %eax, seen_cs\n"
    "    iretl\n"
    "    incl resumed\n"
    "    jmp plain_task\n"
    "divide_task:\n"
    "    incl ran\n"
    "    movl $10, divisor\n"
    "    iretl\n"
    "    jmp divide_task\n"
    "page_task:\n"
    "    popl seen_error\n"
    "    incl ran\n"
    "    movl repair_to, %eax\n"
    "    movl fixed_entry, %ecx\n"
    "    movl %ecx, (%eax)\n"
    "    iretl\n"
    "    jmp page_task\n"
    "jump_task:\n"
    "    incl ran\n"
    "    ljmp $0x28, $0\n"
    "    jmp jump_task\n"
    ".popsection");

static void prepare(void (*body)(void))
{
    memset(&handler_task, 0, offsetof(struct tss32, redirection));
    handler_task.eip = (uint32_t)body;
    handler_task.eflags = 2;
    handler_task.esp = (uint32_t)handler_stack + sizeof handler_stack - 64;
    handler_task.cs = SEL_CODE;
    handler_task.ss = handler_task.ds = handler_task.es = SEL_DATA;
    handler_task.cr3 = read_cr3();
    ring_set(SEL_HANDLER, bare_descriptor((uint32_t)&handler_task, 0x67, 0x89, 0), 0);
    ran = resumed = 0;
}

static struct gate saved_gate;
static void to_task(unsigned vector, void (*body)(void))
{
    prepare(body);
    saved_gate = bare_idt[vector];
    bare_idt[vector] = (struct gate){0, SEL_HANDLER, 0x8500, 0};
}
static void from_task(unsigned vector)
{
    bare_idt[vector] = saved_gate;
    __asm__ volatile("clts");
}

static void call_handler(void *unused)
{
    __asm__ volatile(".byte 0x9A; .long 0; .word %c0" : : "i"(SEL_HANDLER) : "eax", "memory");
}

static void test_instruction_tasks(void)
{
    to_task(2, plain_task);
    __asm__ volatile("int $2" : : : "memory");
    from_task(2);
    CHECK_EQUAL("SDM 3A 6.12.2, INT 2 to a task", ran, 1);
    to_task(0, divide_task);
    divisor = 0;
    uint32_t quotient = 1500, rest = 0;
    __asm__ volatile("divl divisor" : "+a"(quotient), "+d"(rest) : : "memory", "cc");
    from_task(0);
    CHECK_EQUAL("SDM 3A 6.12.2, #DE to a task, which mends the divisor", quotient, 150);
    to_task(0, plain_task);
    __asm__ volatile("int $0" : : : "memory");
    from_task(0);
    CHECK_EQUAL("SDM 3A 6.12.2, INT 0 goes on behind itself", ran, 1);
    to_task(4, plain_task);
    __asm__ volatile("movb $127, %%al; addb $127, %%al; into" : : : "eax", "memory", "cc");
    from_task(4);
    CHECK_EQUAL("SDM 3A 6.12.2, INTO to a task", ran, 1);
    to_task(3, plain_task);
    __asm__ volatile("int3; .byte 0xCD, 3" : : : "memory");
    from_task(3);
    CHECK_EQUAL("SDM 3A 6.12.2, INT3 in both encodings", ran, 2);
    CHECK_EQUAL("SDM 3A 7.3, the task goes on behind its IRET", resumed, 1);
    prepare(plain_task);
    /* The offset is ignored, and counts as part of the instruction. */
    __asm__ volatile(".byte 0x9A; .long 0xF4F4F4F4; .word %c0" : : "i"(SEL_HANDLER) : "memory");
    CHECK_EQUAL("SDM 2A CALL, ptr16:32 to a TSS", ran, 1);
    prepare(jump_task);
    __asm__ volatile(".byte 0xEA; .long 0xF4F4F4F4; .word %c0" : : "i"(SEL_HANDLER) : "memory");
    CHECK_EQUAL("SDM 2A JMP, ptr16:32 to a TSS and back", ran, 1);
    __asm__ volatile("clts");
    ring_set(SEL_CONFORMING, bare_descriptor(0, 0xFFFFF, 0x9F, 0xC), 0);
    prepare(plain_task);
    handler_task.cs = SEL_CONFORMING | 3;
    handler_task.eflags = 2 | FL_IOPL3;
    handler_task.ss = handler_task.ds = handler_task.es = SEL_USER_DATA;
    seen_cs = 0;
    bare_try(call_handler, NULL);
    CHECK_EQUAL("SDM 3A 7.3, CS of a task: conforming, RPL 3 and DPL 0", seen_cs,
                SEL_CONFORMING | 3);
    ring_load_tasks();
}

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[9][1024] __attribute__((aligned(4096)));
static uint8_t page[4096] __attribute__((aligned(4096)));

static void test_page_fault_task(void)
{
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 1024; j++)
            tables[i][j] = (i << 22 | j << 12) | 7;
        directory[i] = (uint32_t)tables[i] | 7;
    }
    directory[0xFEC00000u >> 22] = 0;
    directory[256] = (uint32_t)tables[8] | 7;
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | (uint32_t)CR0_PG);
    ring_tss.cr3 = read_cr3();
    repair_to = &tables[8][1];
    fixed_entry = (uint32_t)page | 7;
    to_task(14, page_task);
    *(volatile uint8_t *)0x40001234 = 0x5A;
    from_task(14);
    CHECK_EQUAL("SDM 3A 6.13, #PF to a task: error code on its stack", seen_error, 2);
    CHECK_EQUAL("SDM 3A 6.12.2, #PF to a task, which maps the page", ran, 1);
    CHECK_EQUAL("SDM 3A 6.12.2, and the access goes through", page[0x234], 0x5A);
    write_cr0(read_cr0() & ~(uint32_t)CR0_PG);
    ring_tss.cr3 = handler_task.cr3 = 0;
}

/* --- NMI and interrupts to tasks --- */

static volatile uint32_t *const apic = (volatile uint32_t *)0xFEE00000;

static void send(uint32_t command)
{
    apic[ICR_HIGH / 4] = apic[ID / 4];
    apic[ICR / 4] = command;
    while (apic[ICR / 4] & 0x1000)
        ;
}
static void wait_a_little(void)
{
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
}

void interrupt_task(void);
__asm__(
    ".pushsection .text\n"
    "interrupt_task:\n"
    "    incl ran\n"
    "    movl $0, 0xFEE000B0\n"
    "    iretl\n"
    "    incl resumed\n"
    "    jmp interrupt_task\n"
    ".popsection");

static void test_outside_tasks(void)
{
    apic[SVR / 4] = 0x1FF;
    for (unsigned i = 1; i <= 2; i++) {
        to_task(2, plain_task);
        send(0x4400);
        wait_a_little();
        from_task(2);
        CHECK_EQUAL("SDM 3A 6.7.1, NMI to a task, and again: IRET opens it", ran, 1);
    }
    to_task(0x61, interrupt_task);
    __asm__ volatile("sti");
    send(0x44061);
    wait_a_little();
    send(0x44061);
    wait_a_little();
    __asm__ volatile("cli");
    from_task(0x61);
    CHECK_EQUAL("SDM 3A 6.12.2, interrupt to a task", ran, 2);
    CHECK_EQUAL("SDM 3A 6.12.2, interrupt to a task", resumed, 1);
}

/* --- to V86 mode by IRET of a nested task, and back by #UD --- */

static void test_v86_task(void)
{
    static struct tss32 v86_task;
    volatile uint8_t *code = (volatile uint8_t *)0x42000;
    __asm__("" : "+r"(code));
    code[0] = 0x0F;
    code[1] = 0x0B;
    memset(&v86_task, 0, offsetof(struct tss32, redirection));
    v86_task.eflags = FL_VM | 2;
    v86_task.cs = 0x4200;
    v86_task.ds = 0x1234;
    v86_task.es = 0x2345;
    v86_task.ss = 0x4000;
    v86_task.esp = 0x100;
    ring_set(SEL_V86, bare_descriptor((uint32_t)&v86_task, 0x67, 0x8B, 0), 0);
    struct gate saved = bare_idt[6];
    static struct tss32 main_task;
    memset(&main_task, 0, offsetof(struct tss32, redirection));
    ring_set(SEL_MAIN, bare_descriptor((uint32_t)&main_task, 0x67, 0x89, 0), 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_MAIN));
    main_task.link = SEL_V86;
    bare_idt[6] = (struct gate){0, SEL_MAIN, 0x8500, 0};
    __asm__ volatile("pushfl; orw $0x4000, (%%esp); popfl; iretl" : : : "memory", "cc");
    bare_idt[6] = saved;
    __asm__ volatile("clts");
    CHECK_EQUAL("SDM 3A 20.2.6, NT in the task that comes back", read_eflags() & FL_NT, FL_NT);
    write_eflags(2);
    CHECK_EQUAL("SDM 3A 7.3, V86 task: EIP at the fault", v86_task.eip, 0);
    CHECK_EQUAL("SDM 3A 7.3, V86 task: DS as a paragraph", v86_task.ds & 0xFFFF, 0x1234);
    CHECK_EQUAL("SDM 3A 7.3, V86 task: VM saved", v86_task.eflags & FL_VM, FL_VM);
    ring_load_tasks();
}

/* --- events that meet --- */

static volatile unsigned order_count;
static volatile uint8_t order[8];
static volatile uint32_t eip_of[2];
static void note_nmi(struct trap_frame *frame)
{
    eip_of[0] = frame->eip;
    order[order_count++ & 7] = 2;
}
static void note_interrupt(struct trap_frame *frame)
{
    eip_of[1] = frame->eip;
    order[order_count++ & 7] = 0x61;
    apic[EOI / 4] = 0;
}
extern uint8_t events_sti[], events_behind[];

__attribute__((noinline, noclone)) static void sti_with_both(void)
{
    __asm__ volatile(
        "movl $0x44061, 0xFEE00300\n" /* waits: IF is clear */
        "sti\n"
        "events_sti: nop\n"
        "events_behind: nop\n"
        "cli\n"
        :
        :
        : "memory");
}

static void nested_nmi(struct trap_frame *frame)
{
    order_count++;
    if (order_count == 1) {
        send(0x4400);
        send(0x4400);
        wait_a_little();
        CHECK_EQUAL("SDM 3A 6.7.1, NMIs wait while one is handled", order_count, 1);
    }
}

/* An exception in the NMI's handler returns by IRET, which opens NMIs again. */
static void undefined_in_handler(struct trap_frame *frame)
{
    frame->eip += 2;
}
static void nmi_with_exception(struct trap_frame *frame)
{
    order_count++;
    if (order_count == 1) {
        send(0x4400);
        __asm__ volatile("ud2");
        wait_a_little();
        CHECK_EQUAL("SDM 3A 6.7.1, any IRET opens NMIs", order_count, 2);
    }
}

static void test_events(void)
{
    bare_set_handler(2, note_nmi);
    bare_set_handler(0x61, note_interrupt);
    order_count = 0;
    sti_with_both();
    CHECK_EQUAL("SDM 2B STI, an interrupt behind the next instruction", eip_of[1],
                (uint32_t)events_behind);
    CHECK_EQUAL("SDM 2B STI", order_count, 1);
    bare_set_handler(0x61, NULL);
    bare_set_handler(2, nested_nmi);
    order_count = 0;
    send(0x4400);
    wait_a_little();
    CHECK_EQUAL("SDM 3A 6.7.1, and only one is kept", order_count, 2);
    bare_set_handler(2, nmi_with_exception);
    bare_set_handler(6, undefined_in_handler);
    order_count = 0;
    send(0x4400);
    wait_a_little();
    CHECK_EQUAL("SDM 3A 6.7.1, NMI with an exception in it", order_count, 2);
    bare_set_handler(2, NULL);
    bare_set_handler(6, NULL);
}

/* --- the APIC's switch: SDM 3A 10.4.3 --- */

static uint32_t cpuid_1(uint32_t *ecx)
{
    uint32_t a = 1, d;
    __asm__ volatile("cpuid" : "+a"(a), "=c"(*ecx), "=d"(d) : : "ebx");
    return d;
}
struct msr_write {
    uint32_t msr;
    uint64_t value;
};
static void try_write(void *argument)
{
    const struct msr_write *write = argument;
    write_msr(write->msr, write->value);
}
static bool write_faults(uint32_t msr, uint64_t value)
{
    struct msr_write write = {msr, value};
    return bare_try(try_write, &write) && bare_caught.vector == 13 && bare_caught.error == 0;
}

static void test_apic_switch(void)
{
    const uint64_t enabled = 1 << 11;
    uint64_t base = read_msr(MSR_APIC_BASE);
    uint32_t ecx;
    CHECK("SDM 3A 10.4.4, enabled, and the bootstrap processor", (base & 0x900) == 0x900);
    CHECK("SDM 2A CPUID, APIC", cpuid_1(&ecx) >> 9 & 1);
    CHECK_EQUAL("SDM 2A CPUID, no x2APIC", ecx >> 21 & 1, 0);
    CHECK_EQUAL("SDM 2A CPUID, no TSC deadline", ecx >> 24 & 1, 0);
    CHECK("SDM 3A 10.12.1, x2APIC mode that does not exist",
          write_faults(MSR_APIC_BASE, base | 1 << 10));
    CHECK("SDM 3A 10.4.4, reserved bits", write_faults(MSR_APIC_BASE, base | 1));
    CHECK("SDM 3A 10.4.4, beyond the physical addresses",
          write_faults(MSR_APIC_BASE, base | UINT64_C(1) << 50));
    write_msr(MSR_APIC_BASE, base & ~enabled);
    CHECK_EQUAL("SDM 3A 10.4.3, CPUID says so", cpuid_1(&ecx) >> 9 & 1, 0);
    CHECK_EQUAL("SDM 3A 10.4.3, no registers", apic[VERSION / 4], 0xFFFFFFFF);
    apic[TPR / 4] = 0xF0;
    write_msr(MSR_APIC_BASE, base);
    CHECK_EQUAL("SDM 3A 10.4.3, back again", cpuid_1(&ecx) >> 9 & 1, 1);
    CHECK_EQUAL("SDM 3A 10.4.3, what was written meanwhile is lost", apic[TPR / 4] & 0xFF, 0);
    apic[SVR / 4] = 0x1FF;
}

/* --- clocks --- */

static volatile unsigned timer_count;
static void note_timer(struct trap_frame *frame)
{
    timer_count++;
    apic[EOI / 4] = 0;
}

static void test_clocks(void)
{
    enum { INTERVAL = 0x10000 };
    bare_set_handler(0x62, note_timer);
    timer_count = 0;
    apic[DIVIDE / 4] = 0xB; /* by one */
    apic[LVT_TIMER / 4] = 0x62;
    uint64_t first = read_tsc();
    apic[INITIAL / 4] = INTERVAL;
    __asm__ volatile("sti");
    for (unsigned i = 0; i < 100000000 && !timer_count; i++)
        __asm__ volatile("" : : : "memory");
    uint64_t second = read_tsc();
    __asm__ volatile("cli");
    bare_set_handler(0x62, NULL);
    apic[LVT_TIMER / 4] = 0x10000;
    CHECK_EQUAL("SDM 3A 10.5.4, one shot", timer_count, 1);
    CHECK("SDM 3B 17.13, the counter is not slower than the bus", second - first >= INTERVAL);
    uint64_t before = read_tsc();
    write_msr(MSR_TSC, 0);
    uint64_t after = read_tsc();
    CHECK("SDM 3B 17.13, WRMSR of zero", after < before && after < 100000);
    uint64_t third = read_tsc();
    CHECK("SDM 3B 17.13, it goes on from there", third > after && third - after < 100000);
    write_msr(MSR_TSC, before);
}

/* --- CMPXCHG8B --- */

static uint64_t cell = UINT64_C(0x1122334455667788);
static void cmpxchg8b_register(void *unused)
{
    __asm__ volatile(".byte 0x0F, 0xC7, 0xC8" : : : "eax", "edx", "cc");
}
static void test_cmpxchg8b(void)
{
    uint32_t a = 0x55667788, d = 0x11223344;
    bool equal;
    __asm__ volatile("lock cmpxchg8b %0; setz %1"
                     : "+m"(cell), "=q"(equal), "+a"(a), "+d"(d)
                     : "b"(1), "c"(2)
                     : "cc");
    CHECK("SDM 2A CMPXCHG8B, equal", equal && cell == UINT64_C(0x0000000200000001));
    a = 7;
    __asm__ volatile("cmpxchg8b %0; setz %1"
                     : "+m"(cell), "=q"(equal), "+a"(a), "+d"(d)
                     : "b"(3), "c"(4)
                     : "cc");
    CHECK("SDM 2A CMPXCHG8B, not equal", !equal && a == 1 && d == 2);
    CHECK("SDM 2A CMPXCHG8B, not equal", cell == UINT64_C(0x0000000200000001));
    FAULTS("SDM 2A CMPXCHG8B, register operand", bare_try(cmpxchg8b_register, NULL), 6, 0);
}

void bare_tests(void)
{
    ring_init();
    test_instruction_tasks();
    test_page_fault_task();
    test_v86_task();
    uint32_t features = ring_features();
    if (features & 1 << 8)
        test_cmpxchg8b();
    if (!(features & 1 << 9))
        return;
    test_outside_tasks();
    test_events();
    test_apic_switch();
    test_clocks();
}
