/* Paging and the shadow TLB: rights, accessed and dirty bits, large pages, PAE, error codes, what
 * stays cached and what INVLPG and CR3 loads forget. Sections are of the Intel SDM, volume 3A.
 * Run alone: meson test -C build paging */
#include "mmu/mmu.h"
#include "mmu/page_set.h"
#include "tests/harness/random.h"
#include "tests/harness/unit.h"

#include <string.h>

enum { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { DIRECTORY = 0x10000, TABLE = 0x11000, TABLE2 = 0x12000 };
#define LINEAR 0x00403000u /* directory entry 1, table entry 3 */

struct world {
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct mmu *mmu;
};

static void set32(struct world *w, uint32_t address, uint32_t value)
{
    phys_write(w->phys, address, value, 4);
}
static uint32_t get32(struct world *w, uint32_t address)
{
    return phys_read(w->phys, address, 4);
}

static void set_paging(struct world *w, struct mmu_paging paging)
{
    paging.cr3 = DIRECTORY;
    paging.enabled = true;
    mmu_set_paging(w->mmu, &paging, false);
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.log = log_new(stderr, LOG_WARNING)};
    world.bus = bus_new(world.log);
    world.phys = physmem_new(world.bus, 16 << 20);
    world.mmu = mmu_new(world.phys, world.bus);
    set32(&world, DIRECTORY + 4, TABLE | P | RW | US);
    set32(&world, TABLE + 12, 0x5000 | P | RW | US);
    set32(&world, 0x5000, 0xCAFE5000);
    set32(&world, 0x6000, 0xCAFE6000);
    set_paging(&world, (struct mmu_paging){0});
    *state = &world;
    return 0;
}
static int tear_down(void **state)
{
    struct world *w = *state;
    mmu_free(w->mmu);
    physmem_free(w->phys);
    bus_free(w->bus);
    log_free(w->log);
    return 0;
}

static void expect_read(struct world *w, uint32_t linear, bool user, uint32_t want)
{
    uint32_t value = 0;
    assert_true(mmu_read(w->mmu, linear, &value, 4, user));
    assert_int_equal(value, want);
}

static void expect_fault(struct world *w, uint32_t linear, enum mmu_access access, bool user,
                         uint32_t error)
{
    uint32_t physical;
    assert_false(mmu_translate(w->mmu, linear, access, user, &physical));
    assert_int_equal(w->mmu->fault.address, linear);
    assert_int_equal(w->mmu->fault.error, error);
}

/* 4.3, 4.8 */
static void translation_sets_accessed_and_dirty(void **state)
{
    struct world *w = *state;
    expect_read(w, LINEAR, true, 0xCAFE5000);
    assert_int_equal(get32(w, DIRECTORY + 4), TABLE | P | RW | US | A);
    assert_int_equal(get32(w, TABLE + 12), 0x5000 | P | RW | US | A);
    assert_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
    uint32_t value = 7;
    assert_true(mmu_write(w->mmu, LINEAR + 8, &value, 4, true));
    assert_int_equal(get32(w, TABLE + 12), 0x5000 | P | RW | US | A | D);
    assert_int_equal(get32(w, DIRECTORY + 4) & D, 0);
    assert_int_equal(get32(w, 0x5008), 7);
}

/* 4.7 */
static void error_codes(void **state)
{
    struct world *w = *state;
    expect_fault(w, 0x00800000, MMU_READ, false, 0);
    expect_fault(w, 0x00800000, MMU_WRITE, true, 6);
    expect_fault(w, 0x00404000, MMU_EXECUTE, true, 4);
    set32(w, TABLE + 12, 0x5000 | P);
    mmu_flush_all(w->mmu);
    expect_fault(w, LINEAR + 5, MMU_READ, true, 5);
    expect_fault(w, LINEAR, MMU_WRITE, true, 7);
    expect_read(w, LINEAR, false, 0xCAFE5000);
}

