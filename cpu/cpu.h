/* The processor: all of its state, and how the rest of the machine drives it.
 *
 * Where the instruction pointer is. Between instructions, as seen from outside (run loop, debugger,
 * fault delivery), eip is the next instruction to execute. While a block runs, eip stays at the
 * block's first instruction and current points at the decoded instruction being executed;
 * cpu_insn_eip() and cpu_next_eip() give its own and its successor's address. An instruction that
 * jumps calls cpu_jump() as its very last act, when nothing can fault any more.
 *
 * How instructions are counted. icount is what had retired when the block was entered; the current
 * instruction's index in the block is added by cpu_icount(). The engine leaves when icount reaches
 * icount_limit, exactly.
 *
 * How the outside interrupts. Anything that must be seen before the next instruction sets a bit in
 * attention: the engine tests it after every instruction and returns to the run loop, which calls
 * cpu_service(). */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "base/log.h"
#include "bus/bus.h"
#include "cpu/delivery.h"
#include "cpu/fpu_state.h"
#include "cpu/registers.h"
#include "cpu/segment_cache.h"
#include "mmu/mmu.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cpu_model; /* cpu/model.h */
struct insn;      /* cpu/insn.h */
struct code;      /* cpu/code.h: decoder and cache of decoded blocks */
struct points;    /* cpu/points.h */

/* What an instruction's function returns. */
enum exec_result {
    EXEC_OK,    /* retired */
    EXEC_FAULT, /* cpu->fault says which; no guest-visible state has changed */
};

enum cpu_attention {
    ATTENTION_INTERRUPT = 1 << 0, /* INTR is high and may be taken (IF, no shadow) */
    ATTENTION_NMI = 1 << 1,
    ATTENTION_RESET = 1 << 2,
    ATTENTION_INIT = 1 << 3,
    ATTENTION_CLOCK = 1 << 4, /* a deadline moved: compute the budget anew */
    ATTENTION_HALT = 1 << 5,  /* the processor halted or shut down */
    ATTENTION_STOP = 1 << 6,  /* the run loop wants control (stop, exit, power off) */
    ATTENTION_DEBUG = 1 << 7, /* a data, I/O or task-switch breakpoint hit in this instruction */
    ATTENTION_MODE = 1 << 8,  /* the engine must look at its mode again (step, block key) */
};

/* Reasons to execute one instruction at a time, with checks around each. */
enum cpu_step {
    STEP_TRAP_FLAG = 1 << 0,    /* EFLAGS.TF */
    STEP_BREAKPOINTS = 1 << 1,  /* an instruction breakpoint is armed in DR7 */
    STEP_SHADOW = 1 << 2,       /* after STI or MOV SS: interrupts wait for one instruction */
    STEP_RESUME = 1 << 4,       /* RF is set: cleared by the next instruction */
    STEP_SHADOW_STACK = 1 << 5, /* after MOV SS or POP SS: debug traps and NMI wait, too */
    STEP_TRAP_PENDING = 1 << 6, /* TF was set when the current instruction began */
    STEP_VIRTUAL = 1 << 7,      /* EFLAGS.VIF and VIP are both set */
};

enum cpu_activity {
    CPU_RUNNING,
    CPU_HALTED,   /* HLT: an interrupt wakes it */
    CPU_SHUTDOWN, /* triple fault: only reset wakes it */
};

/* Flags are kept as the last results that define them (lazily); see cpu/flags.h. */
struct lazy_flags {
    uint32_t zero;    /* ZF is zero == 0 */
    uint32_t sign;    /* SF is bit 31; PF is the even parity of the low byte */
    uint32_t carries; /* CF is bit 31; OF is bit 31 xor bit 30; AF is bit 3 */
};

struct cpu_fault {
    uint8_t vector;
    bool has_error;
    uint32_t error;
};

/* What the meaning of code bytes depends on, besides themselves: part of a block's key. FLAT_x:
 * base 0, limit 4 GiB, readable (code and data) and writable (data). */
enum code_mode {
    CODE_32 = 1 << 0,  /* CS.D */
    STACK_32 = 1 << 1, /* SS.B */
    FLAT_CS = 1 << 2,
    FLAT_SS = 1 << 3,
    FLAT_DS = 1 << 4,
    FLAT_ES = 1 << 5,
};

