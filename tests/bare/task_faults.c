/* Faults during task switches: every check of SDM 3A 7.3, for every way to switch and both kinds of
 * TSS: vector, error code, and the task in which the fault is delivered. The exceptions go through
 * task gates, so that the handler's back link and the TSS behind it tell where they came from.
 * Run alone: meson test -C build bare-task_faults */
#include "rings.h"

enum {
    TASK = SEL_TEST,
    TASK_GATE = SEL_TEST + 0x08,
    ABSENT_DATA = SEL_TEST + 0x10,
    ABSENT_CODE = SEL_TEST + 0x18,
    READ_ONLY = SEL_TEST + 0x20,
    EXECUTE_ONLY = SEL_TEST + 0x28,
    CONFORMING = SEL_TEST + 0x30,
    CONFORMING3 = SEL_TEST + 0x38,
    ABSENT_LDT = SEL_TEST + 0x40,
    SHORT_CODE = SEL_TEST + 0x48,
    CODE16 = SEL_TEST + 0x50,
    STACK16 = SEL_TEST + 0x58,
    NO_ROOM = SEL_TEST + 0x60,
    HANDLER = SEL_TEST + 0x80, /* a TSS for each of the vectors 0 to 15 */
    OUTSIDE = 128 * 8,
    TEST_VECTOR = 0x61,
    RAN = 0x100, /* in place of a vector: the new task ran */
};

static struct tss32 task;
static struct tss16 task16;
static struct tss32 handlers[16];
static uint8_t handler_stacks[16][256] __attribute__((aligned(16)));
static uint8_t task_stack[1024] __attribute__((aligned(16)));
static bool wide; /* the TSS is a 32-bit one */

/* --- coming back, from whatever task --- */

uint32_t came_vector, came_error, came_cr2, came_tr;
uint32_t back_esp;
void task_leave(void);
void task_handler(void);
void task_handler_plain(void);
void task_body(void);
uint32_t task_guard(void (*function)(void *), void *argument);
/* task_guard calls function(argument); it comes back with 1 from a handler task, the new task, or
 * with 0 from the function. Handlers have their vector in EBX. */
__asm__(
    ".pushsection .text\n"
    "task_guard:\n"
    "    pushal\n"
    "    movl 36(%esp), %eax\n"
    "    movl 40(%esp), %edx\n"
    "    movl %esp, back_esp\n"
    "    pushl %edx\n"
    "    call *%eax\n"
    "    movl back_esp, %esp\n"
    "    popal\n"
    "    xorl %eax, %eax\n"
    "    ret\n"
    "task_handler:\n"
    "    popl came_error\n"
    "task_handler_plain:\n"
    "    movl %cr2, %eax\n"
    "    movl %eax, came_cr2\n"
    "    jmp task_leave\n"
    "task_body:\n"
    "    movl $0x100, %ebx\n"
    "task_leave:\n"
    "    movw $0x10, %ax\n"
    "    movw %ax, %ds\n"
    "    movw %ax, %es\n"
    "    movw %ax, %ss\n"
    "    movl back_esp, %esp\n"
    "    movl %ebx, came_vector\n"
    "    str came_tr\n"
    "    pushl $2\n"
    "    popfl\n"
    "    ljmp $0x08, $1f\n"
    "1:  popal\n"
    "    movl $1, %eax\n"
    "    ret\n"
    ".popsection");

static uint32_t type_of(uint16_t selector)
{
    return (uint32_t)(bare_gdt[selector >> 3] >> 40) & 0xFF;
}
static void set_code_or_data(uint16_t selector, uint8_t access)
{
    ring_set(selector, bare_descriptor(0, 0xFFFFF, access, 0xC), 0);
}

static void set_descriptors(void)
{
    set_code_or_data(ABSENT_DATA, 0x13);
    set_code_or_data(ABSENT_CODE, 0x1B);
    set_code_or_data(READ_ONLY, 0x91);
    set_code_or_data(EXECUTE_ONLY, 0x99);
    set_code_or_data(CONFORMING, 0x9F);
    set_code_or_data(CONFORMING3, 0xFF);
    ring_set(ABSENT_LDT, bare_descriptor((uint32_t)ring_ldt, sizeof ring_ldt - 1, 0x02, 0), 0);
    ring_set(SHORT_CODE, bare_descriptor((uint32_t)task_body, 0xF, 0x9B, 0x4), 0);
    ring_set(CODE16, bare_descriptor((uint32_t)task_body, 0xFFFF, 0x9B, 0x4), 0);
    ring_set(STACK16, bare_descriptor((uint32_t)task_stack, sizeof task_stack - 1, 0x93, 0x4), 0);
    ring_set(NO_ROOM, bare_descriptor((uint32_t)task_stack, 1, 0x93, 0x4), 0);
}

