/* Paging: rights, accessed and dirty bits, error codes, large pages, PAE, the TLB.
 * Run alone: meson test -C build bare-paging */
#include "rings.h"

enum {
    P = 1,
    W = 2,
    U = 4,
    A = 0x20,
    D = 0x40,
    LARGE = 0x80,
    GLOBAL = 0x100,
};
#define CR0_PG 0x80000000u
#define CR0_WP 0x00010000u

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[4][1024] __attribute__((aligned(4096)));
static uint32_t test_table[1024] __attribute__((aligned(4096)));
static uint8_t page[3][4096] __attribute__((aligned(4096)));

/* Linear addresses of the tests: a directory entry of their own. */
#define TEST     0x40000000u
#define TEST_PDE (TEST >> 22)

static uint32_t phys(const void *address)
{
    return (uint32_t)address;
}

/* The 386 has neither WP nor INVLPG. */
static bool is_486;

static void flush(void)
{
    write_cr3(read_cr3());
}

/* Maps TEST to page[0] and TEST + 4096 to page[1]. */
static void map(uint32_t pde, uint32_t pte0, uint32_t pte1)
{
    directory[TEST_PDE] = phys(test_table) | pde;
    test_table[0] = phys(page[0]) | pte0;
    test_table[1] = phys(page[1]) | pte1;
    flush();
}

static void enable(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 1024; j++)
            tables[i][j] = (i << 22 | j << 12) | P | W | U;
        directory[i] = phys(tables[i]) | P | W | U;
    }
    write_cr3(phys(directory));
    write_cr0(read_cr0() | CR0_PG);
}

static void read_byte(void *address)
{
    __asm__ volatile("movb (%0), %%al" : : "r"(address) : "eax", "memory");
}
static void write_byte(void *address)
{
    __asm__ volatile("movb $0x5A, (%0)" : : "r"(address) : "memory");
}
static void write_long(void *address)
{
    __asm__ volatile("movl $0x12345678, (%0)" : : "r"(address) : "memory");
}
static void read_long(void *address)
{
    __asm__ volatile("movl (%0), %%eax" : : "r"(address) : "eax", "memory");
}
static void add_long(void *address)
{
    __asm__ volatile("addl $1, (%0)" : : "r"(address) : "memory", "cc");
}
static void call_there(void *address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "memory");
}
#define READ(ring)  ring_try((ring), 0, read_byte, (void *)TEST)
#define WRITE(ring) ring_try((ring), 0, write_byte, (void *)TEST)

/* --- rights: SDM 3A 4.6, table of the combined rights of PDE and PTE --- */

static void test_rights(void)
{
    const char *where = "SDM 3A 4.6, access rights";
    for (unsigned i = 0; i < 16; i++) {
        uint32_t pde = (i & 3) << 1, pte = i >> 2 << 1;
        uint32_t both = pde & pte;
        for (unsigned wp = 0; wp < (is_486 ? 2 : 1); wp++) {
            if (wp)
                write_cr0(read_cr0() | CR0_WP);
            map(pde | P, pte | P, 0);
            RUNS(where, READ(0));
            bool write_ok = both & W || !wp;
            bool faulted = WRITE(0);
            CHECK_EQUAL("SDM 3A 4.6.1, supervisor write", !faulted, write_ok);
            if (faulted)
                CHECK_EQUAL("SDM 3A 4.7, error code", bare_caught.error, 3);
            faulted = READ(3);
            CHECK_EQUAL("SDM 3A 4.6.1, user read", !faulted, (both & U) != 0);
            if (faulted)
                CHECK_EQUAL("SDM 3A 4.7, error code", bare_caught.error, 5);
            faulted = WRITE(3);
            CHECK_EQUAL("SDM 3A 4.6.1, user write", !faulted, both == (U | W));
            if (faulted)
                CHECK_EQUAL("SDM 3A 4.7, error code", bare_caught.error, 7);
            write_cr0(read_cr0() & ~CR0_WP);
        }
    }
    map(P, P, 0);
    RUNS("SDM 3A 4.6, CPL 1 and 2 are supervisor", READ(1));
    RUNS("SDM 3A 4.6, CPL 1 and 2 are supervisor", WRITE(2));
}

