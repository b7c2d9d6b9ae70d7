/* Which of several events comes first: SDM 3A table 6-2, and the order of checks in one
 * instruction. Run alone: meson test -C build bare-priorities */
#include "rings.h"

#define CR0_PG 0x80000000u
enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, SEL_SMALL = SEL_TEST };
#define MISSING 0x40000000u
#define LAST    (MISSING - 0x1000) /* the last page that is there */

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[4][1024] __attribute__((aligned(4096)));
static uint32_t last_table[1024] __attribute__((aligned(4096)));
static uint8_t page[4096] __attribute__((aligned(4096)));

static void enable_paging(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 1024; j++)
            tables[i][j] = (i << 22 | j << 12) | 7;
        directory[i] = (uint32_t)tables[i] | 7;
    }
    last_table[1023] = (uint32_t)page | 7;
    directory[LAST >> 22] = (uint32_t)last_table | 7;
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
    ring_tss.cr3 = read_cr3();
}

static bool run(unsigned ring, const void *code)
{
    return ring_try(ring, 0, (void (*)(void *))(uint32_t)code, NULL);
}
#define CODE(name, ...) static const uint8_t name[] = {__VA_ARGS__, 0xC3}
#define AT_MISSING      0x00, 0x00, 0x00, 0x40

/* --- one instruction, two reasons to fault --- */

CODE(div_missing, 0x31, 0xD2, 0xF7, 0x35, AT_MISSING); /* xor %edx, %edx; divl MISSING */
CODE(lock_mov_missing, 0xF0, 0xA1, AT_MISSING);        /* lock mov MISSING, %eax */
CODE(lgdt_missing, 0x0F, 0x01, 0x15, AT_MISSING);      /* privileged, and missing */
CODE(mov_seg_missing, 0x8E, 0x25, AT_MISSING);         /* mov MISSING, %fs */
CODE(mov_seven_missing, 0x8E, 0x3D, AT_MISSING);       /* no such segment register */
CODE(fld_missing, 0xD9, 0x05, AT_MISSING);
CODE(movups_missing, 0x0F, 0x10, 0x05, AT_MISSING);
CODE(movaps_odd_missing, 0x0F, 0x28, 0x05, 0x01, 0x00, 0x00, 0x40);
CODE(bound_missing, 0x62, 0x05, AT_MISSING);
CODE(in_privileged, 0xE4, 0x80);
CODE(hlt, 0xF4);
CODE(cmpxchg_missing, 0x0F, 0xB1, 0x0D, AT_MISSING);

static void fs_limit_missing(void *unused)
{
    __asm__ volatile("movw %w0, %%fs; movl %%fs:0x100, %%eax" : : "r"(SEL_SMALL) : "eax");
}
static void movs_both_missing(void *unused)
{
    __asm__ volatile("cld; movsl" : : "S"(MISSING + 8), "D"(MISSING + 0x2000) : "memory");
}
static void cmps_both_missing(void *unused)
{
    uint32_t esi = MISSING + 8, edi = MISSING + 0x2000;
    __asm__ volatile("cld; cmpsl" : "+S"(esi), "+D"(edi) : : "memory", "cc");
}
static void push_both_missing(void *unused)
{
    __asm__ volatile("movl %%esp, %%ebx; movl %0, %%esp; pushl %1; movl %%ebx, %%esp"
                     :
                     : "r"(MISSING + 0x3000), "m"(*(uint32_t *)MISSING)
                     : "ebx", "memory");
}

static void test_checks(void)
{
    FAULTS("SDM 2A DIV, the operand is read first", run(0, div_missing), 14, 0);
    FAULTS("SDM 2A LOCK, #UD before #PF", run(0, lock_mov_missing), 6, 0);
    FAULTS("SDM 2A LGDT, #GP of privilege before #PF", run(3, lgdt_missing), 13, 0);
    FAULTS("SDM 2B MOV, the selector is read first", run(0, mov_seg_missing), 14, 0);
    FAULTS("SDM 2B MOV, #UD before #PF", run(0, mov_seven_missing), 6, 0);
    FAULTS("SDM 2A BOUND, #PF before #BR", run(3, bound_missing), 14, 4);
    FAULTS("SDM 1 16.5, permission before the port", run(3, in_privileged), 13, 0);
    FAULTS("SDM 2A HLT, privilege", run(3, hlt), 13, 0);
    ring_set(SEL_SMALL, bare_descriptor(MISSING, 0xFF, 0x93, 0x4), 0);
    FAULTS("SDM 3A 5.3, limits before pages", bare_try(fs_limit_missing, NULL), 13, 0);
    __asm__ volatile("movw %w0, %%fs" : : "r"(0));
    FAULTS("SDM 2B MOVS, the source first", bare_try(movs_both_missing, NULL), 14, 0);
    CHECK_EQUAL("SDM 2B MOVS, CR2", bare_caught.cr2, MISSING + 8);
    FAULTS("SDM 2A CMPS", bare_try(cmps_both_missing, NULL), 14, 0);
    FAULTS("SDM 2B PUSH, the operand first", ring_try(3, 0, push_both_missing, NULL), 14, 4);
    CHECK_EQUAL("SDM 2B PUSH, CR2", bare_caught.cr2, MISSING);
    write_cr0(read_cr0() | CR0_TS);
    FAULTS("SDM 3A table 6-2, #NM before #PF", run(0, fld_missing), 7, 0);
    __asm__ volatile("clts");
    write_cr0(read_cr0() | CR0_EM);
    FAULTS("SDM 3A 2.5, EM: #NM before #PF", run(0, fld_missing), 7, 0);
    write_cr0(read_cr0() & ~(uint32_t)CR0_EM);
    FAULTS("SDM 2A FLD", run(3, fld_missing), 14, 4);
    if (!(ring_features() >> 25 & 1))
        return;
    FAULTS("SDM 3A 2.5, OSFXSR clear: #UD before #PF", run(0, movups_missing), 6, 0);
    write_cr4(read_cr4() | 1 << 9);
    write_cr0(read_cr0() | CR0_TS | CR0_EM);
    FAULTS("SDM 3A table 13-1, EM: #UD before #NM", run(0, movups_missing), 6, 0);
    write_cr0(read_cr0() & ~(uint32_t)CR0_EM);
    FAULTS("SDM 3A table 13-1, TS: #NM before #PF", run(0, movups_missing), 7, 0);
    __asm__ volatile("clts");
    FAULTS("SDM 2B MOVUPS", run(0, movups_missing), 14, 0);
    FAULTS("SDM 2B MOVAPS, #GP of alignment before #PF", run(0, movaps_odd_missing), 13, 0);
    FAULTS("SDM 2A CMPXCHG always writes", run(0, cmpxchg_missing), 14, 2);
}

