/* Far CALL, JMP, RET and IRET; call gates; interrupt gates.
 * Run alone: meson test -C build bare-gates */
#include "rings.h"

enum {
    CONFORMING = SEL_TEST,
    ABSENT = SEL_TEST + 0x08,
    GATE = SEL_TEST + 0x10,
    CODE16 = SEL_TEST + 0x18,
    SMALL = SEL_TEST + 0x20,
    CODE3 = SEL_USER_CODE & ~3,
};

struct far_pointer {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed));

static volatile uint32_t seen_cs, seen_ss, seen_esp, seen_arguments[4];

/* Targets that a transfer arrives at. */
void gate_target(void);
void gate_target_jump(void);
void gate_target_parameters(void);
__asm__(
    ".pushsection .text\n"
    "gate_target:\n"
    "    movl %cs, %eax\n"
    "    movl %eax, seen_cs\n"
    "    movl %ss, %eax\n"
    "    movl %eax, seen_ss\n"
    "    lretl\n"
    "gate_target_jump:\n"
    "    movl %cs, %eax\n"
    "    int $0xF0\n"
    "gate_target_parameters:\n"
    "    movl %cs, %eax\n"
    "    movl %eax, seen_cs\n"
    "    movl %ss, %eax\n"
    "    movl %eax, seen_ss\n"
    "    movl 8(%esp), %eax\n"
    "    movl %eax, seen_arguments\n"
    "    movl 12(%esp), %eax\n"
    "    movl %eax, seen_arguments + 4\n"
    "    movl 16(%esp), %eax\n"
    "    movl %eax, seen_esp\n"
    "    lretl $8\n"
    ".popsection");
__asm__(".globl seen_cs, seen_ss, seen_esp, seen_arguments");

static void call_far(void *pointer)
{
    __asm__ volatile("lcall *(%0)" : : "r"(pointer) : "eax", "memory", "cc");
}
static void jump_far(void *pointer)
{
    __asm__ volatile("ljmp *(%0)" : : "r"(pointer) : "eax", "memory", "cc");
}
static bool call(unsigned ring, uint16_t selector, void (*target)(void))
{
    struct far_pointer pointer = {(uint32_t)target, selector};
    return ring_try(ring, 0, call_far, &pointer);
}
static bool jump(unsigned ring, uint16_t selector, void (*target)(void))
{
    struct far_pointer pointer = {(uint32_t)target, selector};
    return ring_try(ring, 0, jump_far, &pointer);
}

static uint64_t flat(uint8_t access)
{
    return bare_descriptor(0, 0xFFFFF, access, 0xC);
}

/* --- direct transfers --- */

static void test_direct(void)
{
    const char *where = "SDM 3A 5.8.1";
    RUNS(where, call(0, SEL_CODE, gate_target));
    CHECK_EQUAL(where, seen_cs, SEL_CODE);
    FAULTS(where, call(0, 0, gate_target), 13, 0);
    FAULTS(where, call(0, SEL_DATA, gate_target), 13, SEL_DATA);
    FAULTS(where, call(0, 128 * 8, gate_target), 13, 128 * 8);
    FAULTS(where, call(3, SEL_CODE, gate_target), 13, SEL_CODE);
    FAULTS("SDM 3A 5.8.1.1, DPL above CPL", call(0, CODE3, gate_target), 13, CODE3);
    FAULTS("SDM 3A 5.8.1.1, RPL above CPL", call(0, SEL_CODE | 3, gate_target), 13, SEL_CODE);
    RUNS("SDM 3A 5.8.1.1, RPL below CPL", call(3, CODE3, gate_target));
    CHECK_EQUAL("SDM 3A 5.8.1.1, CS takes CPL as RPL", seen_cs, SEL_USER_CODE);
    ring_set(ABSENT, flat(0x1B), 0);
    FAULTS("SDM 3A 6.15, #NP", call(0, ABSENT, gate_target), 11, ABSENT);
    FAULTS("SDM 3A 6.15, #NP", jump(0, ABSENT, gate_target), 11, ABSENT);
    ring_set(CONFORMING, flat(0x9F), 0);
    RUNS("SDM 3A 5.8.1.2, conforming", call(3, CONFORMING, gate_target));
    CHECK_EQUAL("SDM 3A 5.8.1.2, CPL stays", seen_cs, CONFORMING | 3);
    ring_set(CONFORMING, flat(0xFF), 0);
    FAULTS("SDM 3A 5.8.1.2, DPL above CPL", call(0, CONFORMING, gate_target), 13, CONFORMING);
    ring_set(SMALL, bare_descriptor(0, 0xFFF, 0x9B, 0x4), 0);
    FAULTS("SDM 2A CALL, EIP beyond the limit", call(0, SMALL, gate_target), 13, 0);
    FAULTS("SDM 2A JMP, EIP beyond the limit", jump(0, SMALL, gate_target), 13, 0);
    CHECK_EQUAL("SDM 2A JMP, the fault is the JMP's", bare_caught.cs, SEL_CODE);
    ring_set(CONFORMING, flat(0x9A), 0);
    RUNS("SDM 3A 3.4.5.1, accessed", call(0, CONFORMING, gate_target));
    CHECK_EQUAL("SDM 3A 3.4.5.1, accessed", (uint32_t)(bare_gdt[CONFORMING >> 3] >> 40) & 0xFF,
                0x9B);
    bool went = jump(0, SEL_CODE, gate_target_jump);
    CHECK("SDM 2A JMP", !went && bare_frame.eax == SEL_CODE);
}

