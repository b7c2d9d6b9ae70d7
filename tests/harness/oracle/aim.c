#include "tests/harness/oracle/aim.h"

#include "base/bits.h"
#include "tests/harness/oracle/encode.h"
#include "tests/harness/oracle/fx_image.h"
#include "tests/harness/oracle/values.h"

enum {
    /* Of the data: operands written for one instruction each; an image of the x87 state; the rest
     * is everybody's. */
    FRESH = WORLD_DATA + 0x40,
    FRESH_COUNT = 28,
    IMAGE = WORLD_DATA + 0x400,
    COMMON = WORLD_DATA + 0x700,
    COMMON_SIZE = 0x1400,
};

struct aim {
    struct walk *walk;
    struct cpu *cpu;
    struct oracle_case *first, *out;
    uint64_t *random;
    struct aimed *aimed;
    const struct insn_row *row;
    struct encoding encoding;
    struct insn insn;
    uint32_t gpr[8]; /* as the instruction will find them */
    bool code32;
};

/* --- instructions before the instruction --- */

static void emit(struct aim *aim, const void *bytes, unsigned size)
{
    if (aim->aimed->size + size <= AIMED_MAX)
        memcpy(aim->aimed->bytes + aim->aimed->size, bytes, size);
    aim->aimed->size += size;
}

static void set_register(struct aim *aim, unsigned reg, uint32_t value)
{
    uint8_t bytes[6] = {0x66, (uint8_t)(0xB8 | reg)};
    aim->gpr[reg] = value;
    if (aim->first) {
        aim->first->before.gpr[reg] = aim->cpu->gpr[reg] = value;
        return;
    }
    store_le32(bytes + 2, value);
    emit(aim, bytes + aim->code32, 6u - aim->code32);
}

/* A register used as an offset: all of it, or the lower half. */
static void set_offset(struct aim *aim, unsigned reg, uint32_t offset, bool wide)
{
    set_register(aim, reg, wide ? offset : (aim->gpr[reg] & 0xFFFF0000) | (offset & 0xFFFF));
}

static void push_value(struct aim *aim, uint32_t value, bool wide)
{
    uint8_t bytes[6] = {0x66, 0x68};
    bool prefix = wide != aim->code32;
    store_le32(bytes + 2, value);
    emit(aim, bytes + !prefix, (wide ? 6u : 4u) - !prefix);
    uint32_t esp = aim->gpr[REG_ESP] - (wide ? 4 : 2), mask = aim->cpu->stack_mask;
    aim->gpr[REG_ESP] = (aim->gpr[REG_ESP] & ~mask) | (esp & mask);
}

/* --- places --- */

static bool is_wide_operand(const struct aim *aim)
{
    return aim->insn.flags & INSN_OPERAND32;
}

static bool is_wide_address(const struct aim *aim)
{
    return aim->insn.flags & INSN_ADDRESS32;
}

static uint32_t random_place(struct aim *aim)
{
    uint64_t *random = aim->random;
    switch (random_below(random, 32)) {
    case 0: /* across the two writable pages */
    case 1:
        return WORLD_DATA + WORLD_PAGE - 1 - random_below(random, 20);
    case 2: /* around what can only be read, and the ends */
        return WORLD_DATA + WORLD_WRITABLE + 8 - random_below(random, 24);
    case 3:
        return one_in(random, 2) ? WORLD_DATA + WORLD_DATA_SIZE + 8 - random_below(random, 24)
                                 : WORLD_DATA + 8 - random_below(random, 24);
    case 4:
        if (one_in(random, 8))
            return (uint32_t)random_next(random);
        /* fall through */
    default:
        return COMMON + random_below(random, COMMON_SIZE);
    }
}

/* Linear address for an operand. */
static uint32_t choose_place(struct aim *aim)
{
    uint32_t place = random_place(aim);
    bool aligned = aim->row->attributes & A_SSE || aim->cpu->eflags & FLAG_AC ||
                   row_begins(aim->row, "fx") || one_in(aim->random, 2);
    return aligned && !one_in(aim->random, 12) ? place & ~15u : place;
}

static uint32_t base_of(const struct aim *aim, unsigned segment)
{
    return aim->cpu->seg[segment].base;
}

static void poke(struct aim *aim, uint32_t linear, const void *bytes, unsigned size)
{
    memcpy(aim->out->data + (linear - WORLD_DATA), bytes, size);
    memcpy(guest_data(aim->walk->guest) + (linear - WORLD_DATA), bytes, size);
}

