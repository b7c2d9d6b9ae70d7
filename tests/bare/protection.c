/* Random cases of protection: descriptors, gates, frames and selectors that are nearly right, and
 * an operation that meets them at some privilege level. What happens (exception, error code,
 * registers, accessed bits) goes into a hash; the one expected is what Bochs computes, too (ninja
 * -C build bare-on-bochs). Compile with -DTELL to see every case in a line of its own, for
 * comparison between machines. Run alone: meson test -C build bare-protection */
#include "rings.h"

enum {
    CASES = 20000,
    FIRST = SEL_TEST >> 3, /* random entries of the GDT: FIRST to FIRST + COUNT - 1 */
    COUNT = 16,
    SEL_DF_TASK = 0x1F0,
    SEL_TASK = 0x1E0,
    TASK_CASES = 10000,
    TARGET = 0x8000, /* int F0h, in 16-bit code too */
    SCRATCH = 0x9800 /* stack of returns */
};

/* --- the world --- */

static unsigned favoured; /* the privilege level that half of all fields have */
static uint32_t random_level(void)
{
    return bare_chance(2) ? favoured : bare_pick(4);
}

static uint16_t random_selector(void)
{
    uint32_t index = bare_chance(8) ? bare_pick(12) : FIRST + bare_pick(COUNT);
    uint32_t rpl = random_level();
    if (bare_chance(30))
        return (uint16_t)rpl;
    if (bare_chance(40))
        return (uint16_t)(0x3F8 + 8 + rpl);
    if (bare_chance(12))
        return (uint16_t)((1 + bare_pick(6)) << 3 | 4 | rpl);
    return (uint16_t)(index << 3 | rpl);
}

static uint64_t random_segment(void)
{
    uint32_t access = 0x10 | bare_pick(16);
    access |= random_level() << 5;
    access |= bare_chance(16) ? 0 : 0x80;
    bool is_code = access & 8;
    uint32_t flags = bare_chance(4) ? 0 : 4;
    flags |= bare_chance(3) ? 0 : 8;
    flags |= bare_pick(2);
    uint32_t limit = bare_chance(5) ? bare_pick(0x10000) : 0xFFFFF;
    if (!is_code && access & 4) /* expand-down */
        limit = bare_chance(2) ? 0 : bare_pick(16);
    return bare_descriptor(0, limit, (uint8_t)access, (uint8_t)flags);
}

static uint64_t random_entry(void)
{
    uint32_t kind = bare_pick(10);
    if (kind < 6)
        return random_segment();
    uint32_t dpl = (bare_chance(2) ? 3 : bare_pick(4)) << 5;
    dpl |= bare_chance(16) ? 0 : 0x80;
    if (kind < 9) {
        unsigned parameters = bare_pick(4);
        uint32_t gate = dpl | (bare_chance(3) ? 4 : 12);
        return ring_gate(random_selector(), TARGET, (uint16_t)(gate << 8), parameters);
    }
    uint32_t type = bare_pick(16);
    if (type == 1 || type == 5 || type == 9) /* task switches have tests of their own */
        type = 0;
    return ring_gate(random_selector(), TARGET, (uint16_t)((dpl | type) << 8), 0);
}

static void make_world(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        bare_gdt[FIRST + i] = random_entry();
    for (unsigned i = 1; i < 8; i++)
        ring_ldt[i] = random_segment();
    static const uint16_t types[] = {0x8E00, 0xEE00, 0xEF00, 0xCE00,
                                     0xAE00, 0x6E00, 0xEC00, 0xE600};
    uint16_t selector = random_selector();
    bare_idt[0x60] = (struct gate){TARGET, selector, types[bare_pick(8)], 0};
}

/* --- operations; each takes a selector or a frame --- */

struct operation {
    uint16_t selector;
    uint32_t frame[6]; /* lowest address first */
    unsigned words;
    uint32_t result;
};

