#include "tests/insn/native.h"

#include "base/memory.h"
#include "cpu/fpu.h"
#include "cpu/model.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __x86_64__
#include <ucontext.h>
#endif

enum { CODE = 0x1000, DATA = 0x2000, CODE_PAGE = 4096 };

struct native {
    struct vector_machine *machine;
    uint8_t *code; /* host: the instruction and RET */
    uint8_t *area; /* host: memory operand, 64-byte aligned */
    uint64_t random;
    int32_t last_exponent;
    uint8_t guest_vector; /* of the guest's last fault */
    struct sigaction old_action;
};

/* What the host's code works on; RBX points to it while the instruction runs. */
struct parameters {
    void *xmm;
    void *code;
    uint64_t *flags;
    uint32_t *mxcsr, *normal;
    struct save_image *in, *out;
    uint64_t length;
    bool raised;
};

#ifdef __x86_64__
/* An unmasked SIMD exception: goes on behind the instruction. */
static void on_sigfpe(int signal, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    struct parameters *parameters = (struct parameters *)state->uc_mcontext.gregs[REG_RBX];
    parameters->raised = true;
    state->uc_mcontext.gregs[REG_RIP] += (greg_t)parameters->length;
}
#endif

static bool on_guest_fault(void *opaque)
{
    struct native *native = opaque;
    if (!native->guest_vector)
        native->guest_vector = native->machine->cpu->fault.vector;
    return false;
}

static const char *best_model(void)
{
    const struct cpu_model *best = cpu_model_at(0), *row;
    for (unsigned i = 0; (row = cpu_model_at(i)) != NULL; i++)
        if (__builtin_popcountll(row->features) > __builtin_popcountll(best->features))
            best = row;
    return best->name;
}

static void set_flat(struct cpu *cpu)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        cpu->seg[i] = (struct segment){
            .limit = UINT32_MAX,
            .selector = 0x10,
            .access = SEGMENT_PRESENT | SEGMENT_S | SEGMENT_WRITABLE | SEGMENT_ACCESSED |
                      SEGMENT_BIG | SEGMENT_GRANULAR | (i == SEG_CS ? SEGMENT_CODE : 0),
        };
    cpu->cr0 = (cpu->cr0 & ~(uint32_t)(CR0_EM | CR0_TS)) | CR0_PE | CR0_NE;
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_sync(cpu);
}

struct native *native_new(void)
{
#ifndef __x86_64__
    return NULL;
#else
    struct native *native = mem_new(sizeof *native);
    struct error err;
    native->machine = vector_machine_new(best_model(), &err);
    native->code = mmap(NULL, CODE_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    native->area = mem_map(CODE_PAGE);
    native_seed(native, 1);
    if (native->code == MAP_FAILED || !native->machine) {
        native_free(native);
        return NULL;
    }
    set_flat(native->machine->cpu);
    native->machine->cpu->host.opaque = native;
    native->machine->cpu->host.fault = on_guest_fault;
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_sigfpe;
    sigaction(SIGFPE, &action, &native->old_action);
    return native;
#endif
}

bool native_has(const struct native *native, unsigned feature)
{
    return model_has(native->machine->cpu->model, feature);
}

void native_free(struct native *native)
{
    sigaction(SIGFPE, &native->old_action, NULL);
    if (native->code != MAP_FAILED)
        munmap(native->code, CODE_PAGE);
    mem_unmap(native->area, CODE_PAGE);
    vector_machine_free(native->machine);
    mem_free(native);
}

/* --- host --- */

/* The image of FRSTOR and FNSAVE: 28 bytes and eight registers, ST(0) first. */
struct save_image {
    uint8_t bytes[108];
};

static void pack(const struct native_state *state, struct save_image *image)
{
    memset(image, 0, sizeof *image);
    store_le16(image->bytes, state->control);
    store_le16(image->bytes + 4, state->status);
    store_le16(image->bytes + 8, state->tags);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &state->reg[((state->status >> 11) + i) & 7];
        store_le64(image->bytes + 28 + 10 * i, reg->significand);
        store_le16(image->bytes + 36 + 10 * i, reg->sign_exponent);
    }
}

