#include "tests/harness/oracle/program.h"

#include "base/bits.h"
#include "cpu/fault.h"

void walk_begin(struct walk *walk, const struct oracle_case *in)
{
    memcpy(guest_data(walk->guest), in->data, WORLD_WRITABLE);
    guest_put_code(walk->guest, in->program.linear, in->program.code, in->program.size);
    guest_load(walk->guest, &in->before);
    memset(&walk->tolerance, 0, sizeof walk->tolerance);
    walk->undefined = 0;
    walk->count = walk->fresh = 0;
    walk->image_taken = false;
}

uint32_t walk_linear(const struct walk *walk)
{
    const struct cpu *cpu = guest_cpu(walk->guest);
    return cpu->seg[SEG_CS].base + cpu->eip;
}

/* Of code that does not decode: whether the host and the manual may see different faults. */
static bool is_cut_off(const uint8_t *bytes, unsigned size)
{
    static const char prefixes[] = "\x26\x2E\x36\x3E\x64\x65\x66\x67\xF0\xF2\xF3";
    bool lock = false;
    unsigned i = 0;
    for (; i < size && memchr(prefixes, bytes[i], sizeof prefixes - 1); i++)
        lock |= bytes[i] == 0xF0;
    if (i + 1 >= size || bytes[i] != 0x0F)
        return false;
    uint8_t opcode = bytes[i + 1];
    if (lock && (opcode == 0x00 || opcode == 0x20 || opcode == 0x22)) /* DIFF_LOCK_ORDER */
        return true;
    return opcode == 0xB9 || opcode == 0xFF || opcode == 0x24 ||
           opcode == 0x26; /* DIFF_UD_LENGTH */
}

/* What the bytes at CS:EIP are; false if they are no instruction or not all there. */
static bool decode_here(const struct walk *walk, uint32_t linear, struct insn *insn)
{
    const struct cpu *cpu = guest_cpu(walk->guest);
    uint32_t offset = linear - WORLD_CODE;
    if (offset >= WORLD_CODE_SIZE)
        return false;
    unsigned left = WORLD_CODE_SIZE - offset;
    const uint8_t *bytes = guest_data(walk->guest) - WORLD_DATA + linear;
    return decode_insn(walk->decoder, bytes, left < INSN_MAX_LENGTH ? left : INSN_MAX_LENGTH,
                       cpu->seg[SEG_CS].access & SEGMENT_BIG, insn) == DECODE_OK;
}

/* The guest's descriptor tables and the host's way out are there: the two differ. */
static bool touches_gate(const struct cpu *cpu, int vector)
{
    return vector == VECTOR_PF && cpu->cr2 - (WORLD_GATE - 64) < WORLD_GATE_SIZE + 64;
}

static void note_step(struct walk *walk, uint32_t linear, const struct insn *insn, bool decoded)
{
    walk->steps[walk->count++] = (struct walk_step){
        .linear = linear,
        .row = decoded ? insn->row : INSN_ROW_NONE,
        .length = decoded ? insn->length : INSN_MAX_LENGTH,
    };
}

enum walk_result walk_step(struct walk *walk, uint32_t end)
{
    struct cpu *cpu = guest_cpu(walk->guest);
    uint32_t linear = walk_linear(walk);
    uint32_t gpr[8];
    struct insn insn = {.row = INSN_ROW_NONE};
    if (linear == end)
        return guest_step(walk->guest) ? WALK_DISCARD : WALK_FAULT;
    if (walk->count == STEPS_MAX)
        return WALK_DISCARD;
    bool decoded = decode_here(walk, linear, &insn);
    enum verdict verdict = VERDICT_GO;
    uint32_t offset = linear - WORLD_CODE;
    if (!decoded && offset < WORLD_CODE_SIZE &&
        is_cut_off(guest_data(walk->guest) - WORLD_DATA + linear, WORLD_CODE_SIZE - offset))
        return WALK_DISCARD;
    if (decoded)
        verdict = differences_before(cpu, &insn, walk->undefined, &walk->tolerance);
    if (verdict == VERDICT_STOP)
        return WALK_DISCARD;
    note_step(walk, linear, &insn, decoded);
    memcpy(gpr, cpu->gpr, sizeof gpr);
    if (guest_step(walk->guest)) {
        if (decoded)
            walk->undefined = differences_flags(gpr, &insn, false, walk->undefined);
        if (decoded && differences_after(cpu, &insn, &walk->undefined, &walk->tolerance))
            verdict = VERDICT_LAST;
        walk->tolerance.flags = walk->undefined;
        return verdict == VERDICT_LAST ? WALK_LAST : WALK_ON;
    }
    int vector = guest_vector(walk->guest);
    if (touches_gate(cpu, vector) || vector == WORLD_TIMEOUT)
        return WALK_DISCARD;
    if (decoded) {
        bool faulted = vector != VECTOR_DB;
        walk->undefined = differences_flags(gpr, &insn, faulted, walk->undefined);
        if (!differences_fault(cpu, &insn, vector, &walk->tolerance))
            return WALK_DISCARD;
        if (!faulted)
            differences_after(cpu, &insn, &walk->undefined, &walk->tolerance);
    }
    walk->tolerance.flags = walk->undefined;
    return WALK_FAULT;
}

bool walk_through(struct walk *walk, const struct oracle_case *in)
{
    enum walk_result result;
    walk_begin(walk, in);
    do {
        result = walk_step(walk, in->end);
        if (result == WALK_LAST && walk_linear(walk) != in->end)
            result = WALK_DISCARD;
    } while (result == WALK_ON || result == WALK_LAST);
    guest_erase_code(walk->guest, in->program.linear, in->program.size);
    return result == WALK_FAULT;
}
