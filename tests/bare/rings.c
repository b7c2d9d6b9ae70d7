#include "real.h"

struct tss32 ring_tss;
uint64_t ring_ldt[16];

static uint8_t stack0[16384] __attribute__((aligned(16)));
static uint8_t stack1[4096] __attribute__((aligned(16)));
static uint8_t stack2[4096] __attribute__((aligned(16)));
static uint8_t user_stack[16384] __attribute__((aligned(16)));

/* rings_enter.S */
struct ring_entry {
    uint32_t eip, cs, eflags, esp, ss, v86_es, v86_ds, v86_fs, v86_gs;
};
void ring_enter(void *entry);
void ring_come_back(void);

uint16_t ring_set(uint16_t selector, uint64_t descriptor, unsigned rpl)
{
    bare_gdt[selector >> 3] = descriptor;
    return (uint16_t)((selector & ~3u) | rpl);
}

uint64_t ring_gate(uint16_t selector, uint32_t offset, uint16_t type, unsigned count)
{
    return (offset & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)(type | count) << 32 |
           (uint64_t)(offset >> 16) << 48;
}

static uint64_t flat(uint8_t access)
{
    return bare_descriptor(0, 0xFFFFF, access, 0xC);
}

void ring_init(void)
{
    bare_init_pic();
    ring_set(SEL_CODE1, flat(0xBB), 0);
    ring_set(SEL_DATA1, flat(0xB3), 0);
    ring_set(SEL_CODE2, flat(0xDB), 0);
    ring_set(SEL_DATA2, flat(0xD3), 0);
    ring_set(SEL_LDT, bare_descriptor((uint32_t)ring_ldt, sizeof ring_ldt - 1, 0x82, 0), 0);
    ring_tss.ss0 = SEL_DATA;
    ring_tss.esp0 = (uint32_t)stack0 + sizeof stack0 - 64;
    ring_tss.ss1 = SEL_DATA1;
    ring_tss.esp1 = (uint32_t)stack1 + sizeof stack1;
    ring_tss.ss2 = SEL_DATA2;
    ring_tss.esp2 = (uint32_t)stack2 + sizeof stack2;
    ring_tss.io_base = offsetof(struct tss32, io_bitmap);
    memset(ring_tss.io_bitmap, 0xFF, sizeof ring_tss.io_bitmap);
    memset(ring_tss.redirection, 0xFF, sizeof ring_tss.redirection);
    bare_idt[VECTOR_RETURN].type = 0xEE00;
    bare_idt[3].type = 0xEE00;
    bare_idt[4].type = 0xEE00;
    ring_load_tasks();
}

void ring_load_tasks(void)
{
    ring_set(SEL_TSS, bare_descriptor((uint32_t)&ring_tss, sizeof ring_tss - 1, 0x89, 0), 0);
    __asm__ volatile("ltr %w0; lldt %w1; clts" : : "r"(SEL_TSS), "r"(SEL_LDT));
}

/* Gives bare_trap the frame that it expects: the error code is on the stack. */
void ring_double_fault(void);
__asm__(
    ".pushsection .text\n"
    "ring_double_fault:\n"
    "    popl %eax\n"
    "    clts\n"
    "    pushl $2\n" /* NT is set */
    "    popfl\n"
    "    pushfl\n"
    "    pushl %cs\n"
    "    pushl $0\n"
    "    pushl %eax\n"
    "    jmp bare_stubs + 8 * 16\n"
    ".popsection");

struct gate ring_double_fault_task(uint16_t selector)
{
    static struct tss32 task;
    static uint8_t stack[4096] __attribute__((aligned(16)));
    struct gate saved = bare_idt[8];
    memset(&task, 0, offsetof(struct tss32, redirection));
    task.eip = (uint32_t)ring_double_fault;
    task.eflags = 2;
    task.esp = (uint32_t)stack + sizeof stack;
    task.cs = SEL_CODE;
    task.ss = task.ds = task.es = SEL_DATA;
    task.cr3 = read_cr3();
    ring_set(selector, bare_descriptor((uint32_t)&task, 0x67, 0x89, 0), 0);
    bare_idt[8] = (struct gate){0, selector, 0x8500, 0};
    return saved;
}

