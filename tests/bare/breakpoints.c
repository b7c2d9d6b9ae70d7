/* Debug registers, by tables: every kind and length of breakpoint against every size and offset of
 * access; what hits and what does not; DR6, DR7, RF.
 * Run alone: meson test -C build bare-breakpoints */
#include "debug_registers.h"
#include "rings.h"

enum { KIND_EXECUTE, KIND_WRITE, KIND_IO, KIND_ACCESS };
enum { DR7_GD = 1 << 13, DR7_FIXED = 0x400, STACK_SLOT = 512 };

uint8_t area[64] __attribute__((aligned(64)));
uint8_t private_stack[1024] __attribute__((aligned(16)));
uint32_t saved_stack;

static uint32_t hit_count, first_dr6, first_eip, first_dr7, first_flags;
static bool keep_dr6, set_rf;

static void write_address(unsigned n, uint32_t value)
{
    if (n == 0)
        __asm__ volatile("movl %0, %%dr0" : : "r"(value));
    else if (n == 1)
        __asm__ volatile("movl %0, %%dr1" : : "r"(value));
    else if (n == 2)
        __asm__ volatile("movl %0, %%dr2" : : "r"(value));
    else
        __asm__ volatile("movl %0, %%dr3" : : "r"(value));
}

static void note(struct trap_frame *frame)
{
    if (hit_count++ == 0) {
        first_dr6 = read_dr6();
        first_eip = frame->eip;
        first_dr7 = read_dr7();
        first_flags = frame->eflags;
    }
    if (!keep_dr6)
        write_dr6(0);
    if (set_rf)
        frame->eflags |= FL_RF;
}

static void begin(void)
{
    write_dr7(DR7_FIXED);
    for (unsigned n = 0; n < 4; n++)
        write_address(n, 0);
    write_dr6(0);
    hit_count = first_dr6 = first_eip = 0;
    keep_dr6 = false;
    set_rf = true;
}

static const uint8_t length_codes[5] = {0, 0, 1, 0, 3};

/* The field of breakpoint n in DR7, globally enabled. */
static uint32_t field(unsigned n, unsigned kind, unsigned length)
{
    return 2u << n * 2 | kind << (16 + n * 4) | (uint32_t)length_codes[length] << (18 + n * 4);
}
static bool overlaps(uint32_t address, unsigned length, uint32_t at, unsigned size)
{
    address &= ~(length - 1);
    return at < address + length && address < at + size;
}

static void check_case(bool good, const char *where, const char *what, uint32_t value)
{
    if (!good)
        bare_print("case %08x, %u hits, DR6 %x: ", value, hit_count, first_dr6);
    bare_check(good, where, what);
}

/* --- data --- */

enum operation { OP_READ, OP_WRITE, OP_MODIFY, OP_COMPARE, OPERATIONS };

static void access(enum operation operation, unsigned size, uint32_t at)
{
#define ACCESS(suffix)                                                                             \
    switch (operation) {                                                                           \
    case OP_READ:                                                                                  \
        __asm__ volatile("mov" suffix " (%0), %%" A : : "r"(at) : "eax", "memory");                \
        break;                                                                                     \
    case OP_WRITE:                                                                                 \
        __asm__ volatile("mov" suffix " %%" A ", (%0)" : : "r"(at) : "eax", "memory");             \
        break;                                                                                     \
    case OP_MODIFY:                                                                                \
        __asm__ volatile("inc" suffix " (%0)" : : "r"(at) : "cc", "memory");                       \
        break;                                                                                     \
    default:                                                                                       \
        __asm__ volatile("cmp" suffix " $1, (%0)" : : "r"(at) : "cc", "memory");                   \
    }
    if (size == 1) {
#define A "al"
        ACCESS("b")
#undef A
    } else if (size == 2) {
#define A "ax"
        ACCESS("w")
#undef A
    } else {
#define A "eax"
        ACCESS("l")
#undef A
    }
}