static bool has_error(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14);
}

static void set_handler_task(unsigned vector)
{
    struct tss32 *tss = &handlers[vector];
    memset(tss, 0, offsetof(struct tss32, io_bitmap));
    tss->eip = (uint32_t)(has_error(vector) ? task_handler : task_handler_plain);
    tss->eflags = 2;
    tss->ebx = vector;
    tss->esp = (uint32_t)(handler_stacks[vector] + sizeof handler_stacks[vector]);
    tss->es = tss->ss = tss->ds = SEL_DATA;
    tss->cs = SEL_CODE;
    tss->cr3 = read_cr3();
    uint16_t selector = (uint16_t)(HANDLER + vector * 8);
    ring_set(selector, bare_descriptor((uint32_t)tss, 0x67, 0x89, 0), 0);
    bare_idt[vector] = (struct gate){0, selector, 0x8500, 0};
}

/* The new task in a state that works, not busy. */
static void set_task(void)
{
    memset(&task, 0, offsetof(struct tss32, io_bitmap));
    memset(&task16, 0, sizeof task16);
    task.eip = (uint32_t)task_body;
    task.eflags = task16.flags = 2;
    task.esp = (uint32_t)(task_stack + sizeof task_stack);
    task.es = task.ss = task.ds = task.fs = task.gs = SEL_DATA;
    task.cs = SEL_CODE;
    task.cr3 = read_cr3();
    task16.sp = sizeof task_stack;
    task16.cs = CODE16;
    task16.ss = STACK16;
    task16.es = task16.ds = SEL_DATA;
    if (wide)
        ring_set(TASK, bare_descriptor((uint32_t)&task, 0x67, 0x89, 0), 0);
    else
        ring_set(TASK, bare_descriptor((uint32_t)&task16, 0x2B, 0x81, 0), 0);
    ring_set(TASK_GATE, ring_gate(TASK, 0, 0x8500, 0), 0);
    bare_idt[TEST_VECTOR] = (struct gate){0, TASK, 0x8500, 0};
}

/* --- the ways to switch --- */

enum source { BY_JMP, BY_CALL, BY_GATE, BY_INT, BY_IRET, BY_UD, BY_DE, SOURCES };
static const char *const source_names[SOURCES] = {
    "JMP", "CALL", "CALL through a gate", "INT n", "IRET", "#UD", "#DE",
};
#define SWITCH(name, text) SNIPPET(name, text "\n ret")
SWITCH(by_jmp, "ljmp $0x60, $0");
SWITCH(by_call, "lcall $0x60, $0");
SWITCH(by_gate, "lcall $0x68, $0");
SWITCH(by_int, "int $0x61");
SWITCH(by_iret, "iretl");
SWITCH(by_ud, ".byte 0x0F, 0xFF");
SWITCH(by_de, ".byte 0xD4, 0x00"); /* AAM 0 */
static uint8_t *const snippets[SOURCES] = {by_jmp, by_call, by_gate, by_int, by_iret, by_ud, by_de};

static bool is_nested(enum source source)
{
    return source != BY_JMP && source != BY_IRET;
}
static bool is_exception(enum source source)
{
    return source == BY_UD || source == BY_DE;
}

static void mark_busy(void)
{
    bare_gdt[TASK >> 3] |= UINT64_C(0x200) << 32;
}

/* To TASK by one of them, and back. */
static void switch_by(enum source source)
{
    for (unsigned vector = 0; vector < 16; vector++)
        set_handler_task(vector);
    ring_tss.link = 0;
    if (source == BY_IRET)
        ring_tss.link = TASK;
    if (is_exception(source))
        bare_idt[source == BY_UD ? 6 : 0] = bare_idt[TEST_VECTOR];
    came_vector = came_error = 0xFFFF;
    if (source == BY_IRET)
        __asm__ volatile("pushl $0x4002; popfl" : : : "memory", "cc");
    if (!task_guard((void (*)(void *))(uint32_t)snippets[source], NULL))
        came_vector = 0xFFFE;
}

