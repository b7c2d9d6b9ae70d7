/* The seventeen instructions of Robin and Irvine at CPL 3, on the host's processor in 32-bit code
 * and in Anachron: the same expectations hold for both, as a program sees them.
 *
 * A host with UMIP (and a kernel that uses it) refuses SGDT, SIDT, SLDT, STR and SMSW at CPL 3 with
 * #GP, which Linux turns into made-up results for some of them; the processors that Anachron models
 * are older and show the real ones. What the host did is said. tests/bare/seventeen.c has CPL 0 and
 * V86 mode.
 * Alone: build/tests/insn/test_seventeen */
#include "base/bits.h"
#include "cpu/flags.h"
#include "cpu/registers.h"
#include "cpu/segment.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/capture_host.h"

#include <stdio.h>
#include <string.h>

enum {
    EXIT_SKIP = 77,
    MIDDLE = 0x800,
    MARK = 0xA5,
    /* Selectors of the system, where Linux has them. */
    SYSTEM_CODE = 0x10,
    SYSTEM_DATA = 0x18,
    /* The guest's own. */
    GDT = 0x402000,
    GDT_LIMIT = 0x7F,
    IDT = 0x403000,
    LDT_SELECTOR = 0x48,
    TSS_SELECTOR = 0x40,
};

struct subject {
    const char *name, *what;
    uint8_t code[12];
    uint8_t length;
    uint32_t eax;      /* before */
    uint32_t stack[2]; /* at ESP, before */
    bool umip;         /* the host may refuse or make up */
    bool (*holds)(const struct answer_case *answer);
};

/* --- expectations --- */

static uint32_t data32(const struct answer_case *answer, unsigned offset)
{
    return load_le32(answer->after.state.data + MIDDLE + offset);
}

static bool runs(const struct answer_case *answer)
{
    return answer->after.trap == ANSWER_NO_TRAP;
}

static bool faults(const struct answer_case *answer)
{
    return answer->after.trap == VECTOR_GP && answer->after.eip == ANSWER_EIP;
}

/* Six bytes were stored, and no more. */
static bool stores_table(const struct answer_case *answer)
{
    const uint8_t *bytes = answer->after.state.data + MIDDLE;
    return runs(answer) && data32(answer, 2) != MARK * 0x01010101u && bytes[6] == MARK;
}

static bool stores_word(const struct answer_case *answer)
{
    const uint8_t *bytes = answer->after.state.data + MIDDLE;
    return runs(answer) && bytes[2] == MARK;
}

/* PE is set, and so is what a paging system has: MP or ET or NE. */
static bool shows_cr0(const struct answer_case *answer)
{
    return stores_word(answer) && data32(answer, 0) & CR0_PE;
}

/* PUSHFD; POP EAX: IF is on and IOPL 0. */
static bool shows_if(const struct answer_case *answer)
{
    return runs(answer) && (answer->after.state.gpr[REG_EAX] & (FLAG_IF | FLAG_IOPL)) == FLAG_IF;
}

/* PUSH EAX; POPFD; PUSHFD; POP EAX: CF came in, IF and IOPL did not change. */
static bool popf_is_silent(const struct answer_case *answer)
{
    return shows_if(answer) && answer->after.state.gpr[REG_EAX] & FLAG_CF;
}

static bool zero_is_set(const struct answer_case *answer)
{
    return runs(answer) && answer->after.state.flags & FLAG_ZF;
}

static bool zero_is_clear(const struct answer_case *answer)
{
    return runs(answer) && !(answer->after.state.flags & FLAG_ZF);
}

static bool shows_rights(const struct answer_case *answer)
{
    return zero_is_set(answer) && (answer->after.state.gpr[REG_ECX] & 0xFE00) == 0xF200;
}

static bool shows_limit(const struct answer_case *answer)
{
    return zero_is_set(answer) && answer->after.state.gpr[REG_ECX] == UINT32_MAX;
}

static bool shows_cpl(const struct answer_case *answer)
{
    return runs(answer) && (answer->after.state.gpr[REG_EAX] & 0xFFFF) == ANSWER_CS;
}

#define CODE(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})
#define AT_EBX    0x03 /* ModRM of [EBX] with reg 0 */

