/* Control registers, system instructions, CPUID, MSRs; what each CPU model has and has not.
 * Run alone: meson test -C build bare-control */
#include "rings.h"

#define CR0_PG 0x80000000u
enum { CR0_PE = 1, CR0_TS = 8, CR0_ET = 16, CR0_WP = 1 << 16, CR0_NW = 1 << 29, CR0_CD = 1 << 30 };

static uint32_t features;
static bool is_486; /* or later: EFLAGS.AC exists */

static void load_cr0(void *value)
{
    write_cr0((uint32_t)value);
}
static void load_cr4(void *value)
{
    write_cr4((uint32_t)value);
}
static bool try_cr0(uint32_t value)
{
    return bare_try(load_cr0, (void *)value);
}
static bool try_cr4(uint32_t value)
{
    return bare_try(load_cr4, (void *)value);
}

/* A snippet that runs at a privilege level; it must end with RET. */
#define CODE(name, ...) static const uint8_t name[] = {__VA_ARGS__, 0xC3}
static bool run(unsigned ring, const uint8_t *code)
{
    return ring_try(ring, 0, (void (*)(void *))(uint32_t)code, NULL);
}

CODE(mov_cr1, 0x0F, 0x20, 0xC8);
CODE(mov_cr5, 0x0F, 0x20, 0xE8);
CODE(mov_cr4, 0x0F, 0x20, 0xE0);
CODE(mov_from_cr0, 0x0F, 0x20, 0xC0);
CODE(mov_cr0_mod0, 0x0F, 0x20, 0x00); /* mod is ignored: MOV EAX, CR0 */
CODE(mov_tr6, 0x0F, 0x24, 0xF0);
CODE(clts, 0x0F, 0x06);
CODE(lmsw, 0x0F, 0x01, 0xF0);
CODE(smsw, 0x0F, 0x01, 0xE0);
CODE(invd, 0x0F, 0x08);
CODE(wbinvd, 0x0F, 0x09);
CODE(invlpg, 0x0F, 0x01, 0x38);
CODE(invlpg_register, 0x0F, 0x01, 0xF8);
CODE(hlt, 0xF4);
CODE(rdmsr, 0x0F, 0x32);
CODE(wrmsr, 0x0F, 0x30);
CODE(rdtsc, 0x0F, 0x31);
CODE(rdpmc, 0xB9, 0, 0, 0, 0, 0x0F, 0x33);
CODE(cpuid, 0x53, 0x0F, 0xA2, 0x5B);
CODE(cmov, 0x0F, 0x44, 0xC0);
CODE(bswap, 0x0F, 0xC8);
CODE(xadd, 0x0F, 0xC0, 0xC0);
CODE(cmpxchg, 0x0F, 0xB0, 0xC0);
CODE(sysenter, 0x0F, 0x34);
CODE(sysexit, 0x0F, 0x35);
CODE(rsm, 0x0F, 0xAA);
CODE(ud2, 0x0F, 0x0B);
CODE(nop_modrm, 0x0F, 0x1F, 0x00);

static void test_cr0(void)
{
    uint32_t cr0 = read_cr0();
    FAULTS("SDM 3A 2.5, PG without PE", try_cr0((cr0 & ~CR0_PE) | CR0_PG), 13, 0);
    CHECK_EQUAL("SDM 3A 6.5, CR0 is as before", read_cr0(), cr0);
    CHECK_EQUAL("SDM 3A 2.5, ET", cr0 & CR0_ET, CR0_ET);
    if (is_486) {
        FAULTS("SDM 3A 2.5, NW without CD", try_cr0((cr0 & ~CR0_CD) | CR0_NW), 13, 0);
        write_cr0(cr0 & ~CR0_ET);
        CHECK_EQUAL("SDM 3A 2.5, ET cannot be cleared", read_cr0() & CR0_ET, CR0_ET);
    } else {
        write_cr0(cr0 | CR0_WP);
        CHECK_EQUAL("SDM 3A 22, no WP on the 386", read_cr0() & CR0_WP, 0);
    }
    write_cr0(cr0 | CR0_TS);
    CHECK_EQUAL("SDM 3A 2.5, TS", read_cr0() & CR0_TS, CR0_TS);
    __asm__ volatile("clts");
    CHECK_EQUAL("SDM 2A CLTS", read_cr0() & CR0_TS, 0);
    __asm__ volatile("lmsw %w0" : : "r"(CR0_TS));
    CHECK_EQUAL("SDM 2A LMSW sets TS, and cannot clear PE", read_cr0() & (CR0_TS | CR0_PE),
                CR0_TS | CR0_PE);
    write_cr0(cr0);
    RUNS("SDM 2B MOV CR, mod is ignored", run(0, mov_cr0_mod0));
}

