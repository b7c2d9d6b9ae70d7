/* Which fault an instruction raises where several could be, at CPL 3 under paging: what the
 * silicon showed, and the manual leaves open or says in passing. Everything else about faults, the
 * oracle compares at random. Run alone: meson test -C build fault_order */
#include "tests/harness/oracle/guest.h"
#include "tests/harness/unit.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE = WORLD_CODE + 0x400,
    UNMAPPED = WORLD_DATA + WORLD_DATA_SIZE,
    MIDDLE = WORLD_DATA + 0x800,
};

static struct guest *guest;
static struct world_state state;
static struct world_outcome outcome;

static int set_up(void **unused)
{
    struct error err;
    guest = guest_new(guest_engine_at(0), &err);
    memset(&state, 0, sizeof state);
    state.eflags = FLAG_FIXED | FLAG_IF;
    state.seg[SEG_CS] = WORLD_CS32;
    state.seg[SEG_DS] = state.seg[SEG_ES] = state.seg[SEG_SS] = WORLD_DS32;
    state.gpr[REG_ESP] = WORLD_DATA + 0x1800;
    state.fpu_control = 0x37F;
    state.mxcsr = MXCSR_DEFAULT;
    return !guest;
}

static int tear_down(void **unused)
{
    guest_free(guest);
    return 0;
}

/* Runs hexadecimal bytes of code. Returns the vector; -1 when they came to their end. */
static int run(const char *text)
{
    uint8_t code[64];
    unsigned size = 0;
    for (char *end; *text; text = end)
        code[size++] = (uint8_t)strtoul(text, &end, 16);
    uint32_t end = CODE + size;
    size += world_put_exit(code + size, true);
    guest_put_code(guest, CODE, code, size);
    state.eip = CODE;
    guest_load(guest, &state);
    guest_run(guest);
    guest_store_outcome(guest, end, &outcome);
    guest_erase_code(guest, CODE, size);
    return outcome.vector;
}

/* An unmasked exception prevents a store, but the operand is looked at all the same. */
static void prevented_store_faults(void **unused)
{
    state.fpu_control = 0x37E;                           /* #IA unmasked */
    state.fpu[0] = (struct float80){3ull << 62, 0x7FFF}; /* a NaN */
    state.gpr[REG_ECX] = UNMAPPED;
    assert_int_equal(run("DB 11"), VECTOR_PF); /* fist dword [ecx] */
    assert_int_equal(outcome.cr2, UNMAPPED);
    assert_int_equal(outcome.state.fpu_status & 0xFF, 0);
    assert_int_equal(run("DF 31"), VECTOR_PF); /* fbstp [ecx] */
    state.fpu_empty = 0xFF;
    assert_int_equal(run("D9 19"), VECTOR_PF); /* fstp dword [ecx], of an empty register */
    state.gpr[REG_ECX] = MIDDLE;
    assert_int_equal(run("D9 19"), WORLD_NO_FAULT);
    assert_int_equal(outcome.state.fpu_status & 0xFF, 0xC1); /* ES, SF, IE */
}

/* The mask does not make MASKMOV's operand shorter. */
static void masked_bytes_fault(void **unused)
{
    state.gpr[REG_EDI] = WORLD_DATA + WORLD_WRITABLE - 4; /* the rest is read-only */
    state.xmm[1].u64[0] = 0x80;
    assert_int_equal(run("66 0F F7 C1"), VECTOR_PF); /* maskmovdqu xmm0, xmm1 */
    assert_int_equal(outcome.error, 7);
    state.fpu[1].significand = 0x80;
    assert_int_equal(run("0F F7 C1"), VECTOR_PF); /* maskmovq mm0, mm1 */
    assert_int_equal(outcome.cr2, WORLD_DATA + WORLD_WRITABLE);
}

/* SDM 3A table 6-7, with MASKMOV in quadwords. */
static void alignment_of_parts(void **unused)
{
    state.eflags |= FLAG_AC;
    state.gpr[REG_ECX] = MIDDLE + 4;
    assert_int_equal(run("DD 31"), WORLD_NO_FAULT); /* fnsave [ecx] */
    assert_int_equal(run("66 D9 31"), WORLD_NO_FAULT);
    state.gpr[REG_ECX] = MIDDLE + 2;
    assert_int_equal(run("DD 31"), VECTOR_AC);
    assert_int_equal(run("66 DD 31"), WORLD_NO_FAULT);
    state.gpr[REG_ECX] = MIDDLE + 1;
    assert_int_equal(run("66 DD 31"), VECTOR_AC);
    state.gpr[REG_EDI] = MIDDLE + 8;
    assert_int_equal(run("66 0F F7 C1"), WORLD_NO_FAULT);
    state.gpr[REG_EDI] = MIDDLE + 4;
    assert_int_equal(run("66 0F F7 C1"), VECTOR_AC);
}

/* Permission is looked at before the count (SDM 1, 19.5.2, says nothing of no iteration). */
static void no_iteration_needs_permission(void **unused)
{
    state.gpr[REG_EDI] = state.gpr[REG_ESI] = MIDDLE;
    assert_int_equal(run("F3 6C"), VECTOR_GP); /* rep insb, ECX = 0 */
    assert_int_equal(run("F3 6E"), VECTOR_GP); /* rep outsb */
    assert_int_equal(run("F3 A4"), WORLD_NO_FAULT);
}

/* FXSAVE: limit of the first byte, alignment, all else. */
static void fxsave_out_of_place(void **unused)
{
    state.seg[SEG_SS] = world_selector(LDT_DATA16);
    state.gpr[REG_EBP] = WORLD_WRITABLE + 1;
    assert_int_equal(run("0F AE 45 00"), VECTOR_SS); /* fxsave [ebp] */
    state.gpr[REG_EBP] = WORLD_WRITABLE - 1;
    assert_int_equal(run("0F AE 45 00"), VECTOR_GP);
    state.gpr[REG_EBP] = WORLD_WRITABLE - 16;
    assert_int_equal(run("0F AE 45 00"), VECTOR_SS);
    assert_int_equal(run("0F AE 4D 00"), VECTOR_SS); /* fxrstor [ebp] */
    state.gpr[REG_ECX] = UNMAPPED + 1;
    assert_int_equal(run("0F AE 01"), VECTOR_GP); /* fxsave [ecx] */
    state.gpr[REG_ECX] = UNMAPPED;
    assert_int_equal(run("0F AE 01"), VECTOR_PF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prevented_store_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masked_bytes_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alignment_of_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_iteration_needs_permission, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fxsave_out_of_place, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
