/* x87: exceptions with CR0.NE set, pointers, environments in every format, availability bits.
 * Run alone: meson test -C build bare-x87
 *
 * Bochs 2.7 differs in one check: an FNSAVE that faults has stored its first bytes. QEMU 7.2 keeps
 * no opcode, stores nothing but masked responses, and raises #MF at WAIT only: 27 checks fail
 * there. */
#include "rings.h"

enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_NE = 32 };
enum { CODE16_SEL = SEL_TEST, DATA16_SEL = SEL_TEST + 8 };

static void set_mode(uint32_t bits)
{
    write_cr0((read_cr0() & ~(uint32_t)(CR0_MP | CR0_EM | CR0_TS | CR0_NE)) | bits);
}

static uint16_t status(void)
{
    uint16_t value;
    __asm__ volatile("fnstsw %0" : "=m"(value));
    return value;
}

static const uint16_t unmask_all = 0x0340, unmask_zero = 0x037B, unmask_overflow = 0x0377,
                      unmask_denormal = 0x037D, unmask_inexact = 0x035F, mask_all = 0x037F;

struct environment32 {
    uint32_t control, status, tags, ip, cs_opcode, data, data_selector;
};
struct environment16 {
    uint16_t control, status, tags, ip, cs, data, data_selector;
};

/* Bit patterns: the compiler must not use the x87 itself between the asm statements. */
static volatile uint32_t one_float = 0x3F800000, three_float = 0x40400000, denormal_float = 1;
static volatile uint64_t big_double = 0x7E37E43C8800759Cu; /* 1e300 */
enum { HIGH_OF_ONE = 0x3FF00000 };                         /* upper half of the double 1.0 */

/* --- exceptions through #MF (SDM 1, 8.7.1; SDM 3A 6.15, interrupt 16) --- */

static void harmless(void *unused)
{
    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivrp %%st, %%st(1); fwait"
                     :
                     : "m"(unmask_zero));
}

static void divide(void)
{
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp %%st, %%st(1)" : : "m"(unmask_zero));
}

static void pending_wait(void *unused)
{
    divide();
    __asm__ volatile("fwait");
}
static void pending_store(void *unused)
{
    uint32_t value;
    divide();
    __asm__ volatile("fsts %0" : "=m"(value));
}
static void pending_not_waiting(void *unused)
{
    uint16_t word;
    divide();
    __asm__ volatile("fnstsw %0; fnstcw %0; fnclex; fwait" : "=m"(word));
}
static void pending_init(void *unused)
{
    divide();
    __asm__ volatile("fninit; fwait");
}
static void pending_load_control(void *unused)
{
    divide();
    __asm__ volatile("fldcw %0" : : "m"(mask_all));
}
static void unmasked_later(void *unused)
{
    __asm__ volatile("fninit; fld1; fldz; fdivrp %%st, %%st(1); fldcw %0; nop; fwait"
                     :
                     : "m"(unmask_all));
}

static void test_exceptions(void)
{
    set_mode(CR0_NE | CR0_MP);
    RUNS("SDM 1, 8.7, no exception without a cause", bare_try(harmless, NULL));
    FAULTS("SDM 3A 6.15, #MF at WAIT", bare_try(pending_wait, NULL), 16, 0);
    CHECK_EQUAL("SDM 1, 8.1.3.3, ES and B with ZE", status() & 0x8084, 0x8084);
    CHECK_EQUAL("SDM 1, 8.5.3, TOP has not moved", status() >> 11 & 7, 6);
    __asm__ volatile("fnclex");
    FAULTS("SDM 3A 6.15, #MF at a waiting instruction", bare_try(pending_store, NULL), 16, 0);
    __asm__ volatile("fnclex");
    RUNS("SDM 1, 8.6, FNSTSW FNSTCW FNCLEX do not wait", bare_try(pending_not_waiting, NULL));
    RUNS("SDM 1, 8.6, FNINIT does not wait", bare_try(pending_init, NULL));
    FAULTS("SDM 2, FLDCW waits", bare_try(pending_load_control, NULL), 16, 0);
    __asm__ volatile("fnclex");
    FAULTS("SDM 1, 8.1.5, FLDCW that unmasks a flagged exception makes it pending",
           bare_try(unmasked_later, NULL), 16, 0);
    __asm__ volatile("fninit");
}

/* --- what an unmasked exception leaves as it was (SDM 1, 8.5) --- */

