/* Task switches: by CALL, JMP, task gate and IRET; 32-bit and 16-bit TSSs.
 * Run alone: meson test -C build bare-tasks */
#include "rings.h"

enum {
    TASK = SEL_TEST,
    TASK16 = SEL_TEST + 0x08,
    TASK_GATE = SEL_TEST + 0x10,
    ABSENT = SEL_TEST + 0x18,
    SMALL = SEL_TEST + 0x20,
    SEL_LDT2 = SEL_TEST + 0x28,
    CODE16 = SEL_TEST + 0x30,
    TEST_VECTOR = 0x61,
};

static struct tss32 task;
static struct tss16 task16;
static uint8_t task_stack[4096] __attribute__((aligned(16)));
static uint32_t *const task_top = (uint32_t *)(task_stack + sizeof task_stack - 16);
static volatile uint32_t task_ran, task_eflags, task_link, task_cr0, task_tr, task_error;

struct far_pointer {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed));

/* Bodies of the other task. They note what they see and go back by IRET (or by JMP). */
void task_body(void);
void task_body_jump(void);
__asm__(
    ".pushsection .text\n"
    "task_note:\n"
    "    incl task_ran\n"
    "    pushfl\n"
    "    popl task_eflags\n"
    "    movl %cr0, %ecx\n"
    "    movl %ecx, task_cr0\n"
    "    str %cx\n"
    "    movzwl %cx, %ecx\n"
    "    movl %ecx, task_tr\n"
    "    clts\n"
    "    ret\n"
    "task_body:\n"
    "    call task_note\n"
    "    iretl\n"
    "    jmp task_body\n"
    "task_body_jump:\n"
    "    call task_note\n"
    "    ljmp $0x28, $0\n"
    "    jmp task_body_jump\n"
    ".popsection");
__asm__(".globl task_ran, task_eflags, task_link, task_cr0, task_tr, task_error");

static uint32_t type_of(uint16_t selector)
{
    return (uint32_t)(bare_gdt[selector >> 3] >> 40) & 0xFF;
}

static void prepare(void (*body)(void))
{
    memset(&task, 0, offsetof(struct tss32, io_bitmap));
    task.eip = (uint32_t)body;
    task.eflags = 2;
    task.esp = (uint32_t)task_top;
    task.es = task.ss = task.ds = task.fs = task.gs = SEL_DATA;
    task.cs = SEL_CODE;
    task.cr3 = read_cr3();
    task.ss0 = SEL_DATA;
    task.esp0 = (uint32_t)task_top;
    ring_set(TASK, bare_descriptor((uint32_t)&task, sizeof task - 1, 0x89, 0), 0);
    ring_set(TASK_GATE, ring_gate(TASK, 0, 0x8500, 0), 0);
    ring_tss.link = 0;
}

static void call_task(void *pointer)
{
    __asm__ volatile("lcall *(%0)" : : "r"(pointer) : "eax", "ecx", "memory", "cc");
}
static void jump_task(void *pointer)
{
    __asm__ volatile("ljmp *(%0)" : : "r"(pointer) : "eax", "ecx", "memory", "cc");
}
static bool call(unsigned ring, uint16_t selector)
{
    struct far_pointer pointer = {0, selector};
    return ring_try(ring, 0, call_task, &pointer);
}
static bool jump(unsigned ring, uint16_t selector)
{
    struct far_pointer pointer = {0, selector};
    return ring_try(ring, 0, jump_task, &pointer);
}

static void test_call(void)
{
    const char *where = "SDM 3A 7.3, CALL";
    prepare(task_body);
    task_ran = 0;
    RUNS(where, call(0, TASK));
    CHECK_EQUAL(where, task_ran, 1);
    CHECK_EQUAL(where, task_tr, TASK);
    CHECK_EQUAL("SDM 3A 7.4, NT in the nested task", task_eflags & FL_NT, FL_NT);
    CHECK_EQUAL("SDM 3A 7.4, back link", task.link & 0xFFFF, SEL_TSS);
    CHECK_EQUAL("SDM 3A 2.5, TS", task_cr0 & 8, 8);
    CHECK_EQUAL("SDM 3A 7.3, IRET clears busy", type_of(TASK), 0x89);
    CHECK_EQUAL("SDM 3A 7.3, IRET leaves the first task busy", type_of(SEL_TSS), 0x8B);
    CHECK_EQUAL("SDM 3A 7.3, IRET saves NT as 0", task.eflags & FL_NT, 0);
    CHECK_EQUAL("SDM 3A 7.3, after IRET", read_eflags() & FL_NT, 0);
    RUNS("SDM 3A 7.3, the task goes on behind its IRET", call(0, TASK));
    CHECK_EQUAL("SDM 3A 7.3, the task goes on behind its IRET", task_ran, 2);
    __asm__ volatile("clts");
}

