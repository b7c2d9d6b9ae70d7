/* The interpreter's loop and its cache of decoded blocks: self-modifying code, instructions across
 * pages, fetch faults, the exact count of retired instructions, repeated instructions.
 * Run alone: meson test -C build interp */
#include "cpu/segment.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/unit.h"

#include <stdlib.h>
#include <string.h>

enum { CODE = 0x10000, DATA = 0x20000, STACK = 0x30000 };

static struct bare_cpu *bare;

static int set_up(void **state)
{
    bare = bare_cpu_new("pentium3");
    return 0;
}

static int tear_down(void **state)
{
    bare_cpu_free(bare);
    return 0;
}

/* Writes hexadecimal bytes at address. */
static void put(uint32_t address, const char *text)
{
    uint8_t bytes[128];
    unsigned count = 0;
    for (char *end; *text; text = end) {
        bytes[count++] = (uint8_t)strtoul(text, &end, 16);
        while (*end == ' ')
            end++;
    }
    bare_cpu_write(bare, address, bytes, count);
}

static void put32(uint32_t address, uint32_t value)
{
    bare_cpu_write(bare, address, &value, 4);
}

/* Flat 32-bit code at CODE. */
static struct cpu *start(const char *code)
{
    bare_cpu_flat(bare, true);
    put(CODE, code);
    bare->cpu->eip = CODE;
    bare->cpu->gpr[REG_ESP] = STACK;
    return bare->cpu;
}

static void expect_run(uint64_t count, int vector, uint64_t retired, uint32_t eip)
{
    uint64_t before = cpu_icount(bare->cpu);
    assert_int_equal(bare_cpu_run(bare, count), vector);
    assert_int_equal(cpu_icount(bare->cpu) - before, retired);
    assert_int_equal(bare->cpu->eip, eip);
}

/* --- self-modifying code (SDM 3A 8.1.3) --- */

static void next_instruction_is_rewritten(void **state)
{
    struct cpu *cpu = start(
        "C6 05 07 00 01 00 43 " /* mov byte [CODE + 7], 43h */
        "90 90 90");            /* nop becomes inc ebx */
    expect_run(3, -1, 3, CODE + 9);
    assert_int_equal(cpu->gpr[REG_EBX], 1);
}

static void same_block_runs_with_each_new_byte(void **state)
{
    /* Loop: the immediate of mov eax is incremented by the loop itself. */
    struct cpu *cpu = start(
        "B8 00 00 00 00 "    /* mov eax, 0 */
        "FF 05 01 00 01 00 " /* inc dword [CODE + 1] */
        "01 C3 "             /* add ebx, eax */
        "EB F1");            /* jmp CODE */
    bare_cpu_run(bare, 4 * 100);
    assert_int_equal(cpu->gpr[REG_EBX], 99 * 100 / 2);
}

static void repeated_store_overwrites_itself(void **state)
{
    /* rep stosb over the code behind it, and over itself: the bytes stored are inc ecx */
    struct cpu *cpu = start("F3 AA 90 90 90 90");
    cpu->gpr[REG_EAX] = 0x41;
    cpu->gpr[REG_ECX] = 4;
    cpu->gpr[REG_EDI] = CODE + 2;
    expect_run(4 + 4, -1, 8, CODE + 6);
    assert_int_equal(cpu->gpr[REG_ECX], 4);
}

static void device_writes_are_seen(void **state)
{
    struct cpu *cpu = start("40 EB FD"); /* inc eax; jmp CODE */
    bare_cpu_run(bare, 10);
    assert_int_equal(cpu->gpr[REG_EAX], 5);
    put(CODE, "4B"); /* dec ebx */
    bare_cpu_run(bare, 10);
    assert_int_equal(cpu->gpr[REG_EAX], 5);
    assert_int_equal(cpu->gpr[REG_EBX], (uint32_t)-5);
}

/* Data beside code may be written all the time; the code stays what it is. */
static void data_beside_code(void **state)
{
    struct cpu *cpu = start(
        "FF 05 20 00 01 00 " /* inc dword [CODE + 20h] */
        "E2 F8");            /* loop CODE */
    put32(CODE + 0x20, 0);
    cpu->gpr[REG_ECX] = 1000;
    expect_run(2000, -1, 2000, CODE + 8);
    assert_int_equal(load_le32(bare->ram + CODE + 0x20), 1000);
}

