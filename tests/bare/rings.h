/* For tests of protection: other privilege levels, V86 mode, and transfers with chosen operands. */
#ifndef TESTS_BARE_RINGS_H
#define TESTS_BARE_RINGS_H

#include "bare.h"

struct tss32 {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_base;
    uint8_t redirection[32];
    uint8_t io_bitmap[8193];
} __attribute__((packed));

struct tss16 {
    uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    uint16_t ax, cx, dx, bx, sp, bp, si, di;
    uint16_t es, cs, ss, ds, ldt;
} __attribute__((packed));

/* Selectors that ring_init sets up; those from SEL_TEST on are the tests' own. */
enum {
    SEL_TSS = 0x28,
    SEL_CODE1 = 0x31,
    SEL_DATA1 = 0x39,
    SEL_CODE2 = 0x42,
    SEL_DATA2 = 0x4A,
    SEL_LDT = 0x50,
    SEL_TEST = 0x60,
};
enum { VECTOR_RETURN = 0xF0 };

extern struct tss32 ring_tss;
extern uint64_t ring_ldt[16];

/* Segments of every level, the TSS (loaded), the LDT (loaded), a gate to come back by. */
void ring_init(void);
/* TR and LDTR are those of ring_init, whatever has become of them, and CR0.TS is clear. */
void ring_load_tasks(void);
/* Double faults get a task of their own, at selector, so that no stack can make a triple one:
 * afterwards, ring_load_tasks. Returns the gate that was there. */
struct gate ring_double_fault_task(uint16_t selector);
/* A descriptor of the tests' own: sets GDT entry, returns selector for RPL rpl. */
uint16_t ring_set(uint16_t selector, uint64_t descriptor, unsigned rpl);
/* A gate: type with P and DPL, 0xEC00 for a 32-bit call gate of DPL 3. */
uint64_t ring_gate(uint16_t selector, uint32_t offset, uint16_t type, unsigned count);

/* Runs function(argument) at CPL ring, with EFLAGS eflags. False: it came back; true: it faulted,
 * and bare_caught and bare_frame say how. */
bool ring_try(unsigned ring, uint32_t eflags, void (*function)(void *), void *argument);

/* Expects of the last ring_try or bare_try that it faulted so. */
void ring_expect(bool faulted, uint32_t vector, uint32_t error, const char *where,
                 const char *what);
#define FAULTS(where, call, vector, error) ring_expect((call), (vector), (error), (where), #call)
#define RUNS(where, call)                                                                          \
    do {                                                                                           \
        bool faulted_ = (call);                                                                    \
        if (faulted_)                                                                              \
            bare_print("fault %u(%x) at %x: ", bare_caught.vector, bare_caught.error,              \
                       bare_caught.eip);                                                           \
        bare_check(!faulted_, (where), #call);                                                     \
    } while (0)

/* Machine code from assembly, between two labels. */
#define SNIPPET(name, text)                                                                        \
    extern uint8_t name[], name##_end[];                                                           \
    __asm__(".pushsection .text\n" #name ":\n" text "\n" #name "_end:\n.popsection\n")

/* V86 mode: the snippet runs at 0800:0000 with SS:SP = 0900:1000, DS = ES = 0A00. True: it reached
 * its last byte, a HLT, which faults there as #GP(0). The frame is in bare_frame. */
enum { V86_CODE = 0x8000, V86_STACK = 0x9000, V86_DATA = 0xA000 };
bool v86_run(const uint8_t *code, const uint8_t *end, uint32_t eflags);
#define V86(name, eflags) v86_run(name, name##_end, (eflags))
/* Checks that the snippet ended by a fault instead. */
#define V86_FAULTS(where, name, eflags, vector, error)                                             \
    ring_expect(!V86(name, eflags), (vector), (error), (where), "V86 " #name)
#define V86_RUNS(where, name, eflags)                                                              \
    do {                                                                                           \
        bool reached_ = V86(name, eflags);                                                         \
        if (!reached_)                                                                             \
            bare_print("fault %u(%x) at %x: ", bare_caught.vector, bare_caught.error,              \
                       bare_caught.eip);                                                           \
        bare_check(reached_, (where), "V86 " #name);                                               \
    } while (0)

/* EFLAGS bits. */
enum {
    FL_CF = 1,
    FL_TF = 1 << 8,
    FL_IF = 1 << 9,
    FL_IOPL3 = 3 << 12,
    FL_NT = 1 << 14,
    FL_RF = 1 << 16,
    FL_VM = 1 << 17,
    FL_AC = 1 << 18,
    FL_VIF = 1 << 19,
    FL_VIP = 1 << 20,
};
enum {
    CR4_VME = 1,
    CR4_PVI = 2,
    CR4_TSD = 4,
    CR4_DE = 8,
    CR4_PSE = 16,
    CR4_PAE = 32,
    CR4_PGE = 128
};

static inline uint32_t read_cr0(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
static inline void write_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}
static inline uint32_t read_cr3(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}
static inline void write_cr3(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}
static inline uint32_t read_cr4(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
static inline void write_cr4(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}
static inline uint32_t read_eflags(void)
{
    uint32_t value;
    __asm__ volatile("pushfl; popl %0" : "=r"(value));
    return value;
}
static inline void write_eflags(uint32_t value)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(value) : "cc", "memory");
}

/* CPUID leaf 1, EDX; 0 where there is no CPUID. */
uint32_t ring_features(void);
enum {
    FEATURE_VME = 1 << 1,
    FEATURE_DE = 1 << 2,
    FEATURE_PSE = 1 << 3,
    FEATURE_TSC = 1 << 4,
    FEATURE_MSR = 1 << 5,
    FEATURE_PAE = 1 << 6,
    FEATURE_SEP = 1 << 11,
    FEATURE_PGE = 1 << 13
};

#endif