static void load_es(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile("movw %w0, %%es" : : "r"(op->selector));
}
static void load_fs(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile("movw %w0, %%fs" : : "r"(op->selector));
}
static void load_ss(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile("movl %%ss, %%ecx; movw %w0, %%ss; movw %%cx, %%ss"
                     :
                     : "r"(op->selector)
                     : "ecx");
}
static void query(void *argument)
{
    struct operation *op = argument;
    uint32_t rights = 0, limit = 0;
    bool flags[4];
    __asm__ volatile("larl %2, %0; setz %1"
                     : "+r"(rights), "=qm"(flags[0])
                     : "r"((uint32_t)op->selector));
    __asm__ volatile("lsll %2, %0; setz %1"
                     : "+r"(limit), "=qm"(flags[1])
                     : "r"((uint32_t)op->selector));
    __asm__ volatile("verr %w1; setz %0" : "=qm"(flags[2]) : "r"(op->selector));
    __asm__ volatile("verw %w1; setz %0" : "=qm"(flags[3]) : "r"(op->selector));
    op->result = (rights & 0x00F0FF00) ^ limit * 16 ^
                 (uint32_t)(flags[0] | flags[1] << 1 | flags[2] << 2 | flags[3] << 3);
}
static void load_ldt(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile("lldt %w0" : : "r"(op->selector));
}
static void call_far(void *argument)
{
    struct operation *op = argument;
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) pointer = {TARGET, op->selector};
    __asm__ volatile("lcall *%0" : : "m"(pointer) : "memory");
}
static void jump_far(void *argument)
{
    struct operation *op = argument;
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) pointer = {TARGET, op->selector};
    __asm__ volatile("ljmp *%0" : : "m"(pointer) : "memory");
}
#define PUSH_FRAME "1: subl $1, %1; js 2f; pushl (%0,%1,4); jmp 1b; 2: "
static void return_far(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile(PUSH_FRAME "lretl" : : "r"(op->frame), "r"(op->words) : "memory");
}
static void return_far_8(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile(PUSH_FRAME "lretl $8" : : "r"(op->frame), "r"(op->words) : "memory");
}
static void return_interrupt(void *argument)
{
    struct operation *op = argument;
    __asm__ volatile(PUSH_FRAME "iretl" : : "r"(op->frame), "r"(op->words) : "memory");
}
static void interrupt(void *argument)
{
    __asm__ volatile("int $0x60" : : : "memory");
}

static void (*const operations[])(void *) = {
    load_es,          load_fs,      load_ss,          query,     load_ldt, call_far, jump_far,
    return_far,       return_far_8, return_interrupt, interrupt, call_far, jump_far, return_far,
    return_interrupt, interrupt,
};

/* --- a task for double faults, so that no stack can make a triple one --- */

static void prepare_tasks(void)
{
    ring_double_fault_task(SEL_DF_TASK);
    ring_load_tasks();
    write_eflags(2);
}

/* --- outcome --- */

static uint32_t hash;       /* of this case */
static uint32_t total_hash; /* of all */
static void mix(uint32_t value)
{
    hash = (hash ^ value) * 16777619u;
    hash ^= hash >> 15;
}

static void tell(unsigned number, unsigned ring, unsigned which, const struct operation *op,
                 bool faulted)
{
#ifdef TELL
    bare_print("%u: op %u ring %u sel %04x frame %x %x %x %x:", number, which, ring, op->selector,
               op->frame[1], op->frame[2], op->frame[3], op->frame[4]);
    bare_print(" desc %08x%08x", (uint32_t)(bare_gdt[op->selector >> 3 & 127] >> 32),
               (uint32_t)bare_gdt[op->selector >> 3 & 127]);
    bare_print(" -> %d v %u e %x cs %x fl %x hash %08x\n", faulted, bare_caught.vector,
               bare_caught.error, bare_caught.cs, bare_caught.eflags, hash);
#endif
}

static void note_outcome(const struct operation *op, bool faulted)
{
    hash = 2166136261u;
    mix(faulted ? bare_caught.vector << 16 | bare_caught.error : 0xFFFF);
    mix(op->result);
    if (faulted && bare_caught.vector != 8) {
        mix(bare_frame.cs & 0xFFFF);
        mix(bare_frame.eip == TARGET + 2 ? 1 : bare_frame.eip == TARGET);
        mix(bare_frame.eflags & ~(0x8D5u | FL_AC));
        mix((bare_frame.ds & 0xFFFF) << 16 | (bare_frame.es & 0xFFFF));
        if ((bare_frame.cs & 3) != 0) {
            mix(bare_frame.ss & 0xFFFF);
            mix(bare_frame.esp >= SCRATCH - 64 && bare_frame.esp <= SCRATCH + 64 ? bare_frame.esp
                                                                                 : 0);
        }
    }
    for (unsigned i = 0; i < COUNT; i++)
        mix((uint32_t)(bare_gdt[FIRST + i] >> 32));
    for (unsigned i = 1; i < 8; i++)
        mix((uint32_t)(ring_ldt[i] >> 32));
    total_hash = total_hash * 31 + hash;
}

