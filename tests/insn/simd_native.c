/* Every MMX, SSE, SSE2, SSE3 and SSSE3 instruction against the host's own, from random states: XMM
 * and MMX registers, x87 tags and TOP, MXCSR, EFLAGS, EAX, memory. Reciprocal approximations are
 * checked against their documented error, not the host's table.
 * Alone: build/tests/insn/simd_native [ROUNDS [MNEMONIC]] */
#include "cpu/insn.h"
#include "cpu/insn_rows.h"
#include "cpu/model.h"
#include "tests/insn/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIP = 77, ROUNDS = 2000, SHOW = 3 };

static bool is_one_of(const char *mnemonic, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(mnemonic, names[i]) == 0)
            return true;
    return false;
}

static bool is_approximation(const struct insn_row *row)
{
    static const char *const names[] = {"rcpps", "rcpss", "rsqrtps", "rsqrtss"};
    return is_one_of(row->mnemonic, names, 4);
}

/* LDMXCSR and the FXSAVE pair move the whole MXCSR; the fences and CLFLUSH show nothing. */
static bool is_left_out(const struct insn_row *row)
{
    static const char *const names[] = {"ldmxcsr", "fxsave", "fxrstor"};
    return is_one_of(row->mnemonic, names, 3);
}

static bool is_simd(const struct insn_row *row)
{
    static const uint8_t features[] = {FEAT_MMX, FEAT_SSE, FEAT_SSE2, FEAT_SSE3, FEAT_SSSE3};
    for (size_t i = 0; i < sizeof features; i++)
        if (row->feature == features[i])
            return row->map != MAP_1 && strncmp(row->mnemonic, "prefetch", 8) != 0;
    return false;
}

/* --- random operands --- */

static uint32_t random32(struct native *native)
{
    uint64_t choice = native_random(native);
    uint32_t value = (uint32_t)native_random(native), sign = value & 0x80000000u;
    switch (choice & 15) {
    case 0:
        return sign;
    case 1:
        return sign | 0x7F800000; /* infinity */
    case 2:
        return sign | 0x7F800000 | (value & 0x7FFFFF); /* NaN */
    case 3:
        return sign | (value & 0x7FFFFF); /* denormal */
    case 4:
        return sign | (1 + (choice >> 8 & 3)) << 23 | (value & 0x7FFFFF); /* tiny */
    case 5:
        return sign | (0xFE - (choice >> 8 & 3)) << 23 | (value & 0x7FFFFF); /* huge */
    case 6:
        return sign | (127 + (choice >> 8 & 31)) << 23 | (value & 0x7FFF00 << (choice >> 16 & 7));
    case 7:
    case 8:
    case 9:
        return sign | (100 + (choice >> 8 & 63)) << 23 | (value & 0x7FFFFF);
    case 10:
        return (uint32_t)(choice >> 32 & 0xFF) * 0x01010101u;
    default:
        return value;
    }
}

static uint64_t random64(struct native *native)
{
    uint64_t choice = native_random(native), value = native_random(native);
    uint64_t sign = value & UINT64_C(1) << 63, fraction = value & UINT64_C(0xFFFFFFFFFFFFF);
    uint64_t infinity = UINT64_C(0x7FF) << 52;
    switch (choice & 15) {
    case 0:
        return sign;
    case 1:
        return sign | infinity;
    case 2:
        return sign | infinity | fraction;
    case 3:
        return sign | fraction;
    case 4:
        return sign | (1 + (choice >> 8 & 3)) << 52 | fraction;
    case 5:
        return sign | (0x7FE - (choice >> 8 & 3)) << 52 | fraction;
    case 6:
        return sign | (1023 + (choice >> 8 & 63)) << 52 | (fraction >> 40 << 40);
    case 7: /* around the limits of single precision */
        return sign | ((choice >> 8 & 1 ? 1023 - 150 : 1023 + 120) + (choice >> 9 & 31)) << 52 |
               fraction;
    case 8:
    case 9:
        return sign | (990 + (choice >> 8 & 63)) << 52 | fraction;
    default:
        return value;
    }
}

static void random_lanes(struct native *native, void *to, unsigned count, unsigned kind)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = kind == 0   ? random32(native) | (uint64_t)random32(native) << 32
                         : kind == 1 ? random64(native)
                                     : native_random(native);
        if (kind == 3) /* small counts */
            value &= 0x1F;
        memcpy((uint8_t *)to + 8 * i, &value, 8);
    }
}

