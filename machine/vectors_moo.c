/* MOO files: single instructions of real-mode programs, with all registers and the touched memory
 * before and after, as captured from hardware. */
#include "machine/vectors_moo.h"

#include "base/memory.h"
#include "machine/vectors_run.h"

#include <stdio.h>
#include <string.h>

/* A REP instruction counts one per iteration. */
enum { MAX_INSNS = 0x30000 };

/* Where a register of a set stands in the processor. */
enum register_kind { KIND_GPR, KIND_SEGMENT, KIND_EIP, KIND_FLAGS, KIND_CONTROL, KIND_DEBUG };
struct register_place {
    const char *name;
    enum register_kind kind;
    unsigned index;
};

static const struct register_place places_286[MOO_286_REGISTERS] = {
    {"ax",    KIND_GPR,     REG_EAX},
    {"bx",    KIND_GPR,     REG_EBX},
    {"cx",    KIND_GPR,     REG_ECX},
    {"dx",    KIND_GPR,     REG_EDX},
    {"cs",    KIND_SEGMENT, SEG_CS },
    {"ss",    KIND_SEGMENT, SEG_SS },
    {"ds",    KIND_SEGMENT, SEG_DS },
    {"es",    KIND_SEGMENT, SEG_ES },
    {"sp",    KIND_GPR,     REG_ESP},
    {"bp",    KIND_GPR,     REG_EBP},
    {"si",    KIND_GPR,     REG_ESI},
    {"di",    KIND_GPR,     REG_EDI},
    {"ip",    KIND_EIP,     0      },
    {"flags", KIND_FLAGS,   0      },
};
static const struct register_place places_386[MOO_386_REGISTERS] = {
    {"cr0",    KIND_CONTROL, 0      },
    {"cr3",    KIND_CONTROL, 3      },
    {"eax",    KIND_GPR,     REG_EAX},
    {"ebx",    KIND_GPR,     REG_EBX},
    {"ecx",    KIND_GPR,     REG_ECX},
    {"edx",    KIND_GPR,     REG_EDX},
    {"esi",    KIND_GPR,     REG_ESI},
    {"edi",    KIND_GPR,     REG_EDI},
    {"ebp",    KIND_GPR,     REG_EBP},
    {"esp",    KIND_GPR,     REG_ESP},
    {"cs",     KIND_SEGMENT, SEG_CS },
    {"ds",     KIND_SEGMENT, SEG_DS },
    {"es",     KIND_SEGMENT, SEG_ES },
    {"fs",     KIND_SEGMENT, SEG_FS },
    {"gs",     KIND_SEGMENT, SEG_GS },
    {"ss",     KIND_SEGMENT, SEG_SS },
    {"eip",    KIND_EIP,     0      },
    {"eflags", KIND_FLAGS,   0      },
    {"dr6",    KIND_DEBUG,   6      },
    {"dr7",    KIND_DEBUG,   7      },
};

/* What is being checked, and what came out. */
struct verdict {
    bool failed;    /* a defined difference */
    bool masked;    /* an undefined one */
    char text[160]; /* the first defined difference */
};

static void verdict_fail(struct verdict *verdict, const char *what, uint32_t got, uint32_t expected)
{
    if (!verdict->failed)
        snprintf(verdict->text, sizeof verdict->text, "%s is %X, should be %X", what, got,
                 expected);
    verdict->failed = true;
}

static void load_register(struct vector_machine *machine, const struct register_place *place,
                          uint32_t value, bool is_386)
{
    struct cpu *cpu = machine->cpu;
    switch (place->kind) {
    case KIND_GPR:
        cpu->gpr[place->index] = value;
        break;
    case KIND_SEGMENT:
        vector_machine_set_segment(machine, (enum segment_register)place->index, (uint16_t)value);
        break;
    case KIND_EIP:
        cpu->eip = value;
        break;
    case KIND_FLAGS:
        cpu_set_eflags(cpu, (value & (is_386 ? 0x7FD5 : 0x0FD5)) | FLAG_FIXED);
        break;
    case KIND_CONTROL: /* the captured part's reserved bits are not ours; real mode anyway */
        break;
    case KIND_DEBUG:
        cpu->dr[place->index] = value;
        break;
    }
}

static uint32_t read_register(const struct cpu *cpu, const struct register_place *place)
{
    switch (place->kind) {
    case KIND_GPR:
        return cpu->gpr[place->index];
    case KIND_SEGMENT:
        return cpu->seg[place->index].selector;
    case KIND_EIP:
        return cpu->eip;
    case KIND_FLAGS:
        return cpu_get_eflags(cpu);
    case KIND_CONTROL:
        return place->index == 0 ? cpu->cr0 : cpu->cr3;
    case KIND_DEBUG:
        return cpu->dr[place->index];
    }
    return 0;
}