/* A place of 32 bytes that nothing else uses; 0 if there is none left. */
static uint32_t take_fresh(struct aim *aim)
{
    if (aim->walk->fresh == FRESH_COUNT)
        return 0;
    return FRESH + 32 * aim->walk->fresh++;
}

/* Makes the memory operand lie at linear; false if its registers leave no way. */
static bool put_operand(struct aim *aim, uint32_t linear)
{
    const struct insn *insn = &aim->insn;
    uint32_t offset = linear - base_of(aim, insn->segment);
    uint32_t base = insn->base == REG_ZERO ? 0 : aim->gpr[insn->base];
    uint32_t index = insn->index == REG_ZERO ? 0 : aim->gpr[insn->index] << insn->scale;
    bool wide = is_wide_address(aim);
    if (aim->encoding.displacement_at) {
        uint8_t *at = aim->encoding.bytes + aim->encoding.displacement_at;
        if (wide)
            store_le32(at, offset - base - index);
        else
            store_le16(at, (uint16_t)(offset - base - index));
        return true;
    }
    if (insn->base != REG_ZERO && insn->base != REG_ESP && insn->base != insn->index) {
        set_offset(aim, insn->base, offset - index - insn->displacement, wide);
        return true;
    }
    if (insn->index != REG_ZERO && insn->index != insn->base && !insn->scale) {
        set_offset(aim, insn->index, offset - base - insn->displacement, wide);
        return true;
    }
    return insn->base == REG_ESP || one_in(aim->random, 4);
}

/* A memory operand with these bytes in it, mostly. */
static bool put_fresh(struct aim *aim, const void *bytes, unsigned size)
{
    uint32_t place = one_in(aim->random, 16) ? 0 : take_fresh(aim);
    if (!place)
        return put_operand(aim, choose_place(aim));
    if (!(aim->row->attributes & (A_SSE | A_LOCK)) && !(aim->cpu->eflags & FLAG_AC) && size <= 16 &&
        one_in(aim->random, 4))
        place += random_below(aim->random, 16);
    poke(aim, place, bytes, size);
    return put_operand(aim, place);
}

/* --- code and selectors --- */

/* Linear address of a target near the instruction's end. */
static uint32_t choose_target(struct aim *aim, uint32_t end)
{
    if (one_in(aim->random, 24))
        return WORLD_CODE + random_below(aim->random, WORLD_CODE_SIZE + 16);
    return end + (one_in(aim->random, 3) ? 0 : random_below(aim->random, 24));
}

static uint32_t code_base(const struct aim *aim)
{
    return base_of(aim, SEG_CS);
}

/* Linear address of the next byte to emit. */
static uint32_t here(const struct aim *aim)
{
    return code_base(aim) + aim->cpu->eip + aim->aimed->size;
}

static uint16_t choose_selector(struct aim *aim, bool code)
{
    uint64_t *random = aim->random;
    static const uint16_t common[] = {0, 3, WORLD_DS32, WORLD_DS32, WORLD_CS32, 0x20, 0x29, 0x10};
    if (one_in(random, 16))
        return (uint16_t)random_next(random);
    if (code && one_in(random, 2))
        return WORLD_CS32;
    if (one_in(random, 4))
        return common[random_below(random, ARRAY_LENGTH(common))];
    return (uint16_t)(world_selector(random_below(random, LDT_COUNT + 1)) &
                      ~random_below(random, 2));
}

/* Selector and offset of a far target behind the instruction. */
static uint16_t choose_far(struct aim *aim, uint32_t end, uint32_t *offset)
{
    uint16_t selector = choose_selector(aim, true);
    bool known = selector & 4 && selector >> 3 < LDT_COUNT;
    *offset = choose_target(aim, end) - (known ? world_ldt[selector >> 3].base : 0);
    return selector;
}

/* --- forms that need more --- */

static bool aim_far_memory(struct aim *aim)
{
    uint8_t bytes[16] = {0};
    uint32_t offset;
    bool wide = is_wide_operand(aim);
    bool transfers = row_begins(aim->row, "call") || row_begins(aim->row, "jmp");
    /* Registers that are set for the operand move the end on. */
    uint32_t end = here(aim) + aim->insn.length + (one_in(aim->random, 2) ? 0 : 12);
    uint16_t selector = choose_selector(aim, false);
    if (transfers)
        selector = choose_far(aim, end, &offset);
    else
        offset = random_value(aim->random);
    store_le32(bytes, offset);
    store_le16(bytes + (wide ? 4 : 2), selector);
    return put_fresh(aim, bytes, 8);
}

