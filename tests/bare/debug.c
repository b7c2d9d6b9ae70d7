/* Debug registers, single step, RF.
 * Run alone: meson test -C build bare-debug */
#include "debug_registers.h"
#include "rings.h"

/* Functions whose assembly defines labels. */
#define ONCE __attribute__((noinline, noclone))

enum { DR7_GD = 1 << 13 };

/* What the #DB handler saw, in order. */
static struct hit {
    uint32_t eip, dr6, eflags, dr7;
} hits[16];
static unsigned hit_count;
static bool resume; /* the handler sets RF */

static void write_dr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr0" : : "r"(value));
}
static void write_dr1(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr1" : : "r"(value));
}

static void note(struct trap_frame *frame)
{
    if (hit_count < 16)
        hits[hit_count++] = (struct hit){frame->eip, read_dr6(), frame->eflags, read_dr7()};
    write_dr6(0);
    if (resume)
        frame->eflags |= FL_RF;
}

static void begin(void)
{
    hit_count = 0;
    resume = true;
    write_dr6(0);
}

static uint32_t conditions(const struct hit *hit)
{
    return hit->dr6 & 0xE00F;
}

/* --- single step --- */

extern uint8_t step_first[], step_second[], step_third[], step_ss[], step_after_ss[], step_popf[];
ONCE static void step(void)
{
    __asm__ volatile(
        "pushfl\n"
        "orl $0x100, (%%esp)\n"
        "popfl\n"
        "step_first: nop\n"
        "step_second: nop\n"
        "step_third: pushfl\n"
        "andl $~0x100, (%%esp)\n"
        "popfl\n"
        "step_popf: nop\n"
        :
        :
        : "memory", "cc");
}
ONCE static void step_over_ss(void)
{
    __asm__ volatile(
        "movl %%ss, %%eax\n"
        "pushfl\n"
        "orl $0x100, (%%esp)\n"
        "popfl\n"
        "movw %%ax, %%ss\n"
        "step_ss: nop\n"
        "step_after_ss: pushl $2\n"
        "popfl\n"
        :
        :
        : "eax", "memory", "cc");
}

static void test_single_step(void)
{
    const char *where = "SDM 3B 17.3.1.4, single step";
    begin();
    resume = false;
    step();
    CHECK_EQUAL("SDM 3B 17.3.1.4, a trap after each instruction", hit_count, 5);
    CHECK_EQUAL("SDM 3B 17.3.1.4, not after the POPF that sets TF", hits[0].eip,
                (uint32_t)step_second);
    CHECK_EQUAL(where, hits[1].eip, (uint32_t)step_third);
    CHECK_EQUAL("SDM 3B 17.2.3, BS", conditions(&hits[0]), 0x4000);
    CHECK_EQUAL("SDM 3B 17.3.1.4, TF is in the image", hits[0].eflags & FL_TF, FL_TF);
    CHECK_EQUAL("SDM 3B 17.3.1.4, after the POPF that clears TF", hits[4].eip, (uint32_t)step_popf);
    begin();
    resume = false;
    step_over_ss();
    CHECK_EQUAL("SDM 3A 6.8.3, MOV SS: no trap", hits[0].eip, (uint32_t)step_after_ss);
}

static volatile uint32_t int_handler_flags;
static void note_int(struct trap_frame *frame)
{
    int_handler_flags = read_eflags();
}
extern uint8_t after_int[];
ONCE static void step_over_int(void)
{
    __asm__ volatile(
        "pushfl\n"
        "orl $0x100, (%%esp)\n"
        "popfl\n"
        "int $0x60\n"
        "after_int: nop\n"
        "pushl $2\n"
        "popfl\n"
        :
        :
        : "memory", "cc");
}

static void test_step_int(void)
{
    begin();
    resume = false;
    bare_set_handler(0x60, note_int);
    step_over_int();
    bare_set_handler(0x60, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.4, INT clears TF", int_handler_flags & FL_TF, 0);
    CHECK_EQUAL("SDM 3B 17.3.1.4, not after INT, nor after the IRET that sets TF", hits[0].eip,
                (uint32_t)after_int + 1);
}

static void step_string(void)
{
    static uint8_t from[4], to[4];
    uint32_t source = (uint32_t)from, target = (uint32_t)to, count = 3;
    __asm__ volatile(
        "cld\n"
        "pushfl\n"
        "orl $0x100, (%%esp)\n"
        "popfl\n"
        "rep movsb\n"
        "pushl $2\n"
        "popfl\n"
        : "+S"(source), "+D"(target), "+c"(count)
        :
        : "memory", "cc");
}
static void test_step_string(void)
{
    begin();
    resume = false;
    step_string();
    CHECK_EQUAL("SDM 3B 17.3.1.4, a trap after each iteration", hits[0].eip == hits[1].eip, 1);
    CHECK_EQUAL("SDM 3B 17.3.1.4, after the last one behind it", hits[2].eip, hits[1].eip + 2);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF between iterations", hits[0].eflags & FL_RF, FL_RF);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF after the last one", hits[2].eflags & FL_RF, 0);
}

/* --- instruction breakpoints --- */