/* --- call gates --- */

static void set_gate(uint16_t selector, void (*target)(void), uint16_t type, unsigned count)
{
    ring_set(GATE, ring_gate(selector, (uint32_t)target, type, count), 0);
}

static void test_call_gate_checks(void)
{
    const char *where = "SDM 3A 5.8.4";
    set_gate(SEL_CODE, gate_target, 0x8C00, 0);
    RUNS(where, call(0, GATE, NULL));
    FAULTS("SDM 3A 5.8.4, gate DPL", call(3, GATE, NULL), 13, GATE);
    set_gate(SEL_CODE, gate_target, 0xAC00, 0);
    FAULTS("SDM 3A 5.8.4, gate DPL and RPL", call(1, GATE | 2, NULL), 13, GATE);
    set_gate(SEL_CODE, gate_target, 0x6C00, 0);
    FAULTS("SDM 3A 5.8.4, gate not present", call(3, GATE, NULL), 11, GATE);
    set_gate(0, gate_target, 0xEC00, 0);
    FAULTS("SDM 3A 5.8.4, null target", call(3, GATE, NULL), 13, 0);
    set_gate(128 * 8, gate_target, 0xEC00, 0);
    FAULTS("SDM 3A 5.8.4, target outside", call(3, GATE, NULL), 13, 128 * 8);
    set_gate(SEL_DATA, gate_target, 0xEC00, 0);
    FAULTS("SDM 3A 5.8.4, target not code", call(3, GATE, NULL), 13, SEL_DATA);
    set_gate(CODE3, gate_target, 0x8C00, 0);
    FAULTS("SDM 3A 5.8.4, target less privileged", call(0, GATE, NULL), 13, CODE3);
    ring_set(ABSENT, flat(0x1B), 0);
    set_gate(ABSENT, gate_target, 0xEC00, 0);
    FAULTS("SDM 3A 5.8.4, target not present", call(3, GATE, NULL), 11, ABSENT);
    set_gate(SEL_CODE, gate_target, 0xEC00, 0);
    FAULTS("SDM 3A 5.8.4, JMP to more privilege", jump(3, GATE, NULL), 13, SEL_CODE);
    set_gate(SMALL, gate_target, 0xEC00, 0);
    FAULTS("SDM 2A CALL, EIP beyond the limit", call(3, GATE, NULL), 13, 0);
    ring_set(GATE, ring_gate(SEL_CODE, (uint32_t)gate_target, 0xEE00, 0), 0);
    FAULTS("SDM 3A 5.8.2, interrupt gate in the GDT", call(3, GATE, NULL), 13, GATE);
}

static void call_with_parameters(void *pointer)
{
    __asm__ volatile("pushl $0x1111; pushl $0x2222; lcall *(%0)"
                     :
                     : "r"(pointer)
                     : "eax", "memory", "cc");
}

