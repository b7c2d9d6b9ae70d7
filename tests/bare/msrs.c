/* Model-specific and control registers, by tables: which exist on each model, their reserved bits,
 * what reads back, and that no level but 0 reaches them.
 * Run alone: meson test -C build bare-msrs */
#include "rings.h"

#define CR0_PG 0x80000000u

/* Models by what CPUID says. */
enum { NO_MSRS = 0, PENTIUM = 1, P3 = 2, P4 = 4, CORE2 = 8, P6 = P3 | P4 | CORE2, ALL = 15 };

static unsigned identify(void)
{
    uint32_t features = ring_features();
    if (!(features & FEATURE_MSR))
        return NO_MSRS;
    if (!(features & FEATURE_SEP))
        return PENTIUM;
    if (!(features & 1 << 26))
        return P3;
    uint32_t eax = 1, ecx;
    __asm__ volatile("cpuid" : "+a"(eax), "=c"(ecx) : : "ebx", "edx");
    return ecx & 1 ? CORE2 : P4;
}

struct msr_access {
    uint32_t msr;
    uint64_t value;
};
static void read_access(void *argument)
{
    struct msr_access *access = argument;
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(access->msr));
    access->value = low | (uint64_t)high << 32;
}
static void write_access(void *argument)
{
    struct msr_access *access = argument;
    uint32_t low = (uint32_t)access->value, high = (uint32_t)(access->value >> 32);
    __asm__ volatile("wrmsr" : : "c"(access->msr), "a"(low), "d"(high) : "memory");
}
/* True: as expected, that is it worked, or #GP(0). */
static bool gives(bool faulted, bool works)
{
    return works ? !faulted : faulted && bare_caught.vector == 13 && bare_caught.error == 0;
}
static bool write_gives(uint32_t msr, uint64_t value, bool works)
{
    struct msr_access access = {msr, value};
    return gives(bare_try(write_access, &access), works);
}
static uint64_t read_back(uint32_t msr)
{
    struct msr_access access = {msr, 0};
    return bare_try(read_access, &access) ? ~UINT64_C(0) : access.value;
}
static void check_msr(bool good, uint32_t msr, uint32_t detail, const char *where, const char *what)
{
    if (!good)
        bare_print("MSR %x, %x: ", msr, detail);
    bare_check(good, where, what);
}

/* READ_ONLY: any write is #GP. STATUS: only 0 may be written. DROPS: writes are taken, and mean
 * nothing that a read would show. KEEPS: the low `bits` bits read back. */
enum access_kind { READ_ONLY, STATUS, DROPS, KEEPS };

