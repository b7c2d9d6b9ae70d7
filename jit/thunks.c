/* See jit/thunks.h. */
#include "jit/thunks.h"

#include "jit/code_map.h"
#include "jit/emit.h"
#include "jit/exec.h"
#include "jit/jump_cache.h"
#include "jit/thunks_units.h"

#include <stddef.h>

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};
enum { SAVED_COUNT = sizeof saved };

_Static_assert(sizeof(struct tlb_entry) == 32, "the index is shifted by 5");

struct x64_mem thunks_tlb_field(size_t member)
{
    return (struct x64_mem){REG_TLB, REG_SCRATCH, 0, (int32_t)member};
}

void thunks_emit_tlb_index(struct x64 *as, enum host_reg linear)
{
    x64_mov_rr(as, 4, REG_SCRATCH, linear);
    x64_shift_ri(as, X64_SHR, 4, REG_SCRATCH, PAGE_SHIFT - 5);
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, ~31u);
}

static struct x64_mem gpr(unsigned reg)
{
    return x64_at(REG_CPU,
                  (int32_t)(offsetof(struct cpu, gpr) + reg * sizeof(uint32_t)) - CPU_BIAS);
}

static void push(struct x64 *as, enum host_reg reg)
{
    if (reg >= R8)
        x64_byte(as, 0x41);
    x64_byte(as, (uint8_t)(0x50 | (reg & 7)));
}

static void pop(struct x64 *as, enum host_reg reg)
{
    if (reg >= R8)
        x64_byte(as, 0x41);
    x64_byte(as, (uint8_t)(0x58 | (reg & 7)));
}

static void move_stack(struct x64 *as, int32_t by)
{
    x64_lea(as, 8, RSP, x64_at(RSP, by));
}

static void store_registers(struct x64 *as)
{
    for (unsigned i = 0; i < 8; i++)
        x64_mov_mr(as, 4, gpr(i), emit_reg(4, i));
    x64_mov_mr(as, 4, CPU_FIELD(eip), REG_EIP);
    x64_mov_mr(as, 4, CPU_FIELD(frame.budget), REG_BUDGET);
}

static void load_registers(struct x64 *as)
{
    x64_mov_rm(as, 8, REG_TLB, CPU_FIELD(mmu));
    x64_mov_rm(as, 8, REG_TLB, x64_at(REG_TLB, offsetof(struct mmu, active)));
    x64_mov_rm(as, 4, REG_EIP, CPU_FIELD(eip));
    x64_mov_rm(as, 4, REG_BUDGET, CPU_FIELD(frame.budget));
    for (unsigned i = 0; i < 8; i++)
        x64_mov_rm(as, 4, emit_reg(4, i), gpr(i));
}

/* The stack is aligned to 16 bytes behind this. */
static void emit_enter(struct x64 *as)
{
    for (unsigned i = 0; i < SAVED_COUNT; i++)
        push(as, saved[i]);
    move_stack(as, -8);
    x64_lea(as, 8, REG_CPU, x64_at(RDI, CPU_BIAS));
    x64_mov_rr(as, 8, REG_SCRATCH, RSI);
    load_registers(as);
    x64_rr(as, 4, 0xFF, (enum host_reg)4, REG_SCRATCH); /* jmp */
}

static uint8_t *emit_leave(struct x64 *as)
{
    uint8_t *at = as->at;
    move_stack(as, 8);
    for (unsigned i = SAVED_COUNT; i-- > 0;)
        pop(as, saved[i]);
    x64_ret(as);
    return at;
}

static uint8_t *emit_exit(struct x64 *as, enum jit_exit why, const uint8_t *store_sse,
                          const uint8_t *leave)
{
    uint8_t *at = as->at;
    store_registers(as);
    thunks_emit_put_sse_away(as, store_sse);
    x64_mov_mr(as, 4, CPU_FIELD(frame.payload), R8);
    x64_mov_ri(as, 4, RAX, why);
    x64_jmp_to(as, leave);
    return at;
}