static void run_case(unsigned number)
{
    bare_seed = number * 2654435761u + 1;
    unsigned ring = bare_pick(4);
    favoured = bare_chance(2) ? ring : bare_pick(4);
    make_world();
    prepare_tasks();
    unsigned which = bare_pick(sizeof operations / sizeof *operations);
    uint16_t selector = random_selector();
    struct operation op = {
        .selector = selector,
        .frame = {TARGET, random_selector()},
        .words = 6,
    };
    if (operations[which] == return_interrupt) {
        op.frame[2] = 2 | (bare_chance(4) ? FL_IOPL3 : 0);
        op.frame[2] |= bare_chance(4) ? FL_AC : 0;
        op.frame[3] = SCRATCH;
        op.frame[4] = random_selector();
    } else {
        unsigned parameters = operations[which] == return_far_8 ? 2 : 0;
        op.frame[2 + parameters] = SCRATCH;
        op.frame[3 + parameters] = random_selector();
    }
    /* Callers of interrupts and exceptions at CPL 1 and 2 come back through this TSS. */
    bool faulted = ring_try(ring, 0, operations[which], &op);
    if (!faulted && bare_caught.vector == VECTOR_RETURN)
        faulted = true; /* the frame of the arrival tells as much */
    __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" : : "r"(0));
    note_outcome(&op, faulted);
    tell(number, ring, which, &op, faulted);
    bare_caught = (struct caught){0};
}

/* --- tasks: a switch to a TSS with random selectors. Bochs checks SS before CS and DPL before P;
 * here it is the order of SDM 3A table 7-1. --- */

static struct tss32 task;

/* A selector for a register of the task: mostly one that fits. */
static uint16_t task_selector(uint16_t good)
{
    return bare_chance(4) ? random_selector() : good;
}

static void make_task(unsigned ring)
{
    static const uint16_t code[4] = {SEL_CODE, SEL_CODE1, SEL_CODE2, SEL_USER_CODE};
    static const uint16_t data[4] = {SEL_DATA, SEL_DATA1, SEL_DATA2, SEL_USER_DATA};
    memset(&task, 0, offsetof(struct tss32, redirection));
    task.eip = TARGET;
    task.eflags = 2 | bare_pick(4) << 12;
    task.esp = SCRATCH;
    task.cs = task_selector(code[ring]);
    task.ss = task_selector(data[ring]);
    task.ds = task_selector(data[ring]);
    task.es = task_selector(0);
    task.fs = task_selector(0);
    task.gs = task_selector(data[3]);
    task.ldt = bare_chance(3) ? task_selector(0) : SEL_LDT;
    task.ss0 = SEL_DATA;
    task.esp0 = SCRATCH + 0x400;
    uint32_t access = bare_chance(20) ? 0 : 0x80;
    access |= random_level() << 5;
    access |= bare_chance(20) ? 11 : 9;
    uint32_t limit = 0x67 - bare_chance(20);
    ring_set(SEL_TASK, bare_descriptor((uint32_t)&task, limit, (uint8_t)access, 0), 0);
}

static void note_task_outcome(bool faulted)
{
    uint32_t tr = 0, ldt = 0;
    __asm__ volatile("str %w0; sldt %w1" : "+r"(tr), "+r"(ldt));
    struct operation none = {0};
    note_outcome(&none, faulted);
    mix(tr << 16 | ldt);
    mix((uint32_t)(bare_gdt[SEL_TASK >> 3] >> 40) << 8 | (bare_gdt[SEL_TSS >> 3] >> 40 & 0xFF));
    mix(task.link & 0xFFFF);
    total_hash = total_hash * 31 + hash;
}

static void run_task_case(unsigned number)
{
    bare_seed = number * 2654435761u + 3;
    unsigned ring = bare_pick(4);
    favoured = ring;
    make_world();
    prepare_tasks();
    make_task(bare_chance(2) ? ring : bare_pick(4));
    uint16_t gate_type = bare_chance(2) ? 0xE500 : 0x8500;
    ring_set(FIRST << 3, ring_gate(task_selector(SEL_TASK), 0, gate_type, 0), 0);
    bare_idt[0x60] = (struct gate){0, task_selector(SEL_TASK), 0xE500, 0};
    uint32_t base = bare_chance(3) ? FIRST << 3 : SEL_TASK;
    struct operation op = {.selector = (uint16_t)(base | random_level())};
    void (*function)(void *) = bare_chance(2) ? call_far : bare_chance(2) ? jump_far : interrupt;
    bool faulted = ring_try(ring, 0, function, &op);
    if (!faulted && bare_caught.vector == VECTOR_RETURN)
        faulted = true;
    __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" : : "r"(0));
    note_task_outcome(faulted);
    tell(number, ring, function == call_far ? 100 : function == jump_far ? 101 : 102, &op, faulted);
    bare_caught = (struct caught){0};
}

void bare_tests(void)
{
    static const uint8_t target[] = {0xCD, VECTOR_RETURN};
    ring_init();
    memcpy((void *)TARGET, target, sizeof target);
    for (unsigned i = 1; i <= CASES; i++)
        run_case(i);
    CHECK_EQUAL("SDM 3A 5, protection", total_hash, 0x5f23029f);
    total_hash = 0;
    for (unsigned i = 1; i <= TASK_CASES; i++)
        run_task_case(i);
    CHECK_EQUAL("SDM 3A 7, task switches", total_hash, 0xe62ea2b8);
}