static const struct msr_row {
    uint32_t first, count, step;
    uint8_t models, kind, bits;
    uint64_t reserved; /* bits that are #GP when written as 1 */
    uint64_t value;    /* a valid one */
    const char *where;
} rows[] = {
    {0x000,      2, 1, ALL,        DROPS,     0,  0,                  0,                  "SDM 3B 35, P5_MC_ADDR, P5_MC_TYPE"   },
    {0x017,      1, 1, P6,         READ_ONLY, 0,  0,                  0,                  "SDM 3B 35, IA32_PLATFORM_ID"         },
    {0x01B,      1, 1, P6,         KEEPS,     36, 0xFFFFFFF0000006FF, 0xFEE00900,         "SDM 3A 10.4.4, IA32_APIC_BASE"       },
    {0x08B,      1, 1, P6,         KEEPS,     64, 0,                  0,                  "SDM 3B 35, IA32_BIOS_SIGN_ID"        },
    {0x0FE,      1, 1, P6,         READ_ONLY, 0,  0,                  0,                  "SDM 3A 11.11.1, IA32_MTRRCAP"        },
    {0x174,      1, 1, P6,         KEEPS,     32, 0,                  0x10,               "SDM 2B SYSENTER, IA32_SYSENTER_CS"   },
    {0x175,      2, 1, P6,         KEEPS,     32, 0,                  0x12345678,         "SDM 2B SYSENTER, ESP and EIP"        },
    {0x179,      1, 1, P6,         READ_ONLY, 0,  0,                  0,                  "SDM 3B 15.3.1.1, IA32_MCG_CAP"       },
    {0x17A,      1, 1, P6,         KEEPS,     3,  0,                  0,                  "SDM 3B 15.3.1.2, IA32_MCG_STATUS"    },
    {0x1A0,      1, 1, P4 | CORE2, KEEPS,     1,  0,                  1,                  "SDM 3B 35, IA32_MISC_ENABLE"         },
    {0x1D9,      1, 1, P6,         KEEPS,     1,  0,                  0,                  "SDM 3B 17.4.1, IA32_DEBUGCTL"        },
    {0x200,      8, 2, P6,         KEEPS,     36, 0xFFFFFFF000000F00, 0xE0000001,         "SDM 3A 11.11.2.3, MTRR bases"        },
    {0x201,      8, 2, P6,         KEEPS,     36, 0xFFFFFFF0000007FF, 0xFF000000,         "SDM 3A 11.11.2.3, MTRR masks"        },
    {0x250,      1, 1, P6,         KEEPS,     64, 0,                  0,                  "SDM 3A 11.11.2.2, fixed MTRR, 64 KB" },
    {0x258,      2, 1, P6,         KEEPS,     64, 0,                  0,                  "SDM 3A 11.11.2.2, fixed MTRRs, 16 KB"},
    {0x268,      8, 1, P6,         KEEPS,     64, 0,                  0,                  "SDM 3A 11.11.2.2, fixed MTRRs, 4 KB" },
    {0x277,      1, 1, P6,         KEEPS,     64, 0xF8F8F8F8F8F8F8F8, 0x0007040600070406,
     "SDM 3A 11.12.2, IA32_PAT"                                                                                                 },
    {0x2FF,      1, 1, P6,         KEEPS,     12, 0xFFFFFFFFFFFFF300, 0xC06,              "SDM 3A 11.11.2.1, IA32_MTRR_DEF_TYPE"},
    {0x400,      5, 4, P6,         KEEPS,     64, 0,                  0,                  "SDM 3B 15.3.2.1, IA32_MCi_CTL"       },
    {0x401,      5, 4, P6,         STATUS,    0,  0,                  0,                  "SDM 3B 15.3.2.2, IA32_MCi_STATUS"    },
    {0xC0000080, 1, 1, CORE2,      KEEPS,     12, ~UINT64_C(0x800),   0x800,              "SDM 3A 2.2.1, IA32_EFER"             },
};

static void try_row(const struct msr_row *row, uint32_t msr, bool exists)
{
    struct msr_access access = {msr, 0};
    bool faulted = bare_try(read_access, &access);
    check_msr(gives(faulted, exists), msr, 0, row->where, "RDMSR: exists, or #GP(0)");
    if (!exists) {
        check_msr(write_gives(msr, 0, false), msr, 0, row->where, "WRMSR: #GP(0)");
        return;
    }
    uint64_t before = access.value;
    if (row->kind == READ_ONLY) {
        check_msr(write_gives(msr, before, false), msr, 0, row->where, "is read-only");
        return;
    }
    check_msr(write_gives(msr, row->value, true), msr, 1, row->where, "a valid value");
    if (row->kind == STATUS) {
        check_msr(write_gives(msr, 1, false), msr, 1, row->where, "only 0 may be written");
        check_msr(write_gives(msr, UINT64_C(1) << 63, false), msr, 63, row->where, "nor bit 63");
    }
    if (row->kind != KEEPS)
        return;
    uint64_t mask = row->bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << row->bits) - 1;
    check_msr((read_back(msr) & mask) == (row->value & mask), msr, (uint32_t)read_back(msr),
              row->where, "reads back");
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(row->reserved >> bit & 1))
            continue;
        uint64_t value = row->value | UINT64_C(1) << bit;
        check_msr(write_gives(msr, value, false), msr, bit, row->where, "reserved bit: #GP(0)");
        check_msr((read_back(msr) & mask) == (row->value & mask), msr, bit, row->where,
                  "keeps its value over the #GP");
    }
    check_msr(write_gives(msr, before, true), msr, 2, row->where, "its first value");
}

static void test_rows(unsigned model)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned n = 0; n < rows[i].count; n++)
            try_row(&rows[i], rows[i].first + n * rows[i].step, rows[i].models & model);
    }
}