static uint8_t *emit_call(struct x64 *as, uint32_t (*function)(struct cpu *, uint32_t),
                          const uint8_t *store_sse, const uint8_t *leave)
{
    uint8_t *at = as->at;
    store_registers(as);
    thunks_emit_put_sse_away(as, store_sse);
    move_stack(as, -8);
    x64_lea(as, 8, RDI, x64_at(REG_CPU, -CPU_BIAS));
    x64_mov_rr(as, 4, RSI, R8);
    x64_mov_ri(as, 8, RAX, (uintptr_t)function);
    x64_rr(as, 4, 0xFF, (enum host_reg)2, RAX); /* call */
    move_stack(as, 8);
    x64_test_rr(as, 4, RAX, RAX);
    uint8_t *exits = x64_jcc(as, X64_NE);
    load_registers(as);
    x64_ret(as);
    x64_patch(exits, as->at);
    move_stack(as, 8); /* the return address */
    x64_jmp_to(as, leave);
    return at;
}

/* --- the jump cache --- */

static const struct x64_mem jump_entry = {REG_CPU, REG_SCRATCH, 3,
                                          (int32_t)offsetof(struct cpu, jump_cache) - CPU_BIAS};

/* Twice the index of the entry for EIP. */
static void emit_jump_index(struct x64 *as)
{
    _Static_assert(JUMP_CACHE_SIZE == 1 << 16, "the index is the low half of EIP");
    x64_movx_rr(as, 4, REG_SCRATCH, REG_EIP, 2, false);
    x64_alu_rr(as, X64_ADD, 4, REG_SCRATCH, REG_SCRATCH);
}

static struct x64_mem jump_entry_code(void)
{
    struct x64_mem code = jump_entry;
    code.disp += (int32_t)offsetof(struct jump_cache_entry, code);
    return code;
}

void thunks_emit_jump(const struct thunks *thunks, struct x64 *as)
{
    struct x64_mem code = jump_entry_code();
    emit_jump_index(as);
    x64_mov_rm(as, 8, REG_T0, CPU_FIELD(frame.jump_key));
    x64_alu_rr(as, X64_OR, 8, REG_T0, REG_EIP);
    x64_alu_rm(as, X64_CMP, 8, REG_T0, jump_entry);
    x64_jcc_to(as, X64_NE, thunks->lookup);
    x64_rm(as, 4, 0xFF, (enum host_reg)4, &code); /* jmp */
}

/* See jump_cache_note_alone. */
static uint8_t *emit_jump_alone(struct x64 *as, const uint8_t *exit)
{
    uint8_t *at = as->at;
    struct x64_mem code = jump_entry_code();
    emit_jump_index(as);
    x64_alu_ri(as, X64_XOR, 4, REG_SCRATCH, JUMP_CACHE_ALONE * 2);
    x64_mov_rm(as, 8, REG_T0, CPU_FIELD(frame.jump_key));
    x64_alu_rr(as, X64_OR, 8, REG_T0, REG_EIP);
    x64_rr(as, 8, 0x0FBA, (enum host_reg)5, REG_T0); /* bts */
    x64_byte(as, JUMP_KEY_ALONE);
    x64_alu_rm(as, X64_CMP, 8, REG_T0, jump_entry);
    x64_jcc_to(as, X64_NE, exit);
    x64_rm(as, 4, 0xFF, (enum host_reg)4, &code); /* jmp */
    return at;
}

/* T0 is the code for EIP. */
static void emit_note_jump(struct x64 *as)
{
    emit_jump_index(as);
    x64_mov_rm(as, 8, REG_ADDRESS, CPU_FIELD(frame.jump_key));
    x64_alu_rr(as, X64_OR, 8, REG_ADDRESS, REG_EIP);
    x64_mov_mr(as, 8, jump_entry, REG_ADDRESS);
    x64_mov_mr(as, 8, jump_entry_code(), REG_T0);
}