/* clang-format off */
static const struct subject subjects[] = {
    {"SGDT",  "stores the table's base and limit", CODE(0x0F, 0x01, AT_EBX), 0, {0}, true, stores_table},
    {"SIDT",  "stores the table's base and limit", CODE(0x0F, 0x01, AT_EBX | 1 << 3), 0, {0}, true, stores_table},
    {"SLDT",  "stores the selector", CODE(0x0F, 0x00, AT_EBX), 0, {0}, true, stores_word},
    {"STR",   "stores the selector", CODE(0x0F, 0x00, AT_EBX | 1 << 3), 0, {0}, true, stores_word},
    {"SMSW",  "stores CR0", CODE(0x0F, 0x01, AT_EBX | 4 << 3), 0, {0}, true, shows_cr0},
    {"PUSHF", "shows IF and IOPL", CODE(0x9C, 0x58), 0, {0}, false, shows_if},
    {"POPF",  "leaves IF and IOPL, silently", CODE(0x50, 0x9D, 0x9C, 0x58), FLAG_IOPL | FLAG_CF | FLAG_FIXED, {0}, false, popf_is_silent},
    {"LAR",   "shows a user segment's rights", CODE(0x0F, 0x02, 0xC8), ANSWER_DS, {0}, false, shows_rights},
    {"LAR",   "hides a system segment", CODE(0x0F, 0x02, 0xC8), SYSTEM_DATA, {0}, false, zero_is_clear},
    {"LSL",   "shows a user segment's limit", CODE(0x0F, 0x03, 0xC8), ANSWER_DS, {0}, false, shows_limit},
    {"LSL",   "hides a system segment", CODE(0x0F, 0x03, 0xC8), SYSTEM_DATA, {0}, false, zero_is_clear},
    {"VERR",  "can read a user segment", CODE(0x0F, 0x00, 0xE0), ANSWER_DS, {0}, false, zero_is_set},
    {"VERR",  "cannot read a system segment", CODE(0x0F, 0x00, 0xE0), SYSTEM_DATA, {0}, false, zero_is_clear},
    {"VERW",  "can write a user segment", CODE(0x0F, 0x00, 0xE8), ANSWER_DS, {0}, false, zero_is_set},
    {"VERW",  "cannot write a system segment", CODE(0x0F, 0x00, 0xE8), SYSTEM_DATA, {0}, false, zero_is_clear},
    {"PUSH",  "CS shows CPL", CODE(0x0E, 0x58), 0, {0}, false, shows_cpl},
    {"MOV",   "from CS shows CPL", CODE(0x8C, 0xC8), 0, {0}, false, shows_cpl},
    {"POP",   "DS of a system segment", CODE(0x1F), 0, {SYSTEM_DATA}, false, faults},
    {"MOV",   "to DS of a system segment", CODE(0x8E, 0xD8), SYSTEM_DATA, {0}, false, faults},
    {"CALL",  "to a system segment", CODE(0x9A, 0, 0, 0, 0, SYSTEM_CODE, 0), 0, {0}, false, faults},
    {"JMP",   "to a system segment", CODE(0xEA, 0, 0, 0, 0, SYSTEM_CODE, 0), 0, {0}, false, faults},
    {"RET",   "to a system segment", CODE(0xCB), 0, {0, SYSTEM_CODE}, false, faults},
    {"INT",   "through a system's gate", CODE(0xCD, 0x70), 0, {0}, false, faults},
};
/* clang-format on */

static void prepare(const struct subject *subject, struct answer_case *answer)
{
    memset(answer, 0, sizeof *answer);
    memcpy(answer->code, subject->code, subject->length);
    answer->length = subject->length;
    struct answer_state *before = &answer->before;
    answer_state_seeded(1, before);
    before->flags = 0;
    before->gpr[REG_EAX] = subject->eax;
    before->gpr[REG_EBX] = ANSWER_DATA + MIDDLE;
    before->gpr[REG_ESP] = ANSWER_DATA + 0x400;
    memset(before->data + MIDDLE, MARK, 16);
    for (unsigned i = 0; i < 2; i++)
        store_le32(before->data + 0x400 + 4 * i, subject->stack[i]);
}

/* --- the guest --- */

static uint64_t descriptor(uint8_t access)
{
    return 0xFFFF | (uint64_t)access << 40 | (uint64_t)0xCF << 48;
}

/* Pages for code and data, the tables for the system alone, and segments as Linux has them. */
static void map_guest(struct bare_cpu *bare)
{
    enum { DIRECTORY = 0x400000, TABLE = 0x401000, SYSTEM = 3, USER = 7 };
    uint8_t *ram = bare->ram;
    store_le32(ram + DIRECTORY, TABLE | USER);
    store_le32(ram + DIRECTORY + 4, TABLE | SYSTEM); /* the tables' own addresses, 4 MiB on */
    store_le32(ram + TABLE + ANSWER_CODE / 1024, ANSWER_CODE | USER);
    store_le32(ram + TABLE + ANSWER_DATA / 1024, ANSWER_DATA | USER);
    store_le32(ram + TABLE + (GDT & 0x3FFFFF) / 1024, GDT | SYSTEM);
    store_le32(ram + TABLE + (IDT & 0x3FFFFF) / 1024, IDT | SYSTEM);
    store_le64(ram + GDT + SYSTEM_CODE, descriptor(0x9B));
    store_le64(ram + GDT + SYSTEM_DATA, descriptor(0x93));
    store_le64(ram + GDT + (ANSWER_CS & ~7), descriptor(0xFB));
    store_le64(ram + GDT + (ANSWER_DS & ~7), descriptor(0xF3));
    for (unsigned i = 0; i < 256; i++) /* gates of DPL 0 */
        store_le64(ram + IDT + 8 * i, (uint64_t)0x8E00 << 32 | SYSTEM_CODE << 16);
}