static bool aim_near_jump(struct aim *aim)
{
    bool wide = is_wide_operand(aim);
    if (row_has(aim->row, "Ev") && !(aim->insn.flags & INSN_MEMORY)) {
        unsigned size = aim->insn.length + (aim->first ? 0 : 5 + !aim->code32);
        set_register(aim, aim->insn.rm, choose_target(aim, here(aim) + size) - code_base(aim));
        return aim->insn.rm != REG_ESP;
    }
    if (row_has(aim->row, "Ev")) {
        uint8_t bytes[4];
        store_le32(bytes, choose_target(aim, here(aim) + aim->insn.length + 6) - code_base(aim));
        return put_fresh(aim, bytes, 4);
    }
    if (row_is(aim->row, "ret")) {
        uint32_t end = here(aim) + aim->insn.length + 6;
        push_value(aim, choose_target(aim, end) - code_base(aim), wide);
        store_le16(aim->encoding.bytes + aim->encoding.immediate_at,
                   (uint16_t)random_below(aim->random, 32));
    }
    return true;
}

/* Displacements of relative jumps, when all before them is in place. */
static void finish_jump(struct aim *aim)
{
    uint8_t *bytes = aim->encoding.bytes;
    uint32_t end = here(aim) + aim->insn.length, offset;
    uint32_t distance = choose_target(aim, end) - end;
    bool wide = is_wide_operand(aim);
    uint8_t *at = bytes + aim->encoding.immediate_at;
    if (row_has(aim->row, "Jb")) {
        *at = (uint8_t)distance;
    } else if (row_has(aim->row, "Jz")) {
        if (wide)
            store_le32(at, distance);
        else
            store_le16(at, (uint16_t)distance);
    } else if (row_has(aim->row, "Ap")) {
        uint16_t selector = choose_far(aim, end, &offset);
        if (wide)
            store_le32(at, offset);
        else
            store_le16(at, (uint16_t)offset);
        store_le16(at + (wide ? 4 : 2), selector);
    }
}

/* For POPF and IRET: seldom with what makes the next instruction another. */
static uint32_t random_flags(struct aim *aim)
{
    uint32_t flags = (uint32_t)random_next(aim->random);
    if (!one_in(aim->random, 6))
        flags &= ~(uint32_t)FLAG_TF;
    if (!one_in(aim->random, 8))
        flags &= ~(uint32_t)(FLAG_NT | FLAG_AC);
    return flags;
}

static bool aim_far_return(struct aim *aim)
{
    bool wide = is_wide_operand(aim);
    uint32_t offset;
    uint16_t selector = choose_far(aim, here(aim) + aim->insn.length + 24, &offset);
    if (row_is(aim->row, "iret"))
        push_value(aim, random_flags(aim), wide);
    push_value(aim, selector, wide);
    push_value(aim, offset, wide);
    store_le16(aim->encoding.bytes + aim->encoding.immediate_at,
               (uint16_t)random_below(aim->random, 32));
    return true;
}

static void aim_strings(struct aim *aim)
{
    bool wide = is_wide_address(aim);
    uint32_t limit = one_in(aim->random, 64) ? 3000 : 24;
    set_offset(aim, REG_ESI, choose_place(aim) - base_of(aim, aim->insn.segment), wide);
    uint32_t target = one_in(aim->random, 3) /* overlapping */
                          ? aim->gpr[REG_ESI] + random_below(aim->random, 16) - 8
                          : choose_place(aim) - base_of(aim, SEG_ES);
    set_offset(aim, REG_EDI, target, wide);
    if (aim->insn.flags & (INSN_REP | INSN_REPNE))
        set_offset(aim, REG_ECX, random_below(aim->random, limit), wide);
}