static void test_call_gate_transfer(void)
{
    const char *where = "SDM 3A 5.8.5, stack switching";
    struct far_pointer pointer = {0, GATE};
    set_gate(SEL_CODE, gate_target, 0xEC00, 0);
    RUNS(where, call(3, GATE, NULL));
    CHECK_EQUAL(where, seen_cs, SEL_CODE);
    CHECK_EQUAL(where, seen_ss, SEL_DATA);
    set_gate(SEL_CODE1 & ~3, gate_target, 0xEC00, 0);
    RUNS(where, call(3, GATE, NULL));
    CHECK_EQUAL(where, seen_cs, SEL_CODE1);
    CHECK_EQUAL(where, seen_ss, SEL_DATA1);
    set_gate(SEL_CODE2 & ~3, gate_target_parameters, 0xEC00, 2);
    RUNS("SDM 3A 5.8.5, parameters", ring_try(3, 0, call_with_parameters, &pointer));
    CHECK_EQUAL("SDM 3A 5.8.5, parameters", seen_arguments[0], 0x2222);
    CHECK_EQUAL("SDM 3A 5.8.5, parameters", seen_arguments[1], 0x1111);
    CHECK_EQUAL("SDM 3A 5.8.5, RPL from the TSS stack", seen_ss, SEL_DATA2);
    set_gate(SEL_CODE1 & ~3, gate_target, 0xEC00, 0);
    RUNS("SDM 3A 5.8.4, same level", call(1, GATE, NULL));
    CHECK_EQUAL("SDM 3A 5.8.4, same level", seen_cs, SEL_CODE1);
    ring_set(CONFORMING, flat(0x9F), 0);
    set_gate(CONFORMING, gate_target, 0xEC00, 0);
    RUNS("SDM 3A 5.8.4, conforming target", call(3, GATE, NULL));
    CHECK_EQUAL("SDM 3A 5.8.4, conforming target", seen_cs, CONFORMING | 3);
    set_gate(CONFORMING, gate_target_jump, 0xEC00, 0);
    RUNS("SDM 3A 5.8.4, JMP to conforming", jump(3, GATE, NULL));
}

/* Bad stacks in the TSS for level 1. */
static void test_inner_stack(void)
{
    uint32_t ss1 = ring_tss.ss1, esp1 = ring_tss.esp1;
    set_gate(SEL_CODE1 & ~3, gate_target, 0xEC00, 0);
    ring_tss.ss1 = 0;
    FAULTS("SDM 3A 6.15, #TS, null SS", call(3, GATE, NULL), 10, 0);
    ring_tss.ss1 = 128 * 8 + 1;
    FAULTS("SDM 3A 6.15, #TS, SS outside", call(3, GATE, NULL), 10, 128 * 8);
    ring_tss.ss1 = SEL_DATA1 & ~3;
    FAULTS("SDM 3A 6.15, #TS, SS RPL", call(3, GATE, NULL), 10, SEL_DATA1 & ~3);
    ring_tss.ss1 = SEL_DATA | 1;
    FAULTS("SDM 3A 6.15, #TS, SS DPL", call(3, GATE, NULL), 10, SEL_DATA);
    ring_tss.ss1 = SEL_CODE1;
    FAULTS("SDM 3A 6.15, #TS, SS not writable", call(3, GATE, NULL), 10, SEL_CODE1 & ~3);
    ring_set(ABSENT, flat(0x33), 0);
    ring_tss.ss1 = ABSENT | 1;
    FAULTS("SDM 3A 6.15, #SS, SS not present", call(3, GATE, NULL), 12, ABSENT);
    ring_set(SMALL, bare_descriptor(0, 0xFFF, 0xB3, 0x4), 0);
    ring_tss.ss1 = SMALL | 1;
    FAULTS("SDM 3A 6.15, #SS, no room", call(3, GATE, NULL), 12, SMALL);
    ring_tss.ss1 = ss1;
    ring_tss.esp1 = esp1;
    RUNS("SDM 3A 5.8.5", call(3, GATE, NULL));
    ring_set(SMALL, bare_descriptor(0, 0xFFF, 0x9B, 0x4), 0);
}