static void test_cr4(void)
{
    if (!features) {
        FAULTS("SDM 3A 22, no CR4", run(0, mov_cr4), 6, 0);
        return;
    }
    uint32_t cr4 = read_cr4();
    FAULTS("SDM 3A 2.5, reserved bits of CR4", try_cr4(cr4 | 1u << 31), 13, 0);
    FAULTS("SDM 3A 2.5, reserved bits of CR4", try_cr4(cr4 | 1u << 12), 13, 0);
    static const struct {
        uint32_t feature, bits;
    } table[] = {
        {FEATURE_VME, CR4_VME | CR4_PVI},
        {FEATURE_TSC, CR4_TSD          },
        {FEATURE_DE,  CR4_DE           },
        {FEATURE_PSE, CR4_PSE          },
        {FEATURE_PAE, CR4_PAE          },
        {FEATURE_PGE, CR4_PGE          }
    };
    uint32_t known = features & 1 << 7 ? 1 << 6 : 0; /* MCE */
    known |= features & 1 << 24 ? 1 << 9 : 0;        /* OSFXSR */
    known |= features & 1 << 25 ? 1 << 10 : 0;       /* OSXMMEXCPT */
    known |= features & 1 << 15 ? 1 << 8 : 0;        /* PCE: the P6 */
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        known |= features & table[i].feature ? table[i].bits : 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        bool faulted = try_cr4(cr4 | 1u << bit);
        CHECK_EQUAL("SDM 3A 2.5, every bit of CR4 by the features (upper half: the bit)",
                    (uint32_t)!faulted | bit << 16, (known >> bit & 1) | bit << 16);
        write_cr4(cr4);
    }
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        bool faulted = try_cr4(cr4 | table[i].bits);
        CHECK_EQUAL("SDM 3A 2.5, CR4 bits by CPUID feature", !faulted,
                    (features & table[i].feature) != 0);
        write_cr4(cr4);
    }
}

static void test_privileged(void)
{
    const char *where = "SDM 3A 5.9, privileged instructions";
    FAULTS(where, run(3, mov_from_cr0), 13, 0);
    FAULTS(where, run(1, mov_from_cr0), 13, 0);
    FAULTS(where, run(3, clts), 13, 0);
    FAULTS(where, run(2, lmsw), 13, 0);
    FAULTS(where, run(3, hlt), 13, 0);
    RUNS("SDM 3A 5.9, SMSW is not", run(3, smsw));
    FAULTS("SDM 2B MOV CR, CR1", run(0, mov_cr1), 6, 0);
    FAULTS("SDM 2B MOV CR, CR5", run(0, mov_cr5), 6, 0);
    FAULTS("SDM 2B MOV CR, #UD before #GP", run(3, mov_cr1), 6, 0);
    FAULTS("SDM 2B RSM, outside of SMM", run(0, rsm), 6, 0);
    FAULTS("SDM 2B UD2", run(0, ud2), 6, 0);
    if (is_486) {
        FAULTS(where, run(3, invd), 13, 0);
        FAULTS(where, run(3, wbinvd), 13, 0);
        FAULTS(where, run(3, invlpg), 13, 0);
        RUNS("SDM 2B WBINVD", run(0, wbinvd));
        FAULTS("SDM 2A INVLPG, register operand", run(0, invlpg_register), 6, 0);
    }
    if (features & FEATURE_MSR) {
        FAULTS(where, run(3, rdmsr), 13, 0);
        FAULTS(where, run(3, wrmsr), 13, 0);
    }
}

/* --- what the model has --- */

static void exists(bool there, const uint8_t *code, const char *where, const char *what)
{
    bool faulted = run(0, code);
    bool undefined = faulted && bare_caught.vector == 6;
    bare_check(undefined == !there, where, what);
}
#define EXISTS(where, there, code) exists((there), code, where, #code)

static void test_models(void)
{
    const char *where = "SDM 3A 22, instructions by processor";
    EXISTS(where, is_486, bswap);
    EXISTS(where, is_486, xadd);
    EXISTS(where, is_486, cmpxchg);
    EXISTS(where, is_486, wbinvd);
    EXISTS(where, features != 0, cpuid);
    EXISTS(where, features & FEATURE_TSC, rdtsc);
    EXISTS(where, features & 1 << 15, cmov);
    EXISTS(where, features & 1 << 15, rdpmc);
    EXISTS(where, features & 1 << 15, nop_modrm);
    EXISTS(where, !features, mov_tr6);
    uint32_t before = read_eflags();
    write_eflags(before ^ FL_AC);
    CHECK_EQUAL("SDM 3A 22, EFLAGS.AC", ((read_eflags() ^ before) & FL_AC) != 0, is_486);
    write_eflags(before);
    write_eflags(before | FL_NT | FL_IOPL3 | 1 << 15 | 1 << 5);
    CHECK_EQUAL("SDM 3A 2.3, reserved bits of EFLAGS",
                read_eflags() & (1 << 15 | 1 << 5 | 1 << 3 | 2), 2);
    write_eflags(before);
}

