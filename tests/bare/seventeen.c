/* The seventeen instructions of Robin and Irvine (USENIX Security 2000): sensitive, and yet not
 * privileged. What each shows, changes or refuses at CPL 0, at CPL 3 and in V86 mode; what makes it
 * a problem for a monitor is the silence at CPL 3. tests/insn/test_seventeen.c does the same at CPL
 * 3 on the host's processor. Run alone: meson test -C build bare-seventeen */
#include "rings.h"

#define CODE16(text) ".code16\n" text "\n.code32\n"

enum {
    SEL_FAR = SEL_TEST,            /* code of DPL 0 */
    SEL_FAR_USER = SEL_TEST + 8,   /* code of DPL 3 */
    SEL_CALL_GATE = SEL_TEST + 16, /* to far_target, DPL 3 */
    SEL_SYSTEM = SEL_TEST + 24,    /* data of DPL 0, limit 123h */
    VECTOR_KERNEL = 0x70,          /* gate of DPL 0 */
    VECTOR_USER = 0x71,            /* gate of DPL 3 */
    IOPL0 = 0,
};

struct table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

/* Runs at CPL 0 and then at CPL 3. */
#define AT_0(function, argument) ring_try(0, 0, (function), (argument))
#define AT_3(function, argument) ring_try(3, 0, (function), (argument))

/* --- SGDT, SIDT, SLDT, STR, SMSW: show what the system is --- */

static void sgdt(void *to)
{
    __asm__ volatile("sgdt (%0)" : : "r"(to) : "memory");
}
static void sidt(void *to)
{
    __asm__ volatile("sidt (%0)" : : "r"(to) : "memory");
}
static void sldt(void *to)
{
    __asm__ volatile("sldt (%0)" : : "r"(to) : "memory");
}
static void str(void *to)
{
    __asm__ volatile("str (%0)" : : "r"(to) : "memory");
}
static void smsw(void *to)
{
    __asm__ volatile("smsw (%0)" : : "r"(to) : "memory");
}

static void check_table(const char *where, void (*store)(void *), unsigned ring, const void *base)
{
    struct table table = {0, 0};
    RUNS(where, ring_try(ring, 0, store, &table));
    CHECK_EQUAL(where, table.base, (uint32_t)base);
    CHECK_EQUAL(where, table.limit & 7, 7);
}

static void check_word(const char *where, void (*store)(void *), unsigned ring, uint16_t want)
{
    uint32_t word = 0xDEAD0000;
    RUNS(where, ring_try(ring, 0, store, &word));
    CHECK_EQUAL(where, word, 0xDEAD0000 | want);
}

SNIPPET(v86_sgdt, CODE16("sgdt 0\nsidt 8\nhlt"));
SNIPPET(v86_sldt, CODE16("sldt %ax"));
SNIPPET(v86_str, CODE16("str %ax"));
SNIPPET(v86_smsw, CODE16("smsw %ax\nhlt"));

static void test_system_registers(void)
{
    for (unsigned ring = 0; ring <= 3; ring += 3) {
        check_table("SDM 2 SGDT: not privileged", sgdt, ring, bare_gdt);
        check_table("SDM 2 SIDT: not privileged", sidt, ring, bare_idt);
        check_word("SDM 2 SLDT: not privileged", sldt, ring, SEL_LDT);
        check_word("SDM 2 STR: not privileged", str, ring, SEL_TSS);
        check_word("SDM 2 SMSW: not privileged", smsw, ring, (uint16_t)read_cr0());
    }
    V86_RUNS("SDM 2 SGDT, SIDT in V86 mode", v86_sgdt, IOPL0);
    CHECK_EQUAL("SDM 2 SGDT in V86 mode", ((struct table *)(V86_DATA + 0))->base & 0xFFFFFF,
                (uint32_t)bare_gdt & 0xFFFFFF);
    CHECK_EQUAL("SDM 2 SIDT in V86 mode", ((struct table *)(V86_DATA + 8))->base & 0xFFFFFF,
                (uint32_t)bare_idt & 0xFFFFFF);
    V86_FAULTS("SDM 2 SLDT in V86 mode", v86_sldt, IOPL0, 6, 0);
    V86_FAULTS("SDM 2 STR in V86 mode", v86_str, IOPL0, 6, 0);
    V86_RUNS("SDM 2 SMSW in V86 mode", v86_smsw, IOPL0);
    CHECK_EQUAL("SDM 2 SMSW in V86 mode", bare_frame.eax & 0xFFFF, read_cr0() & 0xFFFF);
}