static void test_unmasked_responses(void)
{
    static volatile uint32_t stored;
    uint32_t value[2] = {0, 0};
    set_mode(CR0_NE | CR0_MP);
    stored = 7;
    __asm__ volatile("fninit; fldl %1; fldcw %2; fstps %0; fnstsw %%ax; fnclex"
                     : "+m"(stored)
                     : "m"(big_double), "m"(unmask_overflow)
                     : "eax");
    CHECK_EQUAL("SDM 1, 8.5.4, FST: nothing is stored", stored, 7);
    CHECK_EQUAL("SDM 1, 8.5.4, FST: nothing is popped", status() >> 11 & 7, 7);
    __asm__ volatile("fninit; fld1; fldcw %1; fadds %2; fnstsw %%ax; fnclex; fstpl %0"
                     : "=m"(value)
                     : "m"(unmask_denormal), "m"(denormal_float)
                     : "eax");
    CHECK_EQUAL("SDM 1, 8.5.2, denormal: ST(0) stays", value[1], HIGH_OF_ONE);
    __asm__ volatile("fninit; fld1; fldcw %1; fdivs %2; fnstsw %%ax; fnclex; fstpl %0"
                     : "=m"(value)
                     : "m"(unmask_inexact), "m"(three_float)
                     : "eax");
    CHECK_EQUAL("SDM 1, 8.5.6, inexact: the result is delivered", value[1], 0x3FD55555);
    __asm__ volatile("fninit; fld1; fxch %st(3)");
    CHECK_EQUAL("SDM 1, 8.5.1.1, FXCH with an empty register: IE, SF, C1 = 0", status() & 0x241,
                0x41);
    __asm__ volatile("fninit; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fld1");
    CHECK_EQUAL("SDM 1, 8.5.1.1, overflow: IE, SF, C1 = 1", status() & 0x241, 0x241);
    __asm__ volatile("fstpl %0" : "=m"(value));
    CHECK_EQUAL("SDM 1, 8.5.1.1, overflow: the indefinite is loaded", value[1], 0xFFF80000);
    __asm__ volatile("fninit");
}

/* --- availability (SDM 3A table 2-2) --- */

static void do_wait(void *unused)
{
    __asm__ volatile("fwait");
}
static void do_escape(void *unused)
{
    __asm__ volatile("fnop");
}
static void do_status(void *unused)
{
    (void)status();
}

static void test_availability(void)
{
    static const struct {
        uint32_t bits;
        bool escape, wait;
    } cases[] = {
        {0,                        false, false},
        {CR0_MP,                   false, false},
        {CR0_TS,                   true,  false},
        {CR0_TS | CR0_MP,          true,  true },
        {CR0_EM,                   true,  false},
        {CR0_EM | CR0_MP,          true,  false},
        {CR0_EM | CR0_TS,          true,  false},
        {CR0_EM | CR0_TS | CR0_MP, true,  true },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_mode(cases[i].bits | CR0_NE);
        bool escape = bare_try(do_escape, NULL);
        CHECK("SDM 3A table 2-2, x87", escape == cases[i].escape);
        CHECK("SDM 3A 6.15, #NM", !escape || bare_caught.vector == 7);
        CHECK("SDM 3A table 2-2, FN instructions too", bare_try(do_status, NULL) == escape);
        CHECK("SDM 3A table 2-2, WAIT", bare_try(do_wait, NULL) == cases[i].wait);
    }
    set_mode(CR0_NE | CR0_MP);
}

/* --- pointers and the 32-bit environment (SDM 1, figure 8-9) --- */

