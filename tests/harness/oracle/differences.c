#include "tests/harness/oracle/differences.h"

#include "base/bits.h"
#include "cpu/fpu.h"
#include "tests/harness/oracle/encode.h"

#define AMD "AuthenticAMD"

/* clang-format off */
const struct difference_row difference_rows[DIFF_COUNT] = {
    [DIFF_UNDEFINED_FLAGS] =
    {"undefined-flags", "any",
     "flags that the instruction leaves undefined",
     "the table's column; for shifts and rotates it depends on the count",
     "2, Flags Affected"},
    [DIFF_UNDEFINED_RESULT] =
    {"undefined-result", "any",
     "SHLD and SHRD by more than 16 of 16 bits, BSWAP of 16 bits",
     "the manual leaves the destination undefined",
     "2, SHLD; BSWAP"},
    [DIFF_HALF_DONE] =
    {"half-done", "any",
     "registers and memory when PUSHA, POPA, ENTER or a store of x87 or SSE state faults",
     "the processor may have done part of it; Anachron changes nothing",
     "2, PUSHA; ENTER; FXSAVE"},
    [DIFF_REP_ORDER] =
    {"rep-order", "any",
     "which operand's fault a repeated CMPS or MOVS reports",
     "fast string operations look at pages in an order of their own",
     "1, 7.3.9.3"},
    [DIFF_FCOMI_INVALID] =
    {"fcomi-invalid", AMD,
     "EFLAGS after FCOMI with unmasked #IA",
     "the flags are set only if the exception is masked",
     "2, FCOMI"},
    [DIFF_FCOMI_C1] =
    {"fcomi-c1", AMD,
     "C1 after FCOMI",
     "C1 is cleared",
     "2, FCOMI"},
    [DIFF_FLD_DENORMAL] =
    {"fld-denormal", AMD,
     "the stack after FLD of an unmasked denormal",
     "a fault before the operation leaves the stack alone; the host pushes",
     "1, 8.5.2"},
    [DIFF_CVTPI2PS] =
    {"cvtpi2ps", AMD,
     "TOP and tags after CVTPI2PS from memory",
     "the transition to MMX happens whatever the operand; the host makes none",
     "2, CVTPI2PS"},
    [DIFF_TRANSCENDENTAL] =
    {"transcendental", "any",
     "the last bit of transcendental functions, and C1 with it",
     "within one unit in the last place is what the manual promises",
     "1, 8.3.10"},
    [DIFF_RECIPROCAL] =
    {"reciprocal", "any",
     "RCPPS, RCPSS, RSQRTPS, RSQRTSS",
     "a relative error of at most 1.5 * 2^-12 is what the manual promises",
     "2, RCPPS"},
    [DIFF_FPU_SELECTORS] =
    {"fpu-selectors", "any",
     "FCS and FDS in the images of FNSTENV, FNSAVE and FXSAVE",
     "newer processors store zero, and 64-bit systems lose them",
     "1, 8.1.8"},
    [DIFF_FPU_POINTERS] =
    {"fpu-pointers", AMD,
     "FIP, FDP and FOP after a fault",
     "without a pending exception, FXSAVE of the host's system does not keep them across a "
     "signal",
     "1, 8.1.8"},
    [DIFF_PUSH_SELECTOR] =
    {"push-selector", AMD,
     "the upper half of a 32-bit PUSH of a selector",
     "newer Intel processors write the lower half only; the host writes zeros",
     "2, PUSH"},
    [DIFF_PREFETCHW] =
    {"prefetchw", AMD,
     "PREFETCHW of a register: not run",
     "a reserved no-operation of Intel's; the host raises #UD",
     "2, PREFETCHW"},
    [DIFF_MASKMOV_FAULT] =
    {"maskmov-fault", AMD,
     "TOP and tags after a fault in MASKMOVQ",
     "Anachron changes nothing; the host makes the transition to MMX first",
     "2, MASKMOVQ"},
    [DIFF_ALIGNMENT_ORDER] =
    {"alignment-order", AMD,
     "#AC where Anachron raises #PF, or #GP of a misaligned FXSAVE",
     "page faults come before in the manual's list; on the host, behind",
     "3A, table 6-2; 2, FXSAVE"},
    [DIFF_INT1] =
    {"int1", "AMD under KVM",
     "EIP of the #DB of INT1",
     "it is a trap; the host's hypervisor reports it as a fault",
     "2, INT1"},
    [DIFF_LAR_LIMIT] =
    {"lar-limit", AMD,
     "bits 19 to 16 of LAR's result",
     "the manual leaves them undefined; the host shows the limit's",
     "2, LAR"},
    [DIFF_MISALIGNED_MODE] =
    {"misaligned-mode", AMD,
     "MXCSR bit 17 in LDMXCSR and FXRSTOR: not run",
     "a reserved bit of Intel's; the host's misaligned exception mask",
     "1, 10.2.3"},
    [DIFF_NULL_SELECTOR] =
    {"null-selector", "Linux",
     "which of the null selectors 0 to 3",
     "an interrupt's IRET to user mode makes 0 of each",
     "2, IRET"},
    [DIFF_UD_LENGTH] =
    {"ud-length", AMD,
     "UD0, UD1 and moves of test registers, cut off by the end of their segment or page: "
     "not run",
     "they have a ModRM byte that is fetched; the host's have none",
     "2, UD"},
    [DIFF_LOCK_ORDER] =
    {"lock-order", AMD,
     "LOCK with VERR, VERW, LLDT, LTR or moves of control registers: not run",
     "LOCK is #UD before all else; the host reads the selector first, and has an encoding "
     "of CR8 there",
     "2, LOCK"},
    [DIFF_TRANSFER_ORDER] =
    {"transfer-order", AMD,
     "which of two faults of CALL, far RET and IRET comes first",
     "the manual checks the target before the stack; the host looks at more of the stack "
     "before",
     "2, CALL; RET"},
    [DIFF_REP_LOOP] =
    {"rep-loop", AMD,
     "LOOPE and LOOPNE with F2 or F3: not run",
     "repeat prefixes are reserved there; on the host they choose the condition",
     "2, 2.1.1"},
    [DIFF_PART_ORDER] =
    {"part-order", AMD,
     "which fault an 80-bit operand raises that lies across the end of its segment",
     "the manual checks the limit first; the host accesses 64 bits, then 16",
     "3A, table 6-2"},
    [DIFF_IDENTITY] =
    {"identity", "any",
     "results of CPUID and RDTSC",
     "they are the processor model's own",
     "2, CPUID; RDTSC"},
    [DIFF_UMIP] =
    {"umip", "Linux",
     "results of SGDT, SIDT, SLDT, STR and SMSW",
     "the host's system forbids them in user mode and makes results up",
     "3A, 2.5 (CR4.UMIP)"},
    [DIFF_NOT_RUN] =
    {"not-run", "Linux",
     "SYSENTER, SYSEXIT, INT 80h; IRET with NT set",
     "they would call the host's system, or differ in long mode",
     "2, SYSENTER"},
};
/* clang-format on */