/* Back in the first task, as it was. */
static void recover(void)
{
    ring_load_tasks();
    write_eflags(2);
}

static void complain(const char *where, const char *what, enum source source, uint32_t value)
{
    bare_print("FAIL-CASE %s, %s, %s TSS, value %x: vector %u error %x tr %x: ", where,
               source_names[source], wide ? "32-bit" : "16-bit", value, came_vector, came_error,
               came_tr);
    bare_check(false, where, what);
}

/* What a fault in the new task must have left: SDM 3A 7.3, and table 7-2. */
static bool new_state_is_right(enum source source, uint32_t vector)
{
    uint32_t link = wide ? task.link & 0xFFFF : task16.link;
    uint32_t eflags = wide ? task.eflags : task16.flags;
    uint32_t idle = is_nested(source) ? 2 : 0;
    uint32_t eip = wide ? (uint32_t)task_body : 0;
    bool nested = is_nested(source);
    return handlers[vector].link == TASK && (type_of(TASK) & 2) && (type_of(SEL_TSS) & 2) == idle &&
           (!nested || link == SEL_TSS) && !(eflags & FL_NT) == !nested &&
           (wide ? task.eip : task16.ip) == eip;
}

/* And one in the old task: nothing has happened. */
static bool old_state_is_right(enum source source, uint32_t vector, uint32_t type)
{
    return handlers[vector].link == SEL_TSS && type_of(TASK) == type && (type_of(SEL_TSS) & 2) &&
           ring_tss.eip == (uint32_t)snippets[source] && ring_tss.cs == SEL_CODE;
}

/* How #TS, #NP, #SS, #GP look from there: contributory ones over #DE are a double fault. */
static void adjust(enum source source, uint32_t *vector, uint32_t *error)
{
    if (*vector == RAN)
        return;
    if (is_exception(source))
        *error |= 1;
    if (source == BY_DE) {
        *vector = 8;
        *error = 0;
    }
}

/* --- what is wrong in the new task --- */

enum field { F_CS, F_SS, F_DS, F_ES, F_FS, F_GS, F_LDT, F_EIP };
static void set_field(enum field field, uint32_t value)
{
    switch (field) {
    case F_CS:
        task.cs = value;
        task16.cs = (uint16_t)value;
        /* 16-bit code begins at the body; flat selectors cannot reach it with IP. */
        break;
    case F_SS:
        task.ss = value;
        task16.ss = (uint16_t)value;
        break;
    case F_DS:
        task.ds = value;
        task16.ds = (uint16_t)value;
        break;
    case F_ES:
        task.es = value;
        task16.es = (uint16_t)value;
        break;
    case F_FS:
        task.fs = value;
        break;
    case F_GS:
        task.gs = value;
        break;
    case F_LDT:
        task.ldt = value;
        task16.ldt = (uint16_t)value;
        break;
    case F_EIP:
        task.eip = value;
        task16.ip = (uint16_t)value;
        break;
    }
}