extern uint8_t x87_pointed[];
static void test_environment32(void)
{
    struct environment32 env;
    __asm__ volatile(
        "fninit\n.globl x87_pointed\nx87_pointed: flds %1\n"
        "fnstcw %2\n" /* a control instruction leaves the pointers alone */
        "fnstenv %0"
        : "=m"(env)
        : "m"(one_float), "m"(*(uint16_t *)0x5000));
    CHECK_EQUAL("SDM 1, figure 8-9, control word", env.control & 0xFFFF, 0x037F);
    CHECK_EQUAL("SDM 1, figure 8-9, status word: TOP", env.status & 0xFFFF, 0x3800);
    CHECK_EQUAL("SDM 1, figure 8-9, tag word", env.tags & 0xFFFF, 0x3FFF);
    CHECK_EQUAL("SDM 1, 8.1.8, instruction pointer", env.ip, (uint32_t)x87_pointed);
    CHECK_EQUAL("SDM 1, 8.1.8, its selector", env.cs_opcode & 0xFFFF, SEL_CODE);
    CHECK_EQUAL("SDM 1, 8.1.9, opcode: D9 /0 [disp32]", env.cs_opcode >> 16, 0x105);
    CHECK_EQUAL("SDM 1, 8.1.8, operand pointer", env.data, (uint32_t)&one_float);
    CHECK_EQUAL("SDM 1, 8.1.8, its selector", env.data_selector & 0xFFFF, SEL_DATA);
    CHECK_EQUAL("SDM 2, FNSTENV masks all exceptions", ({
                    uint16_t control;
                    __asm__ volatile("fninit; fldcw %1; fnstenv %2; fnstcw %0"
                                     : "=m"(control)
                                     : "m"(unmask_all), "m"(env));
                    control;
                }),
                0x037F);
    struct environment32 load = {0x027F,     0x2841,     0xFFFC, 0x11223344,
                                 0x07FF1234, 0x55667788, 0x4321};
    __asm__ volatile("fldenv %1; fnstenv %0" : "=m"(env) : "m"(load));
    CHECK_EQUAL("SDM 2, FLDENV, control", env.control & 0xFFFF, 0x027F);
    CHECK_EQUAL("SDM 2, FLDENV, status", env.status & 0xFFFF, 0x2841);
    CHECK_EQUAL("SDM 2, FLDENV, tags say empty or not", env.tags & 0xFFFC, 0xFFFC);
    CHECK_EQUAL("SDM 2, FLDENV, instruction pointer", env.ip, 0x11223344);
    CHECK_EQUAL("SDM 2, FLDENV, operand pointer", env.data, 0x55667788);
    CHECK_EQUAL("SDM 2, FLDENV, opcode and selector", env.cs_opcode, 0x07FF1234);
    __asm__ volatile("fninit");
}

/* --- the 16-bit formats (SDM 1, figures 8-11 and 8-12) --- */

SNIPPET(v86_environment,
        ".code16\n"
        "fninit\n"
        "v86_load: flds 0x10\n"
        "fnstenv 0x100\n"
        "data32 fnstenv 0x200\n"
        "hlt\n.code32\n");
extern uint8_t v86_load[];

static void test_environment16(void)
{
    struct environment16 env;
    __asm__ volatile("fninit; flds %1; data16 fnstenv %0" : "=m"(env) : "m"(one_float));
    CHECK_EQUAL("SDM 1, figure 8-11, protected: tags", env.tags, 0x3FFF);
    CHECK_EQUAL("SDM 1, figure 8-11, protected: selector", env.cs, SEL_CODE);
    CHECK_EQUAL("SDM 1, figure 8-11, protected: operand", env.data, (uint32_t)&one_float & 0xFFFF);
    CHECK_EQUAL("SDM 1, figure 8-11, protected: its selector", env.data_selector, SEL_DATA);
    ring_init();
    V86_RUNS("SDM 1, 8.1.10, V86", v86_environment, FL_IOPL3);
    const volatile uint16_t *real16 = (uint16_t *)(V86_DATA + 0x100);
    const volatile uint32_t *real32 = (uint32_t *)(V86_DATA + 0x200);
    uint32_t ip = V86_CODE + (uint32_t)(v86_load - v86_environment), data = V86_DATA + 0x10;
    CHECK_EQUAL("SDM 1, figure 8-12, IP 15..0", real16[3], ip & 0xFFFF);
    CHECK_EQUAL("SDM 1, figure 8-12, IP 19..16, opcode", real16[4], (ip >> 16 << 12) | 0x106);
    CHECK_EQUAL("SDM 1, figure 8-12, operand 15..0", real16[5], data & 0xFFFF);
    CHECK_EQUAL("SDM 1, figure 8-12, operand 19..16", real16[6], data >> 16 << 12);
    CHECK_EQUAL("SDM 1, figure 8-10, IP 15..0", real32[3] & 0xFFFF, ip & 0xFFFF);
    CHECK_EQUAL("SDM 1, figure 8-10, IP 31..16, opcode", real32[4] & 0x0FFFFFFF,
                (ip >> 16 << 12) | 0x106);
    CHECK_EQUAL("SDM 1, figure 8-10, operand 15..0", real32[5] & 0xFFFF, data & 0xFFFF);
    __asm__ volatile("fninit");
}

/* --- whole state --- */

static uint8_t state[128], copy[128];

static void save_across(void *at)
{
    __asm__ volatile("fnsave (%0)" : : "r"(at) : "memory");
}
/* A segment that is too short by 8 bytes. */
static void save_beyond(void *unused)
{
    __asm__ volatile("pushl %%es; movw %w0, %%es; fnsave %%es:0; popl %%es"
                     :
                     : "r"(DATA16_SEL)
                     : "memory");
}
static void load_beyond(void *unused)
{
    __asm__ volatile("pushl %%es; movw %w0, %%es; fldt %%es:92; popl %%es"
                     :
                     : "r"(DATA16_SEL)
                     : "memory");
}