/* --- PUSHF, POPF --- */

static void pushf(void *to)
{
    __asm__ volatile("pushfl\npopl (%0)" : : "r"(to) : "memory");
}
/* Loads IF, IOPL 3 and CF, and says what came of it. */
static void popf(void *to)
{
    __asm__ volatile(
        "pushfl\n"
        "pushl %1\n"
        "popfl\n"
        "pushfl\n"
        "popl (%0)\n"
        "popfl"
        :
        : "r"(to), "i"(FL_IF | FL_IOPL3 | FL_CF | 2)
        : "memory", "cc");
}

SNIPPET(v86_pushf, CODE16("pushf\npop %ax\nhlt"));
SNIPPET(v86_popf, CODE16("push $0x0203\npopf\nhlt"));

static void test_flags(void)
{
    uint32_t seen = 0;
    RUNS("SDM 2 PUSHF", ring_try(0, FL_IOPL3, pushf, &seen));
    CHECK_EQUAL("SDM 2 PUSHF at CPL 0", seen & (FL_IF | FL_IOPL3), FL_IOPL3);
    RUNS("SDM 2 PUSHF", ring_try(3, FL_IF, pushf, &seen));
    CHECK_EQUAL("SDM 2 PUSHF at CPL 3 shows IF and IOPL", seen & (FL_IF | FL_IOPL3), FL_IF);
    RUNS("SDM 2 POPF", AT_0(popf, &seen));
    CHECK_EQUAL("SDM 2 POPF at CPL 0 changes IF and IOPL", seen & (FL_IF | FL_IOPL3 | FL_CF),
                FL_IF | FL_IOPL3 | FL_CF);
    RUNS("SDM 2 POPF at CPL 3: no fault", AT_3(popf, &seen));
    CHECK_EQUAL("SDM 2 POPF at CPL 3 leaves IF and IOPL, silently",
                seen & (FL_IF | FL_IOPL3 | FL_CF), FL_CF);
    RUNS("SDM 2 POPF", ring_try(3, FL_IOPL3, popf, &seen));
    CHECK_EQUAL("SDM 2 POPF at CPL 3, IOPL 3 changes IF", seen & (FL_IF | FL_IOPL3),
                FL_IF | FL_IOPL3);
    write_eflags(2);
    V86_FAULTS("SDM 3A 20.2.7, PUSHF", v86_pushf, IOPL0, 13, 0);
    V86_FAULTS("SDM 3A 20.2.7, POPF", v86_popf, IOPL0, 13, 0);
    V86_RUNS("SDM 3A 20.2.7, PUSHF at IOPL 3", v86_pushf, FL_IOPL3 | FL_IF);
    CHECK_EQUAL("SDM 3A 20.2.7, PUSHF at IOPL 3", bare_frame.eax & (FL_IF | FL_IOPL3),
                FL_IF | FL_IOPL3);
    V86_RUNS("SDM 3A 20.2.7, POPF at IOPL 3", v86_popf, FL_IOPL3);
    CHECK_EQUAL("SDM 3A 20.2.7, POPF at IOPL 3", bare_frame.eflags & (FL_IF | FL_IOPL3 | FL_CF),
                FL_IF | FL_IOPL3 | FL_CF);
}

/* --- LAR, LSL, VERR, VERW: what they see depends on CPL --- */

