#include "tests/harness/native.h"

#if defined(__x86_64__) && defined(__linux__)

#include <asm/ldt.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { LDT_CODE16, LDT_DATA16 };
#define LDT_SELECTOR(entry) ((entry) << 3 | 7)

enum {
    USER_CS32 = 0x23,
    USER_DS = 0x2B,
    PAGE_FAULT = 14,
    EFLAGS_FIXED = 0x202,
    REGISTER_COUNT = 8
};

static const int stop_signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static const int context_index[REGISTER_COUNT] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                                  REG_RSP, REG_RBP, REG_RSI, REG_RDI};

/* Signal handlers have no other way to find it. */
static struct native_state *running;
static gregset_t host_registers;
static uint8_t handler_stack[64 << 10];

/* 64-bit code, which the handlers are, does not use them. */
static void load_data_segments(uint16_t selector)
{
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"((uint32_t)selector));
}

static void enter(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    memcpy(host_registers, registers, sizeof host_registers);
    for (unsigned i = 0; i < REGISTER_COUNT; i++)
        registers[context_index[i]] = running->gpr[i];
    registers[REG_RIP] = running->eip;
    registers[REG_EFL] = running->eflags | EFLAGS_FIXED;
    greg_t cs = running->code16 ? LDT_SELECTOR(LDT_CODE16) : USER_CS32;
    greg_t data = running->code16 ? LDT_SELECTOR(LDT_DATA16) : USER_DS;
    registers[REG_CSGSFS] = (registers[REG_CSGSFS] & 0x0000FFFFFFFF0000) | cs | data << 48;
    load_data_segments((uint16_t)data);
}

static void leave(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    for (unsigned i = 0; i < REGISTER_COUNT; i++)
        running->gpr[i] = (uint32_t)registers[context_index[i]];
    running->eip = (uint32_t)registers[REG_RIP] - (signal == SIGTRAP);
    running->eflags = (uint32_t)registers[REG_EFL];
    running->signal = signal;
    bool is_page_fault = signal == SIGSEGV && registers[REG_TRAPNO] == PAGE_FAULT;
    running->address = is_page_fault ? (uint32_t)(uintptr_t)info->si_addr : 0;
    memcpy(registers, host_registers, sizeof host_registers);
}

static bool map_at(uintptr_t address, size_t size, int protection)
{
    void *wanted = (void *)address;
    return mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                0) == wanted;
}

static bool set_ldt(unsigned entry, uint32_t base, uint32_t limit, unsigned contents)
{
    struct user_desc descriptor = {
        .entry_number = entry, .base_addr = base, .limit = limit, .contents = contents};
    return syscall(SYS_modify_ldt, 1, &descriptor, sizeof descriptor) == 0;
}

bool native_has_code16(void)
{
    enum { CONTENTS_DATA = 0, CONTENTS_CODE = 2 };
    return set_ldt(LDT_CODE16, NATIVE_CODE, 0xFFF, CONTENTS_CODE) &&
           set_ldt(LDT_DATA16, NATIVE_DATA, NATIVE_DATA_SIZE - 1, CONTENTS_DATA);
}

bool native_open(void)
{
    if (!map_at(NATIVE_CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC) ||
        !map_at(NATIVE_DATA, NATIVE_DATA_SIZE, PROT_READ | PROT_WRITE))
        return false;
    memset((void *)(uintptr_t)NATIVE_CODE, 0xCC, 0x1000);
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
        return false;
    action.sa_sigaction = leave;
    for (unsigned i = 0; i < sizeof stop_signals / sizeof stop_signals[0]; i++)
        if (sigaction(stop_signals[i], &action, NULL))
            return false;
    return true;
}

void native_close(void)
{
    for (unsigned i = 0; i < sizeof stop_signals / sizeof stop_signals[0]; i++)
        signal(stop_signals[i], SIG_DFL);
    munmap((void *)(uintptr_t)NATIVE_CODE, 0x1000);
    munmap((void *)(uintptr_t)NATIVE_DATA, NATIVE_DATA_SIZE);
}

void native_run(struct native_state *state)
{
    running = state;
    raise(SIGUSR1);
}

#else

bool native_open(void)
{
    return false;
}
void native_close(void) {}
bool native_has_code16(void)
{
    return false;
}
void native_run(struct native_state *state)
{
    (void)state;
}

#endif