extern uint8_t break_here[], break_next[];
ONCE static void run_to_break(void *unused)
{
    __asm__ volatile(
        "xorl %%eax, %%eax\n"
        "break_here: incl %%eax\n"
        "break_next: incl %%eax\n"
        :
        :
        : "eax", "cc");
}

static void test_instruction_breakpoint(void)
{
    const char *where = "SDM 3B 17.3.1.1, instruction breakpoint";
    begin();
    write_dr0((uint32_t)break_here);
    write_dr7(0x402);
    run_to_break(NULL);
    CHECK_EQUAL(where, hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.3.1.1, a fault: before the instruction", hits[0].eip,
                (uint32_t)break_here);
    CHECK_EQUAL("SDM 3B 17.2.3, B0", conditions(&hits[0]), 1);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF is not set for it", hits[0].eflags & FL_RF, 0);
    begin();
    write_dr1((uint32_t)break_next);
    write_dr7(0x40A);
    run_to_break(NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF holds for one instruction", hit_count, 2);
    CHECK_EQUAL("SDM 3B 17.2.3, B1", conditions(&hits[1]), 2);
    begin();
    write_dr7(0x400);
    run_to_break(NULL);
    CHECK_EQUAL("SDM 3B 17.2.4, not enabled", hit_count, 0);
    begin();
    write_dr7(0x401);
    run_to_break(NULL);
    CHECK_EQUAL("SDM 3B 17.2.4, locally enabled", hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.2.4, still enabled in the handler", hits[0].dr7 & 1, 1);
    begin();
    ring_try(3, 0, run_to_break, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.1, at CPL 3", hit_count, 1);
    write_dr7(0x400);
}

/* RF in the image of other faults. */
static uint32_t fault_flags;
static void note_fault(struct trap_frame *frame)
{
    fault_flags = frame->eflags;
    frame->eip += 2;
}
static void test_rf_in_images(void)
{
    bare_set_handler(6, note_fault);
    __asm__ volatile("ud2");
    bare_set_handler(6, NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.1, RF in the image of a fault", fault_flags & FL_RF, FL_RF);
    uint32_t flags;
    bare_set_handler(0x60, note_int);
    __asm__ volatile(
        "pushfl; orl $0x10000, (%%esp); pushl %%cs; pushl $1f; iretl\n"
        "1: pushfl; popl %0"
        : "=r"(flags)
        :
        : "memory", "cc");
    bare_set_handler(0x60, NULL);
    CHECK_EQUAL("SDM 2B PUSHF, RF reads as 0", flags & FL_RF, 0);
}

/* --- data breakpoints --- */

uint8_t watched[16] __attribute__((aligned(16)));
extern uint8_t data_after[];
static void write_watched(unsigned offset, unsigned size)
{
    volatile uint8_t *byte = watched + offset;
    if (size == 1)
        *byte = 1;
    else if (size == 2)
        *(volatile uint16_t *)byte = 1;
    else
        *(volatile uint32_t *)byte = 1;
}
static void read_watched(unsigned offset)
{
    (void)*(volatile uint8_t *)(watched + offset);
}
/* kind: R/W; length: LEN, for DR0. */
static void watch(unsigned offset, unsigned kind, unsigned length)
{
    begin();
    write_dr0((uint32_t)watched + offset);
    write_dr7(0x402 | kind << 16 | length << 18);
}
static unsigned hits_of_write(unsigned offset, unsigned size)
{
    begin();
    write_watched(offset, size);
    return hit_count;
}

static void test_data_breakpoints(void)
{
    const char *where = "SDM 3B 17.3.1.2, data breakpoint";
    watch(4, 1, 0);
    __asm__ volatile("movb $1, watched + 4\ndata_after: nop" : : : "memory");
    CHECK_EQUAL(where, hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.3.1.2, a trap: behind the instruction", hits[0].eip,
                (uint32_t)data_after);
    CHECK_EQUAL(where, conditions(&hits[0]), 1);
    CHECK_EQUAL(where, hits_of_write(3, 1), 0);
    CHECK_EQUAL(where, hits_of_write(5, 1), 0);
    CHECK_EQUAL(where, hits_of_write(3, 2), 1);
    CHECK_EQUAL(where, hits_of_write(1, 4), 1);
    CHECK_EQUAL(where, hits_of_write(0, 4), 0);
    begin();
    read_watched(4);
    CHECK_EQUAL("SDM 3B 17.2.4, R/W 01 does not see reads", hit_count, 0);
    watch(4, 3, 0);
    read_watched(4);
    CHECK_EQUAL("SDM 3B 17.2.4, R/W 11 sees reads", hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.2.4, R/W 11 sees writes", hits_of_write(4, 1), 1);
    watch(4, 1, 3);
    CHECK_EQUAL("SDM 3B 17.2.5, LEN 4", hits_of_write(7, 1), 1);
    CHECK_EQUAL("SDM 3B 17.2.5, LEN 4", hits_of_write(8, 1), 0);
    CHECK_EQUAL("SDM 3B 17.2.5, LEN 4", hits_of_write(3, 1), 0);
    watch(7, 1, 3);
    CHECK_EQUAL("SDM 3B 17.2.5, low address bits are ignored", hits_of_write(4, 1), 1);
    watch(4, 1, 1);
    CHECK_EQUAL("SDM 3B 17.2.5, LEN 2", hits_of_write(5, 1), 1);
    CHECK_EQUAL("SDM 3B 17.2.5, LEN 2", hits_of_write(6, 1), 0);
    watch(4, 1, 0);
    write_dr1((uint32_t)watched + 4);
    write_dr7(0x402 | 1 << 16 | 1 << 20);
    write_watched(4, 1);
    CHECK_EQUAL("SDM 3B 17.2.3, B1 may be set though not enabled", conditions(&hits[0]) & 1, 1);
    watch(8, 1, 3);
    __asm__ volatile("cld; rep stosb" : : "a"(0), "c"(16), "D"(watched) : "memory", "cc");
    CHECK_EQUAL("SDM 3B 17.3.1.2, once for each iteration", hit_count, 4);
    write_dr7(0x400);
}

static void test_pending_over_ss(void)
{
    static uint16_t selector = SEL_DATA;
    extern uint8_t after_ss[];
    begin();
    write_dr0((uint32_t)&selector);
    write_dr7(0x402 | 3 << 16 | 1 << 18);
    __asm__ volatile("movw %0, %%ss\nnop\nafter_ss: nop" : : "m"(selector));
    write_dr7(0x400);
    CHECK_EQUAL("SDM 3A 6.8.3, a data breakpoint waits behind MOV SS", hits[0].eip,
                (uint32_t)after_ss);
}

/* --- I/O breakpoints, general detect, aliases --- */

static void test_io_breakpoint(void)
{
    if (!(ring_features() & FEATURE_DE))
        return;
    write_cr4(read_cr4() | CR4_DE);
    begin();
    write_dr0(0x80);
    write_dr7(0x402 | 2 << 16);
    in8(0x81);
    CHECK_EQUAL("SDM 3B 17.2.4, I/O breakpoint", hit_count, 0);
    in8(0x80);
    CHECK_EQUAL("SDM 3B 17.2.4, I/O breakpoint", hit_count, 1);
    out8(0x80, 0);
    CHECK_EQUAL("SDM 3B 17.2.4, I/O breakpoint", hit_count, 2);
    write_dr7(0x400);
}

extern uint8_t detect_here[];
ONCE static void touch_dr0(void *unused)
{
    __asm__ volatile("detect_here: movl %%dr0, %%eax" : : : "eax");
}
static void touch_dr4(void *unused)
{
    __asm__ volatile("movl %%dr4, %%eax" : : : "eax");
}
static void icebp(void *unused)
{
    __asm__ volatile(".byte 0xF1");
}

static void test_general_detect(void)
{
    begin();
    write_dr7(0x400 | DR7_GD);
    touch_dr0(NULL);
    CHECK_EQUAL("SDM 3B 17.3.1.3, general detect", hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.3.1.3, a fault", hits[0].eip, (uint32_t)detect_here);
    CHECK_EQUAL("SDM 3B 17.2.3, BD", conditions(&hits[0]), 0x2000);
    CHECK_EQUAL("SDM 3B 17.2.4, GD is clear in the handler", hits[0].dr7 & DR7_GD, 0);
    FAULTS("SDM 2B MOV DR, privileged", ring_try(3, 0, touch_dr0, NULL), 13, 0);
    uint32_t value;
    if (ring_features() & FEATURE_DE)
        write_cr4(read_cr4() & ~CR4_DE);
    write_dr6(0xFFFFFFFF);
    CHECK_EQUAL("SDM 3B 17.2.3, fixed bits of DR6", read_dr6(), 0xFFFFEFFF);
    write_dr6(0);
    CHECK_EQUAL("SDM 3B 17.2.3, fixed bits of DR6", read_dr6(), 0xFFFF0FF0);
    __asm__ volatile("movl %%dr4, %0" : "=r"(value));
    CHECK_EQUAL("SDM 3B 17.2.2, DR4 is DR6", value, 0xFFFF0FF0);
    if (ring_features() & FEATURE_DE) {
        write_cr4(read_cr4() | CR4_DE);
        FAULTS("SDM 3B 17.2.2, DR4 with CR4.DE", bare_try(touch_dr4, NULL), 6, 0);
        write_cr4(read_cr4() & ~CR4_DE);
    }
    begin();
    icebp(NULL);
    CHECK_EQUAL("SDM 3B 17.3.1, INT1", hit_count, 1);
    CHECK_EQUAL("SDM 3B 17.3.1, INT1 leaves DR6", conditions(&hits[0]), 0);
    begin();
    ring_try(3, 0, icebp, NULL);
    CHECK_EQUAL("SDM 2A INT1, no DPL check", hit_count, 1);
}

void bare_tests(void)
{
    ring_init();
    bare_set_handler(1, note);
    test_single_step();
    test_step_int();
    test_step_string();
    test_instruction_breakpoint();
    test_rf_in_images();
    test_data_breakpoints();
    test_pending_over_ss();
    test_io_breakpoint();
    test_general_detect();
}