/* 4.6.1: CR0.WP */
static void write_protect_binds_the_supervisor(void **state)
{
    struct world *w = *state;
    uint32_t physical;
    set32(w, TABLE + 12, 0x5000 | P | US);
    assert_true(mmu_translate(w->mmu, LINEAR, MMU_WRITE, false, &physical));
    set_paging(w, (struct mmu_paging){.write_protect = true});
    expect_fault(w, LINEAR, MMU_WRITE, false, 3);
    expect_fault(w, LINEAR, MMU_WRITE, true, 7);
}

/* 4.6: rights are the intersection over both levels */
static void directory_restricts_table(void **state)
{
    struct world *w = *state;
    set32(w, DIRECTORY + 4, TABLE | P);
    expect_fault(w, LINEAR, MMU_READ, true, 5);
    set32(w, DIRECTORY + 4, TABLE | P | US);
    expect_fault(w, LINEAR, MMU_WRITE, true, 7);
}

/* 4.10.4: a changed entry is not seen before INVLPG or a CR3 load */
static void stale_translation_stays_until_flushed(void **state)
{
    struct world *w = *state;
    expect_read(w, LINEAR, false, 0xCAFE5000);
    set32(w, TABLE + 12, 0x6000 | P | RW);
    expect_read(w, LINEAR, false, 0xCAFE5000);
    mmu_flush_page(w->mmu, LINEAR + 0xFFF);
    expect_read(w, LINEAR, false, 0xCAFE6000);
    set32(w, TABLE + 12, 0x5000 | P | RW);
    set_paging(w, (struct mmu_paging){0});
    expect_read(w, LINEAR, false, 0xCAFE5000);
}

/* 4.10.2.4 */
static void global_pages_survive_cr3_loads(void **state)
{
    struct world *w = *state;
    const struct mmu_paging paging = {.cr3 = DIRECTORY, .enabled = true, .pge = true};
    mmu_set_paging(w->mmu, &paging, false);
    set32(w, TABLE + 12, 0x5000 | P | RW | G);
    expect_read(w, LINEAR, false, 0xCAFE5000);
    set32(w, TABLE + 12, 0x6000 | P | RW);
    mmu_set_paging(w->mmu, &paging, true);
    expect_read(w, LINEAR, false, 0xCAFE5000);
    mmu_flush_page(w->mmu, LINEAR);
    expect_read(w, LINEAR, false, 0xCAFE6000);
}

/* 4.10.2.4, 4.10.4.1: pages that are global now and then, in two regions, against a model of what
 * the TLB holds: all that it was not told to forget, also when it is packed and unpacked. */
enum { PAGES = 16, REGION = 1 << 28, STEPS = 20000 };

struct cached {
    uint32_t value; /* 0: not cached */
    bool global;
};

static uint32_t linear_of(unsigned page)
{
    return (page & 1 ? REGION : 0) + (page / 2 << PAGE_SHIFT);
}

static void read_cached(struct world *w, struct cached *cached, unsigned page)
{
    uint32_t entry = get32(w, (page & 1 ? TABLE2 : TABLE) + page / 2 * 4);
    if (!cached[page].value)
        cached[page] =
            (struct cached){entry & 0x6000 ? 0xCAFE0000 | (entry & 0xF000) : 0, entry & G};
    expect_read(w, linear_of(page), false, cached[page].value);
}

static void forget_cached(struct cached *cached, bool keep_global)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (!keep_global || !cached[i].global)
            cached[i] = (struct cached){0};
}

static void pack_and_unpack(struct mmu *mmu)
{
    struct serial packed = {0};
    struct error err;
    mmu_tlb_codec.pack(mmu, &packed);
    assert_true(mmu_tlb_codec.check(mmu, packed.bytes, packed.size, &err));
    assert_false(mmu_tlb_codec.check(mmu, packed.bytes, packed.size - 1, &err));
    mmu_tlb_codec.unpack(mmu, packed.bytes, packed.size);
    serial_free(&packed);
}