static void test_not_present(void)
{
    const char *where = "SDM 3A 4.7, not present";
    map(P | W | U, W | U, 0);
    FAULTS(where, READ(0), 14, 0);
    CHECK_EQUAL("SDM 3A 6.15, CR2", bare_caught.cr2, TEST);
    FAULTS(where, WRITE(0), 14, 2);
    FAULTS(where, READ(3), 14, 4);
    FAULTS(where, WRITE(3), 14, 6);
    FAULTS(where, bare_try(call_there, (void *)(TEST + 0x123)), 14, 0);
    CHECK_EQUAL("SDM 3A 4.7, fetch: EIP is the target", bare_caught.eip, TEST + 0x123);
    CHECK_EQUAL("SDM 3A 4.7, fetch: CR2", bare_caught.cr2, TEST + 0x123);
    directory[TEST_PDE] = W | U;
    flush();
    FAULTS("SDM 3A 4.7, PDE not present", READ(0), 14, 0);
    FAULTS("SDM 3A 4.7, PDE not present", WRITE(3), 14, 6);
}

/* --- accessed and dirty --- */

static void test_accessed_dirty(void)
{
    const char *where = "SDM 3A 4.8";
    map(P | W | U, P | W | U, P | W | U);
    READ(0);
    CHECK_EQUAL(where, directory[TEST_PDE] & (A | D), A);
    CHECK_EQUAL(where, test_table[0] & (A | D), A);
    CHECK_EQUAL(where, test_table[1] & (A | D), 0);
    WRITE(0);
    CHECK_EQUAL("SDM 3A 4.8, dirty after an earlier read", test_table[0] & (A | D), A | D);
    CHECK_EQUAL("SDM 3A 4.8, a PDE that names a table has no D", directory[TEST_PDE] & D, 0);
    map(P | W | U, P | W, 0);
    WRITE(3);
    CHECK_EQUAL("SDM 3A 4.8, not when it faults", test_table[0] & (A | D), 0);
    map(P | W | U, P | W | U, 0);
    WRITE(3);
    CHECK_EQUAL("SDM 3A 4.8, user", test_table[0] & (A | D), A | D);
}

/* --- page-crossing accesses --- */

static void test_crossing(void)
{
    const char *where = "SDM 3A 4.7, across two pages";
    map(P | W | U, P | W | U, P | W | U);
    memset(page[0], 0, sizeof page[0]);
    memset(page[1], 0, sizeof page[1]);
    RUNS(where, bare_try(write_long, (void *)(TEST + 0xFFE)));
    CHECK_EQUAL(where, page[0][0xFFE] | page[0][0xFFF] << 8 | page[1][0] << 16 | page[1][1] << 24,
                0x12345678);
    map(P | W | U, P | W | U, 0);
    page[0][0xFFE] = page[0][0xFFF] = 0;
    FAULTS(where, bare_try(write_long, (void *)(TEST + 0xFFE)), 14, 2);
    CHECK_EQUAL("SDM 3A 6.15, CR2 is in the second page", bare_caught.cr2, TEST + 0x1000);
    CHECK_EQUAL("SDM 3A 6.5, nothing was written", page[0][0xFFE] | page[0][0xFFF], 0);
    FAULTS(where, bare_try(read_long, (void *)(TEST + 0xFFD)), 14, 0);
    FAULTS(where, bare_try(add_long, (void *)(TEST + 0xFFD)), 14, 2);
    map(P | W | U, 0, P | W | U);
    FAULTS(where, bare_try(write_long, (void *)(TEST + 0xFFE)), 14, 2);
    CHECK_EQUAL("SDM 3A 6.15, CR2 is in the first page", bare_caught.cr2, TEST + 0xFFE);
    map(P | W | U, P | W | U, P | U);
    page[0][0xFFE] = 0;
    FAULTS("SDM 3A 4.7, second page read-only", ring_try(3, 0, write_long, (void *)(TEST + 0xFFE)),
           14, 7);
    CHECK_EQUAL("SDM 3A 6.5, nothing was written", page[0][0xFFE], 0);
    /* An instruction across the boundary: mov $imm32, %eax; ret. */
    static const uint8_t code[] = {0xB8, 0x44, 0x33, 0x22, 0x11, 0xC3};
    memcpy(page[0] + 0xFFE, code, 2);
    memcpy(page[1], code + 2, 4);
    map(P | W | U, P | W | U, P | W | U);
    RUNS("SDM 3A 4.10, code across two pages", bare_try(call_there, (void *)(TEST + 0xFFE)));
    map(P | W | U, P | W | U, 0);
    FAULTS("SDM 3A 4.7, code across two pages", bare_try(call_there, (void *)(TEST + 0xFFE)), 14,
           0);
    CHECK_EQUAL("SDM 3A 4.7, EIP is the instruction's", bare_caught.eip, TEST + 0xFFE);
    CHECK_EQUAL("SDM 3A 4.7, CR2 is the missing byte's", bare_caught.cr2, TEST + 0x1000);
}

