#include "tests/harness/oracle/world.h"

#include "base/bits.h"
#include "base/random.h"

/* clang-format off */
const struct world_segment world_ldt[LDT_COUNT] = {
    [LDT_CODE16] = {"code16", WORLD_CODE, WORLD_CODE_SIZE - 1, .code = true},
    [LDT_DATA16] = {"data16", WORLD_DATA, WORLD_WRITABLE - 1},
    [LDT_DATA32] = {"data32", WORLD_DATA, WORLD_WRITABLE + 0x7FF, .big = true},
    [LDT_DOWN32] = {"down32", WORLD_DATA, 0xFFF, .big = true, .expand_down = true},
    [LDT_READ_ONLY] = {"read-only", WORLD_DATA, WORLD_DATA_SIZE - 1, .big = true, .read_execute_only = true},
    [LDT_ABSENT] = {"absent", WORLD_DATA, WORLD_DATA_SIZE - 1, .big = true, .absent = true},
    [LDT_CODE32] = {"code32", WORLD_CODE, WORLD_CODE_SIZE - 1, .big = true, .code = true},
    [LDT_EXECUTE_ONLY] = {"execute-only", WORLD_CODE, WORLD_CODE_SIZE - 1, .big = true, .code = true, .read_execute_only = true},
    [LDT_DOWN16] = {"down16", WORLD_DATA, 0xFFF, .expand_down = true},
    [LDT_FLAT] = {"flat", 0, 0xFFFFF, .big = true, .granular = true},
};
/* clang-format on */

unsigned world_put_exit(uint8_t *code, bool code32)
{
    unsigned at = 0;
    if (!code32)
        code[at++] = 0x66;
    code[at++] = 0xEA;
    store_le32(code + at, WORLD_EXIT);
    store_le16(code + at + 4, WORLD_CS64);
    return at + 6;
}

void world_fill_data(uint8_t *data)
{
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    for (unsigned i = 0; i < WORLD_DATA_SIZE; i += 8)
        store_le64(data + i, random_next(&random));
}
