/* Every descriptor (type and S, DPL, P) by every selector RPL at every CPL: data and stack segment
 * loads, queries, system loads, direct far transfers, call gates and returns. What is expected is
 * computed here from the manual's rules, in the order of its checks.
 * Run alone: meson test -C build bare-loads */
#include "rings.h"

enum { DESCRIPTOR = SEL_TEST, GATE = SEL_TEST + 8, TARGET = 0x8000, MISMATCHES_SHOWN = 5 };

/* --- outcomes: a vector and an error code, or none --- */

enum { NONE = 0xFFFF0000u, UD = 6, TS = 10, NP = 11, SS = 12, GP = 13 };
static uint32_t fault(uint32_t vector, uint32_t error)
{
    return vector << 16 | error;
}

struct world {
    uint8_t type; /* with S as bit 4 */
    uint8_t dpl, rpl, cpl;
    bool present;
};
static bool is_code(const struct world *w)
{
    return (w->type & 0x18) == 0x18;
}
static bool is_conforming(const struct world *w)
{
    return (w->type & 0x1C) == 0x1C;
}
static bool is_readable(const struct world *w)
{
    return w->type & 0x10 && (!(w->type & 8) || w->type & 2);
}
static bool is_writable(const struct world *w)
{
    return (w->type & 0x1A) == 0x12;
}

static const char *what;
static unsigned mismatches, cases;
static void compare(const struct world *w, uint32_t got, uint32_t want)
{
    cases++;
    if (got == want)
        return;
    if (mismatches++ < MISMATCHES_SHOWN)
        bare_print("%s: type %02x DPL %u P %u RPL %u CPL %u: got %08x, want %08x\n", what, w->type,
                   w->dpl, w->present, w->rpl, w->cpl, got, want);
}
static void conclude(const char *where)
{
    CHECK_EQUAL(where, mismatches, 0);
    bare_check(cases > 0, where, "there were cases");
    mismatches = cases = 0;
}

static uint32_t outcome(bool faulted)
{
    return faulted ? fault(bare_caught.vector, bare_caught.error) : NONE;
}

static uint8_t access_of(const struct world *w)
{
    return (uint8_t)(w->type | w->dpl << 5 | (w->present ? 0x80 : 0));
}

/* Calls test for every combination. */
static void for_all(const char *name, void (*test)(const struct world *))
{
    what = name;
    for (unsigned n = 0; n < 4096; n++) {
        struct world w = {
            .type = n & 31,
            .dpl = n >> 5 & 3,
            .rpl = n >> 7 & 3,
            .cpl = n >> 9 & 3,
            .present = n >> 11 & 1,
        };
        /* Limit FFFFFh pages, base 0; as a gate it would name TARGET in SEL_CODE. */
        ring_set(DESCRIPTOR, bare_descriptor(0, 0xFFFFF, access_of(&w), 0xC), 0);
        test(&w);
    }
}

static void load_fs(void *selector)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(selector));
}
static void pop_gs(void *selector)
{
    __asm__ volatile("pushl %0; popl %%gs" : : "r"(selector));
}
static void lfs(void *selector)
{
    uint32_t pointer[2] = {0, (uint32_t)selector};
    __asm__ volatile("lfs %0, %%eax" : : "m"(pointer) : "eax");
}
static void load_ss(void *selector)
{
    __asm__ volatile("movl %%ss, %%ecx; movw %w0, %%ss; movw %%cx, %%ss" : : "r"(selector) : "ecx");
}
static void lss(void *selector)
{
    uint32_t pointer[2] = {0, (uint32_t)selector};
    __asm__ volatile(
        "movl %%ss, %%ecx; movl %%esp, %%edx; movl %%edx, %0; lss %0, %%esp;"
        "movw %%cx, %%ss; movl %%edx, %%esp"
        : "+m"(pointer)
        :
        : "ecx", "edx");
}
static void *selector_of(const struct world *w)
{
    return (void *)(uint32_t)(DESCRIPTOR | w->rpl);
}

/* --- SDM 2B MOV, to a data segment register --- */

