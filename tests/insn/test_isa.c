/* The instruction table's columns: classes in the sense of Popek and Goldberg, privilege, and what
 * is done with the flags, each against the manual's lists or by execution of the known answers'
 * cases. Run alone: meson test -C build isa */
#include "base/bits.h"
#include "base/random.h"
#include "cpu/flags.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "machine/answers.h"
#include "machine/isa.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/encode_row.h"
#include "tests/harness/unit.h"

#include <string.h>

enum { FLAG_CHOICES = 16, LINE_SIZE = 4 * ANSWER_PAGE };

static const char *answers_path;

static bool is_one_of(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p++)
        if ((p == list || p[-1] == '|') && (p[length] == '|' || !p[length]))
            return true;
    return false;
}

static bool has_segment_operand(const struct insn_row *row)
{
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(row->operands, names[i]) == 0)
            return true;
    return strstr(row->operands, "Sw") != NULL;
}

/* Robin and Irvine, "Analysis of the Intel Pentium's Ability to Support a Secure Virtual Machine
 * Monitor", 2000, section 4.3: sensitive and not privileged. */
static bool is_of_the_seventeen(const struct insn_row *row)
{
    if (is_one_of("sgdt|sidt|sldt|smsw|pushf|popf|lar|lsl|verr|verw|call far|jmp far|int|retf|str",
                  row->mnemonic))
        return true;
    return is_one_of("pop|push|mov", row->mnemonic) && has_segment_operand(row);
}

static void the_seventeen_are_sensitive(void **state)
{
    unsigned found = 0;
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        if (!is_of_the_seventeen(row))
            continue;
        found++;
        if (row->class == INNOCUOUS || row->class & PRIVILEGED)
            fail_msg("%s %s: class %u", row->mnemonic, row->operands, row->class);
    }
    /* 10 of one form, the far transfers 2 each, RETF 2, INT, STR, MOV 2, PUSH 6, POP 5. */
    assert_int_equal(found, 10 + 4 + 2 + 1 + 1 + 2 + 6 + 5);
}

/* SDM 3A 5.9 (and 2, SYSEXIT and RSM; 386: test registers); with I/O, which IOPL and the bitmap
 * may allow. */
static void privileged_are_the_manuals(void **state)
{
    static const char privileged[] =
        "lgdt|lldt|ltr|lidt|lmsw|clts|hlt|invd|wbinvd|invlpg|rdmsr|wrmsr|sysexit|rsm";
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        bool is_system_move = row->map == MAP_0F && row->opcode >= 0x20 && row->opcode <= 0x26;
        bool wanted = is_one_of(privileged, row->mnemonic) || is_system_move ||
                      is_one_of("in|out|ins|outs", row->mnemonic);
        if (((row->class & PRIVILEGED) != 0) != wanted)
            fail_msg("%s %s is %sprivileged", row->mnemonic, row->operands,
                     row->class & PRIVILEGED ? "" : "not ");
    }
}

/* Everything else that a monitor must see: what depends on or changes IF, IOPL, CPL, CR0, CR4, the
 * tables, or shows time and model. */
static void sensitive_are_complete(void **state)
{
    static const char others[] =
        "cli|sti|iret|int3|int1|into|sysenter|cpuid|rdtsc|rdpmc|arpl|lds|"
        "les|lfs|lgs|lss";
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        bool wanted =
            row->class & PRIVILEGED || is_of_the_seventeen(row) || is_one_of(others, row->mnemonic);
        if ((row->class != INNOCUOUS) != wanted)
            fail_msg("%s %s: class %u", row->mnemonic, row->operands, row->class);
        const uint32_t system_flags = ~(uint32_t)(FLAGS_ARITHMETIC | FLAG_DF);
        if (row->class == INNOCUOUS && (row->flags_written | row->flags_read) & system_flags)
            fail_msg("%s %s: innocuous, and yet system flags", row->mnemonic, row->operands);
    }
}

static void sensitive_forms_have_helpers(void **state)
{
    struct lifts *lifts = lifts_new(cpu_model_find(CPU_MODEL_DEFAULT));
    const struct isa_engine *engine;
    for (unsigned e = 0; (engine = isa_engine_at(e)); e++)
        for (unsigned i = 0; i < insn_row_count(); i++) {
            const char *treatment = isa_treatment(engine, lifts, i);
            bool sensitive = insn_row(i)->class != INNOCUOUS;
            if (engine->engine == ENGINE_INTERP)
                assert_string_equal(treatment, "exec");
            else if (sensitive)
                assert_non_null(strstr(treatment, "helper (sensitive)"));
            else
                assert_true(strcmp(treatment, "lift") == 0 || strcmp(treatment, "helper") == 0);
        }
    lifts_free(lifts);
}

/* --- by execution --- */

enum { DIRECTORY = 0x400000, TABLE = 0x401000 };

static void map_pages(struct bare_cpu *bare)
{
    enum { PRESENT_WRITABLE_USER = 7 };
    store_le32(bare->ram + DIRECTORY, TABLE | PRESENT_WRITABLE_USER);
    store_le32(bare->ram + TABLE + ANSWER_CODE / 1024, ANSWER_CODE | PRESENT_WRITABLE_USER);
    store_le32(bare->ram + TABLE + ANSWER_DATA / 1024, ANSWER_DATA | PRESENT_WRITABLE_USER);
    bare->cpu->cr3 = DIRECTORY;
    bare->cpu->cr0 |= CR0_PG | CR0_WP;
}

