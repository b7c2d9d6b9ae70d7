/* Single step across every transfer of control, in protected mode, through gates and tasks, in V86
 * mode: where the traps are, and what TF is there (SDM 3B 17.3.1.4).
 * Run alone: meson test -C build bare-stepping */
#include "rings.h"

enum { SEL_GATE = SEL_TEST, SEL_TASK = SEL_TEST + 8 };

static uint32_t trap_eip[64], trap_cs[64], trap_dr6[64];
static unsigned trap_count;
static volatile uint32_t stop_at; /* the handler ends stepping there */

static void note(struct trap_frame *frame)
{
    uint32_t dr6;
    __asm__ volatile("movl %%dr6, %0; movl %1, %%dr6" : "=&r"(dr6) : "r"(0));
    if (trap_count < 64) {
        trap_eip[trap_count] = frame->eip;
        trap_cs[trap_count] = frame->cs & 0xFFFF;
        trap_dr6[trap_count++] = dr6 & 0xE00F;
    }
    if (frame->eip == stop_at || trap_count == 64)
        frame->eflags &= ~(uint32_t)FL_TF;
}

/* Compares with places, which ends with a zero. */
static void expect(const char *what, const uint32_t *places)
{
    unsigned n = 0;
    while (places[n])
        n++;
    bool good = trap_count == n;
    for (unsigned i = 0; i < n && i < trap_count; i++)
        good = good && trap_eip[i] == places[i] && trap_dr6[i] == 0x4000;
    if (!good) {
        bare_print("%s: traps at", what);
        for (unsigned i = 0; i < trap_count; i++)
            bare_print(" %x(%x)", trap_eip[i], trap_dr6[i]);
        bare_print(", want");
        for (unsigned i = 0; i < n; i++)
            bare_print(" %x", places[i]);
        bare_print("\n");
    }
    bare_check(good, "SDM 3B 17.3.1.4, single step", what);
}

static void start(void)
{
    trap_count = 0;
    stop_at = 0;
}

/* Every body is a table of the places where it should trap, then the code. */
#define STEPS(name, text)                                                                          \
    extern uint32_t name##_places[];                                                               \
    void name(void);                                                                               \
    __asm__(".pushsection .text\n" #name                                                           \
            ":\n"                                                                                  \
            "pushal\n"                                                                             \
            "pushfl\norl $0x100, (%esp)\npopfl\n" text                                             \
            "\npushl $2\npopfl\n9: popal\nret\n"                                                   \
            ".popsection")