static uint32_t expected_data(const struct world *w)
{
    bool allowed = is_conforming(w) || (w->rpl <= w->dpl && w->cpl <= w->dpl);
    if (!is_readable(w) || !allowed)
        return fault(GP, DESCRIPTOR);
    return w->present ? NONE : fault(NP, DESCRIPTOR);
}
static void test_data(const struct world *w)
{
    static void (*const loads[])(void *) = {load_fs, pop_gs, lfs};
    for (unsigned i = 0; i < 3; i++) {
        ring_set(DESCRIPTOR, bare_descriptor(0, 0xFFFFF, access_of(w), 0xC), 0);
        uint32_t want = expected_data(w);
        compare(w, outcome(ring_try(w->cpl, 0, loads[i], selector_of(w))), want);
        uint8_t access = (uint8_t)(bare_gdt[DESCRIPTOR >> 3] >> 40);
        compare(w, access, access_of(w) | (want == NONE));
        __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" : : "r"(0));
    }
}

/* --- SDM 2B MOV, to SS --- */

static uint32_t expected_stack(const struct world *w)
{
    if (w->rpl != w->cpl || w->dpl != w->cpl || !is_writable(w))
        return fault(GP, DESCRIPTOR);
    return w->present ? NONE : fault(SS, DESCRIPTOR);
}
static void test_stack(const struct world *w)
{
    /* An expand-down segment of this limit is empty but for its last page. */
    if ((w->type & 0x1C) == 0x14)
        return;
    compare(w, outcome(ring_try(w->cpl, 0, load_ss, selector_of(w))), expected_stack(w));
    compare(w, outcome(ring_try(w->cpl, 0, lss, selector_of(w))), expected_stack(w));
}

/* --- SDM 2A LAR, LSL; 2B VERR, VERW: never a fault --- */

static struct {
    bool lar, lsl, verr, verw;
    uint32_t rights, limit;
} answers;
static void ask(void *selector)
{
    bool zf;
    answers.rights = answers.limit = 0x12345678;
    __asm__ volatile("larl %2, %0; setz %1" : "+r"(answers.rights), "=q"(zf) : "r"(selector));
    answers.lar = zf;
    __asm__ volatile("lsll %2, %0; setz %1" : "+r"(answers.limit), "=q"(zf) : "r"(selector));
    answers.lsl = zf;
    __asm__ volatile("verr %w1; setz %0" : "=q"(zf) : "r"(selector));
    answers.verr = zf;
    __asm__ volatile("verw %w1; setz %0" : "=q"(zf) : "r"(selector));
    answers.verw = zf;
}
static void test_queries(const struct world *w)
{
    const uint32_t lar_types =
        1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;
    const uint32_t lsl_types = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
    bool visible = is_conforming(w) || (w->rpl <= w->dpl && w->cpl <= w->dpl);
    bool lar = visible && (w->type & 0x10 || lar_types >> w->type & 1);
    bool lsl = visible && (w->type & 0x10 || lsl_types >> w->type & 1);
    compare(w, outcome(ring_try(w->cpl, 0, ask, selector_of(w))), NONE);
    compare(w, answers.lar, lar);
    compare(w, answers.rights & (lar ? 0xF0FF00 : 0xFFFFFFFF),
            lar ? 0xC00000 | (uint32_t)access_of(w) << 8 : 0x12345678);
    compare(w, answers.lsl, lsl);
    compare(w, answers.limit, lsl ? 0xFFFFFFFF : 0x12345678);
    compare(w, answers.verr, visible && is_readable(w));
    compare(w, answers.verw, visible && is_writable(w));
}

/* --- SDM 2A LLDT, LTR --- */