static void test_data(void)
{
    for (unsigned kind = KIND_WRITE; kind <= KIND_ACCESS; kind += 2) {
        for (unsigned length = 1; length <= 4; length *= 2) {
            for (unsigned where = 4; where < 12; where++) {
                for (unsigned test = 0; test < OPERATIONS * 3 * 16; test++) {
                    unsigned offset = test & 15, size = 1u << test / 16 % 3;
                    enum operation operation = test / 48;
                    bool writes = operation == OP_WRITE || operation == OP_MODIFY;
                    begin();
                    write_address(where & 3, (uint32_t)area + where);
                    write_dr7(DR7_FIXED | field(where & 3, kind, length));
                    access(operation, size, (uint32_t)area + offset);
                    bool hit =
                        overlaps(where, length, offset, size) && (writes || kind == KIND_ACCESS);
                    bool good =
                        hit_count == hit && (!hit || (first_dr6 & 0xE00F) == 1u << (where & 3));
                    check_case(good,
                               "SDM 3B 17.2.5, kind, length, address by operation, size, offset",
                               "hits once, or not",
                               kind << 28 | length << 24 | where << 16 | (unsigned)operation << 12 |
                                   size << 8 | offset);
                }
            }
        }
    }
    begin();
}

/* Two breakpoints and one access: all those that are met and enabled are in DR6. */
static void test_pairs(void)
{
    for (unsigned test = 0; test < 8 * 8 * 4; test++) {
        unsigned first = test & 7, second = test >> 3 & 7, enables = test >> 6;
        begin();
        write_address(1, (uint32_t)area + first);
        write_address(2, (uint32_t)area + second);
        uint32_t dr7 = field(1, KIND_WRITE, 1) | field(2, KIND_ACCESS, 2);
        dr7 &= ~0xFFu;
        dr7 |= (enables & 1 ? 4u : 8u) | (enables & 2 ? 16u : 32u);
        write_dr7(DR7_FIXED | dr7);
        access(OP_WRITE, 4, (uint32_t)area + 2);
        uint32_t want = (overlaps(first, 1, 2, 4) ? 2u : 0) | (overlaps(second, 2, 2, 4) ? 4u : 0);
        check_case(hit_count == (want != 0) && (!want || (first_dr6 & 0xF) == want),
                   "SDM 3B 17.2.3, two breakpoints", "both are reported, at once", test);
    }
    begin();
}

/* L, G, both, none, for each register, and all of one kind of the others. */
static void test_enables(void)
{
    for (unsigned n = 0; n < 4; n++) {
        for (unsigned enable = 0; enable < 4; enable++) {
            for (unsigned exact = 0; exact < 4; exact++) {
                begin();
                write_address(n, (uint32_t)area);
                uint32_t dr7 = (field(n, KIND_WRITE, 4) & ~0xFFu) | enable << n * 2;
                write_dr7(DR7_FIXED | dr7 | exact << 8);
                access(OP_WRITE, 4, (uint32_t)area);
                bool good = hit_count == (enable != 0) &&
                            (!enable || ((first_dr6 & 0xF) == 1u << n &&
                                         (first_dr7 & 0xFF) == enable << n * 2));
                check_case(good, "SDM 3B 17.2.4, L and G",
                           "either enables; LE and GE do not matter", n << 8 | enable << 4 | exact);
            }
        }
    }
    begin();
}

/* --- string instructions --- */

#define STRING(name, text)                                                                         \
    SNIPPET(name,                                                                                  \
            "pushl %esi\n pushl %edi\n cld\n movl $area, %esi\n"                                   \
            "movl $area + 32, %edi\n movl $4, %ecx\n xorl %eax, %eax\n" text                       \
            "\n cld\n popl %edi\n popl %esi\n ret")
STRING(rep_movsb, "rep movsb");
STRING(rep_movsw, "rep movsw");
STRING(rep_movsl, "rep movsl");
STRING(rep_stosb, "rep stosb");
STRING(rep_stosl, "rep stosl");
STRING(rep_lodsb, "rep lodsb");
STRING(repe_cmpsb, "repe cmpsb");
STRING(repe_scasb, "repe scasb");
STRING(one_movsl, "movsl");
STRING(none_movsb, "xorl %ecx, %ecx\n rep movsb");
STRING(down_stosb, "std\n rep stosb");