/* --- returns --- */

struct frame {
    uint32_t word[8];
    unsigned count;
};
static void return_far(void *argument)
{
    struct frame *frame = argument;
    __asm__ volatile("1: subl $1, %1; js 2f; pushl (%0,%1,4); jmp 1b; 2: lretl"
                     :
                     : "r"(frame->word), "r"(frame->count)
                     : "memory");
}
static void return_interrupt(void *argument)
{
    struct frame *frame = argument;
    __asm__ volatile("1: subl $1, %1; js 2f; pushl (%0,%1,4); jmp 1b; 2: iretl"
                     :
                     : "r"(frame->word), "r"(frame->count)
                     : "memory");
}
static uint8_t outer_stack[256];
#define OUTER ((uint32_t)outer_stack + sizeof outer_stack)
#define RETURNS(ring, function, ...)                                                               \
    ring_try(ring, 0, function,                                                                    \
             &(struct frame){{__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4})
#define TARGET ((uint32_t)gate_target_jump)

static void test_far_return(void)
{
    const char *where = "SDM 3A 5.8.6";
    RUNS(where, RETURNS(0, return_far, TARGET, SEL_CODE));
    FAULTS(where, RETURNS(0, return_far, TARGET, 0), 13, 0);
    FAULTS(where, RETURNS(0, return_far, TARGET, SEL_DATA), 13, SEL_DATA);
    FAULTS("SDM 3A 5.8.6, RPL below CPL", RETURNS(3, return_far, TARGET, SEL_CODE), 13, SEL_CODE);
    FAULTS("SDM 3A 5.8.6, RPL is not DPL", RETURNS(0, return_far, TARGET, SEL_CODE | 3), 13,
           SEL_CODE);
    FAULTS("SDM 3A 6.15, #NP", RETURNS(0, return_far, TARGET, ABSENT), 13, ABSENT);
    ring_set(ABSENT, flat(0x1B), 0);
    FAULTS("SDM 3A 6.15, #NP", RETURNS(0, return_far, TARGET, ABSENT), 11, ABSENT);
    FAULTS("SDM 2B RET, EIP beyond the limit", RETURNS(0, return_far, 0x1000, SMALL), 13, 0);
    RUNS("SDM 3A 5.8.6, outer",
         RETURNS(0, return_far, TARGET, SEL_USER_CODE, OUTER, SEL_USER_DATA));
    CHECK_EQUAL("SDM 3A 5.8.6, outer", bare_frame.cs, SEL_USER_CODE);
    CHECK_EQUAL("SDM 3A 5.8.6, outer", bare_frame.ss, SEL_USER_DATA);
    CHECK_EQUAL("SDM 3A 5.8.6, outer", bare_frame.esp, OUTER);
    CHECK_EQUAL("SDM 3A 5.8.6, inner DS becomes null", bare_frame.ds & 0xFFFF, 0);
    FAULTS("SDM 2B RET, null SS", RETURNS(0, return_far, TARGET, SEL_USER_CODE, OUTER, 3), 13, 0);
    FAULTS("SDM 2B RET, SS RPL",
           RETURNS(0, return_far, TARGET, SEL_USER_CODE, OUTER, SEL_USER_DATA & ~3), 13,
           SEL_USER_DATA & ~3);
    FAULTS("SDM 2B RET, SS DPL", RETURNS(0, return_far, TARGET, SEL_USER_CODE, OUTER, SEL_DATA | 3),
           13, SEL_DATA);
    FAULTS("SDM 2B RET, SS not writable",
           RETURNS(0, return_far, TARGET, SEL_USER_CODE, OUTER, SEL_USER_CODE), 13, CODE3);
}

static void test_iret(void)
{
    const char *where = "SDM 2A IRET";
    RUNS(where, RETURNS(0, return_interrupt, TARGET, SEL_CODE, 2));
    RUNS("SDM 2A IRET, outer", RETURNS(0, return_interrupt, TARGET, SEL_USER_CODE,
                                       2 | FL_IOPL3 | FL_CF, OUTER, SEL_USER_DATA));
    CHECK_EQUAL("SDM 2A IRET, flags at CPL 0", bare_frame.eflags & (FL_IOPL3 | FL_CF),
                FL_IOPL3 | FL_CF);
    RUNS("SDM 2A IRET, IOPL is kept at CPL 3",
         RETURNS(3, return_interrupt, TARGET, SEL_USER_CODE, 2 | FL_IOPL3 | FL_IF | FL_CF));
    CHECK_EQUAL("SDM 2A IRET, IOPL and IF are kept at CPL 3",
                bare_frame.eflags & (FL_IOPL3 | FL_IF | FL_CF), FL_CF);
    RUNS("SDM 2A IRET, VM is ignored at CPL 3",
         RETURNS(3, return_interrupt, TARGET, SEL_USER_CODE, 2 | FL_VM));
    CHECK_EQUAL("SDM 2A IRET, VM is ignored at CPL 3", bare_frame.cs, SEL_USER_CODE);
    FAULTS(where, RETURNS(0, return_interrupt, TARGET, 0, 2), 13, 0);
    FAULTS(where, RETURNS(3, return_interrupt, TARGET, SEL_CODE, 2), 13, SEL_CODE);
    FAULTS("SDM 2A IRET, #NP", RETURNS(0, return_interrupt, TARGET, ABSENT, 2), 11, ABSENT);
    FAULTS("SDM 2A IRET, null SS", RETURNS(0, return_interrupt, TARGET, SEL_USER_CODE, 2, OUTER, 0),
           13, 0);
    FAULTS("SDM 2A IRET, EIP beyond the limit", RETURNS(0, return_interrupt, 0x1000, SMALL, 2), 13,
           0);
}

/* --- the IDT --- */

enum { TEST_VECTOR = 0x60 };
static void int_60(void *unused)
{
    __asm__ volatile("int $0x60" : : : "memory");
}
static void int_f1(void *unused)
{
    __asm__ volatile("int $0xF1" : : : "memory");
}

static void set_vector(uint16_t selector, uint16_t type)
{
    uint32_t stub = (uint32_t)bare_stubs[TEST_VECTOR];
    bare_idt[TEST_VECTOR] = (struct gate){(uint16_t)stub, selector, type, (uint16_t)(stub >> 16)};
}

static void test_interrupt_gates(void)
{
    const uint32_t idt = TEST_VECTOR * 8 + 2;
    set_vector(SEL_CODE, 0xEE00);
    FAULTS("SDM 3A 6.12.1", ring_try(3, 0, int_60, NULL), TEST_VECTOR, 0);
    CHECK_EQUAL("SDM 3A 6.12.1, frame", bare_frame.cs, SEL_USER_CODE);
    CHECK_EQUAL("SDM 3A 6.12.1, frame", bare_frame.ss, SEL_USER_DATA);
    set_vector(SEL_CODE, 0x8E00);
    FAULTS("SDM 3A 6.12.1.1, gate DPL", ring_try(3, 0, int_60, NULL), 13, idt);
    set_vector(SEL_CODE, 0x6E00);
    FAULTS("SDM 3A 6.15, #NP of a gate", ring_try(3, 0, int_60, NULL), 11, idt);
    set_vector(SEL_CODE, 0xEC00);
    FAULTS("SDM 3A 6.11, call gate in the IDT", ring_try(3, 0, int_60, NULL), 13, idt);
    set_vector(0, 0xEE00);
    FAULTS("SDM 3A 6.12.1.1, null target", ring_try(3, 0, int_60, NULL), 13, 0);
    set_vector(SEL_DATA, 0xEE00);
    FAULTS("SDM 3A 6.12.1.1, target not code", ring_try(3, 0, int_60, NULL), 13, SEL_DATA);
    set_vector(CODE3, 0xEE00);
    FAULTS("SDM 3A 6.12.1.1, less privileged target", ring_try(0, 0, int_60, NULL), 13, CODE3);
    set_vector(ABSENT, 0xEE00);
    FAULTS("SDM 3A 6.12.1.1, target not present", ring_try(3, 0, int_60, NULL), 11, ABSENT);
    set_vector(SMALL, 0xEE00);
    FAULTS("SDM 2A INT, EIP beyond the limit", ring_try(3, 0, int_60, NULL), 13, 0);
    set_vector(SEL_CODE, 0xEE00);
    FAULTS("SDM 3A 6.12.1.3", ring_try(0, FL_IF, int_60, NULL), TEST_VECTOR, 0);
    CHECK_EQUAL("SDM 3A 6.12.1.3, IF in the image", bare_frame.eflags & FL_IF, FL_IF);
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) table = {0xF1 * 8 + 6, (uint32_t)bare_idt};
    __asm__ volatile("lidt %0" : : "m"(table));
    bool faulted = bare_try(int_f1, NULL);
    table.limit = sizeof bare_idt - 1;
    __asm__ volatile("lidt %0" : : "m"(table));
    FAULTS("SDM 3A 6.10, IDT limit", faulted, 13, 0xF1 * 8 + 2);
}