static bool aim_image(struct aim *aim)
{
    uint8_t image[FX_SIZE] = {0};
    struct world_state state;
    bool wide = is_wide_operand(aim);
    unsigned step = wide ? 4 : 2, size = wide ? 28 : 14;
    if (aim->walk->image_taken || one_in(aim->random, 16))
        return put_operand(aim, choose_place(aim));
    aim->walk->image_taken = true;
    value_state(aim->random, &state);
    if (row_is(aim->row, "fxrstor")) {
        if (one_in(aim->random, 8))
            state.mxcsr |= 0x40000u << random_below(aim->random, 14);
        fx_pack(&state, image);
    } else {
        for (unsigned i = 0; i < size; i++)
            image[i] = (uint8_t)random_next(aim->random);
        store_le16(image, state.fpu_control);
        store_le16(image + step, state.fpu_status);
        for (unsigned i = 0; i < 8; i++) {
            store_le64(image + size + 10 * i, state.fpu[i].significand);
            store_le16(image + size + 10 * i + 8, state.fpu[i].sign_exponent);
        }
    }
    poke(aim, IMAGE, image, sizeof image);
    return put_operand(aim, IMAGE);
}

/* What memory operands of particular forms shall contain. */
static bool aim_special_memory(struct aim *aim, bool *done)
{
    const struct insn_row *row = aim->row;
    uint8_t bytes[VALUE_SIZE];
    value_operand(row, aim->random, bytes);
    *done = true;
    if (row_has(row, "Mp"))
        return aim_far_memory(aim);
    if (row_is(row, "fxrstor") || row_is(row, "frstor") || row_is(row, "fldenv"))
        return aim_image(aim);
    if (row_is(row, "bound")) {
        uint32_t value = aim->gpr[aim->insn.reg];
        bool wide = is_wide_operand(aim);
        store_le32(bytes, value - random_below(aim->random, 3));
        store_le32(bytes + (wide ? 4 : 2), value + random_below(aim->random, 6) - 1);
        return put_fresh(aim, bytes, 8);
    }
    if (row_begins(row, "cmpxchg") && one_in(aim->random, 2)) {
        store_le32(bytes, aim->gpr[REG_EAX]);
        store_le32(bytes + 4, aim->gpr[REG_EDX]);
        return put_fresh(aim, bytes, 8);
    }
    if (row_is(row, "ldmxcsr")) {
        struct world_state state;
        value_state(aim->random, &state);
        store_le32(bytes, one_in(aim->random, 16) ? random_value(aim->random) : state.mxcsr);
        return put_fresh(aim, bytes, 4);
    }
    if (row_is(row, "fldcw")) {
        struct world_state state;
        value_state(aim->random, &state);
        store_le16(bytes, state.fpu_control);
        return put_fresh(aim, bytes, 2);
    }
    if (row_has(row, "Sw,") || (row_has(row, "Ew") && row->class & BEHAVIOUR)) {
        store_le16(bytes, choose_selector(aim, false));
        return put_fresh(aim, bytes, 2);
    }
    *done = false;
    return true;
}

static bool aim_memory(struct aim *aim)
{
    uint8_t bytes[VALUE_SIZE];
    bool done;
    if (aim->row->attributes & A_JUMP && row_has(aim->row, "Ev"))
        return true; /* in aim_near_jump */
    if (!aim_special_memory(aim, &done))
        return false;
    if (done)
        return true;
    if (one_in(aim->random, 2))
        return put_operand(aim, choose_place(aim));
    value_operand(aim->row, aim->random, bytes);
    return put_fresh(aim, bytes, sizeof bytes);
}

static void aim_selector(struct aim *aim)
{
    const struct insn_row *row = aim->row;
    uint32_t upper = (uint32_t)random_next(aim->random) & 0xFFFF0000;
    bool takes = row_has(row, "Sw,") || (row_has(row, "Ew") && row->class & BEHAVIOUR);
    if (takes && !(aim->insn.flags & INSN_MEMORY))
        set_register(aim, aim->insn.rm, upper | choose_selector(aim, false));
    if (row_is(row, "pop") && strlen(row->operands) == 2 && row->operands[1] == 's')
        push_value(aim, upper | choose_selector(aim, false), is_wide_operand(aim));
}

/* A dividend that is not too large for most divisors. */
static void aim_division(struct aim *aim)
{
    bool is_byte = aim->row->operands[1] == 'b';
    uint32_t small = random_below(aim->random, 64);
    if (is_byte)
        set_register(aim, REG_EAX, (aim->gpr[REG_EAX] & 0xFFFF00FF) | small << 8);
    else
        set_register(aim, REG_EDX, one_in(aim->random, 3) ? 0 - small : small);
}