/* What the processor asks of the chips around it; set by the board. */
struct cpu_host {
    void *opaque;
    /* INTA cycle: the vector of the interrupt that INTR announced. */
    uint8_t (*acknowledge)(void *opaque);
    /* FERR# for CR0.NE = 0: an unmasked x87 exception is (level true) or is no longer pending. */
    void (*set_ferr)(void *opaque, bool level);
    /* IGNNE#: true while the chipset lets the processor ignore numeric errors (port F0h). */
    bool (*ignne)(void *opaque);
    /* IA32_APIC_BASE was written. */
    void (*apic_base)(void *opaque, uint64_t value);
    /* Called before every instruction (a whole REP counts as one) while cpu->tracing is set. */
    void (*trace)(void *opaque);
    /* A fault is about to be delivered (cpu->fault, at cpu->eip). True: it is not delivered, and
     * the processor stands before the instruction that raised it. May be NULL. */
    bool (*fault)(void *opaque);
    /* A triple fault happened; the chain is in cpu->fault_chain. The run loop decides (reset as a
     * PC does, or stop). */
    void (*triple_fault)(void *opaque);
    /* The instruction at the reset vector is about to be executed in real mode, after a reset or
     * because something jumped there. May be NULL. */
    void (*reset_vector)(void *opaque);
};

/* See jit/jump_cache.h. */
struct jump_cache_entry {
    /* Aligned, so that no entry is in two lines of the host's cache.
     * engine_frame.jump_key | EIP; UINT64_MAX: none */
    _Alignas(16) uint64_t key;
    const uint8_t *code; /* as run */
};
enum { JUMP_CACHE_SIZE = 1 << 16 };

/* What translated code keeps beside the guest's registers; it means nothing outside of
 * cpu_engine.run. Here, so that one register leads to both. */
struct engine_frame {
    uint32_t budget;     /* instructions that may still retire */
    uint16_t flags;      /* arithmetic flags, see jit/flags.h */
    uint32_t spill;      /* of a temporary */
    uint32_t slot;       /* operand of a flag recipe, jit/flags.h */
    int64_t stash[8];    /* jit/groups.c, by the base register */
    uint32_t payload;    /* says which exit was taken */
    uint8_t units;       /* enum jit_unit: what of the guest is in the host's x87 and SSE */
    uint32_t host_mxcsr; /* what C code runs with */
    uint64_t budget_end; /* icount when budget is used up */
    uint64_t tsc_end;    /* the time stamp counter then, if tsc_is_quick */
    bool tsc_is_quick;   /* it counts instructions, and RDTSC is permitted */
    void *code_map;      /* jit/code_map.h */
    uint64_t jump_key;   /* jit/jump_cache.h */
    uint32_t jump_generation;
    uint32_t base_seen;     /* of CS */
    uint64_t mappings_seen; /* mmu->mapping_changes */
    uint64_t calls;         /* of exec functions, by translated code; for statistics */
    const uint8_t *code_bits, *code_pages; /* physmem_code_map, physmem_code_pages */
};

/* Another engine than the interpreter. */
struct cpu_engine {
    void *opaque;
    /* Runs instructions as cpu_run does, at least one, and may return at any boundary. Called only
     * while cpu->step is 0 and nothing wants attention. */
    void (*run)(void *opaque);
};

struct cpu {
    /* --- hot: touched by nearly every instruction --- */
    uint32_t gpr[9]; /* indexed by enum gpr; gpr[REG_ZERO] is always 0, for absent base and index */
    uint32_t eip;
    struct lazy_flags lazy;
    uint32_t eflags; /* all bits but the arithmetic ones, which stand in lazy; bit 1 set */
    uint32_t attention;
    const struct insn *current;     /* the instruction being executed */
    const struct insn *block_first; /* the first instruction of its block */
    struct mmu *mmu;                /* owned */
    struct engine_frame frame;
    struct segment seg[SEG_COUNT];
    uint32_t code_mode;  /* enum code_mode; kept by segment_update_fast */
    uint32_t stack_mask; /* 0xFFFF or 0xFFFFFFFF, from SS.B */
    uint8_t cpl;
    uint64_t icount; /* retired at block entry; use cpu_icount() */
    uint64_t icount_limit;

    /* --- x87, MMX, SSE --- */
    struct fpu_state fpu;
    union xmm_register xmm[8];
    uint32_t mxcsr;

    /* --- system --- */
    uint32_t cr0, cr2, cr3, cr4;
    uint32_t dr[8];
    struct segment ldtr, tr;
    uint32_t gdtr_base, idtr_base;
    uint16_t gdtr_limit, idtr_limit;
    uint64_t tsc_offset; /* TSC = ticks of the virtual clock + tsc_offset */
    uint64_t efer, apic_base;
    uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat, mtrr_def_type, mtrr_fixed[11], mtrr_variable[16];
    uint64_t misc_enable, mcg_status, debugctl;
    uint64_t mc_control[5];  /* machine-check banks; they never report an error */
    uint64_t perf_select[2]; /* P6 performance counters: event selection */
    uint64_t perf_counter[2];
    uint64_t microcode;         /* BIOS_SIGN_ID: revision in the upper half */
    uint32_t test_registers[8]; /* TR3..TR7 of the 386 and 486 */
    enum cpu_activity activity;
    bool intr_line; /* level of INTR */
    bool nmi_pending;
    bool nmi_blocked; /* until IRET */
    bool init_pending, reset_pending;
    uint32_t step;       /* enum cpu_step */
    bool repeating;      /* between two iterations of a repeated string instruction */
    uint32_t debug_hits; /* DR6 bits that the current instruction has collected */
    struct cpu_fault fault;
    /* icount at the last delivery. When no instruction has retired since, the next delivery counts
     * as one, so that a guest whose handlers fault at once cannot stop the clock. */
    uint64_t fault_icount;

