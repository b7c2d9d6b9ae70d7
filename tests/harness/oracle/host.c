#include "tests/harness/oracle/host.h"

#if defined(__x86_64__) && defined(__linux__)

#include "base/bits.h"
#include "tests/harness/oracle/fx_image.h"
#include "tests/harness/oracle/host_gate.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    HWCAP2_FSGSBASE = 1 << 1,
    EFLAGS_NEUTRAL = 0x202,
    INT3 = 0xCC,
    TICK_MICROSECONDS = 200000, /* a program that runs longer than one to two ticks hangs */
};
_Static_assert(GATE_CONTROL == WORLD_GATE + WORLD_PAGE, "host_gate.h follows world.h");

void gate_enter(void);
extern const uint8_t gate_entry32[], gate_entry32_end[], gate_exit64[], gate_exit64_end[];

static const int stop_signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};

/* Signal handlers have no other way to find it. */
static struct {
    uint8_t *code;                 /* a second, writable mapping of the code pages */
    struct world_outcome *outcome; /* of the program that runs */
    volatile bool faulted;
    volatile unsigned runs, runs_at_tick;
    char vendor[13], name[64];
} host;

static uint8_t handler_stack[64 << 10] __attribute__((aligned(16)));

static uint8_t *control(unsigned offset)
{
    return (uint8_t *)(uintptr_t)(GATE_CONTROL + offset);
}

uint8_t *host_data(void)
{
    return (uint8_t *)(uintptr_t)WORLD_DATA;
}

/* --- faults --- */

/* The program may have changed FS, which the C library needs, and set AC, which it does not. */
static inline void restore_environment(void)
{
    __asm__ volatile("pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    __asm__ volatile("wrfsbase %0" : : "r"(load_le64(control(HOST_FS))));
}

/* Notes where and why the program stopped, and goes on at the way out. */
static void leave(greg_t *registers, int vector)
{
    struct world_outcome *outcome = host.outcome;
    uint64_t selectors = (uint64_t)registers[REG_CSGSFS];
    outcome->vector = vector;
    outcome->error = (uint32_t)registers[REG_ERR];
    outcome->cr2 = (uint32_t)registers[REG_CR2];
    outcome->state.eip = (uint32_t)registers[REG_RIP];
    outcome->state.eflags = (uint32_t)registers[REG_EFL];
    outcome->state.seg[SEG_CS] = (uint16_t)selectors;
    outcome->state.seg[SEG_SS] = (uint16_t)(selectors >> 48);
    host.faulted = true;
    registers[REG_RIP] = WORLD_EXIT;
    registers[REG_EFL] = EFLAGS_NEUTRAL;
    registers[REG_CSGSFS] =
        (greg_t)((selectors & 0x0000FFFFFFFF0000) | WORLD_CS64 | (uint64_t)WORLD_DS32 << 48);
}

/* This process has no code of its own below 4 GiB. */
static bool in_program(const greg_t *registers)
{
    return (registers[REG_CSGSFS] & 0xFFFF) != WORLD_CS64 || !((uint64_t)registers[REG_RIP] >> 32);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    restore_environment();
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (in_program(registers))
        leave(registers, (int)registers[REG_TRAPNO]);
    else
        signal(number, SIG_DFL); /* our own bug: once more, and die of it */
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool inside = (registers[REG_CSGSFS] & 0xFFFF) != WORLD_CS64;
    if (inside)
        restore_environment();
    if (inside && host.runs == host.runs_at_tick)
        leave(registers, WORLD_TIMEOUT);
    host.runs_at_tick = host.runs;
}

static bool catch_signals(void)
{
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const struct itimerval tick = {
        {0, TICK_MICROSECONDS},
        {0, TICK_MICROSECONDS}
    };
    sigfillset(&action.sa_mask);
    if (sigaltstack(&stack, NULL))
        return false;
    for (unsigned i = 0; i < ARRAY_LENGTH(stop_signals); i++)
        if (sigaction(stop_signals[i], &action, NULL))
            return false;
    action.sa_sigaction = on_tick;
    action.sa_flags |= SA_RESTART;
    return !sigaction(SIGVTALRM, &action, NULL) && !setitimer(ITIMER_VIRTUAL, &tick, NULL);
}

/* --- setting up --- */

static bool map_at(uint32_t address, size_t size, int protection, int flags, int fd)
{
    void *wanted = (void *)(uintptr_t)address;
    return mmap(wanted, size, protection, flags | MAP_FIXED_NOREPLACE, fd, 0) == wanted;
}

static bool map_pages(void)
{
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    int fd = memfd_create("code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, WORLD_CODE_SIZE))
        return false;
    host.code = mmap(NULL, WORLD_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bool mapped = host.code != MAP_FAILED &&
                  map_at(WORLD_CODE, WORLD_CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd) &&
                  map_at(WORLD_DATA, WORLD_DATA_SIZE, PROT_READ | PROT_WRITE, anonymous, -1) &&
                  map_at(WORLD_GATE, 2 * WORLD_PAGE, PROT_READ | PROT_WRITE, anonymous, -1);
    close(fd);
    if (!mapped)
        return false;
    memset(host.code, INT3, WORLD_CODE_SIZE);
    world_fill_data(host_data());
    uint8_t *gate = (uint8_t *)(uintptr_t)WORLD_GATE;
    memcpy(gate, gate_entry32, (size_t)(gate_entry32_end - gate_entry32));
    memcpy(gate + WORLD_EXIT - WORLD_GATE, gate_exit64, (size_t)(gate_exit64_end - gate_exit64));
    return !mprotect(host_data() + WORLD_WRITABLE, WORLD_DATA_SIZE - WORLD_WRITABLE, PROT_READ) &&
           !mprotect(gate, WORLD_PAGE, PROT_READ | PROT_EXEC);
}

static bool set_segments(void)
{
    for (unsigned i = 0; i < LDT_COUNT; i++) {
        const struct world_segment *segment = &world_ldt[i];
        struct user_desc descriptor = {
            .entry_number = i,
            .base_addr = segment->base,
            .limit = segment->limit,
            .seg_32bit = segment->big,
            .contents = segment->code ? 2 : segment->expand_down,
            .read_exec_only = segment->read_execute_only,
            .limit_in_pages = segment->granular,
            .seg_not_present = segment->absent,
            .useable = 1,
        };
        if (syscall(SYS_modify_ldt, 0x11, &descriptor, sizeof descriptor))
            return false;
    }
    return true;
}

static void identify(void)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    __get_cpuid(0, &eax, &ebx, &ecx, &edx);
    store_le32(host.vendor, ebx);
    store_le32(host.vendor + 4, edx);
    store_le32(host.vendor + 8, ecx);
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    unsigned family = (eax >> 8 & 15) + (eax >> 20 & 255);
    snprintf(host.name, sizeof host.name, "%s family %u model %u stepping %u", host.vendor, family,
             (eax >> 4 & 15) | (eax >> 12 & 0xF0), eax & 15);
}

bool host_open(struct error *err)
{
    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) || !__builtin_cpu_supports("ssse3"))
        return error_set(err,
                         "this host has no SSSE3, or its kernel no FSGSBASE: run the oracle on "
                         "an x86-64 processor of 2012 or later");
    if (!map_pages() || !set_segments())
        return error_set_errno(err, "the oracle needs memory below 4 MiB and modify_ldt");
    identify();
    uint64_t base;
    syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
    store_le64(control(HOST_FS), base);
    store_le32(control(NORMAL_MX), MXCSR_DEFAULT);
    store_le32(control(IN_ENTRY), WORLD_GATE);
    store_le16(control(IN_ENTRY) + 4, WORLD_CS32);
    if (!catch_signals())
        return error_set_errno(err, "the oracle cannot catch signals");
    return true;
}