struct query {
    uint32_t selector;
    uint32_t rights, limit;      /* FFFFFFFFh: ZF was clear */
    uint32_t readable, writable; /* ZF */
};
static void query(void *argument)
{
    struct query *q = argument;
    q->rights = q->limit = 0xFFFFFFFF;
    __asm__ volatile("lar %1, %0" : "+r"(q->rights) : "r"(q->selector) : "cc");
    __asm__ volatile("lsl %1, %0" : "+r"(q->limit) : "r"(q->selector) : "cc");
    uint8_t zero;
    __asm__ volatile("verr %w1\nsetz %0" : "=q"(zero) : "r"(q->selector) : "cc");
    q->readable = zero;
    __asm__ volatile("verw %w1\nsetz %0" : "=q"(zero) : "r"(q->selector) : "cc");
    q->writable = zero;
}

SNIPPET(v86_lar, CODE16("lar %ax, %bx"));
SNIPPET(v86_lsl, CODE16("lsl %ax, %bx"));
SNIPPET(v86_verr, CODE16("verr %ax"));
SNIPPET(v86_verw, CODE16("verw %ax"));

static void test_queries(void)
{
    const char *where = "SDM 2 LAR, LSL, VERR, VERW at CPL 0";
    struct query q = {.selector = SEL_SYSTEM};
    ring_set(SEL_SYSTEM, bare_descriptor(0, 0x123, 0x93, 4), 0);
    RUNS(where, AT_0(query, &q));
    CHECK_EQUAL(where, q.rights, 0x00409300);
    CHECK_EQUAL(where, q.limit, 0x123);
    CHECK_EQUAL(where, q.readable, 1);
    CHECK_EQUAL(where, q.writable, 1);
    where = "SDM 2 LAR, LSL, VERR, VERW at CPL 3: not visible";
    RUNS(where, AT_3(query, &q));
    CHECK_EQUAL(where, q.rights, 0xFFFFFFFF);
    CHECK_EQUAL(where, q.limit, 0xFFFFFFFF);
    CHECK_EQUAL(where, q.readable, 0);
    CHECK_EQUAL(where, q.writable, 0);
    where = "SDM 2 LAR, LSL, VERR, VERW at CPL 3: DPL 3";
    q.selector = SEL_USER_DATA;
    RUNS(where, AT_3(query, &q));
    CHECK_EQUAL(where, q.rights & 0xFF00, 0xF300);
    CHECK_EQUAL(where, q.limit, 0xFFFFFFFF);
    CHECK_EQUAL(where, q.writable, 1);
    V86_FAULTS("SDM 2 LAR in V86 mode", v86_lar, FL_IOPL3, 6, 0);
    V86_FAULTS("SDM 2 LSL in V86 mode", v86_lsl, FL_IOPL3, 6, 0);
    V86_FAULTS("SDM 2 VERR in V86 mode", v86_verr, FL_IOPL3, 6, 0);
    V86_FAULTS("SDM 2 VERW in V86 mode", v86_verw, FL_IOPL3, 6, 0);
}

/* --- POP, PUSH, MOV with segment registers: the selector shows CPL --- */

static void push_cs(void *to)
{
    __asm__ volatile("push %%cs\npopl (%0)" : : "r"(to) : "memory");
}
static void mov_from_ss(void *to)
{
    __asm__ volatile("movl %%ss, %%ecx\nmovl %%ecx, (%0)" : : "r"(to) : "memory", "ecx");
}
static void pop_fs(void *selector)
{
    __asm__ volatile("pushl %0\npop %%fs" : : "r"(selector));
}
static void mov_to_fs(void *selector)
{
    __asm__ volatile("mov %w0, %%fs" : : "r"(selector));
}

SNIPPET(v86_segments, CODE16("push %cs\npop %ax\nmov %ss, %bx\n"
                             "mov $0x1234, %cx\npush %cx\npop %fs\nmov %cx, %gs\nhlt"));

