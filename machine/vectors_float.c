/* TestFloat cases, each through the instruction itself: operands are loaded from memory into the
 * x87 stack or an XMM register by guest code, the instruction executes, result and exception flags
 * are stored by guest code. */
#include "machine/vectors_run.h"

#include "cpu/model.h"

#include <stdio.h>
#include <string.h>

/* Where the guest code and its operands stand; one page of code, one of data. */
enum {
    CODE = 0x1000,
    DATA_A = 0x2000,
    DATA_B = 0x2010,
    DATA_RESULT = 0x2020,
    DATA_STATUS = 0x2030,
    DATA_CONTROL = 0x2034,
    DATA_MXCSR = 0x2038,
    STACK = 0x4000,
};

/* Instructions with a memory operand [disp16]: ModRM 00 reg 110. */
#define AT(reg, address) 0x06 | (reg) << 3, (address)&0xFF, (address) >> 8
#define X87_START        0xDB, 0xE3, 0xD9, AT(5, DATA_CONTROL) /* FNINIT; FLDCW */
#define X87_LOAD_A       0xDB, AT(5, DATA_A)                   /* FLD m80 */
#define X87_LOAD_B       0xDB, AT(5, DATA_B)
#define X87_STORE        0xDB, AT(7, DATA_RESULT)       /* FSTP m80 */
#define X87_END          0xDD, AT(7, DATA_STATUS), 0xF4 /* FNSTSW; HLT */
#define X87_BINARY(op)   X87_START, X87_LOAD_A, X87_LOAD_B, 0xDE, op, X87_STORE, X87_END
#define X87_UNARY(op)    X87_START, X87_LOAD_A, 0xD9, op, X87_STORE, X87_END
#define X87_TO(byte, n)  X87_START, X87_LOAD_A, byte, AT(n, DATA_RESULT), X87_END
#define X87_FROM(byte, n)                                                                          \
    X87_START, byte, AT(n, DATA_A), 0xDD, AT(7, DATA_STATUS), X87_STORE, 0xF4 /* HLT */
#define SSE_START     0x0F, 0xAE, AT(2, DATA_MXCSR)                           /* LDMXCSR */
#define SSE_END       0x0F, 0xAE, AT(3, DATA_STATUS), 0xF4
#define SSE_LOAD_A(p) p, 0x0F, 0x10, AT(0, DATA_A) /* MOVSS or MOVSD xmm0 */
#define SSE_STORE(p)  p, 0x0F, 0x11, AT(0, DATA_RESULT)
#define SSE_BINARY(p, op)                                                                          \
    SSE_START, SSE_LOAD_A(p), p, 0x0F, op, AT(0, DATA_B), SSE_STORE(p), SSE_END
#define SSE_UNARY(p, op)  SSE_START, p, 0x0F, op, AT(0, DATA_A), SSE_STORE(p), SSE_END
#define SSE_CONVERT(p, q) SSE_START, p, 0x0F, 0x5A, AT(0, DATA_A), SSE_STORE(q), SSE_END
#define SSE_TO_I32(p)                                                                              \
    SSE_START, p, 0x0F, 0x2D, AT(0, DATA_A), 0x66, 0xA3, DATA_RESULT & 0xFF, DATA_RESULT >> 8,     \
        SSE_END
#define SSE_FROM_I32(p) SSE_START, p, 0x0F, 0x2A, AT(0, DATA_A), SSE_STORE(p), SSE_END

struct function {
    const char *name;
    const char *mnemonic;
    enum cpu_feature feature;
    uint8_t operand_size; /* bytes */
    uint8_t operands;
    uint8_t result_size;
    uint8_t length;
    uint8_t code[48];
};