/* --- restart: registers are as before the instruction --- */

static void pusha_there(void *esp)
{
    __asm__ volatile("movl %%esp, %%ebp; movl %0, %%esp; pushal; movl %%ebp, %%esp"
                     :
                     : "r"(esp)
                     : "ebp", "memory");
}
static void rep_movs(void *to)
{
    uint32_t from = TEST;
    uint32_t count = 0x1000;
    __asm__ volatile("cld; rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory", "cc");
}
static void xchg_there(void *address)
{
    __asm__ volatile("movl $2, %%ecx; xchgl %%ecx, (%0)" : : "r"(address) : "ecx", "memory");
}

static void test_restart(void)
{
    map(P | W | U, 0, P | W | U);
    FAULTS("SDM 3A 6.5, PUSHA", ring_try(3, 0, pusha_there, (void *)(TEST + 0x1010)), 14, 6);
    CHECK_EQUAL("SDM 3A 6.5, ESP before PUSHA", bare_frame.esp, TEST + 0x1010);
    map(P | W | U, P | W | U, 0);
    FAULTS("SDM 2B REP, fault in an iteration", bare_try(rep_movs, (void *)(TEST + 0xF00)), 14, 2);
    CHECK_EQUAL("SDM 2B REP, ECX", bare_frame.ecx, 0x1000 - 0x100);
    CHECK_EQUAL("SDM 2B REP, EDI", bare_frame.edi, TEST + 0x1000);
    CHECK_EQUAL("SDM 2B REP, ESI", bare_frame.esi, TEST + 0x100);
    if (!is_486)
        return;
    map(P | W | U, P | U, 0);
    write_cr0(read_cr0() | CR0_WP);
    FAULTS("SDM 3A 6.5, XCHG", bare_try(xchg_there, (void *)TEST), 14, 3);
    CHECK_EQUAL("SDM 3A 6.5, XCHG", bare_frame.ecx, 2);
    write_cr0(read_cr0() & ~CR0_WP);
}

/* --- the TLB --- */