static const struct string_case {
    uint8_t *code;
    uint8_t kind, length;
    uint8_t at;
    uint8_t hits;
} string_cases[] = {
    {rep_movsb,  KIND_ACCESS, 4, 0,  4},
    {rep_movsb,  KIND_WRITE,  4, 0,  0},
    {rep_movsb,  KIND_WRITE,  4, 32, 4},
    {rep_movsb,  KIND_WRITE,  1, 34, 1},
    {rep_movsb,  KIND_WRITE,  2, 35, 2},
    {rep_movsb,  KIND_WRITE,  1, 36, 0},
    {rep_movsw,  KIND_WRITE,  4, 32, 2},
    {rep_movsw,  KIND_WRITE,  1, 35, 1},
    {rep_movsw,  KIND_ACCESS, 2, 6,  1},
    {rep_movsl,  KIND_WRITE,  1, 47, 1},
    {rep_movsl,  KIND_WRITE,  1, 48, 0},
    {rep_movsl,  KIND_ACCESS, 1, 15, 1},
    {rep_stosb,  KIND_WRITE,  4, 32, 4},
    {rep_stosb,  KIND_ACCESS, 2, 32, 2},
    {rep_stosl,  KIND_WRITE,  2, 38, 1},
    {rep_stosl,  KIND_WRITE,  4, 44, 1},
    {rep_lodsb,  KIND_ACCESS, 4, 0,  4},
    {rep_lodsb,  KIND_WRITE,  4, 0,  0},
    {repe_cmpsb, KIND_ACCESS, 4, 0,  4},
    {repe_cmpsb, KIND_ACCESS, 4, 32, 4},
    {repe_cmpsb, KIND_WRITE,  4, 32, 0},
    {repe_scasb, KIND_ACCESS, 1, 33, 1},
    {one_movsl,  KIND_ACCESS, 1, 3,  1},
    {one_movsl,  KIND_WRITE,  4, 32, 1},
    {none_movsb, KIND_ACCESS, 4, 0,  0},
    {none_movsb, KIND_ACCESS, 4, 32, 0},
    {down_stosb, KIND_WRITE,  4, 28, 3},
    {down_stosb, KIND_WRITE,  1, 32, 1},
};

static void call_code(void *code)
{
    __asm__ volatile("call *%0" : : "r"(code) : "eax", "ecx", "edx", "memory", "cc");
}

static void test_strings(void)
{
    for (unsigned i = 0; i < sizeof string_cases / sizeof *string_cases; i++) {
        const struct string_case *test = &string_cases[i];
        memset(area, 0, sizeof area);
        begin();
        write_address(3, (uint32_t)area + test->at);
        write_dr7(DR7_FIXED | field(3, test->kind, test->length));
        call_code(test->code);
        check_case(hit_count == test->hits, "SDM 3B 17.3.1.2, repeated strings",
                   "a trap behind each iteration that hits", i);
    }
    begin();
}

/* --- the stack, and accesses that instructions make on their own ---
 * At CPL 3, so that the handler's frame is not on the watched stack. */

#define STACK(name, text)                                                                          \
    SNIPPET(name, "movl %esp, saved_stack\n movl $private_stack + 512, %esp\n" text                \
                  "\n movl saved_stack, %esp\n ret")
STACK(push_eax, "pushl %eax");
STACK(push_ax, "pushw %ax");
STACK(push_imm, "pushl $1");
STACK(push_memory, "pushl area");
STACK(push_flags, "pushfl");
STACK(push_segment, "pushl %ds");
STACK(pusha, "pushal");
STACK(call_near, "call 1f\n1:");
STACK(call_far, "lcall $0x1B, $1f\n1:");
STACK(enter, "pushl %ebp\n movl %esp, %ebp\n addl $4, %esp\n enter $0, $0\n popl %ebp");
STACK(push_pop, "subl $4, %esp\n popl %ecx");
STACK(pop_memory, "subl $4, %esp\n popl area");
STACK(ret_near, "pushl $1f\n ret\n1:");
STACK(load_from, "movw area, %fs");
STACK(sgdt, "sgdt area");
STACK(lea, "leal area, %ecx");
STACK(bts, "movl $9, %ecx\n btsl %ecx, area");
STACK(bt_far, "movl $33, %ecx\n btl %ecx, area");
STACK(xchg, "xchgl %ecx, area");
STACK(cmpxchg_like, "testl $0, area");
STACK(bound, "movl $0, area\n movl $9, area + 4\n movl $1, %ecx\n boundl %ecx, area");
STACK(xlat, "pushl %ebx\n movl $area, %ebx\n xorl %eax, %eax\n xlat\n popl %ebx");