static void load_test(struct vector_machine *machine, const struct moo_file *file,
                      const struct moo_test *test)
{
    struct cpu *cpu = machine->cpu;
    const struct memory_image *memory = &test->initial.memory;
    for (uint32_t i = 0; i < memory->count; i++)
        vector_machine_poke(machine, load_le32(memory->entries + 5 * i),
                            memory->entries[5 * i + 4]);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    const struct register_place *places = file->is_386 ? places_386 : places_286;
    unsigned count = file->is_386 ? MOO_386_REGISTERS : MOO_286_REGISTERS;
    vector_machine_set_segment(machine, SEG_FS, 0);
    vector_machine_set_segment(machine, SEG_GS, 0);
    for (unsigned i = 0; i < count; i++)
        if (bit_is_set(test->initial.registers.bits, i))
            load_register(machine, &places[i], test->initial.registers.value[i], file->is_386);
    cpu->idtr_base = 0;
    cpu->idtr_limit = 0x3FF;
    cpu->activity = CPU_RUNNING;
    cpu->attention = 0;
    cpu_sync(cpu);
}

/* Bits of register i that are compared. */
static uint32_t register_mask(const struct moo_file *file, const struct moo_test *test,
                              const struct register_place *place, unsigned i)
{
    uint32_t mask = file->is_386 ? UINT32_MAX : 0xFFFF;
    if (place->kind == KIND_SEGMENT)
        mask = 0xFFFF;
    if (place->kind == KIND_FLAGS)
        mask = file->flags_mask & ~test->flags_undefined;
    if (place->kind == KIND_CONTROL)
        mask = i == 0 ? CR0_PE | CR0_MP | CR0_EM | CR0_TS : UINT32_MAX;
    if (bit_is_set(file->mask.bits, i))
        mask &= file->mask.value[i];
    if (bit_is_set(test->final.mask.bits, i))
        mask &= test->final.mask.value[i];
    return mask;
}

static void compare_registers(const struct vector_machine *machine, const struct moo_file *file,
                              const struct moo_test *test, struct verdict *verdict)
{
    const struct register_place *places = file->is_386 ? places_386 : places_286;
    unsigned count = file->is_386 ? MOO_386_REGISTERS : MOO_286_REGISTERS;
    for (unsigned i = 0; i < count; i++) {
        const struct register_set *set = bit_is_set(test->final.registers.bits, i)
                                             ? &test->final.registers
                                             : &test->initial.registers;
        if (!bit_is_set(set->bits, i))
            continue;
        uint32_t got = read_register(machine->cpu, &places[i]), expected = set->value[i];
        uint32_t mask = register_mask(file, test, &places[i], i);
        if ((got ^ expected) & mask)
            verdict_fail(verdict, places[i].name, got & mask, expected & mask);
        else if (places[i].kind == KIND_FLAGS && (got ^ expected) & 0x0FD5)
            verdict->masked = true;
    }
}

/* Value of address in image, or -1. */
static int image_find(const struct memory_image *image, uint32_t address)
{
    for (uint32_t i = 0; i < image->count; i++)
        if (load_le32(image->entries + 5 * i) == address)
            return image->entries[5 * i + 4];
    return -1;
}

static void compare_byte(const struct vector_machine *machine, uint32_t address, uint8_t expected,
                         uint8_t mask, struct verdict *verdict)
{
    uint8_t got = address < VECTOR_RAM_SIZE ? machine->ram[address] : 0xFF;
    char what[32];
    if ((got ^ expected) & mask) {
        snprintf(what, sizeof what, "byte %05X", address);
        verdict_fail(verdict, what, got & mask, expected & mask);
    } else if (got != expected) {
        verdict->masked = true;
    }
}

static void compare_memory(const struct vector_machine *machine, const struct moo_file *file,
                           const struct moo_test *test, struct verdict *verdict)
{
    const struct memory_image *before = &test->initial.memory, *after = &test->final.memory;
    const struct cpu *cpu = machine->cpu;
    uint32_t flags_at[2] = {UINT32_MAX, UINT32_MAX}; /* the FLAGS word that the exception pushed */
    for (unsigned i = 0; i < 2 && test->has_exception; i++)
        flags_at[i] = cpu->seg[SEG_SS].base + ((cpu->gpr[REG_ESP] + 4 + i) & 0xFFFF);
    for (uint32_t i = 0; i < after->count; i++) {
        uint32_t address = load_le32(after->entries + 5 * i);
        uint8_t mask = address == flags_at[0]   ? (uint8_t)file->flags_mask
                       : address == flags_at[1] ? (uint8_t)(file->flags_mask >> 8)
                                                : 0xFF;
        compare_byte(machine, address, after->entries[5 * i + 4], mask, verdict);
    }
    for (uint32_t i = 0; i < before->count; i++) {
        uint32_t address = load_le32(before->entries + 5 * i);
        if (address != flags_at[0] && address != flags_at[1] && image_find(after, address) < 0)
            compare_byte(machine, address, before->entries[5 * i + 4], 0xFF, verdict);
    }
}

/* Leaves memory zero where the test touched it; all of it if something went wrong. */
static void clean_up(struct vector_machine *machine, const struct moo_test *test, bool failed)
{
    const struct memory_image *images[] = {&test->initial.memory, &test->final.memory};
    for (unsigned k = 0; k < 2; k++)
        for (uint32_t i = 0; i < images[k]->count; i++)
            vector_machine_poke(machine, load_le32(images[k]->entries + 5 * i), 0);
    if (failed)
        vector_machine_clear(machine);
}