/* The block's physical address by the TLB, then its code by address and mode. */
static uint8_t *emit_lookup(struct x64 *as, const uint8_t *exit_boundary)
{
    uint8_t *at = as->at;
    const struct x64_mem code = thunks_tlb_field(offsetof(struct tlb_entry, code));
    const struct x64_mem physical = thunks_tlb_field(offsetof(struct tlb_entry, physical));
    struct x64_mem slot = {REG_SCRATCH, REG_ADDRESS, 0, 0};
    x64_mov_rr(as, 4, REG_ADDRESS, REG_EIP);
    x64_alu_rm(as, X64_ADD, 4, REG_ADDRESS, CPU_FIELD(seg[SEG_CS].base));
    thunks_emit_tlb_index(as, REG_ADDRESS);
    x64_alu_mi(as, X64_CMP, 4, code, 0);
    x64_jcc_to(as, X64_E, exit_boundary);
    x64_alu_ri(as, X64_AND, 4, REG_ADDRESS, PAGE_MASK);
    x64_alu_rm(as, X64_OR, 4, REG_ADDRESS, physical);
    x64_mov_rm(as, 4, REG_T0, CPU_FIELD(code_mode));
    x64_shift_ri(as, X64_SHL, 8, REG_T0, 32);
    x64_alu_rr(as, X64_OR, 8, REG_T0, REG_ADDRESS);
    /* code_map_slot */
    x64_rr(as, 4, 0x69, REG_ADDRESS, REG_ADDRESS); /* imul by the immediate */
    x64_dword(as, CODE_MAP_FACTOR);
    x64_shift_ri(as, X64_SHR, 4, REG_ADDRESS, 32 - CODE_MAP_BITS);
    x64_shift_ri(as, X64_SHL, 4, REG_ADDRESS, 4);
    x64_mov_rm(as, 8, REG_SCRATCH, CPU_FIELD(frame.code_map));
    x64_alu_rm(as, X64_CMP, 8, REG_T0, slot);
    x64_jcc_to(as, X64_NE, exit_boundary);
    slot.disp = offsetof(struct code_map_slot, code);
    x64_mov_rm(as, 8, REG_T0, slot);
    emit_note_jump(as);
    x64_rr(as, 4, 0xFF, (enum host_reg)4, REG_T0); /* jmp */
    return at;
}

/* E, and the host's address in R8, or the entry's addend. */
static void emit_found(struct x64 *as, bool wants_addend)
{
    x64_mov_rm(as, 8, REG_SCRATCH, thunks_tlb_field(offsetof(struct tlb_entry, addend)));
    if (wants_addend)
        x64_mov_rr(as, 8, REG_ADDRESS, REG_SCRATCH);
    else
        x64_alu_rr(as, X64_ADD, 8, REG_ADDRESS, REG_SCRATCH);
    x64_alu_rr(as, X64_CMP, 4, RAX, RAX);
    x64_ret(as);
}

/* T0 is a physical address in RAM. RCX, which is on the stack, becomes free. The jump is taken,
 * with NE, if the page has no code at all: then the slow path makes the TLB's entry right.
 * Otherwise the bits of the code map from that address on are T0. */
static uint8_t *emit_code_bits(struct x64 *as)
{
    x64_mov_rr(as, 4, RCX, REG_T0);
    x64_shift_ri(as, X64_SHR, 4, RCX, PAGE_SHIFT);
    x64_alu_rm(as, X64_ADD, 8, RCX, CPU_FIELD(frame.code_pages));
    x64_alu_mi(as, X64_CMP, 1, x64_at(RCX, 0), 1);
    uint8_t *none = x64_jcc(as, X64_B);
    x64_mov_rr(as, 4, RCX, REG_T0);
    x64_shift_ri(as, X64_SHR, 4, REG_T0, 3);
    x64_alu_rm(as, X64_ADD, 8, REG_T0, CPU_FIELD(frame.code_bits));
    x64_mov_rm(as, 4, REG_T0, x64_at(REG_T0, 0));
    x64_alu_ri(as, X64_AND, 4, RCX, 7);
    x64_shift_rcl(as, X64_SHR, 4, REG_T0);
    return none;
}

static uint8_t *emit_probe_write(struct x64 *as, unsigned size, bool wants_addend)
{
    uint8_t *at = as->at, *misses[3];
    thunks_emit_tlb_index(as, REG_ADDRESS);
    x64_lea(as, 4, REG_T0, x64_at(REG_ADDRESS, (int32_t)size - 1));
    x64_alu_rm(as, X64_CMP, 4, REG_T0,
               thunks_tlb_field(offsetof(struct tlb_entry, end[MMU_WRITE])));
    uint8_t *plain = x64_jcc(as, X64_B);
    x64_alu_ri(as, X64_AND, 4, REG_T0, ~(uint32_t)PAGE_MASK);
    x64_alu_rm(as, X64_CMP, 4, REG_T0, thunks_tlb_field(offsetof(struct tlb_entry, page)));
    misses[0] = x64_jcc(as, X64_NE);
    x64_test_mi(as, 1, thunks_tlb_field(offsetof(struct tlb_entry, allowed)), TLB_TRAPS_WRITES);
    misses[1] = x64_jcc(as, X64_NE);
    x64_mov_rr(as, 4, REG_T0, REG_ADDRESS);
    x64_alu_ri(as, X64_AND, 4, REG_T0, PAGE_MASK);
    x64_alu_rm(as, X64_OR, 4, REG_T0, thunks_tlb_field(offsetof(struct tlb_entry, physical)));
    push(as, RCX);
    uint8_t *no_code = emit_code_bits(as);
    pop(as, RCX);
    x64_test_ri(as, 4, REG_T0, (1u << size) - 1);
    misses[2] = x64_jcc(as, X64_NE);
    x64_patch(plain, as->at);
    emit_found(as, wants_addend);
    x64_patch(no_code, as->at);
    pop(as, RCX);
    for (unsigned i = 0; i < 3; i++)
        x64_patch(misses[i], as->at);
    x64_ret(as);
    return at;
}