static void unpack(struct native_state *state, const struct save_image *image)
{
    state->control = load_le16(image->bytes);
    state->status = load_le16(image->bytes + 4);
    state->tags = load_le16(image->bytes + 8);
    for (unsigned i = 0; i < 8; i++) {
        struct float80 *reg = &state->reg[((state->status >> 11) + i) & 7];
        reg->significand = load_le64(image->bytes + 28 + 10 * i);
        reg->sign_exponent = load_le16(image->bytes + 36 + 10 * i);
    }
}

void native_run_host(struct native *native, const struct native_insn *insn,
                     struct native_state *state)
{
#ifdef __x86_64__
    struct save_image in, out;
    uint64_t flags = state->flags | 2, eax = state->eax;
    uint32_t mxcsr = state->mxcsr, normal = MXCSR_DEFAULT;
    pack(state, &in);
    memcpy(native->code, insn->bytes, insn->length);
    native->code[insn->length] = 0xC3; /* RET */
    memcpy(native->area, state->memory, NATIVE_MEMORY);
    struct parameters parameters = {state->xmm, native->code, &flags,       &mxcsr, &normal,
                                    &in,        &out,         insn->length, false};
    __asm__ volatile(
        "mov 40(%%rbx), %%rcx\n frstor (%%rcx)\n"
        "mov 24(%%rbx), %%rcx\n ldmxcsr (%%rcx)\n"
        "mov 0(%%rbx), %%rcx\n"
        "movups 0(%%rcx), %%xmm0\n movups 16(%%rcx), %%xmm1\n"
        "movups 32(%%rcx), %%xmm2\n movups 48(%%rcx), %%xmm3\n"
        "movups 64(%%rcx), %%xmm4\n movups 80(%%rcx), %%xmm5\n"
        "movups 96(%%rcx), %%xmm6\n movups 112(%%rcx), %%xmm7\n"
        "mov 16(%%rbx), %%rcx\n push (%%rcx)\n popfq\n"
        "call *8(%%rbx)\n"
        "mov 16(%%rbx), %%rcx\n pushfq\n popq (%%rcx)\n"
        "mov 48(%%rbx), %%rcx\n fnsave (%%rcx)\n"
        "mov 24(%%rbx), %%rcx\n stmxcsr (%%rcx)\n"
        "mov 32(%%rbx), %%rcx\n ldmxcsr (%%rcx)\n"
        "mov 0(%%rbx), %%rcx\n"
        "movups %%xmm0, 0(%%rcx)\n movups %%xmm1, 16(%%rcx)\n"
        "movups %%xmm2, 32(%%rcx)\n movups %%xmm3, 48(%%rcx)\n"
        "movups %%xmm4, 64(%%rcx)\n movups %%xmm5, 80(%%rcx)\n"
        "movups %%xmm6, 96(%%rcx)\n movups %%xmm7, 112(%%rcx)\n"
        : "+a"(eax)
        : "b"(&parameters), "d"(native->area), "D"(native->area)
        : "rcx", "rsi", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
          "xmm7", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
    unpack(state, &out);
    state->mxcsr = mxcsr;
    state->flags = (uint32_t)flags & FLAGS_ARITHMETIC;
    state->eax = (uint32_t)eax;
    state->raised = parameters.raised;
    memcpy(state->memory, native->area, NATIVE_MEMORY);
#endif
}

/* --- guest --- */

bool native_run_guest(struct native *native, const struct native_insn *insn,
                      struct native_state *state)
{
    struct vector_machine *machine = native->machine;
    struct cpu *cpu = machine->cpu;
    struct fpu_state *fpu = &cpu->fpu;
    if (memcmp(machine->ram + CODE, insn->bytes, insn->length) != 0 ||
        machine->ram[CODE + insn->length] != 0xF4) {
        for (unsigned i = 0; i < insn->length; i++)
            vector_machine_poke(machine, CODE + i, insn->bytes[i]);
        vector_machine_poke(machine, CODE + insn->length, 0xF4); /* HLT */
    }
    memcpy(machine->ram + DATA, state->memory, NATIVE_MEMORY);
    fpu->control = state->control;
    fpu->status = state->status;
    fpu_set_tag_word(fpu, state->tags);
    memcpy(fpu->reg, state->reg, sizeof fpu->reg);
    memcpy(cpu->xmm, state->xmm, sizeof cpu->xmm);
    cpu->mxcsr = state->mxcsr;
    cpu_set_eflags(cpu, state->flags | FLAG_FIXED);
    cpu->gpr[REG_EAX] = state->eax;
    cpu->gpr[REG_EDX] = DATA;
    cpu->gpr[REG_EDI] = DATA;
    cpu->gpr[REG_ESP] = 0x8000;
    cpu->eip = CODE;
    cpu->activity = CPU_RUNNING;
    cpu->attention = 0;
    native->guest_vector = 0;
    bool done = vector_machine_run(machine, 16) && cpu->eip == CODE + insn->length + 1u;
    state->control = fpu->control;
    state->status = fpu->status;
    state->tags = fpu_tag_word(fpu);
    memcpy(state->reg, fpu->reg, sizeof fpu->reg);
    memcpy(state->xmm, cpu->xmm, sizeof cpu->xmm);
    state->mxcsr = cpu->mxcsr;
    state->flags = cpu_get_eflags(cpu) & FLAGS_ARITHMETIC;
    state->eax = cpu->gpr[REG_EAX];
    memcpy(state->memory, machine->ram + DATA, NATIVE_MEMORY);
    state->raised = native->guest_vector == VECTOR_XM;
    if (!done) {
        cpu_reset(cpu, false);
        set_flat(cpu);
    }
    return done || state->raised;
}

/* --- random operands --- */

void native_seed(struct native *native, uint64_t seed)
{
    native->random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
}

uint64_t native_random(struct native *native)
{
    uint64_t x = native->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    native->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

/* All bits random, or few bits set, or few clear. */
static uint64_t random_significand(struct native *native)
{
    uint64_t value = native_random(native);
    switch (native_random(native) & 7) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) << (value & 63);
    case 2:
        return ~(UINT64_C(1) << (value & 63));
    case 3:
        return value << (value & 63);
    case 4:
        return UINT64_MAX << (value & 63);
    default:
        return value;
    }
}