/* at: 0: the slot below the stack's top; 1: area. Pushes and their kin write. What the processor
 * looks up for itself in tables is left out: the manual does not say whether that counts. */
static const struct access_case {
    uint8_t *code;
    uint8_t kind, length, at;
    int8_t offset;
    uint8_t hits;
} access_cases[] = {
    {push_eax,     KIND_WRITE,  4, 0, 0,   1},
    {push_eax,     KIND_WRITE,  1, 0, 3,   1},
    {push_eax,     KIND_WRITE,  1, 0, 4,   0},
    {push_eax,     KIND_WRITE,  1, 0, -1,  0},
    {push_ax,      KIND_WRITE,  1, 0, 1,   0},
    {push_ax,      KIND_WRITE,  2, 0, 2,   1},
    {push_imm,     KIND_ACCESS, 4, 0, 0,   1},
    {push_memory,  KIND_WRITE,  4, 0, 0,   1},
    {push_memory,  KIND_ACCESS, 4, 1, 0,   1},
    {push_memory,  KIND_WRITE,  4, 1, 0,   0},
    {push_flags,   KIND_WRITE,  4, 0, 0,   1},
    {push_segment, KIND_WRITE,  2, 0, 0,   1},
    {pusha,        KIND_WRITE,  4, 0, -28, 1},
    {pusha,        KIND_WRITE,  4, 0, -12, 1},
    {pusha,        KIND_WRITE,  1, 0, -29, 0},
    {call_near,    KIND_WRITE,  4, 0, 0,   1},
    {call_far,     KIND_WRITE,  4, 0, 0,   1},
    {call_far,     KIND_WRITE,  4, 0, -4,  1},
    {enter,        KIND_WRITE,  4, 0, 0,   2},
    {push_pop,     KIND_ACCESS, 4, 0, 0,   1},
    {push_pop,     KIND_WRITE,  4, 0, 0,   0},
    {pop_memory,   KIND_WRITE,  4, 1, 0,   1},
    {pop_memory,   KIND_ACCESS, 4, 0, 0,   1},
    {ret_near,     KIND_ACCESS, 4, 0, 0,   2},
    {ret_near,     KIND_WRITE,  4, 0, 0,   1},
    {load_from,    KIND_ACCESS, 2, 1, 0,   1},
    {load_from,    KIND_ACCESS, 2, 1, 2,   0},
    {sgdt,         KIND_WRITE,  4, 1, 0,   1},
    {sgdt,         KIND_WRITE,  2, 1, 4,   1},

    {lea,          KIND_ACCESS, 4, 1, 0,   0},
    {bts,          KIND_WRITE,  4, 1, 0,   1},
    {bt_far,       KIND_ACCESS, 4, 1, 4,   1},
    {bt_far,       KIND_ACCESS, 4, 1, 0,   0},
    {xchg,         KIND_WRITE,  4, 1, 0,   1},
    {cmpxchg_like, KIND_WRITE,  4, 1, 0,   0},
    {cmpxchg_like, KIND_ACCESS, 1, 1, 3,   1},
    {bound,        KIND_ACCESS, 1, 1, 5,   2},
    {xlat,         KIND_ACCESS, 1, 1, 0,   1},
    {xlat,         KIND_ACCESS, 1, 1, 1,   0},
};

static void test_instructions(void)
{
    const uint32_t places[] = {(uint32_t)private_stack + STACK_SLOT - 4, (uint32_t)area};
    for (unsigned i = 0; i < sizeof access_cases / sizeof *access_cases; i++) {
        const struct access_case *test = &access_cases[i];
        memset(area, 0, sizeof area);
        begin();
        write_address(0, places[test->at] + (uint32_t)test->offset);
        write_dr7(DR7_FIXED | field(0, test->kind, test->length));
        bool faulted = ring_try(3, 0, call_code, test->code);
        write_dr7(DR7_FIXED);
        check_case(!faulted && hit_count == test->hits,
                   "SDM 3B 17.3.1.2, accesses of an instruction", "each operand that hits, once",
                   i);
    }
    begin();
}

/* --- I/O --- */

enum { PORT = 0x320 }; /* nothing answers there */