static void run_test(struct vector_machine *machine, const struct moo_file *file,
                     const struct moo_test *test, struct verdict *verdict)
{
    load_test(machine, file, test);
    if (!vector_machine_run(machine, MAX_INSNS)) {
        snprintf(verdict->text, sizeof verdict->text, "HLT was not reached; cs:eip is %04X:%X",
                 machine->cpu->seg[SEG_CS].selector, machine->cpu->eip);
        verdict->failed = true;
        cpu_reset(machine->cpu, false);
    } else {
        compare_registers(machine, file, test, verdict);
        compare_memory(machine, file, test, verdict);
    }
    clean_up(machine, test, verdict->failed);
}

/* The instruction at CS:IP of the test's memory. Not one: insn->row is INSN_ROW_NONE. */
static void decode_test(struct vector_machine *machine, const struct moo_file *file,
                        const struct moo_test *test, struct insn *insn)
{
    enum { CS_286 = 4, IP_286 = 12, CS_386 = 10, EIP_386 = 16 };
    const uint32_t *value = test->initial.registers.value;
    uint32_t ip = value[file->is_386 ? EIP_386 : IP_286];
    uint32_t base = (value[file->is_386 ? CS_386 : CS_286] & 0xFFFF) << 4;
    uint8_t bytes[INSN_MAX_LENGTH];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        int byte = image_find(&test->initial.memory, base + ((ip + i) & 0xFFFF));
        bytes[i] = byte < 0 ? 0 : (uint8_t)byte;
    }
    (void)decode_insn(machine->decoder, bytes, sizeof bytes, false, insn);
}

/* Flags that the 286 has and the 386 has otherwise, undefined in the manual: CF and OF of SHL and
 * SHR by the operand's size or more (SDM 2B, SAL/SAR/SHL/SHR). */
static uint32_t undefined_of(const struct moo_file *file, const struct moo_test *test,
                             const struct insn *insn)
{
    enum { CX_286 = 3 };
    if (file->is_386 || insn->row == INSN_ROW_NONE)
        return 0;
    const struct insn_row *row = insn_row(insn->row);
    if (strcmp(row->mnemonic, "shl") != 0 && strcmp(row->mnemonic, "shr") != 0)
        return 0;
    bool by_cl = strstr(row->operands, "cl") != NULL;
    unsigned count = by_cl ? test->initial.registers.value[CX_286] : insn->immediate;
    return (count & 31) >= (row->operands[1] == 'b' ? 8 : 16) ? FLAG_CF | FLAG_OF : 0;
}

static void count_test(struct vector_machine *machine, const struct moo_file *file,
                       struct moo_test *test, struct vector_report *report, unsigned source)
{
    struct insn insn;
    decode_test(machine, file, test, &insn);
    unsigned row = insn.row;
    test->flags_undefined = undefined_of(file, test, &insn);
    if (moo_is_revoked(file, test)) {
        vector_report_count(report, source, row, VECTOR_SKIPPED);
        return;
    }
    struct verdict verdict = {0};
    run_test(machine, file, test, &verdict);
    vector_report_count(report, source, row,
                        verdict.failed   ? VECTOR_FAILED
                        : verdict.masked ? VECTOR_MASKED
                                         : VECTOR_PASSED);
    const struct vector_source *counted = &report->sources[source];
    if (verdict.failed && counted->counts.failed <= report->show)
        fprintf(stderr, "%s #%u %s: %s\n", counted->name, test->index, test->name, verdict.text);
}

bool vectors_run_moo(const struct vector_file *file, struct vector_machine *machine,
                     struct vector_report *report, struct error *err)
{
    char stem[64];
    vector_stem(file->path, stem, sizeof stem);
    struct moo_file moo = {.path = file->path};
    struct moo_cursor cursor = {file->bytes, file->bytes + file->size};
    struct moo_chunk chunk;
    bool whole = true;
    cpu_reset(machine->cpu, false);
    vector_machine_clear(machine);
    while (whole && moo_next_chunk(&cursor, &chunk)) {
        struct moo_test test;
        if (moo_chunk_is(&chunk, "MOO ") && chunk.size >= 12) {
            moo.is_386 = memcmp(chunk.bytes + 8, "386", 3) == 0;
            moo.flags_mask = moo_flags_mask(file->path, stem, moo.is_386);
            if (moo.is_386)
                moo_load_revoked(&moo);
        } else if (moo_chunk_is(&chunk, "RMSK") || moo_chunk_is(&chunk, "RM32")) {
            moo_parse_registers(&chunk, moo.is_386 ? 4 : 2, &moo.mask);
        } else if (moo_chunk_is(&chunk, "TEST")) {
            whole = moo_parse_test(&chunk, &test);
            if (whole)
                count_test(machine, &moo, &test, report, vector_report_source(report, stem));
        }
    }
    mem_free(moo.revoked);
    if (!whole || cursor.next != cursor.end)
        return error_set(err, "%s: damaged: no whole chunk at byte %zu", file->path,
                         (size_t)(cursor.next - file->bytes));
    return true;
}