void host_close(void)
{
    const struct itimerval off = {0};
    setitimer(ITIMER_VIRTUAL, &off, NULL);
    for (unsigned i = 0; i < ARRAY_LENGTH(stop_signals); i++)
        signal(stop_signals[i], SIG_DFL);
    munmap(host.code, WORLD_CODE_SIZE);
    munmap((void *)(uintptr_t)WORLD_CODE, WORLD_CODE_SIZE);
    munmap(host_data(), WORLD_DATA_SIZE);
    munmap((void *)(uintptr_t)WORLD_GATE, 2 * WORLD_PAGE);
}

/* --- running --- */

static void load_state(const struct world_state *state)
{
    for (unsigned i = 0; i < 8; i++)
        store_le32(control(IN_GPR) + 4 * i, state->gpr[i]);
    store_le32(control(IN_EFLAGS), state->eflags);
    store_le16(control(IN_ES), state->seg[SEG_ES]);
    store_le16(control(IN_DS), state->seg[SEG_DS]);
    store_le16(control(IN_FS), state->seg[SEG_FS]);
    store_le16(control(IN_GS), state->seg[SEG_GS]);
    store_le32(control(IN_SS_ESP), state->gpr[REG_ESP]);
    store_le16(control(IN_SS_ESP) + 4, state->seg[SEG_SS]);
    store_le32(control(IN_CS_EIP), state->eip);
    store_le16(control(IN_CS_EIP) + 4, state->seg[SEG_CS]);
    fx_pack(state, control(IN_FX));
    environment_pack(state, control(IN_ENV));
}

static void store_state(struct world_state *state)
{
    for (unsigned i = 0; i < 8; i++)
        state->gpr[i] = load_le32(control(OUT_GPR) + 8 * i);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (i != SEG_CS && !(i == SEG_SS && host.faulted))
            state->seg[i] = load_le16(control(OUT_SEG) + 2 * i);
    fx_unpack(state, control(OUT_FX));
    environment_unpack(state, control(OUT_ENV));
}

void host_run(const struct world_state *state, const struct world_program *program,
              struct world_outcome *outcome)
{
    uint8_t *code = host.code + (program->linear - WORLD_CODE);
    unsigned room = WORLD_CODE + WORLD_CODE_SIZE - program->linear;
    unsigned size = program->size < room ? program->size : room;
    memcpy(code, program->code, size);
    load_state(state);
    host.outcome = outcome;
    host.faulted = false;
    host.runs++;
    gate_enter();
    store_state(&outcome->state);
    if (!host.faulted) {
        outcome->vector = WORLD_NO_FAULT;
        outcome->error = outcome->cr2 = 0;
        outcome->state.eip = 0;
        outcome->state.eflags = load_le32(control(OUT_RFL));
        outcome->state.seg[SEG_CS] = 0; /* the way out is in another */
    }
    memset(code, INT3, size);
}

const char *host_vendor(void)
{
    return host.vendor;
}

const char *host_name(void)
{
    return host.name;
}

#else

bool host_open(struct error *err)
{
    return error_set(err, "this is no x86-64 Linux: there is nothing to compare with");
}
void host_close(void) {}
uint8_t *host_data(void)
{
    return NULL;
}
void host_run(const struct world_state *state, const struct world_program *program,
              struct world_outcome *outcome)
{
}
const char *host_vendor(void)
{
    return "";
}
const char *host_name(void)
{
    return "none";
}

#endif