/* Each memory type in each byte (SDM 3A table 11-8). */
static void test_memory_types(unsigned model)
{
    static const uint32_t msrs[] = {0x277, 0x250, 0x258, 0x26F, 0x2FF, 0x200};
    if (!(model & P6))
        return;
    for (unsigned i = 0; i < sizeof msrs / sizeof *msrs; i++) {
        uint64_t before = read_back(msrs[i]);
        for (unsigned byte = 0; byte < (i < 4 ? 8u : 1u); byte++) {
            for (unsigned type = 0; type < 256; type++) {
                bool exists = type == 0 || type == 1 || (type >= 4 && type <= 6) ||
                              (type == 7 && msrs[i] == 0x277);
                uint64_t value = (before & ~(UINT64_C(0xFF) << byte * 8)) | (uint64_t)type
                                                                                << byte * 8;
                check_msr(write_gives(msrs[i], value, exists), msrs[i], byte << 8 | type,
                          "SDM 3A table 11-8, memory types", "those that exist, or #GP(0)");
                if (exists)
                    check_msr(read_back(msrs[i]) == value, msrs[i], type,
                              "SDM 3A table 11-8, memory types", "read back");
            }
        }
        write_gives(msrs[i], before, true);
    }
}

/* Where no model of these has any. */
static void test_unknown(void)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x500,      0x5FF     },
        {0x1000,     0x10FF    },
        {0x3FFFFFF0, 0x4000010F},
        {0xC0000083, 0xC00000FF},
        {0xC0010000, 0xC00100FF},
        {0xFFFFFFF0, 0xFFFFFFFF},
    };
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (uint32_t n = 0; n <= ranges[i].last - ranges[i].first; n++) {
            struct msr_access access = {ranges[i].first + n, 0};
            check_msr(gives(bare_try(read_access, &access), false), access.msr, 0,
                      "SDM 2B RDMSR, unknown", "#GP(0)");
            check_msr(write_gives(access.msr, 0, false), access.msr, 0, "SDM 2B WRMSR, unknown",
                      "#GP(0)");
        }
    }
}

/* --- levels --- */

SNIPPET(v86_rdmsr, ".byte 0x66, 0xB9\n .long 0x10\n rdmsr\n hlt");
SNIPPET(v86_wrmsr, ".byte 0x66, 0xB9\n .long 0x10\n wrmsr\n hlt");

/* What exists or not: the level is looked at first. */
static void test_levels(unsigned model)
{
    static const uint32_t msrs[] = {0x10, 0x1B, 0x174, 0x277, 0x12345, 0xC0000080};
    uint32_t vector = model ? 13 : 6;
    for (unsigned ring = 1; ring < 4; ring++) {
        for (unsigned i = 0; i < sizeof msrs / sizeof *msrs; i++) {
            struct msr_access access = {msrs[i], 0};
            FAULTS("SDM 2B RDMSR, CPL", ring_try(ring, 0, read_access, &access), vector, 0);
            FAULTS("SDM 2B WRMSR, CPL", ring_try(ring, 0, write_access, &access), vector, 0);
        }
    }
    for (unsigned iopl = 0; iopl < 2; iopl++) {
        uint32_t eflags = iopl ? FL_IOPL3 : 0;
        V86_FAULTS("SDM 2B RDMSR, V86", v86_rdmsr, eflags, vector, 0);
        CHECK_EQUAL("SDM 2B RDMSR, V86", bare_caught.eip, 6);
        V86_FAULTS("SDM 2B WRMSR, V86", v86_wrmsr, eflags, vector, 0);
    }
    if (!model) {
        struct msr_access access = {0x10, 0};
        FAULTS("SDM 3A 22, no MSRs: RDMSR", bare_try(read_access, &access), 6, 0);
        FAULTS("SDM 3A 22, no MSRs: WRMSR", bare_try(write_access, &access), 6, 0);
    }
}

/* --- the time stamp --- */

static void read_tsc(void *unused)
{
    __asm__ volatile("rdtsc" : : : "eax", "edx");
}
SNIPPET(v86_rdtsc, "rdtsc\n hlt");