static void set_guest(struct bare_cpu *bare)
{
    struct cpu *cpu = bare->cpu;
    struct segment segment = {.limit = UINT32_MAX, .selector = ANSWER_DS, .access = 0xC0F3};
    bare_cpu_flat(bare, true);
    map_guest(bare);
    cpu->cr3 = 0x400000;
    cpu->cr0 |= CR0_PG | CR0_WP | CR0_MP | CR0_NE;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(cpu, i, &segment);
    segment.selector = ANSWER_CS;
    segment.access = 0xC0FB;
    segment_set(cpu, SEG_CS, &segment);
    cpu->cpl = 3;
    cpu->gdtr_base = GDT;
    cpu->gdtr_limit = GDT_LIMIT;
    cpu->idtr_base = IDT;
    cpu->idtr_limit = 0x7FF;
    cpu->ldtr.selector = LDT_SELECTOR;
    cpu->tr.selector = TSS_SELECTOR;
    cpu_sync(cpu);
}

/* To the breakpoint behind the code, or the first fault. */
static void run_guest(struct bare_cpu *bare, struct answer_case *answer)
{
    struct cpu *cpu = bare->cpu;
    set_guest(bare);
    memcpy(bare->ram + ANSWER_DATA, answer->before.data, ANSWER_PAGE);
    bare_cpu_write(bare, ANSWER_EIP, answer->code, answer->length);
    memcpy(cpu->gpr, answer->before.gpr, sizeof answer->before.gpr);
    cpu_set_eflags(cpu, FLAG_FIXED | FLAG_IF);
    cpu->eip = ANSWER_EIP;
    int vector = -1;
    while (vector < 0 && cpu->eip != ANSWER_EIP + answer->length)
        vector = bare_cpu_run(bare, 1);
    struct answer_outcome *after = &answer->after;
    after->trap = vector < 0 ? ANSWER_NO_TRAP : vector;
    after->eip = cpu->eip;
    memcpy(after->state.gpr, cpu->gpr, sizeof after->state.gpr);
    after->state.flags = cpu_get_eflags(cpu);
    memcpy(after->state.data, bare->ram + ANSWER_DATA, ANSWER_PAGE);
}

/* What the guest's tables really are, which the five instructions show at CPL 3, too. */
static bool guest_shows_itself(const struct subject *subject, const struct answer_case *answer)
{
    if (!strcmp(subject->name, "SGDT"))
        return data32(answer, 0) == (GDT_LIMIT | (uint32_t)GDT << 16) && data32(answer, 2) == GDT;
    if (!strcmp(subject->name, "SIDT"))
        return data32(answer, 2) == IDT;
    if (!strcmp(subject->name, "SLDT"))
        return (data32(answer, 0) & 0xFFFF) == LDT_SELECTOR;
    if (!strcmp(subject->name, "STR"))
        return (data32(answer, 0) & 0xFFFF) == TSS_SELECTOR;
    return true;
}

/* --- --- */

static const char *host_story(const struct subject *subject, const struct answer_case *answer)
{
    if (!subject->umip)
        return "as expected";
    if (faults(answer))
        return "#GP: UMIP";
    /* What Linux makes up for SGDT and SIDT: limit 0, a base beyond the user's half. */
    if (stores_table(answer) && (data32(answer, 0) & 0xFFFF) == 0)
        return "made up by the kernel: UMIP";
    return "shows the system's: no UMIP, or made up";
}

static void complain(const struct subject *subject, const char *where,
                     const struct answer_case *answer)
{
    fprintf(stderr, "FAILED: %s %s, %s: trap %d, eip %x, eax %x, ecx %x, flags %x, memory %x %x\n",
            subject->name, subject->what, where, answer->after.trap, answer->after.eip,
            answer->after.state.gpr[REG_EAX], answer->after.state.gpr[REG_ECX],
            answer->after.state.flags, data32(answer, 0), data32(answer, 4));
}

int main(void)
{
    static struct answer_case answer;
    struct bare_cpu *bare = bare_cpu_new("pentium3");
    struct error err;
    bool has_host = capture_open(&err);
    unsigned failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
        const struct subject *subject = &subjects[i];
        prepare(subject, &answer);
        run_guest(bare, &answer);
        if (!subject->holds(&answer) || !guest_shows_itself(subject, &answer)) {
            complain(subject, "guest", &answer);
            failed++;
        }
        if (!has_host)
            continue;
        capture_run(&answer);
        if (!subject->holds(&answer) && !(subject->umip && faults(&answer))) {
            complain(subject, "host", &answer);
            failed++;
        }
        printf("%-5s %-36s host: %s\n", subject->name, subject->what, host_story(subject, &answer));
    }
    bare_cpu_free(bare);
    if (!has_host && !failed) {
        fprintf(stderr, "SKIPPED on the host: %s; in the guest all held\n", err.text);
        return EXIT_SKIP;
    }
    return failed > 0;
}