static volatile uint32_t handler_flags;
static void note_flags(struct trap_frame *frame)
{
    handler_flags = read_eflags();
}
static void test_flags_in_handler(void)
{
    bare_set_handler(TEST_VECTOR, note_flags);
    set_vector(SEL_CODE, 0xEF00);
    RUNS("SDM 3A 6.12.1.3, trap gate", ring_try(0, FL_IF | FL_NT, int_60, NULL));
    CHECK_EQUAL("SDM 3A 6.12.1.3, IF stays, NT and TF do not",
                handler_flags & (FL_IF | FL_NT | FL_TF), FL_IF);
    set_vector(SEL_CODE, 0xEE00);
    RUNS("SDM 3A 6.12.1.3, interrupt gate", ring_try(0, FL_IF, int_60, NULL));
    CHECK_EQUAL("SDM 3A 6.12.1.3, IF", handler_flags & FL_IF, 0);
    write_eflags(2);
    bare_set_handler(TEST_VECTOR, NULL);
}

/* A 16-bit gate pushes words. */
uint32_t gate16_words[3];
void gate16_handler(void);
__asm__(
    ".pushsection .text\n"
    "gate16_handler:\n"
    "    pushl %eax\n"
    "    movl 4(%esp), %eax\n"
    "    movl %eax, gate16_words\n"
    "    movl 8(%esp), %eax\n"
    "    movl %eax, gate16_words + 4\n"
    "    popl %eax\n"
    "    addl $6, %esp\n"
    "    jmp bare_recover\n"
    ".popsection");