static void flushes_forget_what_they_must(void **state)
{
    struct world *w = *state;
    const struct mmu_paging paging = {.cr3 = DIRECTORY, .enabled = true, .pge = true};
    struct cached cached[PAGES] = {0};
    uint64_t random = 1;
    set32(w, DIRECTORY, TABLE | P | RW);
    set32(w, DIRECTORY + (REGION >> 22) * 4, TABLE2 | P | RW);
    for (unsigned i = 0; i < PAGES; i++)
        set32(w, (i & 1 ? TABLE2 : TABLE) + i / 2 * 4, 0x5000 | P | RW);
    mmu_set_paging(w->mmu, &paging, false);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned page = random_below(&random, PAGES), choice = random_below(&random, 100);
        if (choice < 60) {
            read_cached(w, cached, page);
        } else if (choice < 85) {
            set32(w, (page & 1 ? TABLE2 : TABLE) + page / 2 * 4,
                  (choice & 1 ? 0x5000 : 0x6000) | P | RW | (choice & 2 ? G : 0));
        } else if (choice < 89) {
            mmu_flush_page(w->mmu, linear_of(page));
            cached[page] = (struct cached){0};
        } else if (choice < 90) {
            pack_and_unpack(w->mmu);
        } else {
            mmu_set_paging(w->mmu, &paging, choice < 99);
            forget_cached(cached, choice < 99);
        }
    }
}

/* 4.10.2.2: a large page is in the TLB in pieces; INVLPG forgets them all, whatever other
 * page has been used at the same place of another region. */
static void invlpg_finds_all_pieces(void **state)
{
    struct world *w = *state;
    set_paging(w, (struct mmu_paging){.pse = true});
    set32(w, DIRECTORY + 4, 0x00400000 | P | RW | PS);
    set32(w, DIRECTORY + 4 + (REGION >> 22) * 4, TABLE2 | P | RW);
    set32(w, TABLE2 + 9 * 4, 0x5000 | P | RW);
    set32(w, 0x00409000, 0x5555);
    expect_read(w, 0x00409000, false, 0x5555);
    expect_read(w, REGION + 0x00409000, false, 0xCAFE5000);
    set32(w, DIRECTORY + 4, 0x00800000 | P | RW | PS);
    expect_read(w, 0x00409000, false, 0x5555);
    expect_read(w, REGION + 0x00409000, false, 0xCAFE5000);
    mmu_flush_page(w->mmu, 0x00403000);
    expect_read(w, 0x00409000, false, 0);
}

/* A right that was not needed so far is asked of the page tables, and other pages
 * displace nothing. */
static void entry_gets_dirty_later(void **state)
{
    struct world *w = *state;
    uint32_t value = 7;
    set32(w, DIRECTORY + 4 + (REGION >> 22) * 4, TABLE2 | P | RW);
    set32(w, TABLE2 + 12, 0x6000 | P | RW);
    expect_read(w, LINEAR, false, 0xCAFE5000);
    expect_read(w, REGION + LINEAR, false, 0xCAFE6000);
    set32(w, TABLE + 12, 0x5000 | P | RW);
    expect_read(w, LINEAR, false, 0xCAFE5000);
    assert_int_equal(get32(w, TABLE + 12), 0x5000 | P | RW);
    expect_read(w, REGION + LINEAR, false, 0xCAFE6000);
    assert_true(mmu_write(w->mmu, LINEAR, &value, 4, false));
    assert_int_equal(get32(w, TABLE + 12), 0x5000 | P | RW | A | D);
}

/* 4.3 table 4-4; INVLPG forgets the whole large page */
static void four_megabyte_page(void **state)
{
    struct world *w = *state;
    set_paging(w, (struct mmu_paging){.pse = true});
    set32(w, DIRECTORY + 4, 0x00400000 | P | RW | PS);
    set32(w, 0x00403000, 0x4444);
    set32(w, 0x00409000, 0x5555);
    expect_read(w, 0x00403000, false, 0x4444);
    expect_read(w, 0x00409000, false, 0x5555);
    assert_int_equal(get32(w, DIRECTORY + 4), 0x00400000 | P | RW | PS | A);
    set32(w, DIRECTORY + 4, 0x00800000 | P | RW | PS);
    expect_read(w, 0x00409000, false, 0x5555);
    mmu_flush_page(w->mmu, 0x00403000);
    expect_read(w, 0x00409000, false, 0);
    set32(w, DIRECTORY + 4, 0x00402000 | P | RW | PS);
    mmu_flush_all(w->mmu);
    expect_fault(w, 0x00403000, MMU_WRITE, false, 0xB);
}

