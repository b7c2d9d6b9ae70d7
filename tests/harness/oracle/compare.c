#include "tests/harness/oracle/compare.h"

#include "base/bits.h"
#include "cpu/fpu.h"

#include <math.h>

enum {
    COMPARED_FLAGS = FLAGS_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT |
                     FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID
};

/* --- approximations --- */

/* Neighbours in the order of magnitudes, across a change of exponent too. */
static bool is_near80(struct float80 a, struct float80 b)
{
    if ((a.sign_exponent ^ b.sign_exponent) & 0x8000)
        return false;
    int64_t steps = (int64_t)(a.significand - b.significand);
    int exponent = a.sign_exponent - b.sign_exponent;
    if (exponent == 0)
        return steps >= -1 && steps <= 1;
    if (exponent == 1)
        return a.significand == UINT64_C(1) << 63 && b.significand == UINT64_MAX;
    return exponent == -1 && b.significand == UINT64_C(1) << 63 && a.significand == UINT64_MAX;
}

static bool is_near32(const struct tolerance *tolerance, float input, float host, float guest)
{
    const float tiny = 2e-38f;
    if (!isnormal(input) || !isnormal(host) || !isnormal(guest))
        return (isnan(host) && isnan(guest)) || (fabsf(host) < tiny && fabsf(guest) < tiny);
    double exact = tolerance->is_root ? 1.0 / sqrt((double)input) : 1.0 / (double)input;
    return fabs((double)guest / exact - 1) <= 1.5 / 4096;
}

static bool same_xmm(const struct world_state *host, const struct world_state *guest,
                     const struct tolerance *tolerance, unsigned i)
{
    for (unsigned k = 0; k < 4; k++) {
        float a = host->xmm[i].f32[k], b = guest->xmm[i].f32[k];
        bool is_near = tolerance->near32 == i + 1 && k < tolerance->near32_count &&
                       is_near32(tolerance, tolerance->near32_operand[k], a, b);
        if (host->xmm[i].u32[k] != guest->xmm[i].u32[k] && !is_near)
            return false;
    }
    return true;
}

/* --- parts --- */

static bool same_gprs(const struct world_state *host, const struct world_state *guest,
                      const struct tolerance *tolerance)
{
    for (unsigned i = 0; i < 8; i++)
        if ((host->gpr[i] ^ guest->gpr[i]) & ~tolerance->gpr[i])
            return false;
    return true;
}

static bool same_x87(const struct world_state *host, const struct world_state *guest,
                     const struct tolerance *tolerance)
{
    uint16_t ignored = tolerance->fpu_status;
    if (tolerance->fpu_stack)
        ignored |= FPU_TOP;
    bool equal = host->fpu_control == guest->fpu_control &&
                 !((host->fpu_status ^ guest->fpu_status) & ~ignored) &&
                 (tolerance->fpu_stack || host->fpu_empty == guest->fpu_empty);
    for (unsigned i = 0; i < 8 && equal; i++)
        equal = (host->fpu[i].significand == guest->fpu[i].significand &&
                 host->fpu[i].sign_exponent == guest->fpu[i].sign_exponent) ||
                (tolerance->near80 && is_near80(host->fpu[i], guest->fpu[i]));
    return equal;
}

static bool same_pointers(const struct world_state *host, const struct world_state *guest)
{
    return host->fpu_ip == guest->fpu_ip && host->fpu_data == guest->fpu_data &&
           host->fpu_opcode == guest->fpu_opcode;
}

static bool same_sse(const struct world_state *host, const struct world_state *guest,
                     const struct tolerance *tolerance)
{
    bool equal = host->mxcsr == guest->mxcsr;
    for (unsigned i = 0; i < 8 && equal; i++)
        equal = same_xmm(host, guest, tolerance, i);
    return equal;
}

static bool is_hidden(const struct tolerance *tolerance, uint32_t linear)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(tolerance->memory); i++)
        if (linear - tolerance->memory[i].linear < tolerance->memory[i].size)
            return true;
    return false;
}

static bool same_memory(const struct world_outcome *host, const struct world_outcome *guest,
                        const struct tolerance *tolerance)
{
    if (memcmp(host->data, guest->data, WORLD_WRITABLE) == 0)
        return true;
    for (unsigned i = 0; i < WORLD_WRITABLE; i++)
        if (host->data[i] != guest->data[i] && !is_hidden(tolerance, WORLD_DATA + i))
            return false;
    return true;
}

/* Null selectors are alike (DIFF_NULL_SELECTOR). */
static bool same_segments(const struct world_state *host, const struct world_state *guest)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (host->seg[i] != guest->seg[i] && (host->seg[i] | guest->seg[i]) > 3)
            return false;
    return true;
}

static bool is_memory_fault(int vector)
{
    return vector == VECTOR_SS || vector == VECTOR_GP || vector == VECTOR_PF || vector == VECTOR_AC;
}

static bool same_fault(const struct world_outcome *host, const struct world_outcome *guest,
                       const struct tolerance *tolerance)
{
    bool is_page_fault = guest->vector == VECTOR_PF;
    if (tolerance->alignment_first && host->vector == VECTOR_AC)
        return true;
    if (tolerance->any_fault && is_memory_fault(host->vector) && is_memory_fault(guest->vector))
        return true;
    if (host->vector != guest->vector)
        return false;
    if (is_page_fault)
        return tolerance->fault_address || (host->error == guest->error && host->cr2 == guest->cr2);
    return host->error == guest->error;
}

static unsigned compare(const struct world_outcome *host, const struct world_outcome *guest,
                        const struct tolerance *tolerance)
{
    const struct world_state *a = &host->state, *b = &guest->state;
    unsigned parts = 0;
    if (!same_fault(host, guest, tolerance))
        parts |= PART_FAULT;
    if (a->eip != b->eip && !tolerance->eip)
        parts |= PART_EIP;
    if ((a->eflags ^ b->eflags) & COMPARED_FLAGS & ~(tolerance->flags | tolerance->system_flags))
        parts |= PART_FLAGS;
    if (!same_segments(a, b))
        parts |= PART_SEGMENTS;
    if (tolerance->half_done && guest->vector >= 0)
        return parts;
    parts |= same_gprs(a, b, tolerance) ? 0 : PART_GPR;
    parts |= tolerance->fpu_all || same_x87(a, b, tolerance) ? 0 : PART_X87;
    /* Where a signal came between, the host has kept them only for a pending exception. */
    bool has_pointers = host->vector == WORLD_NO_FAULT || a->fpu_status & FPU_ES;
    if (has_pointers && !tolerance->fpu_all && !tolerance->fpu_pointers && !same_pointers(a, b))
        parts |= PART_POINTERS;
    parts |= same_sse(a, b, tolerance) ? 0 : PART_SSE;
    parts |= same_memory(host, guest, tolerance) ? 0 : PART_MEMORY;
    return parts;
}

unsigned compare_outcomes(const struct world_outcome *host, const struct world_outcome *guest,
                          const struct tolerance *tolerance, bool *masked)
{
    static const struct tolerance none = {0};
    unsigned parts = compare(host, guest, tolerance);
    *masked = !parts && compare(host, guest, &none);
    return parts;
}

void compare_print_parts(unsigned parts, FILE *stream)
{
    static const char *const names[] = {"fault", "eip",          "registers", "flags", "segments",
                                        "x87",   "x87 pointers", "sse",       "memory"};
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (parts >> i & 1)
            fprintf(stream, " %s", names[i]);
}