static void set_user(struct bare_cpu *bare)
{
    struct segment segment = {.limit = UINT32_MAX, .selector = 0x2B, .access = 0xC0F3};
    bare_cpu_flat(bare, true);
    map_pages(bare);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(bare->cpu, i, &segment);
    segment.selector = 0x23;
    segment.access = 0xC0FB;
    segment_set(bare->cpu, SEG_CS, &segment);
    bare->cpu->cpl = 3;
    bare->cpu->tr.limit = 0; /* no I/O permission bitmap */
    cpu_sync(bare->cpu);
}

/* At CPL 3 with IOPL 0: #GP(0); RSM outside SMM is #UD, as are registers that do not exist. */
static void privileged_forms_fault_at_cpl_3(void **state)
{
    struct bare_cpu *bare = bare_cpu_new("core2");
    struct decoder *decoder = decoder_new(bare->cpu->model);
    for (unsigned row = 0; row < insn_row_count(); row++) {
        const struct insn_row *form = insn_row(row);
        uint8_t code[ROW_CODE_SIZE];
        if (!(form->class & PRIVILEGED) && !is_one_of("cli|sti", form->mnemonic))
            continue;
        assert_true(encode_row(decoder, row, code));
        set_user(bare);
        bare_cpu_write(bare, ANSWER_EIP, code, sizeof code);
        for (unsigned i = 0; i < 8; i++)
            bare->cpu->gpr[i] = ANSWER_DATA + ANSWER_PAGE / 2;
        bare->cpu->eip = ANSWER_EIP;
        int vector = bare_cpu_run(bare, 1);
        bool undefined = is_one_of("rsm", form->mnemonic) || strchr(form->operands, 'T');
        if (vector != (undefined ? VECTOR_UD : VECTOR_GP))
            fail_msg("%s %s at CPL 3: vector %d", form->mnemonic, form->operands, vector);
    }
    decoder_free(decoder);
    bare_cpu_free(bare);
}

struct result {
    int vector;
    uint32_t gpr[8], eip, flags;
    uint8_t data[ANSWER_PAGE];
};

static void run(struct bare_cpu *bare, const struct answer_case *in, uint32_t flags,
                struct result *result)
{
    struct cpu *cpu = bare->cpu;
    if (cpu->activity != CPU_RUNNING)
        set_user(bare);
    bare->vector = -1;
    memcpy(bare->ram + ANSWER_DATA, in->before.data, ANSWER_PAGE);
    bare_cpu_write(bare, ANSWER_EIP, in->code, in->length);
    memcpy(cpu->gpr, in->before.gpr, sizeof in->before.gpr);
    cpu_set_eflags(cpu, flags | FLAG_FIXED);
    cpu->eip = ANSWER_EIP;
    do {
        result->vector = bare_cpu_run(bare, 1);
    } while (result->vector < 0 && cpu->repeating);
    memcpy(result->gpr, cpu->gpr, sizeof result->gpr);
    result->eip = cpu->eip;
    result->flags = cpu_get_eflags(cpu) & (FLAGS_ARITHMETIC | FLAG_DF);
    memcpy(result->data, bare->ram + ANSWER_DATA, ANSWER_PAGE);
}

/* What the columns promise to a translator: flags that are not written stay; those that are not
 * read change nothing but, where it may be left alone, themselves. */
static void check_flags(struct bare_cpu *bare, const struct insn_row *row,
                        const struct answer_case *in, uint64_t *random)
{
    static struct result a, b;
    const uint32_t all = FLAGS_ARITHMETIC | FLAG_DF;
    uint32_t flags = in->before.flags & all;
    uint32_t other = flags ^ ((uint32_t)random_next(random) & all & ~row->flags_read);
    run(bare, in, flags, &a);
    run(bare, in, other, &b);
    uint32_t kept = a.vector >= 0 ? all : all & ~(row->flags_written | row->flags_undefined);
    if ((a.flags ^ flags) & kept)
        fail_msg("%s %s changes flags %x that it does not write", row->mnemonic, row->operands,
                 (a.flags ^ flags) & kept);
    bool same = a.vector == b.vector && a.eip == b.eip && memcmp(a.gpr, b.gpr, sizeof a.gpr) == 0 &&
                memcmp(a.data, b.data, sizeof a.data) == 0;
    /* A flag that comes out otherwise was passed through in both. */
    uint32_t differ = a.flags ^ b.flags, through = ~(a.flags ^ flags) & ~(b.flags ^ other);
    if (!same || differ & ~through)
        fail_msg("%s %s reads flags that its row does not name (of %x)", row->mnemonic,
                 row->operands, flags ^ other);
}

static void flag_columns_hold(void **state)
{
    static struct answer_case in;
    static char line[LINE_SIZE];
    struct bare_cpu *bare = bare_cpu_new("core2");
    struct decoder *decoder = decoder_new(bare->cpu->model);
    FILE *stream = fopen(answers_path, "r");
    uint64_t random = 1;
    unsigned cases = 0;
    assert_non_null(stream);
    set_user(bare);
    while (fgets(line, sizeof line, stream)) {
        struct error err;
        struct insn insn;
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#')
            continue;
        assert_true(answer_parse(line, &in, &err));
        if (decode_insn(decoder, in.code, in.length, true, &insn) != DECODE_OK)
            continue;
        for (unsigned i = 0; i < FLAG_CHOICES; i++)
            check_flags(bare, insn_row(insn.row), &in, &random);
        cases++;
    }
    assert_true(cases > 3000);
    fclose(stream);
    decoder_free(decoder);
    bare_cpu_free(bare);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seventeen_are_sensitive),
        cmocka_unit_test(privileged_are_the_manuals),
        cmocka_unit_test(sensitive_are_complete),
        cmocka_unit_test(sensitive_forms_have_helpers),
        cmocka_unit_test(privileged_forms_fault_at_cpl_3),
        cmocka_unit_test(flag_columns_hold),
    };
    answers_path = argc > 1 ? argv[1] : "machine/answers/integer.answers";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