/* 4.4 */
static void pae_three_levels(void **state)
{
    struct world *w = *state;
    set32(w, DIRECTORY, TABLE | P);
    set32(w, DIRECTORY + 4, 0);
    set32(w, TABLE + 2 * 8, TABLE2 | P | RW | US); /* linear bits 29..21 = 2 */
    set32(w, TABLE2 + 3 * 8, 0x6000 | P | RW | US);
    set32(w, TABLE + 3 * 8, 0x00400000 | P | RW | PS);
    assert_true(mmu_load_pdptes(w->mmu, DIRECTORY));
    set_paging(w, (struct mmu_paging){.pae = true});
    expect_read(w, LINEAR, true, 0xCAFE6000);
    assert_int_equal(get32(w, TABLE2 + 3 * 8), 0x6000 | P | RW | US | A);
    set32(w, 0x00401000, 0x77);
    expect_read(w, 0x00601000, false, 0x77);
    expect_fault(w, 0x40000000, MMU_READ, false, 0);
    set32(w, TABLE2 + 3 * 8 + 4, 0x80000000); /* bit 63 without NXE */
    mmu_flush_all(w->mmu);
    expect_fault(w, LINEAR, MMU_READ, true, 0xD);
    set_paging(w, (struct mmu_paging){.pae = true, .no_execute = true});
    expect_fault(w, LINEAR, MMU_EXECUTE, true, 0x15);
    set32(w, TABLE2 + 3 * 8 + 4, 1); /* above 4 GiB: nothing there */
    mmu_flush_all(w->mmu);
    expect_read(w, LINEAR, true, 0xFFFFFFFF);
    set32(w, DIRECTORY, TABLE | P | RW); /* reserved in a PDPTE */
    assert_false(mmu_load_pdptes(w->mmu, DIRECTORY));
}

static void crossing_access_faults_whole(void **state)
{
    struct world *w = *state;
    uint32_t value = 0x11223344;
    assert_false(mmu_write(w->mmu, LINEAR + 0xFFE, &value, 4, false));
    assert_int_equal(w->mmu->fault.address, LINEAR + 0x1000);
    assert_int_equal(get32(w, 0x5FFC), 0);
    set32(w, TABLE + 16, 0x7000 | P | RW);
    assert_true(mmu_write(w->mmu, LINEAR + 0xFFE, &value, 4, false));
    assert_int_equal(get32(w, 0x5FFC), 0x33440000);
    assert_int_equal(get32(w, 0x7000), 0x1122);
    value = 0;
    assert_true(mmu_read(w->mmu, LINEAR + 0xFFE, &value, 4, false));
    assert_int_equal(value, 0x11223344);
    assert_null(mmu_probe(w->mmu, LINEAR + 0xFFE, 4, MMU_READ));
    assert_non_null(mmu_probe(w->mmu, LINEAR + 0xFFC, 4, MMU_READ));
}

static void code_page_takes_the_slow_path(void **state)
{
    struct world *w = *state;
    uint32_t value = 1;
    assert_true(mmu_write(w->mmu, LINEAR, &value, 4, false));
    assert_non_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
    physmem_mark_code(w->phys, 0x5100, 16);
    assert_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
    assert_non_null(mmu_probe(w->mmu, LINEAR, 4, MMU_READ));
    physmem_clear_code(w->phys, 0x5100);
    assert_true(mmu_write(w->mmu, LINEAR, &value, 4, false));
    assert_non_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
}