static void many_blocks(void **state)
{
    /* More code than the cache holds: a slide of jumps, each over the rest of 16 bytes. */
    struct cpu *cpu = start("90");
    enum { SLIDE = 0x100000, STEP = 16, COUNT = 600000 };
    for (uint32_t i = 0; i < COUNT; i++) {
        static const uint8_t code[] = {0x40, 0xEB, STEP - 3}; /* inc eax; jmp */
        memcpy(bare->ram + SLIDE + i * STEP, code, sizeof code);
    }
    for (unsigned round = 0; round < 2; round++) {
        cpu->eip = SLIDE;
        cpu->gpr[REG_EAX] = 0;
        bare_cpu_run(bare, 2 * COUNT);
        assert_int_equal(cpu->gpr[REG_EAX], COUNT);
        assert_int_equal(cpu->eip, SLIDE + COUNT * STEP);
    }
}

/* --- fetching --- */

enum { PAGE_P = 1, PAGE_RW = 2, DIRECTORY = 0x40000, TABLE = 0x41000 };

/* Identity for the first 4 MiB, except the page at linear, which maps to physical with flags. */
static void enable_paging(uint32_t linear, uint32_t physical, uint32_t flags)
{
    put32(DIRECTORY, TABLE | PAGE_P | PAGE_RW);
    for (uint32_t i = 0; i < 1024; i++)
        put32(TABLE + i * 4, i << 12 | PAGE_P | PAGE_RW);
    put32(TABLE + (linear >> 12) * 4, physical | flags);
    bare->cpu->cr3 = DIRECTORY;
    bare->cpu->cr0 |= CR0_PG;
    cpu_sync(bare->cpu);
}

/* mov eax, imm32 with two bytes in the first page. */
static struct cpu *start_across(void)
{
    struct cpu *cpu = start("90");
    put(CODE + 0xFFE, "B8 11 22 33 44 90");
    cpu->eip = CODE + 0xFFE;
    return cpu;
}

static void across_pages(void **state)
{
    struct cpu *cpu = start_across();
    for (unsigned round = 0; round < 3; round++) {
        cpu->eip = CODE + 0xFFE;
        expect_run(1, -1, 1, CODE + 0x1003);
        assert_int_equal(cpu->gpr[REG_EAX], 0x44332211);
    }
    put(CODE + 0x1001, "55"); /* a byte of it in the second page */
    cpu->eip = CODE + 0xFFE;
    expect_run(1, -1, 1, CODE + 0x1003);
    assert_int_equal(cpu->gpr[REG_EAX], 0x44552211);
    put(CODE + 0xFFF, "66"); /* and in the first */
    cpu->eip = CODE + 0xFFE;
    expect_run(1, -1, 1, CODE + 0x1003);
    assert_int_equal(cpu->gpr[REG_EAX], 0x44552266);
}

/* The second page is another one after a remapping: the first page's bytes are the same. */
static void across_pages_remapped(void **state)
{
    struct cpu *cpu = start_across();
    put(DATA, "AA BB CC 90");
    enable_paging(CODE + 0x1000, CODE + 0x1000, PAGE_P | PAGE_RW);
    expect_run(1, -1, 1, CODE + 0x1003);
    assert_int_equal(cpu->gpr[REG_EAX], 0x44332211);
    for (unsigned round = 0; round < 4; round++) {
        uint32_t page = round & 1 ? CODE + 0x1000 : DATA;
        put32(TABLE + ((CODE + 0x1000) >> 12) * 4, page | PAGE_P | PAGE_RW);
        mmu_flush_all(cpu->mmu);
        cpu->eip = CODE + 0xFFE;
        expect_run(1, -1, 1, CODE + 0x1003);
        assert_int_equal(cpu->gpr[REG_EAX], round & 1 ? 0x44332211 : 0xCCBBAA11);
    }
}

/* #PF names the second page, and the instruction has not begun; with the page present it runs. */
static void fault_in_second_page(void **state)
{
    struct cpu *cpu = start_across();
    enable_paging(CODE + 0x1000, CODE + 0x1000, 0);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(bare_cpu_run(bare, 1), VECTOR_PF);
        assert_int_equal(cpu->cr2, CODE + 0x1000);
        assert_int_equal(cpu->eip, CODE + 0xFFE);
        start_across();
        enable_paging(CODE + 0x1000, CODE + 0x1000, 0);
    }
    put32(TABLE + ((CODE + 0x1000) >> 12) * 4, (CODE + 0x1000) | PAGE_P | PAGE_RW);
    expect_run(1, -1, 1, CODE + 0x1003);
    /* And again not present, after it has been decoded. */
    put32(TABLE + ((CODE + 0x1000) >> 12) * 4, 0);
    mmu_flush_all(cpu->mmu);
    cpu->eip = CODE + 0xFFE;
    assert_int_equal(bare_cpu_run(bare, 1), VECTOR_PF);
    assert_int_equal(cpu->cr2, CODE + 0x1000);
}