static void test_state(void)
{
    __asm__ volatile("fninit; fldpi; fldl2e; fldz; fnsave %0" : "=m"(state));
    CHECK_EQUAL("SDM 2, FNSAVE, tags by physical register", *(uint16_t *)(state + 8), 0x07FF);
    CHECK_EQUAL("SDM 2, FNSAVE, registers from ST(0)", *(uint32_t *)(state + 28), 0);
    CHECK_EQUAL("SDM 2, FNSAVE, log2 e", *(uint32_t *)(state + 38), 0x5C17F0BC);
    CHECK_EQUAL("SDM 2, FNSAVE, pi", *(uint16_t *)(state + 56), 0x4000);
    CHECK_EQUAL("SDM 2, FNSAVE initialises", status(), 0);
    __asm__ volatile("frstor %1; fnsave %0" : "=m"(copy) : "m"(state));
    bool equal = true;
    for (unsigned i = 0; i < 108; i++)
        equal &= state[i] == copy[i];
    CHECK("SDM 2, FRSTOR and FNSAVE", equal);
    __asm__ volatile("fninit; fld1");
    *(uint32_t *)(copy) = 0x12345678;
    ring_set(DATA16_SEL, bare_descriptor((uint32_t)copy, 99, 0x93, 4), 0);
    FAULTS("SDM 2, FNSAVE, #GP where the segment ends", bare_try(save_beyond, NULL), 13, 0);
    CHECK_EQUAL("SDM 2, FNSAVE that faults stores nothing", *(uint32_t *)copy, 0x12345678);
    CHECK_EQUAL("SDM 2, FNSAVE that faults does not initialise", status() >> 11 & 7, 7);
    FAULTS("SDM 2, FLD, #GP", bare_try(load_beyond, NULL), 13, 0);
    CHECK_EQUAL("SDM 2, FLD that faults pushes nothing", status() >> 11 & 7, 7);
    save_across(state);
    CHECK_EQUAL("SDM 2, FNSAVE, 1.0", *(uint16_t *)(state + 36), 0x3FFF);
}

/* FXSAVE: SDM 2. */
static uint8_t fx_area[512 + 16] __attribute__((aligned(16)));

static void fxsave_at(void *at)
{
    __asm__ volatile("fxsave (%0)" : : "r"(at) : "memory");
}
static void fxrstor_at(void *at)
{
    __asm__ volatile("fxrstor (%0)" : : "r"(at) : "memory");
}

static void test_fxsave(void)
{
    if (!(ring_features() & 1 << 24))
        return;
    __asm__ volatile("fninit; fldpi; fld1");
    fxsave_at(fx_area);
    CHECK_EQUAL("SDM 2, FXSAVE, FCW", *(uint16_t *)fx_area, 0x037F);
    CHECK_EQUAL("SDM 2, FXSAVE, FSW", *(uint16_t *)(fx_area + 2), 0x3000);
    CHECK_EQUAL("SDM 2, FXSAVE, abridged tags", fx_area[4], 0xC0);
    CHECK_EQUAL("SDM 2, FXSAVE, ST(0)", *(uint16_t *)(fx_area + 40), 0x3FFF);
    CHECK_EQUAL("SDM 2, FXSAVE, ST(1)", *(uint16_t *)(fx_area + 56), 0x4000);
    CHECK_EQUAL("SDM 2, FXSAVE does not initialise", status(), 0x3000);
    FAULTS("SDM 2, FXSAVE, alignment", bare_try(fxsave_at, fx_area + 8), 13, 0);
    FAULTS("SDM 2, FXRSTOR, alignment", bare_try(fxrstor_at, fx_area + 4), 13, 0);
    __asm__ volatile("fninit");
    fxrstor_at(fx_area);
    uint32_t value[2];
    __asm__ volatile("fstpl %0" : "=m"(value));
    CHECK_EQUAL("SDM 2, FXRSTOR, ST(0)", value[1], HIGH_OF_ONE);
    set_mode(CR0_TS | CR0_NE);
    FAULTS("SDM 2, FXSAVE, #NM by TS", bare_try(fxsave_at, fx_area), 7, 0);
    set_mode(CR0_EM | CR0_NE);
    FAULTS("SDM 2, FXSAVE, #NM by EM", bare_try(fxsave_at, fx_area), 7, 0);
    set_mode(CR0_NE | CR0_MP);
    __asm__ volatile("fninit");
}

void bare_tests(void)
{
    set_mode(CR0_NE | CR0_MP);
    __asm__ volatile("fninit");
    test_exceptions();
    test_unmasked_responses();
    test_availability();
    test_environment32();
    test_environment16();
    test_state();
    test_fxsave();
}