static void random_state(struct native *native, struct native_state *state)
{
    uint64_t choice = native_random(native);
    memset(state, 0, sizeof *state);
    state->control = 0x037F;
    state->status = (uint16_t)((choice & 7) << 11);
    state->tags = (uint16_t)(choice >> 3);
    unsigned kind = choice >> 20 & 3;
    for (unsigned i = 0; i < 8; i++)
        state->reg[i] = native_random_float80(native);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t value;
        random_lanes(native, &value, 1, kind);
        state->reg[i].significand = value;
        random_lanes(native, state->xmm[i].u64, 2, kind);
    }
    random_lanes(native, state->memory, NATIVE_MEMORY / 8, kind);
    /* Any rounding, FTZ, DAZ, and flags already up; all masked, or some not. */
    state->mxcsr = MXCSR_DEFAULT | (uint32_t)(choice >> 24 & 3) << 13 |
                   (uint32_t)(choice >> 26 & 1) << 15 | (uint32_t)(choice >> 27 & 1) << 6;
    if (choice >> 36 & 1)
        state->mxcsr &= ~((uint32_t)(choice >> 37 & 0x3F) << 7);
    if (!(choice >> 28 & 3)) /* an unmasked flag that is up raises nothing by itself */
        state->mxcsr |= (uint32_t)(choice >> 30 & 0x3F);
    state->flags = (uint32_t)native_random(native) & 0x8D5;
    state->eax = (uint32_t)native_random(native);
}

/* A register destination or source in a general register is EAX. */
static struct native_insn encode(struct native *native, const struct insn_row *row, bool *memory)
{
    struct native_insn insn = {{0}, 0};
    static const uint8_t prefixes[] = {0, 0, 0x66, 0xF2, 0xF3};
    if (prefixes[row->prefix])
        insn.bytes[insn.length++] = prefixes[row->prefix];
    insn.bytes[insn.length++] = 0x0F;
    if (row->map == MAP_0F38)
        insn.bytes[insn.length++] = 0x38;
    if (row->map == MAP_0F3A)
        insn.bytes[insn.length++] = 0x3A;
    insn.bytes[insn.length++] = row->opcode;
    unsigned kind = row->modrm >> 8;
    *memory = kind == M_MEM >> 8 || kind == M_DIGIT_MEM(0) >> 8 ||
              (kind == M_ANY >> 8 && native_random(native) & 1);
    unsigned reg = native_random(native) & 7, rm = native_random(native) & 7;
    const char *comma = strchr(row->operands, ',');
    if (row->operands[0] == 'G' || (comma && comma[1] == 'G'))
        reg = REG_EAX;
    if (!*memory && (row->operands[0] == 'E' || (comma && comma[1] == 'E')))
        rm = REG_EAX;
    if (kind >= M_DIGIT(0) >> 8)
        reg = row->modrm & 7;
    if (kind != M_NONE >> 8)
        insn.bytes[insn.length++] = (uint8_t)((*memory ? 0x02 : 0xC0 | rm) | reg << 3);
    if (strstr(row->operands, "Ib"))
        insn.bytes[insn.length++] =
            native_random(native) & (native_random(native) & 1 ? 0xFF : 0x1F);
    return insn;
}

/* --- comparison --- */

static bool close_approximation(const struct insn_row *row, uint32_t operand, uint32_t host,
                                uint32_t guest)
{
    float input, a, b;
    memcpy(&input, &operand, 4);
    memcpy(&a, &host, 4);
    memcpy(&b, &guest, 4);
    if (host == guest || !isnormal(input) || !isnormal(a) || !isnormal(b))
        return host == guest || (isnan(a) && isnan(b)) ||
               (fpclassify(a) != FP_NAN && fabsf(a) < 2e-38f && fabsf(b) < 2e-38f);
    double exact = row->opcode == 0x53 ? 1.0 / (double)input : 1.0 / sqrt((double)input);
    return fabs((double)b / exact - 1) <= 1.5 / 4096;
}