/* Where the manual leaves open what happens and both sides do the same: compared in full. */
static const char *const shared_choices[] = {
    "BSF and BSR of zero leave the destination alone (SDM 2, BSF)",
    "x87 instructions leave C0, C2 and C3 alone where they are undefined (SDM 1, table 8-1)",
    "F2XM1 beyond +-1, and FYL2XP1 from -1 down, keep the operand (SDM 2, F2XM1)",
    "a store that an unmasked x87 exception prevents looks at its operand first (SDM 1, 8.5)",
    "MASKMOVQ and MASKMOVDQU look at their whole operand, whatever the mask (SDM 2, MASKMOVDQU)",
    "REP INS and OUTS of no iteration need permission for the port (SDM 2, REP)",
    "FXSAVE: limit of the first byte, then alignment, then all else (SDM 2, FXSAVE)",
    "FNSAVE and FNSTENV need the alignment of their words (SDM 3A, table 6-7)",
};

void differences_print(FILE *stream)
{
    for (unsigned i = 0; i < DIFF_COUNT; i++) {
        const struct difference_row *row = &difference_rows[i];
        fprintf(stream, "%s (%s)\n    not compared: %s\n    because: %s (SDM %s)\n", row->name,
                row->host, row->what, row->reason, row->manual);
    }
    fputs("\nOpen in the manual, compared all the same:\n", stream);
    for (size_t i = 0; i < ARRAY_LENGTH(shared_choices); i++)
        fprintf(stream, "    %s\n", shared_choices[i]);
}