    /* --- wiring, not state --- */
    uint32_t shift_carries; /* lazy.carries after a shift but for CF and OF: AF is set on a 386 */
    bool tracing; /* host.trace sees every instruction; the guest's state is the same without */
    const struct cpu_model *model;
    struct bus *bus;
    struct log *log;
    struct cpu_host host;
    struct code *code;        /* owned */
    struct points *points;    /* a debugger's; NULL: none */
    struct cpu_engine engine; /* run NULL: the interpreter */
    struct delivery_ring deliveries;
    struct fault_chain fault_chain;
    /* Of the translator. Here, because its code reaches what is in this struct without a pointer;
     * the host gives memory to what of it is used. */
    struct jump_cache_entry jump_cache[JUMP_CACHE_SIZE];
};
extern const struct field cpu_fields[];

/* model is one row of cpu/model.h. The processor owns an MMU on phys. */
struct cpu *cpu_new(const struct cpu_model *model, struct physmem *phys, struct bus *bus);
void cpu_free(struct cpu *cpu);
/* Power-on state (SDM 3A table 9-1); init: INIT# instead, which keeps the FPU, MSRs and caches. */
void cpu_reset(struct cpu *cpu, bool init);

/* --- pins --- */
void cpu_set_intr(struct cpu *cpu, bool level);
void cpu_pulse_nmi(struct cpu *cpu);
void cpu_request_reset(struct cpu *cpu, bool init);

/* --- for the run loop --- */

/* At an instruction boundary: takes what is pending (reset, INIT, debug trap, NMI, interrupt) in
 * priority order (SDM 3A table 6-2) and leaves attention with only what remains to be done.
 * True: something was taken, or the processor was reset.
 * An interrupt wakes a halted processor. */
bool cpu_service(struct cpu *cpu);
/* Runs decoded instructions until icount reaches limit, attention is set or the processor is not
 * running. Faults are delivered inside. */
void cpu_run(struct cpu *cpu, uint64_t limit);
/* Instructions retired since power-on, exact inside an instruction too. */
uint64_t cpu_icount(const struct cpu *cpu);

/* Brings eflags up to date (all bits) for looking at it from outside, and back. */
uint32_t cpu_get_eflags(const struct cpu *cpu);
void cpu_set_eflags(struct cpu *cpu, uint32_t eflags);

/* Recomputes what depends on cr0, cr3, cr4, eflags, segments (mmu mode, stack mask, cpl, fast
 * bits, step), after state was set from outside or loaded. */
void cpu_sync(struct cpu *cpu);
/* Rebuilds what is not in cpu_fields after these were loaded, and changes nothing else. Who has put
 * other contents into memory calls code_flush, or physmem_note_write for each piece. */
void cpu_after_load(void *cpu);
/* Gives state that can be written in several ways (lazy flags) its one form, for saving and
 * comparing. Changes nothing that the guest can see. */
void cpu_settle(struct cpu *cpu);

/* The MXCSR bits that exist (SDM 1, 11.6.6): DAZ comes with SSE2. */
uint32_t cpu_mxcsr_mask(const struct cpu *cpu);

/* cpu->fault, which is about to be delivered at cpu->eip, as the first of a chain. */
struct fault_record cpu_describe_fault(const struct cpu *cpu);
struct fault_context cpu_fault_context(const struct cpu *cpu);
/* Adds what is no event of the IDT: from DELIVERY_INIT on. */
void cpu_note_delivery(struct cpu *cpu, enum delivery_kind kind);
/* The state was loaded: forgets what was delivered after the present instruction. */
void cpu_rewind_deliveries(struct cpu *cpu);
/* The entry for what is delivered next. */
static inline struct delivery *delivery_next(struct cpu *cpu)
{
    return &cpu->deliveries.entry[cpu->deliveries.count++ % DELIVERIES];
}

/* A value of up to 128 bits; digits: how many hexadecimal digits it was written with, 0 if it was
 * not written in hexadecimal. */
struct poke_value {
    uint64_t low, high;
    unsigned digits;
};

/* Sets one register by the name that the script's regs shows ("eax", "cr4", "cs", "cs_base",
 * "eip", "mxcsr", "st0", "xmm0" ...). A segment's name alone loads the selector and, in real and
 * V86 mode, the base. "st0" to "st7" take 20 hexadecimal digits (sign, exponent, significand) or an
 * integer; they and "mm0" to "mm7" become valid. False: no such register, or a value that the
 * register cannot hold. For the script's poke. */
bool cpu_poke(struct cpu *cpu, const char *name, const struct poke_value *value);

#endif