struct float80 native_random_float80(struct native *native)
{
    uint64_t choice = native_random(native);
    uint64_t significand = random_significand(native);
    uint16_t sign = choice & 0x8000;
    int32_t exponent = (int32_t)(choice >> 16 & 0x7FFF);
    uint64_t integer = UINT64_C(1) << 63;
    switch (choice & 15) {
    case 0: /* anything at all, unsupported formats too */
        return (struct float80){significand, (uint16_t)(sign | exponent)};
    case 1: /* infinity or NaN */
        return (struct float80){significand | integer, sign | 0x7FFF};
    case 2: /* zero, denormal, pseudo-denormal */
        return (struct float80){significand, sign};
    case 3: /* zero */
        return (struct float80){0, sign};
    case 4: /* at the ends of the exponent range */
        exponent = choice & 16 ? 1 + (exponent & 63) : 0x7FFE - (exponent & 63);
        break;
    case 5: /* wholly random */
        exponent = exponent % 0x7FFE + 1;
        break;
    case 6: /* a small integer */
        significand = integer | (significand & UINT64_C(0x7FFF) << 48);
        exponent = 16383 + (exponent & 15);
        break;
    case 7:
    case 8:
    case 9: /* near the one before */
        exponent = native->last_exponent + exponent % 140 - 70;
        break;
    default:
        exponent = 16383 + exponent % 160 - 80;
        break;
    }
    exponent = exponent < 1 ? 1 : exponent > 0x7FFE ? 0x7FFE : exponent;
    native->last_exponent = exponent;
    return (struct float80){significand | integer, (uint16_t)(sign | exponent)};
}