static void test_registers(void)
{
    const char *where = "SDM 3A 7.3, state";
    prepare(task_body);
    struct far_pointer pointer = {0, TASK};
    uint32_t a = 0x11111111, d = 0x44444444, s = 0x66666666;
    task.ebx = 0xB0B0B0B0;
    task.esi = 0x51515151;
    __asm__ volatile("lcall *%3" : "+a"(a), "+d"(d), "+S"(s) : "m"(pointer) : "memory", "cc");
    CHECK_EQUAL(where, ring_tss.eax, 0x11111111);
    CHECK_EQUAL(where, ring_tss.esi, 0x66666666);
    CHECK_EQUAL(where, ring_tss.cs, SEL_CODE);
    CHECK_EQUAL(where, a, 0x11111111);
    CHECK_EQUAL(where, d, 0x44444444);
    CHECK_EQUAL(where, task.ebx, 0xB0B0B0B0);
    CHECK_EQUAL(where, task.esi, 0x51515151);
    CHECK_EQUAL(where, task.cs & 0xFFFF, SEL_CODE);
    __asm__ volatile("clts");
}

static void test_jump(void)
{
    const char *where = "SDM 3A 7.3, JMP";
    prepare(task_body_jump);
    task_ran = 0;
    RUNS(where, jump(0, TASK));
    CHECK_EQUAL(where, task_ran, 1);
    CHECK_EQUAL("SDM 3A 7.3, JMP does not nest", task_eflags & FL_NT, 0);
    CHECK_EQUAL("SDM 3A 7.3, JMP does not nest", task.link & 0xFFFF, 0);
    CHECK_EQUAL("SDM 3A 7.3, JMP clears busy", type_of(TASK), 0x89);
    CHECK_EQUAL("SDM 3A 7.3, JMP sets busy", type_of(SEL_TSS), 0x8B);
    __asm__ volatile("clts");
}

static void test_task_gate(void)
{
    const char *where = "SDM 3A 7.2.5, task gate";
    prepare(task_body);
    task_ran = 0;
    RUNS(where, call(0, TASK_GATE));
    CHECK_EQUAL(where, task_ran, 1);
    FAULTS("SDM 3A 7.2.5, gate DPL", call(3, TASK_GATE), 13, TASK_GATE);
    ring_set(TASK_GATE, ring_gate(TASK, 0, 0xE500, 0), 0);
    RUNS("SDM 3A 7.2.5, the TSS descriptor's DPL does not count", call(3, TASK_GATE));
    CHECK_EQUAL(where, task_ran, 2);
    ring_set(TASK_GATE, ring_gate(TASK, 0, 0x6500, 0), 0);
    FAULTS("SDM 3A 6.15, #NP", call(3, TASK_GATE), 11, TASK_GATE);
    ring_set(TASK_GATE, ring_gate(TASK | 4, 0, 0xE500, 0), 0);
    FAULTS("SDM 2A CALL, TSS in the LDT", call(3, TASK_GATE), 13, TASK | 4);
    ring_set(TASK_GATE, ring_gate(SEL_DATA, 0, 0xE500, 0), 0);
    FAULTS("SDM 2A CALL, not a TSS", call(3, TASK_GATE), 13, SEL_DATA);
    ring_set(TASK_GATE, ring_gate(SEL_TSS, 0, 0xE500, 0), 0);
    FAULTS("SDM 2A CALL, busy TSS", call(3, TASK_GATE), 13, SEL_TSS);
    __asm__ volatile("clts");
}

static void test_tss_checks(void)
{
    prepare(task_body);
    FAULTS("SDM 2A CALL, TSS DPL", call(3, TASK), 13, TASK);
    FAULTS("SDM 2A CALL, busy TSS", call(0, SEL_TSS), 13, SEL_TSS);
    ring_set(TASK, bare_descriptor((uint32_t)&task, sizeof task - 1, 0x09, 0), 0);
    FAULTS("SDM 3A 6.15, #NP", call(0, TASK), 11, TASK);
    ring_set(TASK, bare_descriptor((uint32_t)&task, 0x66, 0x89, 0), 0);
    FAULTS("SDM 3A 6.15, #TS, limit", call(0, TASK), 10, TASK);
    CHECK_EQUAL("SDM 3A 6.15, #TS, limit: nothing has happened", type_of(TASK), 0x89);
    ring_set(TASK, bare_descriptor((uint32_t)&task, 0x67, 0x89, 0), 0);
    RUNS("SDM 3A 7.2.1, smallest limit", call(0, TASK));
    __asm__ volatile("clts");
}