static void port_access(bool write, unsigned size, uint16_t port)
{
    if (write && size == 1)
        out8(port, 0);
    else if (write && size == 2)
        out16(port, 0);
    else if (write)
        out32(port, 0);
    else if (size == 1)
        in8(port);
    else if (size == 2)
        in16(port);
    else
        in32(port);
}

static void test_io(void)
{
    if (!(ring_features() & FEATURE_DE))
        return;
    write_cr4(read_cr4() | CR4_DE);
    for (unsigned length = 1; length <= 4; length *= 2) {
        for (unsigned where = 4; where < 8; where++) {
            for (unsigned test = 0; test < 2 * 3 * 12; test++) {
                unsigned offset = test % 12, size = 1u << test / 12 % 3;
                begin();
                write_address(2, PORT + where);
                write_dr7(DR7_FIXED | field(2, KIND_IO, length));
                port_access(test >= 36, size, (uint16_t)(PORT + offset));
                bool hit = overlaps(where, length, offset, size);
                check_case(hit_count == hit && (!hit || (first_dr6 & 0xE00F) == 4),
                           "SDM 3B 17.2.4, I/O breakpoint by length, port, direction, size",
                           "hits once, or not", length << 24 | where << 16 | test);
            }
        }
    }
    begin();
    write_address(0, PORT);
    write_dr7(DR7_FIXED | field(0, KIND_IO, 1));
    __asm__ volatile("cld; rep outsb" : : "S"(area), "d"(PORT), "c"(3) : "memory", "cc");
    CHECK_EQUAL("SDM 3B 17.3.1.2, REP OUTS: each iteration", hit_count, 3);
    begin();
    write_address(0, (uint32_t)area);
    write_dr7(DR7_FIXED | field(0, KIND_IO, 4));
    access(OP_MODIFY, 4, (uint32_t)area);
    CHECK_EQUAL("SDM 3B 17.2.4, memory is no port", hit_count, 0);
    begin();
    write_address(0, PORT);
    write_dr7(DR7_FIXED | field(0, KIND_ACCESS, 4));
    in32(PORT);
    CHECK_EQUAL("SDM 3B 17.2.4, a port is not memory", hit_count, 0);
    write_cr4(read_cr4() & ~CR4_DE);
    begin();
}

/* --- execution --- */

extern uint8_t x_prefix[], x_rep[], x_ss[], x_ss_next[], x_ss_third[], x_fault[], x_jump[], x_pop[];
SNIPPET(execute_code,
        "x_prefix: .byte 0x66\n nop\n"
        "x_rep: rep; lodsb\n"
        "movl %ss, %edx\n"
        "x_ss: movw %dx, %ss\n"
        "x_ss_next: nop\n"
        "x_ss_third: nop\n"
        "jmp x_jump\n"
        "nop\n"
        "x_jump: nop\n"
        "pushl %ss\n"
        "x_pop: popl %ss\n"
        "nop\n"
        "ret\n"
        "x_fault: .byte 0x0F, 0xFF");

static void test_execution(void)
{
    const struct {
        uint8_t *address;
        uint32_t hits;
        const char *where;
    } table[] = {
        {x_prefix,     1, "SDM 3B 17.2.5, the first prefix"                 },
        {x_prefix + 1, 0, "SDM 3B 17.2.5, not the opcode behind it"         },
        {x_rep,        1, "SDM 3B 17.3.1.1, once for a repeated instruction"},
        {x_rep + 1,    0, "SDM 3B 17.2.5, not the opcode behind REP"        },
        {x_ss,         1, "SDM 3B 17.3.1.1, on MOV SS"                      },
        {x_ss_next,    0, "SDM 3B 17.3.1.1, suppressed behind MOV SS"       },
        {x_ss_third,   1, "SDM 3B 17.3.1.1, and again one instruction on"   },
        {x_jump - 1,   0, "SDM 3B 17.3.1.1, jumped over"                    },
        {x_jump,       1, "SDM 3B 17.3.1.1, the target of a jump"           },
        {x_pop,        1, "SDM 3B 17.3.1.1, on POP SS"                      },
        {x_pop + 1,    0, "SDM 3B 17.3.1.1, suppressed behind POP SS"       },
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        for (unsigned n = 0; n < 4; n++) {
            begin();
            write_address(n, (uint32_t)table[i].address);
            write_dr7(DR7_FIXED | field(n, KIND_EXECUTE, 1));
            __asm__ volatile("call execute_code"
                             :
                             : "S"(area), "c"(3)
                             : "eax", "edx", "memory", "cc");
            check_case(hit_count == table[i].hits &&
                           (!hit_count ||
                            ((first_dr6 & 0xE00F) == 1u << n &&
                             first_eip == (uint32_t)table[i].address && !(first_flags & FL_RF))),
                       table[i].where, "hits, EIP, DR6, RF", i << 4 | n);
        }
    }
    begin();
}

