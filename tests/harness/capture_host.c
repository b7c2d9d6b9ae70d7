/* Registers are loaded by returning from a signal with an edited context, FXSAVE image included,
 * and read back from the signal that the breakpoint behind the instruction, or its fault, raises.
 */
#include "tests/harness/capture_host.h"

#if defined(__x86_64__) && defined(__linux__)

#include "base/bits.h"
#include "cpu/registers.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { INT3 = 0xCC, HANDLER_STACK = 64 << 10 };

/* Offsets in an FXSAVE image, and in what the kernel puts behind it. */
enum {
    FX_CONTROL = 0,
    FX_STATUS = 2,
    FX_TAGS = 4,
    FX_MXCSR = 24,
    FX_ST = 32,
    FX_XMM = 160,
    FX_KERNEL_MAGIC = 464,
    FX_SIZE = 512,
    FX_COMPONENTS = 512,
};
#define KERNEL_MAGIC UINT32_C(0x46505853)

static const int stop_signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static const int context_index[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                     REG_RSP, REG_RBP, REG_RSI, REG_RDI};

/* Signal handlers have no other way to find it. */
static struct answer_case *running;
static gregset_t host_registers;
static uint8_t host_fx[FX_SIZE];
static uint8_t handler_stack[HANDLER_STACK];

static void pack_fx(const struct answer_state *state, uint8_t *fx)
{
    store_le16(fx + FX_CONTROL, state->control);
    store_le16(fx + FX_STATUS, state->status);
    fx[FX_TAGS] = (uint8_t)~state->empty;
    store_le32(fx + FX_MXCSR, state->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &state->reg[((state->status >> 11) + i) & 7];
        store_le64(fx + FX_ST + 16 * i, reg->significand);
        store_le16(fx + FX_ST + 16 * i + 8, reg->sign_exponent);
    }
    memcpy(fx + FX_XMM, state->xmm, sizeof state->xmm);
    if (load_le32(fx + FX_KERNEL_MAGIC) == KERNEL_MAGIC)
        fx[FX_COMPONENTS] |= 3; /* x87 and SSE are to be loaded */
}

static void unpack_fx(struct answer_state *state, const uint8_t *fx)
{
    state->control = load_le16(fx + FX_CONTROL);
    state->status = load_le16(fx + FX_STATUS);
    state->empty = (uint8_t)~fx[FX_TAGS];
    state->mxcsr = load_le32(fx + FX_MXCSR);
    for (unsigned i = 0; i < 8; i++) {
        struct float80 *reg = &state->reg[((state->status >> 11) + i) & 7];
        reg->significand = load_le64(fx + FX_ST + 16 * i);
        reg->sign_exponent = load_le16(fx + FX_ST + 16 * i + 8);
    }
    memcpy(state->xmm, fx + FX_XMM, sizeof state->xmm);
}

static void enter(int signal, siginfo_t *info, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    greg_t *registers = machine->gregs;
    memcpy(host_registers, registers, sizeof host_registers);
    memcpy(host_fx, machine->fpregs, sizeof host_fx);
    for (unsigned i = 0; i < 8; i++)
        registers[context_index[i]] = running->before.gpr[i];
    registers[REG_RIP] = ANSWER_EIP;
    registers[REG_EFL] = running->before.flags | FLAG_FIXED | FLAG_IF;
    registers[REG_CSGSFS] =
        (registers[REG_CSGSFS] & 0x0000FFFFFFFF0000) | ANSWER_CS | (greg_t)ANSWER_DS << 48;
    pack_fx(&running->before, (uint8_t *)machine->fpregs);
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"((uint32_t)ANSWER_DS));
}

static void leave(int signal, siginfo_t *info, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    greg_t *registers = machine->gregs;
    struct answer_outcome *after = &running->after;
    for (unsigned i = 0; i < 8; i++)
        after->state.gpr[i] = (uint32_t)registers[context_index[i]];
    after->state.flags = (uint32_t)registers[REG_EFL] & (FLAGS_ARITHMETIC | FLAG_DF);
    after->eip = (uint32_t)registers[REG_RIP] - (signal == SIGTRAP);
    after->trap = signal == SIGTRAP ? ANSWER_NO_TRAP : (int)registers[REG_TRAPNO];
    after->cr2 = after->trap == VECTOR_PF ? (uint32_t)registers[REG_CR2] : 0;
    unpack_fx(&after->state, (uint8_t *)machine->fpregs);
    memcpy(registers, host_registers, sizeof host_registers);
    memcpy(machine->fpregs, host_fx, sizeof host_fx);
}

static bool map_at(uintptr_t address, int protection)
{
    void *wanted = (void *)address;
    return mmap(wanted, ANSWER_PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                -1, 0) == wanted;
}

bool capture_open(void)
{
    if (!map_at(ANSWER_CODE, PROT_READ | PROT_WRITE | PROT_EXEC) ||
        !map_at(ANSWER_DATA, PROT_READ | PROT_WRITE))
        return false;
    memset((void *)(uintptr_t)ANSWER_CODE, INT3, ANSWER_PAGE);
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
        return false;
    action.sa_sigaction = leave;
    for (unsigned i = 0; i < ARRAY_LENGTH(stop_signals); i++)
        if (sigaction(stop_signals[i], &action, NULL))
            return false;
    return true;
}

void capture_run(struct answer_case *answer)
{
    uint8_t *code = (uint8_t *)(uintptr_t)ANSWER_EIP;
    void *data = (void *)(uintptr_t)ANSWER_DATA;
    memcpy(code, answer->code, answer->length);
    memcpy(data, answer->before.data, ANSWER_PAGE);
    running = answer;
    raise(SIGUSR1);
    memcpy(answer->after.state.data, data, ANSWER_PAGE);
    memset(code, INT3, answer->length);
}

#else

bool capture_open(void)
{
    return false;
}

void capture_run(struct answer_case *answer)
{
    (void)answer;
}

#endif