bool ring_try(unsigned ring, uint32_t eflags, void (*function)(void *), void *argument)
{
    static const uint16_t code[4] = {SEL_CODE, SEL_CODE1, SEL_CODE2, SEL_USER_CODE};
    static const uint16_t data[4] = {SEL_DATA, SEL_DATA1, SEL_DATA2, SEL_USER_DATA};
    uint32_t *top = (uint32_t *)(user_stack + sizeof user_stack - 64);
    top[1] = (uint32_t)argument;
    top[0] = (uint32_t)ring_come_back;
    struct ring_entry entry = {
        .eip = (uint32_t)function,
        .cs = code[ring],
        .eflags = eflags | 2,
        .esp = (uint32_t)top,
        .ss = data[ring],
        .v86_ds = data[ring],
    };
    bool faulted = bare_try(ring_enter, &entry);
    return faulted && bare_caught.vector != VECTOR_RETURN;
}

void ring_expect(bool faulted, uint32_t vector, uint32_t error, const char *where, const char *what)
{
    bool good = faulted && bare_caught.vector == vector && bare_caught.error == error;
    if (!good && faulted)
        bare_print("got %u(%x) at %x, want %u(%x): ", bare_caught.vector, bare_caught.error,
                   bare_caught.eip, vector, error);
    else if (!good)
        bare_print("no fault, want %u(%x): ", vector, error);
    bare_check(good, where, what);
}

bool v86_run(const uint8_t *code, const uint8_t *end, uint32_t eflags)
{
    uint32_t size = (uint32_t)(end - code);
    memcpy((void *)V86_CODE, code, size);
    struct ring_entry entry = {
        .cs = V86_CODE >> 4,
        .eflags = eflags | FL_VM | 2,
        .esp = 0x1000,
        .ss = V86_STACK >> 4,
        .v86_es = V86_DATA >> 4,
        .v86_ds = V86_DATA >> 4,
        .v86_fs = V86_DATA >> 4,
        .v86_gs = V86_DATA >> 4,
    };
    bool faulted = bare_try(ring_enter, &entry);
    return faulted && bare_caught.vector == 13 && bare_caught.error == 0 &&
           bare_caught.eflags & FL_VM && bare_caught.eip == size - 1;
}

uint32_t ring_features(void)
{
    uint32_t before = read_eflags();
    write_eflags(before ^ (1 << 21));
    if (!((read_eflags() ^ before) & (1 << 21)))
        return 0;
    uint32_t eax = 1, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=d"(edx) : : "ebx", "ecx");
    return edx;
}

/* --- real mode --- */

extern uint8_t real_blob[], real_blob_end[], real_stubs[];
void real_enter(bool flat);

enum { REAL_BLOB = 0x7000, REAL_STATE = 0x7F00, SEL_REAL_CODE = 0x3E0, SEL_REAL_DATA = 0x3E8 };

struct real_state real_run(const uint8_t *code, const uint8_t *end, bool flat_es)
{
    volatile uint32_t *table = NULL;
    __asm__("" : "+r"(table));
    memcpy((void *)REAL_BLOB, real_blob, (size_t)(real_blob_end - real_blob));
    memcpy((void *)REAL_CODE, code, (size_t)(end - code));
    for (unsigned i = 0; i <= 0x60; i++) {
        if (i < 32 || i == 0x60)
            table[i] = 0x07000000 + (uint32_t)(real_stubs - real_blob) + i * 16;
    }
    ring_set(SEL_REAL_CODE, bare_descriptor(REAL_BLOB, 0xFFFF, 0x9B, 0), 0);
    ring_set(SEL_REAL_DATA, bare_descriptor(0, 0xFFFF, 0x93, 0), 0);
    real_enter(flat_es);
    return *(struct real_state *)REAL_STATE;
}