static void test_cpuid(void)
{
    if (!features)
        return;
    uint32_t a = 0, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    CHECK("SDM 2A CPUID, leaf 0", a >= 1);
    CHECK("SDM 2A CPUID, vendor", b == 0x756E6547 && d == 0x49656E69 && c == 0x6C65746E);
    uint32_t last = a, again = a + 1, b2, c2, d2;
    a = last;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    __asm__ volatile("cpuid" : "+a"(again), "=b"(b2), "=c"(c2), "=d"(d2));
    CHECK("SDM 2A CPUID, beyond the last leaf as the last one", a == again && c == c2 && d == d2);
    RUNS("SDM 2A CPUID at CPL 3", run(3, cpuid));
}

/* --- time stamp counter, MSRs --- */

static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}
static void read_msr_argument(void *msr)
{
    __asm__ volatile("rdmsr" : : "c"(msr) : "eax", "edx");
}
static void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (uint64_t)high << 32;
}
struct msr_value {
    uint32_t msr;
    uint64_t value;
};
static void write_msr_argument(void *argument)
{
    struct msr_value *m = argument;
    write_msr(m->msr, m->value);
}

static void test_tsc(void)
{
    if (!(features & FEATURE_TSC))
        return;
    uint64_t first = read_tsc();
    CHECK("SDM 2B RDTSC, it counts", read_tsc() > first);
    RUNS("SDM 2B RDTSC, CPL 3", run(3, rdtsc));
    write_cr4(read_cr4() | CR4_TSD);
    FAULTS("SDM 2B RDTSC, CR4.TSD", run(3, rdtsc), 13, 0);
    RUNS("SDM 2B RDTSC, CR4.TSD and CPL 0", run(0, rdtsc));
    write_cr4(read_cr4() & ~CR4_TSD);
    if (!(features & FEATURE_MSR))
        return;
    write_msr(0x10, 5);
    CHECK("SDM 3B 17.13, the counter can be set", read_tsc() < first);
}

static void test_msrs(void)
{
    if (!(features & FEATURE_MSR))
        return;
    FAULTS("SDM 2B RDMSR, unknown", bare_try(read_msr_argument, (void *)0x12345), 13, 0);
    if (!(features & FEATURE_SEP))
        return;
    write_msr(0x174, 0x1234);
    CHECK_EQUAL("SDM 3B 35, IA32_SYSENTER_CS", (uint32_t)read_msr(0x174), 0x1234);
    CHECK_EQUAL("SDM 3A 11.11.1, IA32_MTRRCAP", (uint32_t)read_msr(0xFE) & 0xFF, 8);
    write_msr(0x200, 0xE0000001);
    CHECK_EQUAL("SDM 3A 11.11.2.3, variable MTRR", (uint32_t)read_msr(0x200), 0xE0000001);
    write_msr(0x200, 0);
    struct msr_value bad = {0x277, 0x0207040600070406};
    FAULTS("SDM 3A 11.12.2, reserved PAT type", bare_try(write_msr_argument, &bad), 13, 0);
    CHECK_EQUAL("SDM 3A 11.12.4, PAT at power-on", (uint32_t)read_msr(0x277), 0x00070406);
}

/* --- SYSENTER, SYSEXIT --- */

static volatile uint32_t entered_cs, entered_ss, entered_esp, entered_flags;
void sysenter_target(void);
__asm__(
    ".pushsection .text\n"
    "sysenter_target:\n"
    "    movl %cs, %eax\n"
    "    movl %eax, entered_cs\n"
    "    movl %ss, %eax\n"
    "    movl %eax, entered_ss\n"
    "    movl %esp, entered_esp\n"
    "    pushfl\n"
    "    popl entered_flags\n"
    "    int $0xF0\n"
    ".popsection");
__asm__(".globl entered_cs, entered_ss, entered_esp, entered_flags");

static uint8_t sysenter_stack[512];
void sysexit_to_user(void *esp);
__asm__(
    ".pushsection .text\n"
    "sysexit_to_user:\n"
    "    movl 4(%esp), %ecx\n"
    "    movl $1f, %edx\n"
    "    .byte 0x0F, 0x35\n"
    "1:  int $0xF0\n"
    ".popsection");