static void emit_probes(struct thunks *thunks, struct x64 *as)
{
    static const uint8_t sizes[] = {1, 2, 4, 8, 10, 16};
    for (unsigned i = 0; i < sizeof sizes; i++) {
        thunks->probe_write[sizes[i]] = emit_probe_write(as, sizes[i], false);
        thunks->probe_write_addend[sizes[i]] = emit_probe_write(as, sizes[i], true);
    }
}

static void emit_over_budget(struct thunks *thunks, struct x64 *as)
{
    for (unsigned count = 1; count <= BLOCK_MAX_INSNS; count++) {
        thunks->over_budget[count] = as->at;
        x64_alu_ri(as, X64_ADD, 4, REG_BUDGET, count);
        x64_jmp_to(as, thunks->exit_boundary);
    }
}

/* to, with the flags saved before. */
static void emit_saving(struct x64 *as, uint8_t *to, uint8_t *places[FLAGS_PLACES])
{
    places[FLAGS_HOME] = to;
    for (unsigned place = FLAGS_HOST; place < FLAGS_PLACES; place++) {
        places[place] = as->at;
        flags_emit_save(as, place == FLAGS_SHIFTED);
        x64_jmp_to(as, to);
    }
}

static void emit_for_stubs(struct thunks *thunks, struct x64 *as)
{
    uint8_t *nothing = as->at;
    x64_ret(as);
    emit_saving(as, nothing, thunks->save_flags);
    thunks->restore_flags[FLAGS_HOME] = nothing;
    thunks->restore_flags[FLAGS_HOST] = as->at;
    flags_emit_restore(as, F_ALL6);
    x64_ret(as);
    thunks->restore_flags[FLAGS_SHIFTED] = as->at;
    flags_emit_restore_shifted(as);
    x64_ret(as);
    emit_saving(as, thunks->exec, thunks->stub_exec);
    emit_saving(as, thunks->exec_end, thunks->stub_exec_end);
    emit_saving(as, thunks->exec_whole, thunks->stub_exec_whole);
    emit_saving(as, thunks->exec_end_whole, thunks->stub_exec_end_whole);
    emit_saving(as, thunks->jump, thunks->stub_jump);
    emit_saving(as, thunks->jump_alone, thunks->stub_jump_alone);
    emit_saving(as, thunks->exit_edge, thunks->stub_exit_edge);
}

void thunks_emit(struct thunks *thunks, struct x64 *as)
{
    thunks->enter = as->at;
    emit_enter(as);
    uint8_t *leave = emit_leave(as);
    uint8_t *store_sse = thunks_emit_store_sse(as);
    thunks->load_sse = thunks_emit_load_sse(as);
    thunks->load_fpu = thunks_emit_load_fpu(as, store_sse);
    thunks->exec = emit_call(as, exec_insn, store_sse, leave);
    thunks->exec_end = emit_call(as, exec_last, store_sse, leave);
    thunks->exec_whole = emit_call(as, exec_insn_whole, store_sse, leave);
    thunks->exec_end_whole = emit_call(as, exec_last_whole, store_sse, leave);
    thunks->exit_boundary = emit_exit(as, EXIT_BOUNDARY, store_sse, leave);
    thunks->exit_edge = as->at;
    pop(as, R8);
    emit_exit(as, EXIT_EDGE, store_sse, leave);
    thunks->exit_interpret = emit_exit(as, EXIT_INTERPRET, store_sse, leave);
    thunks->exit_run = emit_exit(as, EXIT_RUN, store_sse, leave);
    thunks->jump_alone = emit_jump_alone(as, thunks->exit_run);
    emit_over_budget(thunks, as);
    emit_probes(thunks, as);
    thunks->lookup = emit_lookup(as, thunks->exit_boundary);
    thunks->jump = as->at;
    thunks_emit_jump(thunks, as);
    emit_for_stubs(thunks, as);
}