static void invlpg(uint32_t address)
{
    if (!is_486)
        flush();
    else
        __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static void test_tlb(void)
{
    map(P | W | U, P | W | U, P | W | U);
    page[0][0] = 1;
    page[2][0] = 3;
    volatile uint8_t *byte = (volatile uint8_t *)TEST;
    CHECK_EQUAL("SDM 3A 4.10", *byte, 1);
    test_table[0] = phys(page[2]) | P | W | U;
    invlpg(TEST + 5);
    CHECK_EQUAL("SDM 3A 4.10.4, INVLPG", *byte, 3);
    test_table[0] = phys(page[0]) | P | W | U;
    flush();
    CHECK_EQUAL("SDM 3A 4.10.4, MOV to CR3", *byte, 1);
    test_table[0] = phys(page[0]) | P | U;
    invlpg(TEST);
    FAULTS("SDM 3A 4.10.4, INVLPG, rights", WRITE(3), 14, 7);
    test_table[0] |= W;
    RUNS("SDM 3A 4.10.4.3, a fault looks at the tables again", WRITE(3));
    test_table[0] = 0;
    invlpg(TEST);
    FAULTS("SDM 3A 4.10.4, INVLPG", READ(0), 14, 0);
    test_table[0] = phys(page[0]) | P | W | U;
    RUNS("SDM 3A 4.10.2.3, what is not present is not cached", READ(0));
}

static void test_global(void)
{
    write_cr4(read_cr4() | CR4_PGE);
    page[0][0] = 1;
    page[2][0] = 3;
    map(P | W | U, P | W | U | GLOBAL, P | W | U);
    volatile uint8_t *byte = (volatile uint8_t *)TEST;
    CHECK_EQUAL("SDM 3A 4.10.2.4", *byte, 1);
    test_table[0] = phys(page[2]) | P | W | U | GLOBAL;
    invlpg(TEST);
    CHECK_EQUAL("SDM 3A 4.10.4.1, INVLPG drops global pages", *byte, 3);
    test_table[0] = phys(page[0]) | P | W | U | GLOBAL;
    write_cr4(read_cr4() & ~CR4_PGE);
    CHECK_EQUAL("SDM 3A 4.10.4.1, a change of CR4.PGE drops all", *byte, 1);
}

/* --- 4 MiB pages --- */

static void test_large(void)
{
    const char *where = "SDM 3A 4.3, 4 MiB pages";
    write_cr4(read_cr4() | CR4_PSE);
    page[0][7] = 0x77;
    directory[TEST_PDE] = 0 | P | W | U | LARGE;
    flush();
    CHECK_EQUAL(where, *(volatile uint8_t *)(TEST + phys(page[0]) + 7), 0x77);
    CHECK_EQUAL("SDM 3A 4.8, large page", directory[TEST_PDE] & (A | D), A);
    *(volatile uint8_t *)(TEST + phys(page[0]) + 7) = 0x78;
    CHECK_EQUAL(where, page[0][7], 0x78);
    CHECK_EQUAL("SDM 3A 4.8, large page", directory[TEST_PDE] & (A | D), A | D);
    directory[TEST_PDE] = 0 | P | W | LARGE;
    flush();
    FAULTS("SDM 3A 4.6, large page", ring_try(3, 0, read_byte, (void *)TEST), 14, 5);
    directory[TEST_PDE] = 0 | P | U | LARGE;
    flush();
    FAULTS("SDM 3A 4.6, large page", ring_try(3, 0, write_byte, (void *)TEST), 14, 7);
    directory[TEST_PDE] = 1 << 21 | P | W | U | LARGE;
    flush();
    FAULTS("SDM 3A 4.3, reserved bit 21", READ(0), 14, 9);
    FAULTS("SDM 3A 4.3, reserved bit 21", WRITE(3), 14, 15);
    directory[TEST_PDE] = 0 | P | W | U | LARGE;
    write_cr4(read_cr4() & ~CR4_PSE);
    test_table[0] = phys(page[0]) | P | W | U;
    directory[TEST_PDE] = phys(test_table) | P | W | U | LARGE;
    flush();
    CHECK_EQUAL("SDM 3A 4.3, CR4.PSE = 0 ignores the bit", *(volatile uint8_t *)(TEST + 7), 0x78);
}

/* --- PAE --- */

static uint64_t pdpt[4] __attribute__((aligned(32)));
static uint64_t pae_directory[512] __attribute__((aligned(4096)));
static uint64_t pae_test_directory[512] __attribute__((aligned(4096)));
static uint64_t pae_table[512] __attribute__((aligned(4096)));

static void load_cr3(void *value)
{
    write_cr3((uint32_t)value);
}

static void test_pae_entries(void)
{
    const char *where = "SDM 3A 4.4, PAE";
    page[0][9] = 0x99;
    CHECK_EQUAL(where, *(volatile uint8_t *)(TEST + 9), 0x99);
    CHECK_EQUAL("SDM 3A 4.8, PAE", (uint32_t)pae_table[0] & (A | D), A);
    *(volatile uint8_t *)(TEST + 9) = 0x98;
    CHECK_EQUAL(where, page[0][9], 0x98);
    CHECK_EQUAL("SDM 3A 4.8, PAE", (uint32_t)pae_table[0] & (A | D), A | D);
    pae_table[0] = phys(page[0]) | P | W;
    invlpg(TEST);
    FAULTS("SDM 3A 4.6, PAE", READ(3), 14, 5);
    pae_table[0] = UINT64_C(1) << 40 | phys(page[0]) | P | W | U;
    invlpg(TEST);
    FAULTS("SDM 3A 4.4.2, reserved address bits", READ(3), 14, 13);
    pae_table[0] = UINT64_C(1) << 63 | phys(page[0]) | P | W | U;
    invlpg(TEST);
    FAULTS("SDM 3A 4.4.2, bit 63 without NX", READ(0), 14, 9);
    pae_test_directory[0] = 0 | P | W | U | LARGE;
    flush();
    CHECK_EQUAL("SDM 3A 4.4.2, 2 MiB pages", *(volatile uint8_t *)(TEST + phys(page[0]) + 9), 0x98);
    pae_test_directory[0] = 1 << 13 | P | W | U | LARGE;
    flush();
    FAULTS("SDM 3A 4.4.2, reserved bits of a 2 MiB page", READ(0), 14, 9);
}

static bool has_nx(void)
{
    uint32_t a = 0x80000000, d;
    __asm__ volatile("cpuid" : "+a"(a) : : "ebx", "ecx", "edx");
    if (a < 0x80000001 || a > 0x80000100)
        return false;
    a = 0x80000001;
    __asm__ volatile("cpuid" : "+a"(a), "=d"(d) : : "ebx", "ecx");
    return d >> 20 & 1;
}

static void test_nx(void)
{
    const uint64_t no_execute = UINT64_C(1) << 63;
    const char *where = "SDM 3A 5.13, execute disable";
    if (!has_nx())
        return;
    __asm__ volatile("wrmsr" : : "c"(0xC0000080), "a"(1 << 11), "d"(0));
    page[0][0] = 0xC3;
    pae_test_directory[0] = phys(pae_table) | P | W | U;
    pae_table[0] = no_execute | phys(page[0]) | P | W | U;
    flush();
    RUNS("SDM 3A 5.13, data", READ(3));
    FAULTS(where, bare_try(call_there, (void *)TEST), 14, 0x11);
    FAULTS(where, ring_try(3, 0, call_there, (void *)TEST), 14, 0x15);
    pae_table[0] = phys(page[0]) | P | W | U;
    flush();
    RUNS(where, bare_try(call_there, (void *)TEST));
    pae_test_directory[0] = no_execute | phys(pae_table) | P | W | U;
    flush();
    FAULTS("SDM 3A 5.13, in the directory", bare_try(call_there, (void *)TEST), 14, 0x11);
    pae_table[0] = 0;
    pae_test_directory[0] = phys(pae_table) | P | W | U;
    flush();
    FAULTS("SDM 3A 4.7, I/D when not present", bare_try(call_there, (void *)TEST), 14, 0x10);
    __asm__ volatile("wrmsr" : : "c"(0xC0000080), "a"(0), "d"(0));
}

static void test_pae(void)
{
    write_cr0(read_cr0() & ~CR0_PG);
    for (unsigned i = 0; i < 8; i++)
        pae_directory[i] = (uint64_t)i << 21 | P | W | U | LARGE;
    pdpt[0] = phys(pae_directory) | P;
    pdpt[1] = phys(pae_test_directory) | P;
    pae_test_directory[0] = phys(pae_table) | P | W | U;
    pae_table[0] = phys(page[0]) | P | W | U;
    write_cr3(phys(pdpt));
    write_cr4(read_cr4() | CR4_PAE);
    write_cr0(read_cr0() | CR0_PG);
    test_pae_entries();
    test_nx();
    pdpt[2] = 0x2 | P;
    FAULTS("SDM 3A 4.4.1, reserved bits of a PDPTE", bare_try(load_cr3, (void *)phys(pdpt)), 13, 0);
    pdpt[2] = 0x2;
    RUNS("SDM 3A 4.4.1, not when it is not present", bare_try(load_cr3, (void *)phys(pdpt)));
    pdpt[1] = 0;
    pae_test_directory[0] = phys(pae_table) | P | W | U;
    pae_table[0] = phys(page[0]) | P | W | U;
    invlpg(TEST);
    RUNS("SDM 3A 4.4.1, PDPTEs are registers", READ(0));
    flush();
    FAULTS("SDM 3A 4.4.1, PDPTEs are loaded with CR3", READ(0), 14, 0);
    write_cr0(read_cr0() & ~CR0_PG);
    write_cr4(read_cr4() & ~CR4_PAE);
    write_cr3(phys(directory));
    write_cr0(read_cr0() | CR0_PG);
}

/* --- implicit supervisor accesses --- */

static void load_es(void *selector)
{
    __asm__ volatile("movw %w0, %%es" : : "r"(selector));
}

static void test_system_accesses(void)
{
    /* The GDT in a supervisor page: a load at CPL 3 reads it nevertheless. */
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) table = {sizeof bare_gdt - 1, TEST}, old;
    __asm__ volatile("sgdt %0" : "=m"(old));
    memcpy(page[0], bare_gdt, sizeof bare_gdt);
    map(P | W | U, P | W, 0);
    __asm__ volatile("lgdt %0" : : "m"(table));
    RUNS("SDM 3A 4.6, descriptor tables are read as supervisor",
         ring_try(3, 0, load_es, (void *)SEL_USER_DATA));
    __asm__ volatile("lgdt %0" : : "m"(old));
}

void bare_tests(void)
{
    ring_init();
    enable();
    write_cr0(read_cr0() | CR0_WP);
    is_486 = read_cr0() & CR0_WP;
    write_cr0(read_cr0() & ~CR0_WP);
    test_rights();
    test_not_present();
    test_accessed_dirty();
    test_crossing();
    test_restart();
    test_tlb();
    uint32_t features = ring_features();
    if (features & FEATURE_PGE)
        test_global();
    if (features & FEATURE_PSE)
        test_large();
    if (features & FEATURE_PAE)
        test_pae();
    test_system_accesses();
    write_cr0(read_cr0() & ~CR0_PG);
}