/* The whole instruction must be within the CS limit, also if it was decoded under a larger one. */
static void code_segment_limit(void **state)
{
    struct cpu *cpu = start("40 B8 11 22 33 44 90"); /* inc eax; mov eax; nop */
    expect_run(3, -1, 3, CODE + 7);
    for (uint32_t limit = CODE; limit < CODE + 8; limit++) {
        start("40 B8 11 22 33 44 90");
        cpu->seg[SEG_CS].limit = limit;
        uint64_t retired = limit >= CODE + 6 ? 3 : limit >= CODE + 5 ? 2 : 1;
        uint32_t eip = retired == 3 ? CODE + 7 : retired == 2 ? CODE + 6 : CODE + 1;
        int vector = retired == 3 ? -1 : VECTOR_GP;
        uint64_t before = cpu->icount;
        assert_int_equal(bare_cpu_run(bare, 3), vector);
        assert_int_equal(cpu->icount - before, retired);
        assert_int_equal(cpu->eip, eip);
    }
}

/* In 16-bit code IP wraps within 64 KiB, and the same bytes decode differently. */
static void code_size(void **state)
{
    struct cpu *cpu = start("B8 11 22 33 44 90");
    expect_run(1, -1, 1, CODE + 5);
    assert_int_equal(cpu->gpr[REG_EAX], 0x44332211);
    bare_cpu_real(bare);
    cpu->seg[SEG_CS].base = CODE;
    cpu->eip = 0;
    cpu->gpr[REG_EAX] = 0;
    expect_run(1, -1, 1, 3);
    assert_int_equal(cpu->gpr[REG_EAX], 0x2211);
    put(CODE + 0xFFFF, "90");
    cpu->eip = 0xFFFF;
    expect_run(1, -1, 1, 0);
}

/* --- faults and counting --- */

static void fault_inside_block(void **state)
{
    struct cpu *cpu = start("40 40 F7 F1 40"); /* inc eax twice; div ecx with ecx = 0 */
    uint64_t before = cpu->icount;
    assert_int_equal(bare_cpu_run(bare, 100), VECTOR_DE);
    assert_int_equal(cpu->icount - before, 2);
    assert_int_equal(cpu->eip, CODE + 2);
    assert_int_equal(cpu->gpr[REG_EAX], 2);
}

/* A handler that faults at its first instruction must not stop the clock. */
static void faulting_handler(void **state)
{
    struct cpu *cpu = start("90");
    bare_cpu_real(bare);
    cpu->idtr_limit = 0x3FF;
    put32(VECTOR_UD * 4, 0x00000600);
    put(0x600, "0F 0B"); /* ud2 */
    cpu->gpr[REG_ESP] = 0x8000;
    cpu->eip = 0x600;
    uint64_t before = cpu->icount;
    bare_cpu_run(bare, 50);
    assert_int_equal(cpu->icount - before, 50);
    put32(VECTOR_UD * 4, 0);
}

static void budget_is_exact(void **state)
{
    for (uint64_t count = 1; count < 12; count++) {
        struct cpu *cpu = start("40 40 40 40 EB FA"); /* inc eax, four times; jmp CODE */
        uint64_t inside = count % 5;
        expect_run(count, -1, count, CODE + (uint32_t)inside);
        assert_int_equal(cpu->gpr[REG_EAX], count / 5 * 4 + inside);
    }
}

/* --- repetition --- */

static void repetition_stops_at_the_budget(void **state)
{
    for (uint64_t first = 1; first <= 10; first++) {
        struct cpu *cpu = start("F3 A4 90"); /* rep movsb; nop */
        cpu->gpr[REG_ECX] = 10;
        cpu->gpr[REG_ESI] = DATA;
        cpu->gpr[REG_EDI] = DATA + 0x100;
        expect_run(first, -1, first, first == 10 ? CODE + 2 : CODE);
        assert_int_equal(cpu->gpr[REG_ECX], 10 - first);
        assert_int_equal(cpu->gpr[REG_EDI], DATA + 0x100 + first);
        expect_run(11 - first, -1, 11 - first, CODE + 3);
    }
}

static void zero_repetitions_count_as_one(void **state)
{
    struct cpu *cpu = start("F3 A6 90");
    cpu->gpr[REG_ECX] = 0;
    cpu->lazy.zero = 1;
    expect_run(1, -1, 1, CODE + 2);
    assert_int_equal(cpu->lazy.zero, 1);
}