struct bad_field {
    const char *where;
    uint8_t field;
    uint16_t value;
    uint16_t vector;
    uint16_t error;
};
static const struct bad_field bad_fields[] = {
    {"SDM 3A 7.3, nothing wrong",              F_DS,  SEL_DATA,           RAN, 0                 },
    {"SDM 3A 6.15 #TS, CS null",               F_CS,  0,                  10,  0                 },
    {"SDM 3A 6.15 #TS, CS outside the GDT",    F_CS,  OUTSIDE,            10,  OUTSIDE           },
    {"SDM 3A 6.15 #TS, CS in no LDT",          F_CS,  SEL_CODE | 4,       10,  SEL_CODE | 4      },
    {"SDM 3A 6.15 #TS, CS is data",            F_CS,  SEL_DATA,           10,  SEL_DATA          },
    {"SDM 3A 6.15 #TS, CS is an LDT",          F_CS,  SEL_LDT,            10,  SEL_LDT           },
    {"SDM 3A 6.15 #TS, CS DPL above RPL",      F_CS,  SEL_USER_CODE & ~3, 10,  SEL_USER_CODE & ~3},
    {"SDM 3A 6.15 #TS, CS DPL below RPL",      F_CS,  SEL_CODE | 3,       10,  SEL_CODE          },
    {"SDM 3A 6.15 #TS, conforming, DPL > RPL", F_CS,  CONFORMING3,        10,  CONFORMING3       },
    {"SDM 3A 6.15 #NP, CS",                    F_CS,  ABSENT_CODE,        11,  ABSENT_CODE       },
    {"SDM 3A 6.15 #TS, SS null",               F_SS,  0,                  10,  0                 },
    {"SDM 3A 6.15 #TS, SS outside the GDT",    F_SS,  OUTSIDE,            10,  OUTSIDE           },
    {"SDM 3A 6.15 #TS, SS in no LDT",          F_SS,  SEL_DATA | 4,       10,  SEL_DATA | 4      },
    {"SDM 3A 6.15 #TS, SS is code",            F_SS,  SEL_CODE,           10,  SEL_CODE          },
    {"SDM 3A 6.15 #TS, SS read-only",          F_SS,  READ_ONLY,          10,  READ_ONLY         },
    {"SDM 3A 6.15 #TS, SS is a TSS",           F_SS,  SEL_TSS,            10,  SEL_TSS           },
    {"SDM 3A 6.15 #TS, SS DPL",                F_SS,  SEL_USER_DATA & ~3, 10,  SEL_USER_DATA & ~3},
    {"SDM 3A 6.15 #TS, SS RPL",                F_SS,  SEL_DATA | 3,       10,  SEL_DATA          },
    {"SDM 3A 6.15 #SS, not present",           F_SS,  ABSENT_DATA,        12,  ABSENT_DATA       },
    {"SDM 3A 7.3, LDT null",                   F_LDT, 0,                  RAN, 0                 },
    {"SDM 3A 7.3, LDT",                        F_LDT, SEL_LDT,            RAN, 0                 },
    {"SDM 3A 6.15 #TS, LDT in the LDT",        F_LDT, SEL_LDT | 4,        10,  SEL_LDT | 4       },
    {"SDM 3A 6.15 #TS, LDT outside",           F_LDT, OUTSIDE,            10,  OUTSIDE           },
    {"SDM 3A 6.15 #TS, LDT is data",           F_LDT, SEL_DATA,           10,  SEL_DATA          },
    {"SDM 3A 6.15 #TS, LDT is a TSS",          F_LDT, SEL_TSS,            10,  SEL_TSS           },
    {"SDM 3A 6.15 #TS, LDT not present",       F_LDT, ABSENT_LDT,         10,  ABSENT_LDT        },
};
/* The same for DS, ES, FS, GS. */
static const struct bad_field bad_data[] = {
    {"SDM 3A 7.3, data segment null",          0, 0,              RAN, 0           },
    {"SDM 3A 7.3, user's data",                0, SEL_USER_DATA,  RAN, 0           },
    {"SDM 3A 7.3, readable code",              0, SEL_CODE,       RAN, 0           },
    {"SDM 3A 7.3, read-only data",             0, READ_ONLY,      RAN, 0           },
    {"SDM 3A 7.3, conforming code, RPL 3",     0, CONFORMING | 3, RAN, 0           },
    {"SDM 3A 6.15 #TS, outside the GDT",       0, OUTSIDE,        10,  OUTSIDE     },
    {"SDM 3A 6.15 #TS, in no LDT",             0, SEL_DATA | 4,   10,  SEL_DATA | 4},
    {"SDM 3A 6.15 #TS, execute-only code",     0, EXECUTE_ONLY,   10,  EXECUTE_ONLY},
    {"SDM 3A 6.15 #TS, a TSS",                 0, SEL_TSS,        10,  SEL_TSS     },
    {"SDM 3A 6.15 #TS, an LDT",                0, SEL_LDT,        10,  SEL_LDT     },
    {"SDM 3A 6.15 #TS, RPL above DPL",         0, SEL_DATA | 3,   10,  SEL_DATA    },
    {"SDM 3A 6.15 #TS, RPL above DPL of code", 0, SEL_CODE | 1,   10,  SEL_CODE    },
    {"SDM 3A 6.15 #NP",                        0, ABSENT_DATA,    11,  ABSENT_DATA },
    {"SDM 3A 6.15 #NP, code",                  0, ABSENT_CODE,    11,  ABSENT_CODE },
};