/* Faults that belong to the new task: TR is the new one when the handler runs. */
static void expect_in_new_task(const char *where, uint32_t vector, uint32_t error)
{
    ring_set(TASK, bare_descriptor((uint32_t)&task, sizeof task - 1, 0x89, 0), 0);
    FAULTS(where, call(0, TASK), vector, error);
    uint32_t tr;
    __asm__ volatile("str %0" : "=r"(tr));
    CHECK_EQUAL(where, tr, TASK);
    ring_load_tasks();
}

static void test_new_task_faults(void)
{
    prepare(task_body);
    task.ds = 128 * 8;
    expect_in_new_task("SDM 3A 6.15, #TS, DS outside", 10, 128 * 8);
    CHECK_EQUAL("SDM 3A 6.15, #TS: EIP is the new task's", bare_caught.eip, (uint32_t)task_body);
    prepare(task_body);
    ring_set(ABSENT, bare_descriptor(0, 0xFFFFF, 0x13, 0xC), 0);
    task.es = ABSENT;
    expect_in_new_task("SDM 3A 6.15, #NP, ES", 11, ABSENT);
    prepare(task_body);
    task.ldt = SEL_DATA;
    expect_in_new_task("SDM 3A 6.15, #TS, LDT", 10, SEL_DATA);
    prepare(task_body);
    task.fs = SEL_TSS;
    expect_in_new_task("SDM 3A 6.15, #TS, FS is a system segment", 10, SEL_TSS);
    prepare(task_body);
    task.gs = SEL_DATA | 3;
    expect_in_new_task("SDM 3A 6.15, #TS, GS RPL", 10, SEL_DATA);
    prepare(task_body);
    ring_set(SMALL, bare_descriptor(0, 0xFFF, 0x9B, 0x4), 0);
    task.cs = SMALL;
    expect_in_new_task("SDM 2A CALL, EIP beyond the limit", 13, 0);
    CHECK_EQUAL("SDM 2A CALL, EIP beyond the limit", bare_caught.cs, SMALL);
}

/* Makes the bad selector good, then returns. */
void task_body_fix(void);
__asm__(
    ".pushsection .text\n"
    "task_body_fix:\n"
    "    popl task_error\n"
    "    call task_note\n"
    "    movl $0x0000FFFF, bare_gdt + 0x3F8\n"
    "    movl $0x00CFF300, bare_gdt + 0x3FC\n"
    "    iretl\n"
    ".popsection");

static void interrupt(void *unused)
{
    __asm__ volatile("int $0x61" : : : "eax", "ecx", "memory");
}
static void bad_segment(void *unused)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(0x3F8) : "memory");
}

static void test_interrupt_task(void)
{
    prepare(task_body);
    task_ran = 0;
    bare_idt[TEST_VECTOR] = (struct gate){0, TASK, 0xE500, 0};
    RUNS("SDM 3A 6.12.2, INT n to a task", ring_try(3, 0, interrupt, NULL));
    CHECK_EQUAL("SDM 3A 6.12.2", task_ran, 1);
    CHECK_EQUAL("SDM 3A 6.12.2, NT", task_eflags & FL_NT, FL_NT);
    bare_idt[TEST_VECTOR].selector = SEL_TSS;
    FAULTS("SDM 3A 6.12.2, busy TSS", ring_try(3, 0, interrupt, NULL), 13, SEL_TSS);
    bare_idt[TEST_VECTOR].selector = 0;
    FAULTS("SDM 3A 6.12.2, null TSS", ring_try(3, 0, interrupt, NULL), 13, 0);
    struct gate saved = bare_idt[13];
    bare_idt[13] = (struct gate){0, TASK, 0x8500, 0};
    task_error = 0;
    task_ran = 0;
    /* The task returns to the faulting instruction, which succeeds then. */
    prepare(task_body_fix);
    bool faulted = ring_try(3, 0, bad_segment, NULL);
    bare_idt[13] = saved;
    bare_check(!faulted, "SDM 3A 6.13, fault to a task", "restarts");
    CHECK_EQUAL("SDM 3A 6.13, error code on the task's stack", task_error, 0x3F8);
    CHECK_EQUAL("SDM 3A 6.13, the task ran", task_ran, 1);
    bare_gdt[127] = 0;
    __asm__ volatile("clts; movw %w0, %%fs" : : "r"(0));
}

static void iret_nested(void *unused)
{
    __asm__ volatile("pushl $0x4002; popfl; iretl" : : : "memory");
}