/* --- RF, DR6, GD --- */

static uint32_t fault_flags, fault_dr6;
static void note_fault(struct trap_frame *frame)
{
    fault_flags = frame->eflags;
    fault_dr6 = read_dr6();
    frame->eip = (uint32_t)execute_code_end - 3;
}

static void test_resume(void)
{
    begin();
    bare_set_handler(6, note_fault);
    write_address(0, (uint32_t)x_fault);
    write_dr7(DR7_FIXED | field(0, KIND_EXECUTE, 1));
    call_code(x_fault);
    bare_set_handler(6, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.1, a breakpoint on a faulting instruction", hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF in the fault's image", fault_flags & FL_RF, FL_RF);
    CHECK_EQUAL("SDM 3B 17.3.1.1, not in the breakpoint's", first_flags & FL_RF, 0);
    /* Sticky: what the handler leaves. */
    begin();
    keep_dr6 = true;
    write_dr6(0x4000);
    write_address(1, (uint32_t)area);
    write_dr7(DR7_FIXED | field(1, KIND_WRITE, 1));
    access(OP_WRITE, 1, (uint32_t)area);
    CHECK_EQUAL("SDM 3B 17.2.3, BS is never cleared", read_dr6() & 0xE00F, 0x4002);
    write_dr6(0x2000);
    access(OP_WRITE, 1, (uint32_t)area);
    CHECK_EQUAL("SDM 3B 17.2.3, nor BD", read_dr6() & 0xE00F, 0x2002);
    begin();
}

static uint8_t detect_code[4];
static void touch(void *unused)
{
    call_code(detect_code);
}

static void test_general_detect(void)
{
    bool has_de = ring_features() & FEATURE_DE;
    for (unsigned test = 0; test < 64; test++) {
        unsigned n = test & 7, opcode = test & 8 ? 0x23 : 0x21;
        bool user = test & 16, extension = test & 32;
        bool alias = n == 4 || n == 5;
        if (extension && !has_de)
            continue;
        if (has_de)
            write_cr4((read_cr4() & ~CR4_DE) | (extension ? CR4_DE : 0));
        detect_code[0] = 0x0F;
        detect_code[1] = (uint8_t)opcode;
        detect_code[2] = (uint8_t)(0xC0 | n << 3);
        detect_code[3] = 0xC3;
        begin();
        bare_set_handler(1, NULL);
        write_dr7(DR7_FIXED | DR7_GD);
        bool faulted = ring_try(user ? 3 : 0, 0, touch, NULL);
        uint32_t vector = alias && extension ? 6 : user ? 13 : 1;
        check_case(faulted && bare_caught.vector == vector &&
                       bare_caught.eip == (uint32_t)detect_code,
                   "SDM 2B MOV DR, GD by register, direction, CPL, DE", "#UD, #GP, #DB", test);
        if (vector != 1)
            bare_try(touch, NULL); /* a #DB is what clears GD */
        if (alias && extension) {
            detect_code[2] = 0xC0;
            bare_try(touch, NULL);
        }
        CHECK_EQUAL("SDM 3B 17.2.3, BD", read_dr6() & 0xE00F, 0x2000);
        CHECK_EQUAL("SDM 3B 17.2.4, GD", read_dr7(), DR7_FIXED);
        bare_set_handler(1, note);
    }
    if (has_de)
        write_cr4(read_cr4() & ~CR4_DE);
    begin();
}

void bare_tests(void)
{
    ring_init();
    bare_set_handler(1, note);
    test_data();
    test_pairs();
    test_enables();
    test_strings();
    test_instructions();
    test_io();
    test_execution();
    test_resume();
    test_general_detect();
}