static void try_bad_field(const struct bad_field *bad, enum field field, enum source source)
{
    uint32_t vector = bad->vector, error = bad->error;
    set_task();
    set_field(field, bad->value);
    if (source == BY_IRET)
        mark_busy();
    switch_by(source);
    adjust(source, &vector, &error);
    bool good = came_vector == vector && (vector == RAN || came_error == error);
    if (good && vector != RAN)
        good = new_state_is_right(source, vector);
    if (good && vector == RAN)
        good = came_tr == TASK;
    if (good)
        bare_check(true, bad->where, "");
    else
        complain(bad->where, "vector, error, task", source, bad->value);
    recover();
}

static void test_bad_fields(void)
{
    for (unsigned source = 0; source < SOURCES; source++) {
        for (unsigned i = 0; i < sizeof bad_fields / sizeof *bad_fields; i++)
            try_bad_field(&bad_fields[i], bad_fields[i].field, source);
        for (unsigned field = F_DS; field <= (wide ? F_GS : F_ES); field++) {
            for (unsigned i = 0; i < sizeof bad_data / sizeof *bad_data; i++)
                try_bad_field(&bad_data[i], field, source);
        }
    }
}

/* EIP beyond the limit of a good CS: the last check, when everything is loaded. */
static void test_bad_eip(void)
{
    for (unsigned source = 0; source < SOURCES; source++) {
        uint32_t vector = 13, error = 0;
        set_task();
        set_field(F_CS, SHORT_CODE);
        set_field(F_EIP, 0x10);
        if (source == BY_IRET)
            mark_busy();
        switch_by(source);
        adjust(source, &vector, &error);
        bool good = came_vector == vector && (came_error & ~1u) == (error & ~1u) &&
                    handlers[vector].link == TASK && (wide ? task.eip : task16.ip) == 0x10;
        if (!good)
            complain("SDM 2A CALL, EIP beyond the limit", "#GP(0) in the new task", source, 0x10);
        else
            bare_check(true, "", "");
        recover();
    }
}

/* --- what is wrong with the TSS descriptor --- */

static void expect_old(enum source source, uint32_t vector, uint32_t error, const char *where,
                       uint32_t type)
{
    adjust(source, &vector, &error);
    bool good =
        came_vector == vector && came_error == error && old_state_is_right(source, vector, type);
    if (!good)
        complain(where, "vector, error, the old task", source, type);
    else
        bare_check(true, where, "");
    recover();
}

static bool is_available(unsigned type)
{
    return type == 0x81 || type == 0x89;
}

/* Every type of descriptor, S, and P, with the limit that fits the TSS. */
static void test_tss_types(void)
{
    for (unsigned source = 0; source < SOURCES; source++) {
        for (unsigned access = 0; access < 0x100; access++) {
            if (access & 0x60)
                continue;
            unsigned type = access | 0x80;
            bool by_selector = source == BY_JMP || source == BY_CALL;
            bool tss = source == BY_IRET ? type == 0x83 || type == 0x8B : is_available(type);
            /* Other valid targets of far transfers are not for this suite. */
            if (by_selector && !tss && type != 0x83 && type != 0x8B)
                continue;
            if (tss && access & 0x80)
                continue;
            set_task();
            bare_gdt[TASK >> 3] = bare_descriptor((uint32_t)&task, 0x67, (uint8_t)access, 0);
            switch_by(source);
            uint32_t vector = tss ? 11 : source == BY_IRET ? 10 : 13;
            expect_old(source, vector, TASK, "SDM 3A 7.3, type and presence of the TSS", access);
        }
    }
}

static void test_tss_limits(void)
{
    for (unsigned source = 0; source < SOURCES; source++) {
        for (unsigned limit = 0; limit < (wide ? 0x67 : 0x2B); limit++) {
            set_task();
            uint32_t base = wide ? (uint32_t)&task : (uint32_t)&task16;
            unsigned type = (wide ? 0x89 : 0x81) | (source == BY_IRET ? 2 : 0);
            bare_gdt[TASK >> 3] = bare_descriptor(base, limit, (uint8_t)type, 0);
            switch_by(source);
            expect_old(source, 10, TASK, "SDM 3A 7.3, limit of the TSS", type);
        }
    }
}