static void aim_registers(struct aim *aim)
{
    const struct insn_row *row = aim->row;
    uint64_t *random = aim->random;
    bool wide = is_wide_address(aim);
    aim_selector(aim);
    if (row_has(row, "X") || row_has(row, "Y"))
        aim_strings(aim);
    if (row_is(row, "xlat"))
        set_offset(aim, REG_EBX, choose_place(aim) - base_of(aim, aim->insn.segment), wide);
    if (row_begins(row, "maskmov"))
        set_offset(aim, REG_EDI, choose_place(aim) - base_of(aim, aim->insn.segment), wide);
    if (row_is(row, "leave") || row_is(row, "enter"))
        set_offset(aim, REG_EBP, choose_place(aim) - base_of(aim, SEG_SS),
                   aim->cpu->stack_mask > 0xFFFF);
    if (row->mnemonic[0] == 'b' && row->mnemonic[1] == 't' && row_has(row, "Gv") &&
        !one_in(random, 16))
        set_register(aim, aim->insn.reg, random_below(random, 0x4000) - 0x2000);
    if ((row_is(row, "div") || row_is(row, "idiv")) && !one_in(random, 4))
        aim_division(aim);
    if ((row_begins(row, "loop") || row_is(row, "jcxz")) && one_in(random, 2))
        set_offset(aim, REG_ECX, random_below(random, 3), wide);
    if (row_is(row, "popf"))
        push_value(aim, random_flags(aim), is_wide_operand(aim));
}

static void aim_immediates(struct aim *aim)
{
    uint8_t *at = aim->encoding.bytes + aim->encoding.immediate_at;
    const struct insn_row *row = aim->row;
    if (row_is(row, "enter")) {
        store_le16(at, (uint16_t)random_below(aim->random, one_in(aim->random, 8) ? 0x10000 : 64));
        at[2] = (uint8_t)(one_in(aim->random, 2) ? 0 : random_below(aim->random, 40));
    } else if (row_has(row, "Iz") || row_has(row, "Iv")) {
        store_le32(at, random_value(aim->random));
    } else if (row_has(row, "Ib") && one_in(aim->random, 2)) {
        *at &= 0x1F;
    } else if (row_has(row, "O")) {
        uint32_t offset = choose_place(aim) - base_of(aim, aim->insn.segment);
        if (is_wide_address(aim))
            store_le32(at, offset);
        else
            store_le16(at, (uint16_t)offset);
    }
}

/* Segments that a 16-bit address reaches data in. */
static unsigned small_segments(const struct cpu *cpu)
{
    unsigned segments = 0;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (i != SEG_CS && cpu->seg[i].base == WORLD_DATA)
            segments |= 1u << i;
    return segments;
}

static bool decode(struct aim *aim, unsigned row)
{
    return decode_insn(aim->walk->decoder, aim->encoding.bytes, INSN_MAX_LENGTH, aim->code32,
                       &aim->insn) == DECODE_OK &&
           aim->insn.row == row;
}

/* Encodings that do not exist, for #UD and #GP: LOCK where it is not allowed, too many prefixes. */
static bool emit_undefined(struct aim *aim)
{
    enum { MANY = 8 };
    const struct encoding *encoding = &aim->encoding;
    if (!(encoding->locked || encoding->prefixes > MANY) || one_in(aim->random, 2))
        return false;
    emit(aim, encoding->bytes, INSN_MAX_LENGTH);
    return true;
}

bool aim_insn(struct walk *walk, unsigned row, struct oracle_case *first, struct oracle_case *out,
              uint64_t *random, struct aimed *aimed)
{
    struct aim aim = {.walk = walk,
                      .cpu = guest_cpu(walk->guest),
                      .first = first,
                      .out = out,
                      .random = random,
                      .aimed = aimed,
                      .row = insn_row(row)};
    aim.code32 = aim.cpu->seg[SEG_CS].access & SEGMENT_BIG;
    memcpy(aim.gpr, aim.cpu->gpr, sizeof aim.gpr);
    aimed->size = 0;
    encode_random(aim.row, aim.code32, small_segments(aim.cpu), random, &aim.encoding);
    if (!decode(&aim, row))
        return emit_undefined(&aim);
    aim_immediates(&aim);
    aim_registers(&aim);
    if (aim.insn.flags & INSN_MEMORY && !aim_memory(&aim))
        return false;
    if (row_begins(aim.row, "retf") || row_is(aim.row, "iret"))
        aim_far_return(&aim);
    else if (aim.row->attributes & A_JUMP && !aim_near_jump(&aim))
        return false;
    finish_jump(&aim);
    if (!decode(&aim, row))
        return false;
    emit(&aim, aim.encoding.bytes, aim.insn.length);
    return aimed->size <= AIMED_MAX;
}