static void test_segments(void)
{
    static const uint16_t code[4] = {SEL_CODE, SEL_CODE1, SEL_CODE2, SEL_USER_CODE};
    static const uint16_t data[4] = {SEL_DATA, SEL_DATA1, SEL_DATA2, SEL_USER_DATA};
    void *system = (void *)SEL_SYSTEM;
    for (unsigned ring = 0; ring < 4; ring++) {
        uint32_t seen = 0;
        RUNS("SDM 2 PUSH CS", ring_try(ring, 0, push_cs, &seen));
        CHECK_EQUAL("SDM 2 PUSH CS shows CPL", seen & 0xFFFF, code[ring]);
        RUNS("SDM 2 MOV from SS", ring_try(ring, 0, mov_from_ss, &seen));
        CHECK_EQUAL("SDM 2 MOV from SS shows CPL", seen & 0xFFFF, data[ring]);
    }
    RUNS("SDM 2 POP FS at CPL 0", AT_0(pop_fs, system));
    RUNS("SDM 2 MOV FS at CPL 0", AT_0(mov_to_fs, system));
    FAULTS("SDM 2 POP FS at CPL 3", AT_3(pop_fs, system), 13, SEL_SYSTEM);
    FAULTS("SDM 2 MOV FS at CPL 3", AT_3(mov_to_fs, system), 13, SEL_SYSTEM);
    V86_RUNS("SDM 3A 20.1.1, selectors are paragraphs", v86_segments, IOPL0);
    CHECK_EQUAL("SDM 3A 20.1.1, PUSH CS", bare_frame.eax & 0xFFFF, V86_CODE >> 4);
    CHECK_EQUAL("SDM 3A 20.1.1, MOV from SS", bare_frame.ebx & 0xFFFF, V86_STACK >> 4);
    CHECK_EQUAL("SDM 3A 20.1.1, POP FS", bare_frame.v86_fs, 0x1234);
    CHECK_EQUAL("SDM 3A 20.1.1, MOV GS", bare_frame.v86_gs, 0x1234);
}

/* --- CALL, JMP, RET, INT --- */

/* far_target: notes CS in EAX and returns far. */
SNIPPET(far_target, "movl %cs, %eax\nlret");

struct pointer {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed));
static uint32_t far_cs;

static void call_far(void *pointer)
{
    uint32_t cs = 0;
    __asm__ volatile("lcall *(%1)" : "+a"(cs) : "r"(pointer) : "memory", "ecx", "edx");
    far_cs = cs;
}
/* Jumps there with a return address on the stack, for the RET. */
static void jmp_far(void *pointer)
{
    uint32_t cs = 0;
    __asm__ volatile(
        "push %%cs\n"
        "pushl $1f\n"
        "ljmp *(%1)\n"
        "1:"
        : "+a"(cs)
        : "r"(pointer)
        : "memory", "ecx", "edx");
    far_cs = cs;
}
/* Returns to the pointer's address. */
static void ret_far(void *pointer)
{
    struct pointer *p = pointer;
    __asm__ volatile(
        "push %%cs\n"
        "pushl $1f\n"
        "pushl %1\n"
        "pushl %0\n"
        "lret\n"
        "1:"
        :
        : "r"(p->offset), "r"((uint32_t)p->selector)
        : "memory", "eax");
}

SNIPPET(v86_far, CODE16("lcall $0x0800, $(2f - v86_far)\n"
                        "push %cs\npush $(1f - v86_far)\n"
                        "ljmp $0x0801, $(3f - v86_far - 16)\n"
                        "2: mov $0x1111, %si\n"
                        "lret\n"
                        "3: mov %cs, %di\n"
                        "lret\n"
                        "1: hlt"));