#define F(name, mnemonic, feature, operand_size, operands, result_size, ...)                       \
    {                                                                                              \
        name, mnemonic, feature, operand_size, operands, result_size,                              \
            sizeof((uint8_t[]){__VA_ARGS__}),                                                      \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* clang-format off */
static const struct function functions[] = {
    F("extF80_add",        "faddp",     FEAT_FPU,  10, 2, 10, X87_BINARY(0xC1)),
    F("extF80_sub",        "fsubp",     FEAT_FPU,  10, 2, 10, X87_BINARY(0xE9)),
    F("extF80_mul",        "fmulp",     FEAT_FPU,  10, 2, 10, X87_BINARY(0xC9)),
    F("extF80_div",        "fdivp",     FEAT_FPU,  10, 2, 10, X87_BINARY(0xF9)),
    F("extF80_sqrt",       "fsqrt",     FEAT_FPU,  10, 1, 10, X87_UNARY(0xFA)),
    F("extF80_roundToInt", "frndint",   FEAT_FPU,  10, 1, 10, X87_UNARY(0xFC)),
    F("extF80_to_f32",     "fstp",      FEAT_FPU,  10, 1, 4,  X87_TO(0xD9, 3)),
    F("extF80_to_f64",     "fstp",      FEAT_FPU,  10, 1, 8,  X87_TO(0xDD, 3)),
    F("extF80_to_i32",     "fistp",     FEAT_FPU,  10, 1, 4,  X87_TO(0xDB, 3)),
    F("extF80_to_i64",     "fistp",     FEAT_FPU,  10, 1, 8,  X87_TO(0xDF, 7)),
    F("i32_to_extF80",     "fild",      FEAT_FPU,  4,  1, 10, X87_FROM(0xDB, 0)),
    F("i64_to_extF80",     "fild",      FEAT_FPU,  8,  1, 10, X87_FROM(0xDF, 5)),
    F("f32_to_extF80",     "fld",       FEAT_FPU,  4,  1, 10, X87_FROM(0xD9, 0)),
    F("f64_to_extF80",     "fld",       FEAT_FPU,  8,  1, 10, X87_FROM(0xDD, 0)),
    F("f32_add",           "addss",     FEAT_SSE,  4,  2, 4,  SSE_BINARY(0xF3, 0x58)),
    F("f32_sub",           "subss",     FEAT_SSE,  4,  2, 4,  SSE_BINARY(0xF3, 0x5C)),
    F("f32_mul",           "mulss",     FEAT_SSE,  4,  2, 4,  SSE_BINARY(0xF3, 0x59)),
    F("f32_div",           "divss",     FEAT_SSE,  4,  2, 4,  SSE_BINARY(0xF3, 0x5E)),
    F("f32_sqrt",          "sqrtss",    FEAT_SSE,  4,  1, 4,  SSE_UNARY(0xF3, 0x51)),
    F("f32_to_i32",        "cvtss2si",  FEAT_SSE,  4,  1, 4,  SSE_TO_I32(0xF3)),
    F("i32_to_f32",        "cvtsi2ss",  FEAT_SSE,  4,  1, 4,  SSE_FROM_I32(0xF3)),
    F("f32_to_f64",        "cvtss2sd",  FEAT_SSE2, 4,  1, 8,  SSE_CONVERT(0xF3, 0xF2)),
    F("f64_add",           "addsd",     FEAT_SSE2, 8,  2, 8,  SSE_BINARY(0xF2, 0x58)),
    F("f64_sub",           "subsd",     FEAT_SSE2, 8,  2, 8,  SSE_BINARY(0xF2, 0x5C)),
    F("f64_mul",           "mulsd",     FEAT_SSE2, 8,  2, 8,  SSE_BINARY(0xF2, 0x59)),
    F("f64_div",           "divsd",     FEAT_SSE2, 8,  2, 8,  SSE_BINARY(0xF2, 0x5E)),
    F("f64_sqrt",          "sqrtsd",    FEAT_SSE2, 8,  1, 8,  SSE_UNARY(0xF2, 0x51)),
    F("f64_to_f32",        "cvtsd2ss",  FEAT_SSE2, 8,  1, 4,  SSE_CONVERT(0xF2, 0xF3)),
    F("f64_to_i32",        "cvtsd2si",  FEAT_SSE2, 8,  1, 4,  SSE_TO_I32(0xF2)),
    F("i32_to_f64",        "cvtsi2sd",  FEAT_SSE2, 4,  1, 8,  SSE_FROM_I32(0xF2)),
};
/* clang-format on */

/* Control and status as both units have them. */
struct mode {
    unsigned rounding;  /* RC: 0 near, 1 down, 2 up, 3 zero */
    unsigned precision; /* PC: 0, 2, 3 */
};

static bool parse_name(const char *stem, const struct function **function, struct mode *mode)
{
    static const struct {
        const char *name;
        unsigned rc;
    } roundings[] = {
        {"near_even", 0},
        {"min",       1},
        {"max",       2},
        {"minMag",    3}
    };
    char name[32], rounding[16];
    unsigned precision;
    if (sscanf(stem, "%31[^.].%15[^.].p%u", name, rounding, &precision) != 3)
        return false;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LENGTH(roundings); i++)
        if (strcmp(rounding, roundings[i].name) == 0) {
            mode->rounding = roundings[i].rc;
            known = true;
        }
    if (!known || (precision != 32 && precision != 64 && precision != 80))
        return false;
    mode->precision = precision == 32 ? 0 : precision == 64 ? 2 : 3;
    for (size_t i = 0; i < ARRAY_LENGTH(functions); i++)
        if (strcmp(name, functions[i].name) == 0) {
            *function = &functions[i];
            return true;
        }
    return false;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* Reads size bytes, most significant first, into little-endian bytes; moves *text behind them and
 * one blank. */
static bool parse_value(const char **text, uint8_t *bytes, unsigned size)
{
    const char *p = *text;
    for (unsigned i = size; i-- > 0; p += 2) {
        int high = hex_digit(p[0]);
        int low = high < 0 ? -1 : hex_digit(p[1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (*p == ' ')
        p++;
    *text = p;
    return true;
}

static void prepare(struct vector_machine *machine, const struct function *function,
                    const struct mode *mode)
{
    struct cpu *cpu = machine->cpu;
    vector_machine_clear(machine);
    cpu_reset(cpu, false);
    for (unsigned seg = 0; seg < SEG_COUNT; seg++)
        vector_machine_set_segment(machine, seg, 0);
    cpu->cr0 &= ~(uint32_t)(CR0_EM | CR0_TS);
    cpu->cr4 |= CR4_OSFXSR;
    cpu->gpr[REG_ESP] = STACK;
    cpu_set_eflags(cpu, FLAG_FIXED);
    cpu_sync(cpu);
    memcpy(machine->ram + CODE, function->code, function->length);
    store_le16(machine->ram + DATA_CONTROL,
               (uint16_t)(0x3F | mode->precision << 8 | mode->rounding << 10));
    store_le32(machine->ram + DATA_MXCSR, 0x1F80 | mode->rounding << 13);
}

/* Exception flags in TestFloat's order from an x87 or SSE status word (DE is not tested). */
static unsigned status_flags(unsigned status)
{
    return (status & 1) << 4 | (status >> 2 & 1) << 3 | (status >> 3 & 1) << 2 |
           (status >> 4 & 1) << 1 | (status >> 5 & 1);
}

static void describe(const struct function *function, const char *line, const uint8_t *ram,
                     unsigned flags, bool halted)
{
    int length = (int)strcspn(line, "\r\n");
    fprintf(stderr, "%s: %.*s: got ", function->mnemonic, length, line);
    for (unsigned i = function->result_size; i-- > 0;)
        fprintf(stderr, "%02X", ram[DATA_RESULT + i]);
    fprintf(stderr, " %02X%s\n", flags, halted ? "" : " (did not reach HLT)");
}

/* Runs one line. False: the line is damaged. */
static bool run_line(struct vector_machine *machine, const struct function *function,
                     const char *line, bool *passed, bool show)
{
    uint8_t expected[16] = {0}, expected_flags;
    const char *text = line;
    uint8_t *ram = machine->ram;
    for (unsigned i = 0; i < function->operands; i++)
        if (!parse_value(&text, ram + (i ? DATA_B : DATA_A), function->operand_size))
            return false;
    if (!parse_value(&text, expected, function->result_size) ||
        !parse_value(&text, &expected_flags, 1))
        return false;
    struct cpu *cpu = machine->cpu;
    cpu->eip = CODE;
    cpu->activity = CPU_RUNNING;
    cpu->attention &= ~(uint32_t)ATTENTION_HALT;
    bool halted = vector_machine_run(machine, 64);
    unsigned flags = status_flags(load_le16(ram + DATA_STATUS));
    *passed = halted && cpu->eip == (uint32_t)CODE + function->length &&
              memcmp(ram + DATA_RESULT, expected, function->result_size) == 0 &&
              flags == expected_flags;
    if (!*passed && show)
        describe(function, line, ram, flags, halted);
    return true;
}

/* The row of the tested instruction: the first of its name in the code. */
static unsigned row_of(const struct vector_machine *machine, const struct function *function)
{
    for (unsigned at = 0; at < function->length;) {
        struct insn insn;
        if (decode_insn(machine->decoder, function->code + at, function->length - at, false,
                        &insn) != DECODE_OK)
            break;
        if (strcmp(insn_row(insn.row)->mnemonic, function->mnemonic) == 0)
            return insn.row;
        at += insn.length;
    }
    return INSN_ROW_NONE;
}

bool vectors_run_float(const struct vector_file *file, struct vector_machine *machine,
                       struct vector_report *report, struct error *err)
{
    char stem[128];
    vector_stem(file->path, stem, sizeof stem);
    const struct function *function;
    struct mode mode;
    if (!parse_name(stem, &function, &mode))
        return error_set(err, "%s: neither a MOO file nor named like a TestFloat file", file->path);
    unsigned source = vector_report_source(report, stem), row = row_of(machine, function);
    bool runs = model_has(machine->cpu->model, function->feature);
    unsigned shown = 0, number = 1;
    if (runs)
        prepare(machine, function, &mode);
    const char *line = (const char *)file->bytes;
    for (; *line; number++) {
        const char *end = line + strcspn(line, "\n");
        bool passed = false;
        if (!runs) {
            vector_report_count(report, source, row, VECTOR_SKIPPED);
        } else if (!run_line(machine, function, line, &passed, shown < report->show)) {
            return error_set(err, "%s:%u: not a TestFloat case", file->path, number);
        } else {
            vector_report_count(report, source, row, passed ? VECTOR_PASSED : VECTOR_FAILED);
            shown += !passed;
        }
        line = *end ? end + 1 : end;
    }
    return true;
}
