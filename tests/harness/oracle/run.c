#include "tests/harness/oracle/run.h"

#include "base/bits.h"
#include "tests/harness/oracle/host.h"

static void run_host(struct oracle *oracle, const struct oracle_case *in)
{
    memcpy(host_data(), in->data, WORLD_WRITABLE);
    host_run(&in->before, &in->program, &oracle->host);
    memcpy(oracle->host.data, host_data(), WORLD_WRITABLE);
}

static void run_guest(struct oracle *oracle, const struct oracle_case *in)
{
    struct guest *subject = oracle->subject;
    memcpy(guest_data(subject), in->data, WORLD_WRITABLE);
    guest_put_code(subject, in->program.linear, in->program.code, in->program.size);
    guest_load(subject, &in->before);
    guest_run(subject);
    guest_store_outcome(subject, in->end, &oracle->guest);
    memcpy(oracle->guest.data, guest_data(subject), WORLD_WRITABLE);
    guest_erase_code(subject, in->program.linear, in->program.size);
}

unsigned oracle_compare(struct oracle *oracle, const struct oracle_case *in, bool *masked)
{
    enum { RETRIES = 8 };
    unsigned parts = 0;
    run_guest(oracle, in);
    /* Interrupts leave traces: the host's system loses the x87 pointers when it switches to another
     * thread and back, and null selectors become 0. */
    for (unsigned i = 0; i < RETRIES; i++) {
        run_host(oracle, in);
        parts = compare_outcomes(&oracle->host, &oracle->guest, &oracle->walk.tolerance, masked);
        if (!parts)
            break;
    }
    return parts;
}

unsigned oracle_check(struct oracle *oracle, const struct oracle_case *in)
{
    bool masked;
    return walk_through(&oracle->walk, in) ? oracle_compare(oracle, in, &masked) : 0;
}

/* --- making it small --- */

/* The case cut behind its first count executed instructions, if they lie in a row. */
static bool cut(struct oracle *oracle, const struct oracle_case *in, unsigned count,
                struct oracle_case *out)
{
    *out = *in;
    walk_begin(&oracle->walk, in);
    for (unsigned i = 0; i < count; i++)
        if (walk_step(&oracle->walk, in->end) > WALK_LAST)
            return false;
    out->end = walk_linear(&oracle->walk);
    const struct cpu *cpu = guest_cpu(oracle->walk.guest);
    bool code32 = cpu->seg[SEG_CS].access & SEGMENT_BIG;
    guest_erase_code(oracle->walk.guest, in->program.linear, in->program.size);
    if (cpu->eflags & FLAG_TF) /* the way out would be traced */
        return false;
    unsigned at = out->end - out->program.linear;
    if (at > WORLD_PROGRAM_MAX)
        return false;
    out->program.size = at + world_put_exit(out->program.code + at, code32);
    return true;
}

/* A case of the one instruction that is executed behind the first count ones. */
static bool isolate(struct oracle *oracle, const struct oracle_case *in, unsigned count,
                    struct oracle_case *out)
{
    *out = *in;
    walk_begin(&oracle->walk, in);
    for (unsigned i = 0; i < count; i++)
        if (walk_step(&oracle->walk, in->end) > WALK_LAST)
            return false;
    uint32_t linear = walk_linear(&oracle->walk), from = linear - in->program.linear;
    guest_store(oracle->walk.guest, &out->before);
    memcpy(out->data, guest_data(oracle->walk.guest), WORLD_WRITABLE);
    bool code32 = guest_cpu(oracle->walk.guest)->seg[SEG_CS].access & SEGMENT_BIG;
    walk_step(&oracle->walk, in->end);
    unsigned length = oracle->walk.steps[oracle->walk.count - 1].length;
    guest_erase_code(oracle->walk.guest, in->program.linear, in->program.size);
    if (from + length > WORLD_PROGRAM_MAX || out->before.eflags & FLAG_TF)
        return false;
    out->program.linear = linear;
    memcpy(out->program.code, in->program.code + from, length);
    out->end = linear + length;
    out->program.size = length + world_put_exit(out->program.code + length, code32);
    return true;
}

static bool still_fails(struct oracle *oracle, struct oracle_case *in,
                        const struct oracle_case *changed)
{
    if (!oracle_check(oracle, changed))
        return false;
    *in = *changed;
    return true;
}

static void shrink_data(struct oracle *oracle, struct oracle_case *in)
{
    struct oracle_case changed = *in;
    for (unsigned size = WORLD_WRITABLE; size >= 4; size /= 4) {
        unsigned tries = 0;
        for (unsigned i = 0; i < WORLD_WRITABLE && tries < 64; i += size) {
            static const uint8_t zero[WORLD_WRITABLE];
            if (memcmp(in->data + i, zero, size) == 0)
                continue;
            tries++;
            changed = *in;
            memset(changed.data + i, 0, size);
            still_fails(oracle, in, &changed);
        }
    }
}

static void shrink_state(struct oracle *oracle, struct oracle_case *in)
{
    static const struct float80 empty = {0};
    struct oracle_case changed;
    for (unsigned i = 0; i < 8; i++) {
        changed = *in;
        changed.before.gpr[i] = i == REG_ESP ? WORLD_DATA + 0x1800 : 0;
        still_fails(oracle, in, &changed);
        changed = *in;
        changed.before.fpu[i] = empty;
        still_fails(oracle, in, &changed);
        changed = *in;
        memset(&changed.before.xmm[i], 0, sizeof changed.before.xmm[i]);
        still_fails(oracle, in, &changed);
        changed = *in;
        changed.before.fpu_empty &= (uint8_t) ~(1u << i);
        still_fails(oracle, in, &changed);
    }
    for (unsigned bit = 0; bit < 22; bit++) {
        changed = *in;
        changed.before.eflags &= ~(1u << bit & ~(uint32_t)(FLAG_IF | FLAG_FIXED));
        still_fails(oracle, in, &changed);
    }
    changed = *in;
    changed.before.mxcsr = MXCSR_DEFAULT;
    still_fails(oracle, in, &changed);
    changed = *in;
    changed.before.fpu_control = 0x37F;
    changed.before.fpu_status &= 0x3800;
    still_fails(oracle, in, &changed);
    changed = *in;
    changed.before.fpu_ip = changed.before.fpu_data = changed.before.fpu_opcode = 0;
    still_fails(oracle, in, &changed);
}

void oracle_minimise(struct oracle *oracle, struct oracle_case *in)
{
    struct oracle_case smaller;
    if (!walk_through(&oracle->walk, in))
        return;
    unsigned count = oracle->walk.count;
    for (unsigned i = 1; i < count; i++) {
        if (!cut(oracle, in, i, &smaller) || !oracle_check(oracle, &smaller))
            continue;
        *in = smaller;
        count = i;
        break;
    }
    if (isolate(oracle, in, count - 1, &smaller))
        still_fails(oracle, in, &smaller);
    if (oracle_check(oracle, in)) {
        shrink_data(oracle, in);
        shrink_state(oracle, in);
    }
}