static void test_transfers(void)
{
    struct pointer system = {(uint32_t)far_target, SEL_FAR};
    struct pointer user = {(uint32_t)far_target, SEL_FAR_USER | 3};
    struct pointer gate = {0, SEL_CALL_GATE | 3};
    ring_set(SEL_FAR, bare_descriptor(0, 0xFFFFF, 0x9B, 0xC), 0);
    ring_set(SEL_FAR_USER, bare_descriptor(0, 0xFFFFF, 0xFB, 0xC), 0);
    ring_set(SEL_CALL_GATE, ring_gate(SEL_FAR, (uint32_t)far_target, 0xEC00, 0), 0);
    RUNS("SDM 2 CALL at CPL 0", AT_0(call_far, &system));
    CHECK_EQUAL("SDM 2 CALL at CPL 0", far_cs, SEL_FAR);
    RUNS("SDM 2 JMP at CPL 0", AT_0(jmp_far, &system));
    CHECK_EQUAL("SDM 2 JMP at CPL 0", far_cs, SEL_FAR);
    RUNS("SDM 2 RET at CPL 0", AT_0(ret_far, &system));
    RUNS("SDM 2 CALL at CPL 3", AT_3(call_far, &user));
    CHECK_EQUAL("SDM 2 CALL at CPL 3", far_cs, SEL_FAR_USER | 3);
    RUNS("SDM 2 JMP at CPL 3", AT_3(jmp_far, &user));
    RUNS("SDM 2 RET at CPL 3", AT_3(ret_far, &user));
    FAULTS("SDM 3A 5.8.1, CALL to more privilege", AT_3(call_far, &system), 13, SEL_FAR);
    FAULTS("SDM 3A 5.8.1, JMP to more privilege", AT_3(jmp_far, &system), 13, SEL_FAR);
    FAULTS("SDM 3A 5.8.6, RET to more privilege", AT_3(ret_far, &system), 13, SEL_FAR);
    RUNS("SDM 3A 5.8.4, CALL through a gate changes CPL", AT_3(call_far, &gate));
    CHECK_EQUAL("SDM 3A 5.8.4, CALL through a gate changes CPL", far_cs, SEL_FAR);
    FAULTS("SDM 3A 5.8.4, JMP through that gate", AT_3(jmp_far, &gate), 13, SEL_FAR);
    V86_RUNS("SDM 3A 20.1.3, far transfers are to paragraphs", v86_far, IOPL0);
    CHECK_EQUAL("SDM 3A 20.1.3, CALL", bare_frame.esi & 0xFFFF, 0x1111);
    CHECK_EQUAL("SDM 3A 20.1.3, JMP", bare_frame.edi & 0xFFFF, 0x0801);
}

static void int_kernel(void *argument)
{
    __asm__ volatile("int $0x70");
}
static void int_user(void *argument)
{
    __asm__ volatile("int $0x71");
}
static uint32_t interrupts, interrupted_cs;
static void on_interrupt(struct trap_frame *frame)
{
    interrupts++;
    interrupted_cs = frame->cs & 0xFFFF;
}

SNIPPET(v86_int, CODE16("int $0x71\nhlt"));

static void test_interrupts(void)
{
    bare_set_handler(VECTOR_KERNEL, on_interrupt);
    bare_set_handler(VECTOR_USER, on_interrupt);
    bare_idt[VECTOR_USER].type = 0xEE00;
    RUNS("SDM 2 INT at CPL 0", AT_0(int_kernel, NULL));
    CHECK_EQUAL("SDM 2 INT at CPL 0", interrupted_cs, SEL_CODE);
    FAULTS("SDM 2 INT at CPL 3, gate of DPL 0", AT_3(int_kernel, NULL), 13, VECTOR_KERNEL * 8 + 2);
    RUNS("SDM 2 INT at CPL 3, gate of DPL 3", AT_3(int_user, NULL));
    CHECK_EQUAL("SDM 2 INT at CPL 3", interrupted_cs, SEL_USER_CODE);
    CHECK_EQUAL("SDM 2 INT: handlers run", interrupts, 2);
    V86_FAULTS("SDM 3A 20.2.7, INT n in V86 mode", v86_int, IOPL0, 13, 0);
    V86_RUNS("SDM 3A 20.3, INT n at IOPL 3", v86_int, FL_IOPL3);
    CHECK_EQUAL("SDM 3A 20.3, INT n at IOPL 3", interrupts, 3);
    CHECK_EQUAL("SDM 3A 20.3, INT n at IOPL 3", interrupted_cs, V86_CODE >> 4);
}

void bare_tests(void)
{
    ring_init();
    test_system_registers();
    test_flags();
    test_queries();
    test_segments();
    test_transfers();
    test_interrupts();
}