static void use(struct tolerance *tolerance, enum difference difference)
{
    tolerance->used |= UINT64_C(1) << difference;
}

/* --- kinds of instructions --- */

static bool row_is_one_of(const struct insn_row *row, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (row_is(row, names[i]))
            return true;
    return false;
}

#define IS_ONE_OF(row, ...)                                                                        \
    row_is_one_of(row, (const char *const[]){__VA_ARGS__},                                         \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static bool is_shift(const struct insn_row *row)
{
    return IS_ONE_OF(row, "rol", "ror", "rcl", "rcr", "shl", "shr", "sar", "shld", "shrd");
}

static bool is_transcendental(const struct insn_row *row)
{
    return IS_ONE_OF(row, "f2xm1", "fyl2x", "fyl2xp1", "fptan", "fpatan", "fsin", "fcos",
                     "fsincos");
}

static bool is_fcomi(const struct insn_row *row)
{
    return row_begins(row, "fcomi") || row_begins(row, "fucomi");
}

static bool pushes_selector(const struct insn_row *row, const struct insn *insn)
{
    return row_is(row, "push") && row->operands[1] == 's' && insn->flags & INSN_OPERAND32;
}

static bool is_umip(const struct insn_row *row)
{
    return IS_ONE_OF(row, "sgdt", "sidt", "sldt", "str", "smsw");
}

/* --- flags --- */

static unsigned operand_bits(const struct insn_row *row, const struct insn *insn)
{
    if (row->operands[1] == 'b')
        return 8;
    return insn->flags & INSN_OPERAND32 ? 32 : 16;
}

static unsigned shift_count(const struct insn_row *row, const struct insn *insn, uint32_t ecx)
{
    const char *last = strrchr(row->operands, ',') + 1;
    return (*last == '1' ? 1 : *last == 'I' ? insn->immediate : ecx) & 31;
}

/* SDM 2, "Flags Affected" of the shifts and rotates: it depends on the count. */
static uint32_t undefined_by_shift(const struct insn_row *row, const struct insn *insn,
                                   unsigned count)
{
    unsigned bits = operand_bits(row, insn);
    uint32_t undefined = 0;
    if (count > 1)
        undefined |= FLAG_OF;
    if (row->mnemonic[0] == 's')
        undefined |= FLAG_AF;
    if (count >= bits && row_begins(row, "sh"))
        undefined |= FLAG_CF;
    return undefined;
}

uint32_t differences_flags(const uint32_t gpr[8], const struct insn *insn, bool faulted,
                           uint32_t undefined)
{
    const struct insn_row *row = insn_row(insn->row);
    if (faulted)
        return undefined | row->flags_undefined;
    if (is_shift(row)) {
        unsigned count = shift_count(row, insn, gpr[REG_ECX]);
        if (!count)
            return undefined;
        return (undefined & ~row->flags_written) | undefined_by_shift(row, insn, count);
    }
    uint32_t times = insn->flags & INSN_ADDRESS32 ? gpr[REG_ECX] : gpr[REG_ECX] & 0xFFFF;
    if (row->attributes & A_REP && insn->flags & (INSN_REP | INSN_REPNE) && !times)
        return undefined;
    return (undefined & ~row->flags_written) | row->flags_undefined;
}

/* --- before --- */

static bool has_undefined_result(const struct insn_row *row, const struct insn *insn, uint32_t ecx)
{
    if (row_is(row, "bswap"))
        return !(insn->flags & INSN_OPERAND32);
    return (row_is(row, "shld") || row_is(row, "shrd")) &&
           shift_count(row, insn, ecx) > operand_bits(row, insn);
}

const char *differences_not_run(const struct insn_row *row)
{
    if (IS_ONE_OF(row, "sysenter", "sysexit"))
        return difference_rows[DIFF_NOT_RUN].reason;
    return NULL;
}

static uint32_t operand_linear(const struct cpu *cpu, const struct insn *insn)
{
    return cpu->seg[insn->segment].base + insn_address(cpu, insn);
}

/* The bytes of a memory operand, where they lie in the code or data pages; else NULL. */
static const uint8_t *peek_operand(const struct cpu *cpu, const struct insn *insn, uint32_t offset,
                                   uint32_t size)
{
    uint32_t linear = operand_linear(cpu, insn) + offset;
    if (linear - WORLD_DATA > WORLD_DATA_SIZE - size &&
        linear - WORLD_CODE > WORLD_CODE_SIZE - size)
        return NULL;
    return physmem_ram(cpu->mmu->phys) + linear;
}

static uint32_t peek32(const struct cpu *cpu, const struct insn *insn, uint32_t offset)
{
    const uint8_t *bytes = peek_operand(cpu, insn, offset, 4);
    return bytes ? load_le32(bytes) : 0;
}

static bool has_misaligned_mode(const struct cpu *cpu, const struct insn_row *row,
                                const struct insn *insn)
{
    enum { MXCSR_MM = 1 << 17, FX_MXCSR = 24 };
    return (row_is(row, "ldmxcsr") && peek32(cpu, insn, 0) & MXCSR_MM) ||
           (row_is(row, "fxrstor") && peek32(cpu, insn, FX_MXCSR) & MXCSR_MM);
}

/* Selectors of descriptors that the two systems have for themselves. */
static bool names_system_descriptor(const struct cpu *cpu, const struct insn_row *row,
                                    const struct insn *insn)
{
    enum { CODE64 = 6, CPU_NUMBER = 15 };
    if (!IS_ONE_OF(row, "lar", "lsl", "verr", "verw"))
        return false;
    bool memory = insn->flags & INSN_MEMORY;
    unsigned selector = (memory ? peek32(cpu, insn, 0) : cpu->gpr[insn->rm]) & 0xFFFC;
    return selector == CODE64 << 3 || selector == CPU_NUMBER << 3;
}

/* The system that makes up these results gives up where more than one segment is named. */
static bool has_many_prefixes(const struct cpu *cpu)
{
    static const char prefixes[] = "\x26\x2E\x36\x3E\x64\x65\x66\x67";
    const uint8_t *bytes = physmem_ram(cpu->mmu->phys) + cpu->seg[SEG_CS].base + cpu->eip;
    unsigned count = 0;
    while (count < 3 && memchr(prefixes, bytes[count], sizeof prefixes - 1))
        count++;
    return count == 3;
}

static bool must_not_run(const struct cpu *cpu, const struct insn_row *row, const struct insn *insn)
{
    if (row_is(row, "int") && (insn->immediate & 0xFF) == 0x80)
        return true;
    if (row_is(row, "iret") && cpu->eflags & FLAG_NT)
        return true;
    bool repeated = insn->flags & (INSN_REP | INSN_REPNE);
    if (repeated && IS_ONE_OF(row, "loope", "loopne"))
        return true;
    if (row_is(row, "prefetchw") && !(insn->flags & INSN_MEMORY))
        return true;
    if (pushes_selector(row, insn) && cpu->gpr[REG_ESP] & 3)
        return true; /* the upper half may fault where the lower does not */
    if (row_is(row, "cvtpi2ps") && insn->flags & INSN_MEMORY && cpu->fpu.status & FPU_ES)
        return true;
    if (is_umip(row) && insn->flags & INSN_MEMORY &&
        (cpu->seg[insn->segment].selector != WORLD_DS32 || has_many_prefixes(cpu)))
        return true;
    return has_misaligned_mode(cpu, row, insn) || names_system_descriptor(cpu, row, insn) ||
           differences_not_run(row) != NULL;
}

static void hide_memory(struct tolerance *tolerance, unsigned slot, uint32_t linear, uint32_t size)
{
    tolerance->memory[slot].linear = linear;
    tolerance->memory[slot].size = size;
}

/* Images of the x87 state, with the parts that processors disagree about. */
static bool hide_in_image(const struct cpu *cpu, const struct insn_row *row,
                          const struct insn *insn, struct tolerance *tolerance)
{
    uint32_t linear = operand_linear(cpu, insn);
    bool wide = insn->flags & INSN_OPERAND32;
    if (row_is(row, "fxsave")) {
        hide_memory(tolerance, 0, linear + 6, 18); /* FOP, FIP, FDP */
        hide_memory(tolerance, 1, linear + 28, 4); /* MXCSR_MASK */
    } else if (IS_ONE_OF(row, "fnstenv", "fnsave")) {
        hide_memory(tolerance, 0, linear + (wide ? 16 : 8), wide ? 4 : 2);
        hide_memory(tolerance, 1, linear + (wide ? 24 : 12), 2);
    } else {
        return false;
    }
    use(tolerance, DIFF_FPU_SELECTORS);
    return true;
}

static void note_reciprocal(const struct cpu *cpu, const struct insn_row *row,
                            const struct insn *insn, struct tolerance *tolerance)
{
    tolerance->near32 = (uint8_t)(insn->reg + 1);
    tolerance->near32_count = row->prefix == P_F3 ? 1 : 4;
    tolerance->is_root = row->opcode == 0x52;
    unsigned size = 4u * tolerance->near32_count;
    const void *operand = &cpu->xmm[insn->rm];
    if (insn->flags & INSN_MEMORY)
        operand = peek_operand(cpu, insn, 0, size);
    if (operand) /* else it faults */
        memcpy(tolerance->near32_operand, operand, size);
    use(tolerance, DIFF_RECIPROCAL);
}

static enum verdict special_before(const struct cpu *cpu, const struct insn_row *row,
                                   const struct insn *insn, struct tolerance *tolerance)
{
    bool memory = insn->flags & INSN_MEMORY;
    if (is_transcendental(row)) {
        tolerance->near80 = true;
        tolerance->fpu_status |= FPU_C1;
        use(tolerance, DIFF_TRANSCENDENTAL);
        return VERDICT_LAST;
    }
    if (IS_ONE_OF(row, "rcpps", "rcpss", "rsqrtps", "rsqrtss")) {
        note_reciprocal(cpu, row, insn, tolerance);
        return VERDICT_LAST;
    }
    if (row_is(row, "cvtpi2ps") && memory) {
        tolerance->fpu_stack = true;
        use(tolerance, DIFF_CVTPI2PS);
        return VERDICT_LAST;
    }
    if (IS_ONE_OF(row, "cpuid", "rdtsc")) {
        tolerance->gpr[REG_EAX] = tolerance->gpr[REG_EDX] = UINT32_MAX;
        if (row_is(row, "cpuid")) {
            /* In a virtual machine CPUID leaves it. The x87 pointers may be lost on the way, and RF
             * stays. */
            tolerance->fpu_pointers = true;
            tolerance->system_flags = FLAG_RF;
            tolerance->gpr[REG_EBX] = tolerance->gpr[REG_ECX] = UINT32_MAX;
        }
        use(tolerance, DIFF_IDENTITY);
        return VERDICT_LAST;
    }
    if (row_is(row, "lar") && insn->flags & INSN_OPERAND32) {
        tolerance->gpr[insn->reg] = 0xF0000;
        use(tolerance, DIFF_LAR_LIMIT);
        return VERDICT_LAST;
    }
    if (row_is(row, "int1")) {
        tolerance->eip = true;
        use(tolerance, DIFF_INT1);
    }
    if (pushes_selector(row, insn)) {
        uint32_t esp = (cpu->gpr[REG_ESP] - 4) & cpu->stack_mask;
        hide_memory(tolerance, 0, cpu->seg[SEG_SS].base + esp + 2, 2);
        use(tolerance, DIFF_PUSH_SELECTOR);
        return VERDICT_LAST;
    }
    if (is_umip(row)) {
        if (memory)
            hide_memory(tolerance, 0, operand_linear(cpu, insn), 6);
        else
            tolerance->gpr[insn->rm] = UINT32_MAX;
        use(tolerance, DIFF_UMIP);
        return VERDICT_LAST;
    }
    return VERDICT_GO;
}

enum verdict differences_before(const struct cpu *cpu, const struct insn *insn, uint32_t undefined,
                                struct tolerance *tolerance)
{
    const struct insn_row *row = insn_row(insn->row);
    if (row->flags_read & undefined || must_not_run(cpu, row, insn) ||
        has_undefined_result(row, insn, cpu->gpr[REG_ECX]))
        return VERDICT_STOP;
    if (insn->flags & INSN_MEMORY && hide_in_image(cpu, row, insn, tolerance))
        return VERDICT_LAST;
    if (is_fcomi(row) && cpu->fpu.status & FPU_C1) {
        tolerance->fpu_status |= FPU_C1;
        use(tolerance, DIFF_FCOMI_C1);
        return VERDICT_LAST;
    }
    return special_before(cpu, row, insn, tolerance);
}

/* --- after --- */

enum verdict differences_after(const struct cpu *cpu, const struct insn *insn, uint32_t *undefined,
                               struct tolerance *tolerance)
{
    const struct insn_row *row = insn_row(insn->row);
    unsigned unmasked = cpu->fpu.status & ~(unsigned)cpu->fpu.control & FLOAT_EXCEPTIONS;
    if (!(row->attributes & A_FPU) || !unmasked)
        return VERDICT_GO;
    if (is_fcomi(row) && unmasked & FLOAT_INVALID) {
        *undefined |= FLAGS_ARITHMETIC;
        use(tolerance, DIFF_FCOMI_INVALID);
    }
    if (row_is(row, "fld") && unmasked & FLOAT_DENORMAL) {
        tolerance->fpu_all = true;
        use(tolerance, DIFF_FLD_DENORMAL);
        return VERDICT_LAST;
    }
    return VERDICT_GO;
}

/* A #GP that names a descriptor that the two systems have for themselves. */
static bool is_about_system_descriptor(const struct cpu *cpu, int vector)
{
    uint32_t error = cpu->fault.error & 0xFFFC;
    return vector == VECTOR_GP && (error == 0x30 || error == 0x78);
}

bool differences_fault(const struct cpu *cpu, const struct insn *insn, int vector,
                       struct tolerance *tolerance)
{
    bool had_alignment_check = cpu->eflags & FLAG_AC; /* delivery leaves it alone */
    const struct insn_row *row = insn_row(insn->row);
    if (is_umip(row) || is_about_system_descriptor(cpu, vector))
        return false;
    bool is_misplaced = vector == VECTOR_GP && IS_ONE_OF(row, "fxsave", "fxrstor");
    if ((vector == VECTOR_PF || is_misplaced) && had_alignment_check) {
        tolerance->alignment_first = true;
        use(tolerance, DIFF_ALIGNMENT_ORDER);
    }
    if (row_has(row, "Mt")) {
        tolerance->any_fault = true;
        use(tolerance, DIFF_PART_ORDER);
    }
    if (row_is(row, "maskmovq")) {
        tolerance->fpu_stack = true;
        use(tolerance, DIFF_MASKMOV_FAULT);
    }
    bool is_image = IS_ONE_OF(row, "fnsave", "fnstenv", "fxsave", "frstor", "fldenv", "fxrstor");
    if (is_image || IS_ONE_OF(row, "pusha", "popa", "enter", "call far")) {
        tolerance->half_done = true;
        tolerance->fault_address = tolerance->any_fault = is_image;
        use(tolerance, DIFF_HALF_DONE);
    }
    if (IS_ONE_OF(row, "call", "call far", "retf", "iret")) {
        tolerance->any_fault = true;
        use(tolerance, DIFF_TRANSFER_ORDER);
    }
    if (insn->flags & (INSN_REP | INSN_REPNE) && IS_ONE_OF(row, "cmps", "movs")) {
        tolerance->fault_address = tolerance->any_fault = true;
        use(tolerance, DIFF_REP_ORDER);
    }
    return true;
}