static void test_gate16(void)
{
    /* The gate holds 16 bits of offset: the code segment starts at the handler, which leaves by a
     * far jump, since that base displaces near ones. */
    bare_idt[TEST_VECTOR] = (struct gate){0, CODE16, 0xE600, 0xFFFF};
    static uint8_t trampoline[64];
    memcpy(trampoline, (void *)gate16_handler, 23);
    uint32_t at = 23;
    trampoline[at] = 0xEA;
    extern void bare_recover(void);
    uint32_t recover = (uint32_t)bare_recover;
    memcpy(trampoline + at + 1, &recover, 4);
    uint16_t code = SEL_CODE;
    memcpy(trampoline + at + 5, &code, 2);
    ring_set(CODE16, bare_descriptor((uint32_t)trampoline, 0xFFFFF, 0x9B, 0xC), 0);
    bare_try(int_60, NULL);
    CHECK_EQUAL("SDM 3A 6.12.1, 16-bit gate", gate16_words[0] >> 16, SEL_CODE);
    CHECK_EQUAL("SDM 3A 6.12.1, 16-bit gate", gate16_words[0] & 0xFFFF,
                ((uint32_t)int_60 & 0xFFFF) + 2);
    CHECK_EQUAL("SDM 3A 6.12.1, 16-bit gate", gate16_words[1] & 2, 2);
    set_vector(SEL_CODE, 0xEE00);
}

void bare_tests(void)
{
    ring_init();
    test_direct();
    test_call_gate_checks();
    test_call_gate_transfer();
    test_inner_stack();
    test_far_return();
    test_iret();
    test_interrupt_gates();
    test_flags_in_handler();
    test_gate16();
}