static void lldt(void *selector)
{
    __asm__ volatile("lldt %w0" : : "r"(selector));
}
static void ltr(void *selector)
{
    __asm__ volatile("ltr %w0" : : "r"(selector));
}
static void test_system(const struct world *w)
{
    uint32_t want = w->type != 2 ? fault(GP, DESCRIPTOR)
                    : w->present ? NONE
                                 : fault(NP, DESCRIPTOR);
    bool known = w->type == 1 || w->type == 9;
    compare(w, outcome(ring_try(w->cpl, 0, lldt, selector_of(w))), w->cpl ? fault(GP, 0) : want);
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
    if (w->cpl && known)
        return; /* the handler's stack must be the first task's */
    want = !known ? fault(GP, DESCRIPTOR) : w->present ? NONE : fault(NP, DESCRIPTOR);
    compare(w, outcome(ring_try(w->cpl, 0, ltr, selector_of(w))), w->cpl ? fault(GP, 0) : want);
    ring_set(SEL_TSS, bare_descriptor((uint32_t)&ring_tss, sizeof ring_tss - 1, 0x89, 0), 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

/* --- SDM 2A CALL and JMP, to code segments; SDM 3A 5.8.1 --- */

struct far_pointer {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed));
static void call_far(void *pointer)
{
    __asm__ volatile("lcall *(%0)" : : "r"(pointer) : "memory");
}
static void jump_far(void *pointer)
{
    __asm__ volatile("ljmp *(%0)" : : "r"(pointer) : "memory");
}

/* What arrived: the code at TARGET calls INT F0h. */
static uint32_t arrival(bool faulted)
{
    if (faulted && bare_caught.vector != VECTOR_RETURN)
        return outcome(true);
    return 0x80000000u | (bare_frame.cs & 0xFFFF);
}

static void test_direct(const struct world *w)
{
    bool system = !(w->type & 0x10);
    bool other = w->type == 1 || w->type == 9 || w->type == 4 || w->type == 5 || w->type == 12;
    if (system && other)
        return; /* tasks and gates have tests of their own */
    struct far_pointer pointer = {TARGET, (uint16_t)(DESCRIPTOR | w->rpl)};
    bool allowed =
        is_code(w) && (is_conforming(w) ? w->dpl <= w->cpl : w->rpl <= w->cpl && w->dpl == w->cpl);
    uint32_t want = !allowed     ? fault(GP, DESCRIPTOR)
                    : w->present ? 0x80000000u | DESCRIPTOR | w->cpl
                                 : fault(NP, DESCRIPTOR);
    bool faulted = ring_try(w->cpl, 0, call_far, &pointer);
    compare(w, arrival(faulted), want);
    faulted = ring_try(w->cpl, 0, jump_far, &pointer);
    compare(w, arrival(faulted), want);
}

/* --- call gates: SDM 3A 5.8.4; the world is that of the gate's target, gates have every DPL --- */

static uint32_t expected_gate(const struct world *w, unsigned gate_dpl, bool gate_present,
                              bool jump)
{
    if (gate_dpl < w->cpl || gate_dpl < w->rpl)
        return fault(GP, GATE);
    if (!gate_present)
        return fault(NP, GATE);
    if (!is_code(w) || w->dpl > w->cpl)
        return fault(GP, DESCRIPTOR);
    if (jump && !is_conforming(w) && w->dpl != w->cpl)
        return fault(GP, DESCRIPTOR);
    if (!w->present)
        return fault(NP, DESCRIPTOR);
    unsigned cpl = is_conforming(w) ? w->cpl : w->dpl;
    return 0x80000000u | DESCRIPTOR | cpl;
}
static void test_gates(const struct world *w)
{
    struct far_pointer pointer = {0xDEADBEEF, (uint16_t)(GATE | w->rpl)};
    if (!is_code(w) && w->type & 7)
        return; /* one of the kinds that are not code is enough here */
    for (unsigned n = 0; n < 32; n++) {
        unsigned dpl = n & 3;
        bool present = n & 4, jump = n & 8, is_32 = n & 16;
        uint16_t type = (uint16_t)((is_32 ? 0x0C00 : 0x0400) | dpl << 13 | (present ? 0x8000 : 0));
        ring_set(GATE, ring_gate(DESCRIPTOR, TARGET, type, 0), 0);
        bool faulted = ring_try(w->cpl, 0, jump ? jump_far : call_far, &pointer);
        compare(w, arrival(faulted), expected_gate(w, dpl, present, jump));
    }
}

/* --- parameters of call gates: SDM 3A 5.8.5; both sizes, every count, every inner level --- */

enum { PARAMETERS_MAX = 31 };
static uint32_t parameters_seen[PARAMETERS_MAX + 1], parameters_esp, parameters_ss;
static unsigned parameters_count, parameters_size;
void take_parameters(void);
static void take(const uint32_t *frame)
{
    const uint16_t *half = (const uint16_t *)frame;
    for (unsigned i = 0; i < parameters_count; i++)
        parameters_seen[i] = parameters_size == 4 ? frame[2 + i] : half[2 + i];
    unsigned behind = 2 + parameters_count;
    parameters_esp = parameters_size == 4 ? frame[behind] : half[behind];
    parameters_ss = parameters_size == 4 ? frame[behind + 1] & 0xFFFF : half[behind + 1];
}
__asm__(
    ".pushsection .text\ntake_parameters: movl %esp, %eax\npushl %eax\ncall *take_pointer\n"
    "int $0xF0\n.popsection");
void (*take_pointer)(const uint32_t *frame) = take;

static uint32_t outer_esp;
static void call_with_parameters(void *pointer)
{
    __asm__ volatile(
        "movl %1, %%ecx\n"
        "1: decl %%ecx\n"
        "js 2f\n"
        "leal 0x01010101(%%ecx,%%ecx,2), %%edx\n"
        "cmpl $4, %2\n"
        "je 3f\n"
        "pushw %%dx\n"
        "jmp 1b\n"
        "3: pushl %%edx\n"
        "jmp 1b\n"
        "2: movl %%esp, %3\n"
        "lcall *(%0)\n"
        :
        : "r"(pointer), "m"(parameters_count), "m"(parameters_size), "m"(outer_esp)
        : "ecx", "edx", "memory", "cc");
}

static void test_parameters(void)
{
    static const uint16_t code[3] = {SEL_CODE, SEL_CODE1 & ~3, SEL_CODE2 & ~3};
    struct far_pointer pointer = {0, GATE | 3};
    bool good = true;
    for (unsigned n = 0; n < 3 * 2 * (PARAMETERS_MAX + 1); n++) {
        unsigned level = n % 3;
        parameters_size = n / 3 % 2 ? 4 : 2;
        parameters_count = n / 6;
        uint16_t type = parameters_size == 4 ? 0xEC00 : 0xE400;
        /* A 16-bit gate reaches 64 KiB of a segment that begins at this page. */
        uint32_t base = parameters_size == 4 ? 0 : (uint32_t)take_parameters & 0xFFFFF000;
        uint16_t target = code[level];
        if (base) {
            target = DESCRIPTOR;
            ring_set(DESCRIPTOR, bare_descriptor(base, 0xFFFFF, (uint8_t)(0x9B | level << 5), 0xC),
                     0);
        }
        ring_set(GATE, ring_gate(target, (uint32_t)take_parameters - base, type, parameters_count),
                 0);
        take_pointer = (void (*)(const uint32_t *))((uint32_t)take - base);
        bool faulted = ring_try(3, 0, call_with_parameters, &pointer);
        bool right = !faulted && (bare_frame.cs & 3) == level &&
                     parameters_esp == (parameters_size == 4 ? outer_esp : outer_esp & 0xFFFF) &&
                     parameters_ss == SEL_USER_DATA;
        for (unsigned i = 0; i < parameters_count; i++) {
            uint32_t want = 0x01010101 + i * 3;
            right = right && parameters_seen[i] == (parameters_size == 4 ? want : want & 0xFFFF);
        }
        if (!right && good)
            bare_print("call gate of %u bits to level %u with %u parameters\n", parameters_size * 8,
                       level, parameters_count);
        good = good && right;
    }
    CHECK("SDM 3A 5.8.5, parameters through every call gate", good);
}

/* --- gates of the IDT: SDM 3A 6.12.1 --- */

static void int_60(void *unused)
{
    __asm__ volatile("int $0x60" : : : "memory");
}
static void test_interrupts(const struct world *w)
{
    enum { VECTOR = 0x60, IDT_ERROR = VECTOR * 8 + 2 };
    static const uint8_t types[] = {0x6, 0x7, 0xE, 0xF};
    if (w->rpl || (!is_code(w) && w->type & 7))
        return;
    for (unsigned n = 0; n < 32; n++) {
        unsigned dpl = n & 3;
        bool present = n & 4;
        uint8_t type = types[n >> 3];
        bare_idt[VECTOR] = (struct gate){
            TARGET, DESCRIPTOR, (uint16_t)(type << 8 | dpl << 13 | (present ? 0x8000 : 0)), 0};
        unsigned cpl = is_conforming(w) ? w->cpl : w->dpl;
        uint32_t want = dpl < w->cpl                     ? fault(GP, IDT_ERROR)
                        : !present                       ? fault(NP, IDT_ERROR)
                        : !is_code(w) || w->dpl > w->cpl ? fault(GP, DESCRIPTOR)
                        : !w->present                    ? fault(NP, DESCRIPTOR)
                                                         : 0x80000000u | DESCRIPTOR | cpl;
        compare(w, arrival(ring_try(w->cpl, 0, int_60, NULL)), want);
    }
}

/* --- returns: SDM 2B RET, 2A IRET; with every stack segment that differs in one thing --- */

struct image {
    uint32_t word[5];
};
static void retf(void *image)
{
    __asm__ volatile("pushl 16(%0); pushl 12(%0); pushl 4(%0); pushl (%0); lretl"
                     :
                     : "r"(image)
                     : "memory");
}
static void iret(void *image)
{
    __asm__ volatile("pushl 16(%0); pushl 12(%0); pushl 8(%0); pushl 4(%0); pushl (%0); iretl"
                     :
                     : "r"(image)
                     : "memory");
}
static uint8_t outer_stack[64];

static void test_returns(const struct world *w)
{
    static const uint16_t stacks[4] = {SEL_DATA, SEL_DATA1, SEL_DATA2, SEL_USER_DATA};
    bool allowed =
        is_code(w) && w->rpl >= w->cpl && (is_conforming(w) ? w->dpl <= w->rpl : w->dpl == w->rpl);
    for (unsigned n = 0; n < 10; n++) {
        unsigned variant = n >> 1;
        uint16_t ss = stacks[w->rpl];
        uint32_t stack_fault = NONE;
        if (variant == 1) { /* null */
            ss = (uint16_t)w->rpl;
            stack_fault = fault(GP, 0);
        } else if (variant == 2) { /* RPL */
            ss ^= 1;
            stack_fault = fault(GP, ss & ~3u);
        } else if (variant == 3) { /* DPL */
            ss = (uint16_t)((stacks[(w->rpl + 1) & 3] & ~3u) | w->rpl);
            stack_fault = fault(GP, ss & ~3u);
        } else if (variant == 4) { /* not writable */
            ss = (uint16_t)((GATE & ~3u) | w->rpl);
            ring_set(GATE, bare_descriptor(0, 0xFFFFF, (uint8_t)(0x91 | w->rpl << 5), 0xC), 0);
            stack_fault = fault(GP, GATE);
        }
        struct image image = {
            {TARGET, DESCRIPTOR | w->rpl, 2, (uint32_t)outer_stack + sizeof outer_stack, ss}
        };
        uint32_t want = !allowed                     ? fault(GP, DESCRIPTOR)
                        : !w->present                ? fault(NP, DESCRIPTOR)
                        : w->rpl > w->cpl && variant ? stack_fault
                                                     : 0x80000000u | DESCRIPTOR | w->rpl;
        compare(w, arrival(ring_try(w->cpl, 0, n & 1 ? iret : retf, &image)), want);
    }
}

void bare_tests(void)
{
    static const uint8_t target[] = {0xCD, VECTOR_RETURN};
    ring_init();
    memcpy((void *)TARGET, target, sizeof target);
    for_all("MOV, POP, LFS", test_data);
    conclude("SDM 2B MOV; 3A 5.6, every data segment load");
    for_all("MOV SS, LSS", test_stack);
    conclude("SDM 2B MOV; 3A 5.7, every stack segment load");
    for_all("LAR, LSL, VERR, VERW", test_queries);
    conclude("SDM 2A LAR, LSL; 2B VERR, every descriptor");
    for_all("LLDT, LTR", test_system);
    conclude("SDM 2A LLDT, LTR, every descriptor");
    for_all("CALL, JMP", test_direct);
    conclude("SDM 3A 5.8.1, every direct far transfer");
    for_all("call gate", test_gates);
    conclude("SDM 3A 5.8.4, every call gate and target");
    test_parameters();
    for_all("INT", test_interrupts);
    conclude("SDM 3A 6.12.1, every interrupt gate and target");
    for_all("RET, IRET", test_returns);
    conclude("SDM 3A 5.8.6, every far return");
}