/* Selectors in task gates that name no TSS. (Back links of wrong types are
 * in test_tss_types, others in tasks.c.) */
static void test_tss_selectors(void)
{
    static const uint16_t selectors[] = {0, 3, TASK | 4, OUTSIDE, OUTSIDE | 4, SEL_DATA};
    static const enum source sources[] = {BY_GATE, BY_INT, BY_UD, BY_DE};
    for (unsigned s = 0; s < sizeof sources / sizeof *sources; s++) {
        for (unsigned i = 0; i < sizeof selectors / sizeof *selectors; i++) {
            set_task();
            uint32_t type = type_of(TASK);
            ring_set(TASK_GATE, ring_gate(selectors[i], 0, 0x8500, 0), 0);
            bare_idt[TEST_VECTOR].selector = selectors[i];
            switch_by(sources[s]);
            expect_old(sources[s], 13, selectors[i] & ~3u, "SDM 3A 7.2.5, selector of a task gate",
                       type);
        }
    }
}

/* --- pairs of faults --- */

enum gate_damage { GATE_ABSENT, GATE_TO_ABSENT_TSS, GATE_TO_BUSY_TSS, GATE_BAD_TYPE, DAMAGES };

/* A fault in the new task whose own gate is bad: SDM 3A table 6-5. */
static void test_second_faults(void)
{
    static const struct bad_field firsts[] = {
        {"", F_DS, OUTSIDE,     10, 0},
        {"", F_CS, ABSENT_CODE, 11, 0},
        {"", F_SS, ABSENT_DATA, 12, 0},
    };
    for (unsigned i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        for (unsigned damage = 0; damage < DAMAGES; damage++) {
            const struct bad_field *first = &firsts[i];
            for (unsigned vector = 0; vector < 16; vector++)
                set_handler_task(vector);
            set_task();
            set_field(first->field, first->value);
            unsigned selector = HANDLER + first->vector * 8u;
            struct gate *gate = &bare_idt[first->vector];
            if (damage == GATE_ABSENT)
                gate->type = 0x0500;
            else if (damage == GATE_TO_ABSENT_TSS)
                bare_gdt[selector >> 3] &= ~(UINT64_C(0x8000) << 32);
            else if (damage == GATE_TO_BUSY_TSS)
                bare_gdt[selector >> 3] |= UINT64_C(0x200) << 32;
            else
                gate->type = 0x8200;
            came_vector = 0xFFFF;
            ring_tss.link = 0;
            task_guard((void (*)(void *))(uint32_t)by_call, NULL);
            if (came_vector != 8 || came_error != 0 || handlers[8].link != TASK)
                complain("SDM 3A table 6-5, second fault", "#DF(0) in the new task", BY_CALL,
                         damage << 8 | first->vector);
            else
                bare_check(true, "", "");
            recover();
        }
    }
}

SNIPPET(load_absent, "pushl $0x70; popl %fs; ret");

/* An error code that finds no room on the new task's stack: #SS(EXT) there, over a contributory
 * fault a double fault; that one's own task has room. */
static void test_error_code_room(void)
{
    if (!wide)
        return;
    for (unsigned vector = 0; vector < 16; vector++)
        set_handler_task(vector);
    set_task();
    task.ss = NO_ROOM;
    task.esp = 1;
    bare_idt[11] = (struct gate){0, TASK, 0x8500, 0};
    came_vector = 0xFFFF;
    ring_tss.link = 0;
    task_guard((void (*)(void *))(uint32_t)load_absent, NULL);
    if (came_vector != 8 || came_error != 0 || handlers[8].link != TASK)
        complain("SDM 3A 6.13, no room for the error code", "#DF(0)", BY_DE, 0);
    else
        bare_check(true, "", "");
    recover();
}

void bare_tests(void)
{
    static struct gate saved[16];
    ring_init();
    memcpy(saved, bare_idt, sizeof saved);
    set_descriptors();
    for (unsigned kind = 0; kind < 2; kind++) {
        wide = kind == 0;
        test_bad_fields();
        test_bad_eip();
        test_tss_types();
        test_tss_limits();
        test_tss_selectors();
        test_second_faults();
        test_error_code_room();
    }
    memcpy(bare_idt, saved, sizeof saved);
}