/* Replaces approximate lanes that are good by the host's, so that the rest can be compared. */
static void accept_approximations(const struct insn_row *row, const struct native_insn *insn,
                                  bool memory, const struct native_state *before,
                                  const struct native_state *host, struct native_state *guest)
{
    unsigned modrm = insn->bytes[insn->length - 1], reg = modrm >> 3 & 7;
    union xmm_register operand;
    if (memory)
        memcpy(&operand, before->memory, sizeof operand);
    else
        operand = before->xmm[modrm & 7];
    for (unsigned i = 0; i < (row->prefix == P_F3 ? 1 : 4); i++)
        if (close_approximation(row, operand.u32[i], host->xmm[reg].u32[i], guest->xmm[reg].u32[i]))
            guest->xmm[reg].u32[i] = host->xmm[reg].u32[i];
}

static bool same(const struct native_state *host, const struct native_state *guest)
{
    bool equal = host->control == guest->control && host->status == guest->status &&
                 host->tags == guest->tags && host->mxcsr == guest->mxcsr &&
                 host->flags == guest->flags && host->eax == guest->eax &&
                 host->raised == guest->raised &&
                 memcmp(host->memory, guest->memory, NATIVE_MEMORY) == 0 &&
                 memcmp(host->xmm, guest->xmm, sizeof host->xmm) == 0;
    for (unsigned i = 0; i < 8; i++)
        equal &= host->reg[i].significand == guest->reg[i].significand &&
                 host->reg[i].sign_exponent == guest->reg[i].sign_exponent;
    return equal;
}

static void print_state(const char *title, const struct native_state *state)
{
    fprintf(stderr, "  %-6s sw %04X tw %04X mxcsr %04X fl %03X eax %08X mem ", title, state->status,
            state->tags, state->mxcsr, state->flags, state->eax);
    for (unsigned i = 16; i-- > 0;)
        fprintf(stderr, "%02X", state->memory[i]);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "%s%04X:%016llX", i % 4 ? " " : "\n         ", state->reg[i].sign_exponent,
                (unsigned long long)state->reg[i].significand);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "%s%016llX%016llX", i % 2 ? " " : "\n         ",
                (unsigned long long)state->xmm[i].u64[1], (unsigned long long)state->xmm[i].u64[0]);
    fputc('\n', stderr);
}

static unsigned test_row(struct native *native, const struct insn_row *row, unsigned rounds)
{
    unsigned failures = 0;
    for (unsigned i = 0; i < rounds; i++) {
        struct native_state before, host, guest;
        bool memory;
        random_state(native, &before);
        struct native_insn insn = encode(native, row, &memory);
        host = guest = before;
        native_run_host(native, &insn, &host);
        bool done = native_run_guest(native, &insn, &guest);
        if (is_approximation(row))
            accept_approximations(row, &insn, memory, &before, &host, &guest);
        if (memory && strcmp(row->mnemonic, "cvtpi2ps") == 0) {
            /* SDM 2: a transition to MMX whatever the operand; the host makes none for memory. */
            host.status = guest.status;
            host.tags = guest.tags;
        }
        if (done && same(&host, &guest))
            continue;
        if (failures++ < SHOW) {
            fprintf(stderr, "%s %s (", row->mnemonic, row->operands);
            for (unsigned k = 0; k < insn.length; k++)
                fprintf(stderr, " %02X", insn.bytes[k]);
            fprintf(stderr, " )%s:\n", done ? "" : ": guest faulted");
            print_state("before", &before);
            print_state("host", &host);
            print_state("guest", &guest);
        }
    }
    return failures;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
    struct native *native = native_new();
    if (!native || !__builtin_cpu_supports("ssse3")) {
        fprintf(stderr, "SKIPPED: this host's processor has no SSSE3\n");
        return EXIT_SKIP;
    }
    unsigned tested = 0, failed = 0, rows = 0;
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        if (!is_simd(row) || is_left_out(row) || (argc > 2 && strcmp(argv[2], row->mnemonic) != 0))
            continue;
        unsigned failures = test_row(native, row, rounds);
        rows++;
        tested += rounds;
        failed += failures;
        if (failures)
            fprintf(stderr, "FAILED %s %s: %u of %u\n", row->mnemonic, row->operands, failures,
                    rounds);
    }
    printf("%u forms, %u SIMD cases, %u differ from the host's processor\n", rows, tested, failed);
    native_free(native);
    return failed || !tested;
}