static void repetition_across_a_fault(void **state)
{
    struct cpu *cpu = start("F3 AB"); /* rep stosd */
    enable_paging(DATA + 0x1000, DATA + 0x1000, 0);
    cpu->gpr[REG_EAX] = 0x12345678;
    cpu->gpr[REG_ECX] = 16;
    cpu->gpr[REG_EDI] = DATA + 0x1000 - 5 * 4;
    uint64_t before = cpu->icount;
    assert_int_equal(bare_cpu_run(bare, 100), VECTOR_PF);
    assert_int_equal(cpu->icount - before, 5);
    assert_int_equal(cpu->gpr[REG_ECX], 11);
    assert_int_equal(cpu->gpr[REG_EDI], DATA + 0x1000);
    assert_int_equal(cpu->cr2, DATA + 0x1000);
    assert_int_equal(cpu->eip, CODE);
}

/* Overlapping copies behave as if bytes moved one at a time, in the direction of DF. */
static void overlapping_copies(void **state)
{
    static const struct {
        const char *code;
        int size;
    } widths[] = {
        {"F3 A4",    1},
        {"66 F3 A5", 2},
        {"F3 A5",    4}
    };
    for (unsigned w = 0; w < ARRAY_LENGTH(widths); w++) {
        int size = widths[w].size;
        for (int distance = -9; distance <= 9; distance++) {
            for (unsigned down = 0; down < 2; down++) {
                uint8_t expected[64];
                struct cpu *cpu = start(widths[w].code);
                for (unsigned i = 0; i < sizeof expected; i++)
                    bare->ram[DATA + i] = expected[i] = (uint8_t)(i * 7 + 1);
                const int from = 28, to = 28 + distance, count = 4;
                cpu->eflags |= down ? FLAG_DF : 0;
                cpu->gpr[REG_ECX] = count;
                cpu->gpr[REG_ESI] = (uint32_t)(DATA + from);
                cpu->gpr[REG_EDI] = (uint32_t)(DATA + to);
                for (int i = 0; i < count; i++) {
                    int at = down ? -i * size : i * size;
                    uint8_t element[4];
                    memcpy(element, expected + from + at, (size_t)size);
                    memcpy(expected + to + at, element, (size_t)size);
                }
                bare_cpu_run(bare, count);
                assert_memory_equal(bare->ram + DATA, expected, sizeof expected);
            }
        }
    }
}

/* --- what the mode forbids --- */

static void protected_mode_only(void **state)
{
    struct cpu *cpu = start("90");
    bare_cpu_real(bare);
    put(0x600, "0F 00 C0"); /* sldt ax */
    cpu->eip = 0x600;
    assert_int_equal(bare_cpu_run(bare, 1), VECTOR_UD);
    cpu = start("0F 00 C0");
    expect_run(1, -1, 1, CODE + 3);
}

static void no_coprocessor(void **state)
{
    struct cpu *cpu = start("40 D9 E8"); /* inc eax; fld1 */
    expect_run(2, -1, 2, CODE + 3);
    start("40 D9 E8");
    cpu->cr0 |= CR0_TS;
    uint64_t before = cpu->icount;
    assert_int_equal(bare_cpu_run(bare, 2), VECTOR_NM);
    assert_int_equal(cpu->icount - before, 1);
    assert_int_equal(cpu->eip, CODE + 1);
}

static void undecodable(void **state)
{
    struct cpu *cpu = start("40 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
    assert_int_equal(bare_cpu_run(bare, 2), VECTOR_GP);
    assert_int_equal(cpu->eip, CODE + 1);
    start("40 F0 90"); /* lock nop */
    assert_int_equal(bare_cpu_run(bare, 2), VECTOR_UD);
    assert_int_equal(cpu->eip, CODE + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_instruction_is_rewritten),
        cmocka_unit_test(same_block_runs_with_each_new_byte),
        cmocka_unit_test(repeated_store_overwrites_itself),
        cmocka_unit_test(device_writes_are_seen),
        cmocka_unit_test(data_beside_code),
        cmocka_unit_test(many_blocks),
        cmocka_unit_test(across_pages),
        cmocka_unit_test(across_pages_remapped),
        cmocka_unit_test(fault_in_second_page),
        cmocka_unit_test(code_segment_limit),
        cmocka_unit_test(code_size),
        cmocka_unit_test(fault_inside_block),
        cmocka_unit_test(faulting_handler),
        cmocka_unit_test(budget_is_exact),
        cmocka_unit_test(repetition_stops_at_the_budget),
        cmocka_unit_test(zero_repetitions_count_as_one),
        cmocka_unit_test(repetition_across_a_fault),
        cmocka_unit_test(overlapping_copies),
        cmocka_unit_test(protected_mode_only),
        cmocka_unit_test(no_coprocessor),
        cmocka_unit_test(undecodable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