static void test_tsc(void)
{
    if (!(ring_features() & FEATURE_TSC)) {
        FAULTS("SDM 3A 22, no RDTSC", bare_try(read_tsc, NULL), 6, 0);
        return;
    }
    for (unsigned disable = 0; disable < 2; disable++) {
        write_cr4((read_cr4() & ~CR4_TSD) | (disable ? CR4_TSD : 0));
        for (unsigned ring = 0; ring < 4; ring++) {
            bool faulted = ring_try(ring, 0, read_tsc, NULL);
            check_msr(gives(faulted, !disable || ring == 0), 0x10, disable << 4 | ring,
                      "SDM 2B RDTSC, CR4.TSD", "#GP(0) but at CPL 0");
        }
        if (disable)
            V86_FAULTS("SDM 2B RDTSC, V86", v86_rdtsc, 0, 13, 0);
        else
            V86_RUNS("SDM 2B RDTSC, V86", v86_rdtsc, 0);
    }
    write_cr4(read_cr4() & ~CR4_TSD);
}

/* --- control registers --- */

static void load_cr0(void *value)
{
    write_cr0((uint32_t)value);
}
static void load_cr3(void *value)
{
    write_cr3((uint32_t)value);
}

/* The bits that no model defines are taken and stay 0; PE, PG, CD, NW have rules of their own. */
static void test_cr0(void)
{
    const uint32_t reserved = 0x1FFAFFC0;
    uint32_t before = read_cr0();
    for (unsigned bit = 0; bit < 32; bit++) {
        if (!(reserved >> bit & 1))
            continue;
        bool faulted = bare_try(load_cr0, (void *)(before | 1u << bit));
        check_msr(!faulted && read_cr0() == before, 0, bit, "SDM 3A 2.5, CR0",
                  "a reserved bit is ignored");
        write_cr0(before);
    }
}

static uint64_t pointers[4] __attribute__((aligned(32)));
static uint64_t directory[512] __attribute__((aligned(4096)));

/* Page directory pointers: bits 1, 2, 5 to 8, and those above the physical address, when present.
 * MOV to CR3 checks all four. */
static void test_pointers(unsigned model)
{
    if (!(model & P6))
        return;
    for (unsigned i = 0; i < 512; i++)
        directory[i] = (uint64_t)i << 21 | 0x83;
    for (unsigned i = 0; i < 4; i++)
        pointers[i] = (uint32_t)directory | 1;
    uint32_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
    write_cr3((uint32_t)pointers);
    write_cr4(cr4 | CR4_PAE);
    write_cr0(cr0 | CR0_PG);
    const uint64_t reserved = 0xFFFFFFF0000001E6;
    for (unsigned n = 0; n < 4; n++) {
        for (unsigned bit = 1; bit < 64; bit++) {
            if (bit >= 12 && bit < 36)
                continue;
            for (unsigned present = n == 0; present < 2; present++) {
                uint64_t entry = pointers[n];
                pointers[n] = (entry & ~UINT64_C(1)) | present | UINT64_C(1) << bit;
                bool works = !present || !(reserved >> bit & 1);
                check_msr(gives(bare_try(load_cr3, pointers), works), 3, n << 8 | bit,
                          "SDM 3A 4.4.1, page directory pointers", "reserved bit of a present one");
                pointers[n] = entry;
                write_cr3((uint32_t)pointers);
            }
        }
    }
    write_cr0(cr0);
    write_cr4(cr4);
    write_cr3(cr3);
}

static void test_cr3(unsigned model)
{
    uint32_t before = read_cr3();
    write_cr3(0x00123018);
    CHECK_EQUAL("SDM 3A 2.5, CR3: the directory's base", read_cr3() & 0xFFFFF000, 0x00123000);
    if (model)
        CHECK_EQUAL("SDM 3A 2.5, CR3: PWT and PCD", read_cr3() & 0x18, 0x18);
    write_cr3(before);
}

void bare_tests(void)
{
    ring_init();
    unsigned model = identify();
    if (model) {
        test_rows(model);
        test_memory_types(model);
        test_unknown();
    }
    test_levels(model);
    test_tsc();
    test_cr0();
    test_cr3(model);
    test_pointers(model);
}