/* --- fetching: limit, page, length, in this order of bytes --- */

static bool run_at(uint32_t address)
{
    return bare_try((void (*)(void *))address, NULL);
}

static void test_fetch(void)
{
    memset(page, 0x66, sizeof page);
    FAULTS("SDM 3A table 6-2, 15 prefixes end before the missing page", run_at(MISSING - 16), 13,
           0);
    FAULTS("SDM 3A table 6-2, 14 bytes do not", run_at(MISSING - 14), 14, 0);
    CHECK_EQUAL("SDM 3A 4.7, CR2", bare_caught.cr2, MISSING);
    page[4094] = 0x0F;
    page[4095] = 0x0B;
    FAULTS("SDM 2B UD2 at the end of a page", run_at(MISSING - 2), 6, 0);
    page[4095] = 0xC3;
    RUNS("SDM 2B RET at the end of a page: nothing behind it is needed", run_at(MISSING - 1));
    page[4094] = 0xEB;
    page[4095] = 0x00;
    FAULTS("SDM 2A JMP into the missing page: it has gone there", run_at(MISSING - 2), 14, 0);
    CHECK_EQUAL("SDM 2A JMP", bare_caught.eip, MISSING);
}

/* --- debug events: traps of one instruction come before faults of the next --- */

static struct {
    uint32_t vector, eip, dr6;
} seen[8];
static unsigned seen_count;
static void note(struct trap_frame *frame)
{
    uint32_t dr6;
    __asm__ volatile("movl %%dr6, %0; movl %1, %%dr6" : "=&r"(dr6) : "r"(0));
    if (seen_count < 8) {
        seen[seen_count].vector = frame->vector;
        seen[seen_count].eip = frame->eip;
        seen[seen_count++].dr6 = dr6 & 0xE00F;
    }
    if (frame->vector != 1)
        frame->eip += 2; /* over UD2 */
    else if (!(dr6 & 0x4000))
        frame->eflags |= FL_RF;
}
static void set_dr(uint32_t dr0, uint32_t dr1, uint32_t dr7)
{
    __asm__ volatile("movl %0, %%dr0; movl %1, %%dr1; movl %2, %%dr6; movl %3, %%dr7"
                     :
                     : "r"(dr0), "r"(dr1), "r"(0), "r"(dr7));
    seen_count = 0;
}

static uint32_t watched;
extern uint8_t order_store[], order_next[], order_ud[];
__attribute__((noinline, noclone)) static void store_and_next(uint32_t flags)
{
    __asm__ volatile(
        "pushl %0\n"
        "popfl\n"
        "order_store: movl $1, %1\n"
        "order_next: nop\n"
        "pushl $2\n"
        "popfl\n"
        "order_ud: ud2\n"
        :
        : "r"(flags), "m"(watched)
        : "memory", "cc");
}

static void test_debug(void)
{
    const uint32_t watch0 = 0x2 | 0xDu << 16, execute1 = 0x8;
    bare_set_handler(1, note);
    bare_set_handler(6, note);
    set_dr((uint32_t)&watched, (uint32_t)order_next, 0x400 | watch0 | execute1);
    store_and_next(2 | FL_TF);
    /* Store, and single step, in one trap; then the breakpoint, a fault of the next instruction. */
    CHECK_EQUAL("SDM 3A table 6-2, data breakpoint and step in one", seen[0].dr6 & 0x4001, 0x4001);
    CHECK_EQUAL("SDM 3A table 6-2, at the next instruction", seen[0].eip, (uint32_t)order_next);
    uint32_t fetch_hits = (seen[0].dr6 & 2) + (seen_count > 1 ? seen[1].dr6 & 2 : 0);
    CHECK("SDM 3B 17.3.1.1, and its breakpoint", fetch_hits == 2);
    set_dr((uint32_t)&watched, (uint32_t)order_ud, 0x400 | execute1);
    store_and_next(2);
    CHECK_EQUAL("SDM 3A table 6-2, breakpoint before #UD", seen[0].vector << 8 | seen[1].vector,
                0x106);
    CHECK_EQUAL("SDM 3A table 6-2", seen_count, 2);
    /* A breakpoint on an instruction that is not there: the page comes second. */
    set_dr(0, 0, 0x400);
    bare_set_handler(6, NULL);
    set_dr(MISSING + 0x10, 0, 0x402);
    bool faulted = run_at(MISSING + 0x10);
    set_dr(0, 0, 0x400);
    FAULTS("SDM 3A table 6-2, breakpoint before the fetch's #PF", faulted, 14, 0);
    bare_set_handler(1, NULL);
}

void bare_tests(void)
{
    ring_init();
    enable_paging();
    test_checks();
    test_fetch();
    test_debug();
}