static void test_sysenter(void)
{
    if (!(features & FEATURE_SEP))
        return;
    write_msr(0x174, 0);
    FAULTS("SDM 2B SYSENTER, CS is null", run(3, sysenter), 13, 0);
    FAULTS("SDM 2B SYSEXIT, CS is null", run(0, sysexit), 13, 0);
    write_msr(0x174, SEL_CODE);
    write_msr(0x175, (uint32_t)sysenter_stack + sizeof sysenter_stack);
    write_msr(0x176, (uint32_t)sysenter_target);
    RUNS("SDM 2B SYSENTER", ring_try(3, FL_IF, (void (*)(void *))(uint32_t)sysenter, NULL));
    CHECK_EQUAL("SDM 2B SYSENTER, CS", entered_cs, SEL_CODE);
    CHECK_EQUAL("SDM 2B SYSENTER, SS", entered_ss, SEL_CODE + 8);
    CHECK_EQUAL("SDM 2B SYSENTER, ESP", entered_esp,
                (uint32_t)sysenter_stack + sizeof sysenter_stack);
    CHECK_EQUAL("SDM 2B SYSENTER, IF", entered_flags & FL_IF, 0);
    FAULTS("SDM 2B SYSEXIT, CPL 3", run(3, sysexit), 13, 0);
    RUNS("SDM 2B SYSEXIT",
         bare_try(sysexit_to_user, sysenter_stack + 256) && bare_caught.vector != VECTOR_RETURN);
    CHECK_EQUAL("SDM 2B SYSEXIT, CS", bare_frame.cs, (SEL_CODE + 16) | 3);
    CHECK_EQUAL("SDM 2B SYSEXIT, SS", bare_frame.ss, (SEL_CODE + 24) | 3);
    CHECK_EQUAL("SDM 2B SYSEXIT, ESP", bare_frame.esp, (uint32_t)sysenter_stack + 256);
}

/* --- LOCK --- */

CODE(lock_add_memory, 0xF0, 0x83, 0x44, 0x24, 0xFC, 0x00);
CODE(lock_cmp_memory, 0xF0, 0x83, 0x7C, 0x24, 0xFC, 0x00);
CODE(lock_add_register, 0xF0, 0x83, 0xC0, 0x00);
CODE(lock_xchg_memory, 0xF0, 0x87, 0x44, 0x24, 0xFC);
CODE(lock_mov, 0xF0, 0x8B, 0x44, 0x24, 0xFC);
CODE(lock_bt_memory, 0xF0, 0x0F, 0xBA, 0x64, 0x24, 0xFC, 0x00);
CODE(lock_bts_memory, 0xF0, 0x0F, 0xBA, 0x6C, 0x24, 0xFC, 0x00);
CODE(lock_nop, 0xF0, 0x90);

static void test_lock(void)
{
    const char *where = "SDM 2A LOCK";
    RUNS(where, run(3, lock_add_memory));
    RUNS(where, run(3, lock_xchg_memory));
    RUNS(where, run(3, lock_bts_memory));
    FAULTS(where, run(3, lock_cmp_memory), 6, 0);
    FAULTS(where, run(3, lock_add_register), 6, 0);
    FAULTS(where, run(3, lock_mov), 6, 0);
    FAULTS(where, run(3, lock_bt_memory), 6, 0);
    FAULTS(where, run(3, lock_nop), 6, 0);
}

/* --- self-modifying code --- */

static uint8_t code_page[4096] __attribute__((aligned(4096)));

static void test_self_modifying(void)
{
    typedef uint32_t function(void);
    volatile uint8_t *code = code_page;
    __asm__("" : "+r"(code));
    function *call = (function *)(uint32_t)code;
    static const uint8_t return_1[] = {0xB8, 1, 0, 0, 0, 0xC3};
    memcpy(code_page, return_1, sizeof return_1);
    CHECK_EQUAL("SDM 3A 8.1.3", call(), 1);
    code[1] = 2;
    CHECK_EQUAL("SDM 3A 8.1.3, an immediate changed", call(), 2);
    /* Modifies the instruction that follows: mov $5, imm; mov $1, %eax; ret. */
    static const uint8_t next[] = {0xB1, 5, 0x88, 0x0D, 0, 0, 0, 0, 0xB8, 1, 0, 0, 0, 0xC3};
    memcpy(code_page + 64, next, sizeof next);
    uint32_t target = (uint32_t)code_page + 64 + 9;
    memcpy(code_page + 64 + 4, &target, 4);
    CHECK_EQUAL("SDM 3A 8.1.3, the next instruction changed", ((function *)(uint32_t)(code + 64))(),
                5);
    for (unsigned i = 0; i < 3; i++) {
        code[1] = (uint8_t)(10 + i);
        CHECK_EQUAL("SDM 3A 8.1.3, again and again", call(), 10 + i);
    }
}

void bare_tests(void)
{
    ring_init();
    features = ring_features();
    uint32_t before = read_eflags();
    write_eflags(before ^ FL_AC);
    is_486 = (read_eflags() ^ before) & FL_AC;
    write_eflags(before);
    test_cr0();
    test_cr4();
    test_privileged();
    test_models();
    test_cpuid();
    test_tsc();
    test_msrs();
    test_sysenter();
    test_lock();
    test_self_modifying();
}