/* Writes to a page are trapped each time that it becomes one with code, through every entry that
 * leads to it. */
static void page_becomes_code_again_and_again(void **state)
{
    struct world *w = *state;
    uint32_t value = 1;
    set32(w, TABLE + 16, 0x5000 | P | RW | US);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(mmu_write(w->mmu, LINEAR, &value, 4, false));
        assert_true(mmu_write(w->mmu, LINEAR + PAGE_SIZE, &value, 4, true));
        assert_non_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
        physmem_mark_code(w->phys, 0x5100, 16);
        assert_null(mmu_probe(w->mmu, LINEAR, 4, MMU_WRITE));
        mmu_set_user(w->mmu, true);
        assert_null(mmu_probe(w->mmu, LINEAR + PAGE_SIZE, 4, MMU_WRITE));
        mmu_set_user(w->mmu, false);
        physmem_clear_code(w->phys, 0x5100);
    }
}

/* Data beside code is written quickly; not any more when all writes are to be seen. */
static void writes_beside_code_are_trapped_too(void **state)
{
    struct world *w = *state;
    uint32_t value = 1;
    uint8_t page = 0x5000 >> PAGE_SHIFT, *set = w->mmu->writable;
    physmem_mark_code(w->phys, 0x5100, 16);
    assert_false(set[page / 8] >> page % 8 & 1);
    assert_true(mmu_write(w->mmu, LINEAR, &value, 4, false));
    assert_true(set[page / 8] >> page % 8 & 1);
    assert_false(mmu_slot(w->mmu, LINEAR)->allowed & TLB_TRAPS_WRITES);
    assert_true(page_set_take(set, 0, UINT32_MAX));
    assert_false(set[page / 8] >> page % 8 & 1);
}

static void tables_by_privilege(void **state)
{
    struct world *w = *state;
    uint32_t physical;
    assert_true(mmu_translate(w->mmu, LINEAR, MMU_READ, false, &physical));
    assert_int_equal(physical, 0x5000);
    assert_non_null(mmu_probe(w->mmu, LINEAR, 1, MMU_READ));
    mmu_set_user(w->mmu, true);
    assert_null(mmu_probe(w->mmu, LINEAR, 1, MMU_READ));
    assert_true(mmu_translate(w->mmu, LINEAR, MMU_READ, true, &physical));
    assert_non_null(mmu_probe(w->mmu, LINEAR, 1, MMU_READ));
    mmu_force_slow(w->mmu, true);
    assert_null(mmu_probe(w->mmu, LINEAR, 1, MMU_READ));
    mmu_force_slow(w->mmu, false);
    assert_non_null(mmu_probe(w->mmu, LINEAR, 1, MMU_READ));
}

static void peek_changes_nothing(void **state)
{
    struct world *w = *state;
    uint32_t physical;
    assert_true(mmu_peek(w->mmu, LINEAR + 1, &physical));
    assert_int_equal(physical, 0x5001);
    assert_int_equal(get32(w, TABLE + 12) & A, 0);
    assert_false(mmu_peek(w->mmu, 0x00800000, &physical));
}

static void state_table_is_complete(void **state)
{
    assert_null(field_find_hole(mmu_fields, sizeof(struct mmu)));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(translation_sets_accessed_and_dirty),
        CASE(error_codes),
        CASE(write_protect_binds_the_supervisor),
        CASE(directory_restricts_table),
        CASE(stale_translation_stays_until_flushed),
        CASE(global_pages_survive_cr3_loads),
        CASE(flushes_forget_what_they_must),
        CASE(invlpg_finds_all_pieces),
        CASE(entry_gets_dirty_later),
        CASE(four_megabyte_page),
        CASE(pae_three_levels),
        CASE(crossing_access_faults_whole),
        CASE(code_page_takes_the_slow_path),
        CASE(page_becomes_code_again_and_again),
        CASE(writes_beside_code_are_trapped_too),
        CASE(tables_by_privilege),
        CASE(peek_changes_nothing),
        CASE(state_table_is_complete),
    };
    return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