static void test_iret_task_checks(void)
{
    const char *where = "SDM 2A IRET, nested task";
    prepare(task_body);
    ring_tss.link = SEL_DATA;
    FAULTS(where, bare_try(iret_nested, NULL), 10, SEL_DATA);
    ring_tss.link = TASK;
    FAULTS("SDM 2A IRET, TSS not busy", bare_try(iret_nested, NULL), 10, TASK);
    ring_tss.link = TASK | 4;
    FAULTS("SDM 2A IRET, TSS in the LDT", bare_try(iret_nested, NULL), 10, TASK | 4);
    ring_set(TASK, bare_descriptor((uint32_t)&task, sizeof task - 1, 0x0B, 0), 0);
    ring_tss.link = TASK;
    FAULTS("SDM 2A IRET, TSS not present", bare_try(iret_nested, NULL), 11, TASK);
    ring_tss.link = 0;
    write_eflags(2);
}

/* Code and stack of the task lie in the first 64 KiB of their segments. */
static void test_task16(void)
{
    const char *where = "SDM 3A 7.6, 16-bit TSS";
    memset(&task16, 0, sizeof task16);
    task16.ip = 0;
    task16.flags = 2;
    task16.sp = 4096 - 16;
    task16.cs = CODE16;
    task16.ss = task16.ds = task16.es = SMALL;
    ring_set(SMALL, bare_descriptor((uint32_t)task_stack, 0xFFF, 0x93, 0x4), 0);
    ring_set(TASK16, bare_descriptor((uint32_t)&task16, sizeof task16 - 1, 0x81, 0), 0);
    static const uint8_t iret_loop[] = {0x0F, 0x06, 0xCF, 0xEB, 0xFB}; /* CLTS; IRET; JMP */
    ring_set(CODE16, bare_descriptor((uint32_t)iret_loop, 0xFFFF, 0x9B, 0x4), 0);
    task16.ax = 0x1234;
    RUNS(where, call(0, TASK16));
    CHECK_EQUAL(where, task16.link, SEL_TSS);
    CHECK_EQUAL(where, task16.ip, 3);
    CHECK_EQUAL(where, task16.ax, 0x1234);
    CHECK_EQUAL(where, type_of(TASK16), 0x81);
    RUNS("SDM 3A 7.6, again", call(0, TASK16));
    ring_set(TASK16, bare_descriptor((uint32_t)&task16, 0x2A, 0x81, 0), 0);
    FAULTS("SDM 3A 6.15, #TS, limit of a 16-bit TSS", call(0, TASK16), 10, TASK16);
    __asm__ volatile("clts");
}

static void test_ldt_of_task(void)
{
    static uint64_t ldt2[2];
    ldt2[1] = bare_descriptor(0, 0xFFFFF, 0x93, 0xC);
    ring_set(SEL_LDT2, bare_descriptor((uint32_t)ldt2, sizeof ldt2 - 1, 0x82, 0), 0);
    prepare(task_body);
    task.ldt = SEL_LDT2;
    task.ds = 8 | 4;
    RUNS("SDM 3A 7.2.1, LDT and segments of the task", call(0, TASK));
    uint32_t ldt;
    __asm__ volatile("sldt %0" : "=r"(ldt));
    CHECK_EQUAL("SDM 3A 7.2.1, LDT comes back", ldt, ring_tss.ldt);
    ring_load_tasks();
}

static volatile uint32_t trap_dr6, trap_eip;
static void note_debug_trap(struct trap_frame *frame)
{
    uint32_t dr6;
    __asm__ volatile("movl %%dr6, %0; movl %1, %%dr6" : "=&r"(dr6) : "r"(0));
    trap_dr6 = dr6;
    trap_eip = frame->eip;
}
static void test_trap_bit(void)
{
    prepare(task_body);
    task.trap = 1;
    trap_dr6 = 0;
    bare_set_handler(1, note_debug_trap);
    RUNS("SDM 3B 17.3.1.5, T bit", call(0, TASK));
    bare_set_handler(1, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.5, BT", trap_dr6 & 0xE00F, 0x8000);
    CHECK_EQUAL("SDM 3B 17.3.1.5, before the task's first instruction", trap_eip,
                (uint32_t)task_body);
    __asm__ volatile("clts");
}

void bare_tests(void)
{
    ring_init();
    ring_tss.ldt = SEL_LDT;
    test_call();
    test_registers();
    test_jump();
    test_task_gate();
    test_tss_checks();
    test_new_task_faults();
    test_interrupt_task();
    test_iret_task_checks();
    test_task16();
    test_ldt_of_task();
    test_trap_bit();
}