#define PLACES(name, list)                                                                         \
    __asm__(".pushsection .data\n" #name "_places: .long " list ", 0\n.popsection")

/* Local labels 1.. are the places; pushl and popfl at the end give two more traps: behind PUSH, and
 * behind the POPF that clears TF. */
STEPS(step_jumps,
      "jmp 1f\nnop\n1: jc 2f\n2: stc\n3: jc 4f\nnop\n4: movl $2, %ecx\n5: loop 5b\n"
      "6: jecxz 7f\nnop\n7: movl $8f, %eax\n70: jmp *%eax\nnop\n8:\n"
      "jumps_1 = 1b; jumps_2 = 2b; jumps_3 = 3b; jumps_4 = 4b; jumps_5 = 5b; jumps_6 = 6b\n"
      "jumps_7 = 7b; jumps_70 = 70b; jumps_8 = 8b; jumps_end = 8b + 2; jumps_9 = 8b + 3");
PLACES(step_jumps,
       "jumps_1, jumps_2, jumps_3, jumps_4, jumps_5, jumps_5, jumps_6, jumps_7, jumps_70,"
       "jumps_8, jumps_end, jumps_9");
STEPS(
    step_calls,
    "call 1f\n2: pushl %cs\n3: call 4f\n5: jmp 6f\n1: ret\n4: lretl\n6: lcall $8, $7f\n8: jmp 90f\n"
    "7: lretl\n90:\n"
    "calls_1 = 1b; calls_2 = 2b; calls_3 = 3b; calls_4 = 4b; calls_5 = 5b; calls_6 = 6b\n"
    "calls_7 = 7b; calls_8 = 8b; calls_90 = 90b; calls_end = 90b + 2; calls_9 = 90b + 3");
PLACES(step_calls,
       "calls_1, calls_2, calls_3, calls_4, calls_5, calls_6, calls_7, calls_8, calls_90,"
       "calls_end, calls_9");
/* INT, INT3 and INTO clear TF; IRET brings it back, and traps one instruction later. IRET within
 * the level, with TF in the image, does the same. */
STEPS(step_interrupts,
      "int $0x60\nnop\n1: int3\nnop\n2: movb $0x7F, %al\n3: incb %al\n4: into\nnop\n5: xorl %eax, "
      "%eax\n"
      "6: into\n7: pushfl\n70: pushl %cs\n71: pushl $8f\n72: iretl\nnop\n8: nop\n80:\n"
      "ints_1 = 1b; ints_2 = 2b; ints_3 = 3b; ints_4 = 4b; ints_5 = 5b; ints_6 = 6b; ints_7 = 7b\n"
      "ints_70 = 70b; ints_71 = 71b; ints_72 = 72b; ints_8 = 8b; ints_80 = 80b\n"
      "ints_end = 80b + 2; ints_9 = 80b + 3");
PLACES(step_interrupts,
       "ints_1, ints_2, ints_3, ints_4, ints_5, ints_6, ints_7, ints_70, ints_71,"
       "ints_72, ints_8, ints_80, ints_end, ints_9");
/* Nothing is held back but by MOV SS and POP SS; STI, CLI and HLT-like waits are instructions. */
STEPS(step_shadows,
      "cli\n1: nop\n2: movl %ss, %eax\n3: movl %eax, %ss\nnop\n4: pushl %ss\n5: popl %ss\nnop\n"
      "6: movl %eax, %ds\n7: nop\n8:\n"
      "shadows_1 = 1b; shadows_2 = 2b; shadows_3 = 3b; shadows_4 = 4b; shadows_5 = 5b\n"
      "shadows_6 = 6b; shadows_7 = 7b; shadows_8 = 8b; shadows_end = 8b + 2; shadows_9 = 8b + 3");
PLACES(step_shadows,
       "shadows_1, shadows_2, shadows_3, shadows_4, shadows_5, shadows_6, shadows_7,"
       "shadows_8, shadows_end, shadows_9");

static void resume(struct trap_frame *frame) {}

#define TEST_STEPS(name, what)                                                                     \
    start();                                                                                       \
    name();                                                                                        \
    expect(what, name##_places)

/* --- faults: no trap for an instruction that faults; the handler's IRET brings TF back --- */

extern uint8_t fault_here[], fault_behind[];
static void skip_2(struct trap_frame *frame)
{
    frame->eip += 2;
}
__attribute__((noinline, noclone)) static void step_fault(void)
{
    __asm__ volatile(
        "pushfl; orl $0x100, (%%esp); popfl\n"
        "fault_here: ud2\n"
        "fault_behind: nop\n"
        "nop\n"
        "pushl $2; popfl"
        :
        :
        : "memory", "cc");
}
static void test_fault(void)
{
    start();
    bare_set_handler(6, skip_2);
    step_fault();
    bare_set_handler(6, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.4, no trap behind a fault", trap_eip[0], (uint32_t)fault_behind + 1);
}

/* --- through a call gate inward, and back outward --- */

void gate_body(void);
extern uint8_t gate_first[], gate_second[], gate_back[], gate_call[];
__asm__(
    ".pushsection .text\n"
    "gate_body: nop\n"
    "gate_first: nop\n"
    "gate_second: lretl\n"
    ".popsection");
static void call_gate(void *unused)
{
    __asm__ volatile("gate_call: lcall %0, $0\ngate_back: nop\npushl $2\npopfl"
                     :
                     : "i"(SEL_GATE | 3)
                     : "memory", "cc");
}
static void test_gate(void)
{
    ring_set(SEL_GATE, ring_gate(SEL_CODE1, (uint32_t)gate_body, 0xEC00, 0), 0);
    start();
    RUNS("SDM 3A 5.8.5", ring_try(3, FL_TF, call_gate, NULL));
    unsigned n = 0; /* function entry: some instructions of the compiler's */
    while (n < trap_count && trap_eip[n] != (uint32_t)gate_body)
        n++;
    CHECK_EQUAL("SDM 3B 17.3.1.4, a call gate leaves TF: in the inner level", trap_cs[n],
                SEL_CODE1);
    CHECK_EQUAL("SDM 3B 17.3.1.4, step by step", trap_eip[n + 1], (uint32_t)gate_first);
    CHECK_EQUAL("SDM 3B 17.3.1.4, step by step", trap_eip[n + 2], (uint32_t)gate_second);
    CHECK_EQUAL("SDM 3B 17.3.1.4, and back", trap_eip[n + 3], (uint32_t)gate_back);
    CHECK_EQUAL("SDM 3B 17.3.1.4, and back", trap_cs[n + 3], SEL_USER_CODE);
}

/* --- IRET to an outer level with TF in the image: the trap is behind its first instruction --- */

extern uint8_t outer_first[];
static void outer_body(void *unused)
{
    __asm__ volatile("nop\nouter_first: nop\npushl $2; popfl" : : : "memory", "cc");
}
static void test_outer(void)
{
    start();
    RUNS("SDM 2A IRET", ring_try(3, FL_TF, outer_body, NULL));
    bool found = false, never_inside = true;
    for (unsigned i = 0; i < trap_count; i++) {
        found |= trap_eip[i] == (uint32_t)outer_first;
        never_inside &= trap_cs[i] == SEL_USER_CODE;
    }
    CHECK("SDM 2A IRET, TF for the outer level", found);
    CHECK("SDM 2A IRET, no trap in the inner one", never_inside);
    CHECK("SDM 2A IRET, not before its first instruction", trap_eip[0] != (uint32_t)outer_body);
}

/* --- a task switch: TF is the new task's --- */

static struct tss32 task;
static uint8_t task_stack[1024] __attribute__((aligned(16)));
void task_body(void);
extern uint8_t task_first[], task_second[], switch_behind[];
__asm__(
    ".pushsection .text\n"
    "task_body: nop\n"
    "task_first: nop\n"
    "task_second: iretl\n"
    ".popsection");

__attribute__((noinline, noclone)) static void switch_task(uint32_t flags)
{
    __asm__ volatile(
        "pushl %0; popfl\n"
        "lcall %1, $0\n"
        "switch_behind: nop\n"
        "nop\n"
        "pushl $2; popfl"
        :
        : "r"(flags), "i"(SEL_TASK)
        : "memory", "cc");
    __asm__ volatile("clts");
}

static void prepare_task(uint32_t flags)
{
    memset(&task, 0, offsetof(struct tss32, redirection));
    task.eip = (uint32_t)task_body;
    task.eflags = flags | 2;
    task.esp = (uint32_t)task_stack + sizeof task_stack;
    task.cs = SEL_CODE;
    task.ss = task.ds = task.es = SEL_DATA;
    ring_set(SEL_TASK, bare_descriptor((uint32_t)&task, 0x67, 0x89, 0), 0);
    start();
}

static void test_task(void)
{
    prepare_task(FL_TF);
    switch_task(2);
    CHECK_EQUAL("SDM 3B 17.3.1.4, TF of the new task", trap_count, 2);
    CHECK_EQUAL("SDM 3B 17.3.1.4, behind its first instruction", trap_eip[0], (uint32_t)task_first);
    CHECK_EQUAL("SDM 3B 17.3.1.4, then the next", trap_eip[1], (uint32_t)task_second);
    prepare_task(0);
    switch_task(2 | FL_TF);
    bool in_task = false, behind = false;
    for (unsigned i = 0; i < trap_count; i++) {
        in_task |= trap_eip[i] == (uint32_t)task_body || trap_eip[i] == (uint32_t)task_first ||
                   trap_eip[i] == (uint32_t)task_second;
        behind |= trap_eip[i] == (uint32_t)switch_behind + 1;
    }
    CHECK("SDM 3B 17.3.1.4, the old task's TF is not the new one's", !in_task);
    CHECK("SDM 3B 17.3.1.4, and comes back with it", behind);
}

/* --- V86 mode --- */

SNIPPET(v86_steps, ".code16\nnop\njmp 1f\nnop\n1: pushf\npopf\nint3\nnop\nnop\nhlt\n.code32\n");
static void test_v86(void)
{
    static const uint8_t places[] = {1, 4, 5, 6, 8, 9};
    start();
    V86_RUNS("SDM 3A 20.2.4", v86_steps, FL_IOPL3 | FL_TF);
    bool good = trap_count == sizeof places;
    for (unsigned i = 0; i < sizeof places; i++)
        good = good && trap_eip[i] == places[i] && trap_cs[i] == V86_CODE >> 4;
    if (!good) {
        for (unsigned i = 0; i < trap_count; i++)
            bare_print("%x:%x ", trap_cs[i], trap_eip[i]);
    }
    CHECK("SDM 3B 17.3.1.4, single step in V86 mode", good);
}

/* --- a repeated instruction that is interrupted: SDM 2B REP --- */

static struct {
    uint32_t eip, ecx, edi, eflags;
    unsigned count;
} interrupted;
static void note_timer(struct trap_frame *frame)
{
    interrupted.eip = frame->eip;
    interrupted.ecx = frame->ecx;
    interrupted.edi = frame->edi;
    interrupted.eflags = frame->eflags;
    interrupted.count++;
    out8(0x21, 0xFF);
    out8(0x20, 0x20);
}
extern uint8_t repeat_here[];
static uint8_t filled[65536];

__attribute__((noinline, noclone)) static void repeat(uint32_t count)
{
    uint8_t *to = filled;
    __asm__ volatile("sti\ncld\nrepeat_here: rep stosb\ncli"
                     : "+D"(to), "+c"(count)
                     : "a"(0x77)
                     : "memory", "cc");
}

static void test_interrupted_repeat(void)
{
    bare_init_pic();
    bare_set_handler(0x20, note_timer);
    unsigned inside = 0;
    for (unsigned ticks = 10; ticks < 400; ticks += 13) {
        memset(filled, 0, sizeof filled);
        interrupted.count = 0;
        out8(0x43, 0x30); /* counter 0, mode 0 */
        out8(0x40, (uint8_t)ticks);
        out8(0x40, (uint8_t)(ticks >> 8));
        out8(0x21, 0xFE);
        repeat(sizeof filled);
        out8(0x21, 0xFF);
        if (interrupted.eip != (uint32_t)repeat_here)
            continue;
        inside++;
        CHECK_EQUAL("SDM 2B REP, ECX and EDI agree", interrupted.edi - (uint32_t)filled,
                    sizeof filled - interrupted.ecx);
        CHECK_EQUAL("SDM 3B 17.3.1.1, RF is set between iterations", interrupted.eflags & FL_RF,
                    interrupted.ecx == sizeof filled ? 0 : FL_RF);
        CHECK_EQUAL("SDM 2B REP, and goes on", filled[sizeof filled - 1], 0x77);
    }
    CHECK("SDM 2B REP, interrupts come between iterations", inside > 0);
    bare_set_handler(0x20, NULL);
}

void bare_tests(void)
{
    ring_init();
    bare_set_handler(1, note);
    bare_set_handler(3, resume);
    bare_set_handler(4, resume);
    bare_set_handler(0x60, resume);
    TEST_STEPS(step_jumps, "jumps, taken and not, and loops");
    TEST_STEPS(step_calls, "CALL and RET, near and far");
    TEST_STEPS(step_interrupts, "INT, INT3, INTO, IRET");
    TEST_STEPS(step_shadows, "MOV SS and POP SS");
    test_fault();
    test_gate();
    test_outer();
    test_task();
    test_v86();
    test_interrupted_repeat();
}
