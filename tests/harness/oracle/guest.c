#include "tests/harness/oracle/guest.h"

#include "base/bits.h"
#include "base/memory.h"
#include "cpu/debug.h"
#include "cpu/flags.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/system.h"
#include "jit/jit.h"
#include "tests/harness/bare_cpu.h"

enum {
    /* In the gate pages. */
    GDT = WORLD_GATE,
    GDT_SIZE = 16 * 8,
    LDT = WORLD_GATE + 0x100,
    TSS = WORLD_GATE + 0x200,
    HANDLERS = WORLD_GATE + 0x400, /* a HLT for each exception */
    STACK_TOP = WORLD_GATE + 0x1F00,
    IDT = WORLD_GATE + 0x2000,
    KERNEL_CS = 0x10,
    KERNEL_DS = 0x18,
    /* Physical: page tables. */
    POINTERS = 0x400000,
    DIRECTORY = 0x401000,
    LOW_TABLE = 0x402000,
    HIGH_TABLE = 0x403000,
    EXCEPTIONS = 32,
    VECTORS_WITH_ERROR = 0x27D00, /* 8, 10 to 14, 17 */
    INT3 = 0xCC,
    RUN_MAX = 2000000, /* instructions: a program that is still running then hangs */
};

struct guest {
    struct bare_cpu *bare;
    const struct guest_engine *engine;
    void *attached;
    struct segment segments[GDT_SIZE / 8 + LDT_COUNT]; /* by selector: GDT, then LDT */
    struct segment kernel_cs, kernel_ss;
};

static void *attach_interp(struct cpu *cpu, struct error *err)
{
    return cpu; /* which has it from the beginning */
}

static void detach_interp(void *engine) {}

static void *attach_jit(struct cpu *cpu, struct error *err)
{
    return jit_new(cpu, &(struct jit_options){.warm = 1}, err);
}

static void detach_jit(void *engine)
{
    jit_free(engine);
}

/* ADC Ev,Gv sees the wrong carry. */
static void spoil_carry(void *opaque)
{
    enum { ADC_EV_GV = 0x11 };
    const struct bare_cpu *bare = opaque;
    struct cpu *cpu = bare->cpu;
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    if (cpu->cpl == 3 && linear < BARE_RAM_SIZE && bare->ram[linear] == ADC_EV_GV)
        flags_set_arithmetic(cpu, flags_arithmetic(cpu) ^ FLAG_CF);
}

static void *attach_faulty(struct cpu *cpu, struct error *err)
{
    cpu->host.trace = spoil_carry;
    cpu->tracing = true;
    return cpu;
}

static const struct guest_engine engines[] = {
    {"interp", attach_interp, detach_interp},
    {"jit",    attach_jit,    detach_jit   },
 /* Wrong on purpose: a test that the oracle notices. */
    {"faulty", attach_faulty, detach_interp},
};

const struct guest_engine *guest_engine_at(unsigned index)
{
    return index < ARRAY_LENGTH(engines) ? &engines[index] : NULL;
}

const struct guest_engine *guest_engine_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(engines); i++)
        if (strcmp(engines[i].name, name) == 0)
            return &engines[i];
    return NULL;
}

const char *guest_model(void)
{
    const struct cpu_model *best = cpu_model_at(0), *row;
    for (unsigned i = 0; (row = cpu_model_at(i)) != NULL; i++)
        if (__builtin_popcountll(row->features) > __builtin_popcountll(best->features))
            best = row;
    return best->name;
}

struct cpu *guest_cpu(struct guest *guest)
{
    return guest->bare->cpu;
}

uint8_t *guest_data(struct guest *guest)
{
    return guest->bare->ram + WORLD_DATA;
}

/* --- tables --- */

static void put_entry(uint8_t *at, uint32_t high, uint32_t low)
{
    store_le32(at, low);
    store_le32(at + 4, high);
}

static void put_segment(uint8_t *at, const struct world_segment *segment)
{
    enum { PRESENT = 0x8000, USER = 0x7000, CODE = 8, EXPAND_DOWN = 4, WRITABLE = 2, ACCESSED = 1 };
    enum { GRANULAR = 1 << 23, BIG = 1 << 22, AVAILABLE = 1 << 20 };
    uint32_t type = ACCESSED | (segment->code ? CODE : 0) |
                    (segment->expand_down ? EXPAND_DOWN : 0) |
                    (segment->read_execute_only ? 0 : WRITABLE);
    uint32_t high = (segment->base & 0xFF000000) | (segment->base >> 16 & 0xFF) |
                    (segment->limit & 0xF0000) | USER | type << 8 | AVAILABLE |
                    (segment->absent ? 0 : PRESENT) | (segment->big ? BIG : 0) |
                    (segment->granular ? GRANULAR : 0);
    put_entry(at, high, segment->base << 16 | (segment->limit & 0xFFFF));
}

static void make_tables(uint8_t *ram)
{
    put_entry(ram + GDT + KERNEL_CS, 0x00CF9B00, 0xFFFF);
    put_entry(ram + GDT + KERNEL_DS, 0x00CF9300, 0xFFFF);
    put_entry(ram + GDT + (WORLD_CS32 & ~7), 0x00CFFB00, 0xFFFF);
    put_entry(ram + GDT + (WORLD_DS32 & ~7), 0x00CFF300, 0xFFFF);
    for (unsigned i = 0; i < LDT_COUNT; i++)
        put_segment(ram + LDT + 8 * i, &world_ldt[i]);
    store_le32(ram + TSS + 4, STACK_TOP);
    store_le32(ram + TSS + 8, KERNEL_DS);
    memset(ram + HANDLERS, 0xF4, EXCEPTIONS);
    for (unsigned vector = 0; vector < 256; vector++) {
        bool is_open = vector == VECTOR_BP || vector == VECTOR_OF;
        uint32_t offset = HANDLERS + vector % EXCEPTIONS;
        put_entry(ram + IDT + vector * 8, (offset & 0xFFFF0000) | (is_open ? 0xEE00 : 0x8E00),
                  KERNEL_CS << 16 | (offset & 0xFFFF));
    }
}

static void put_page(uint8_t *ram, uint32_t linear, uint32_t flags, bool execute)
{
    uint32_t table = linear >> 21 ? HIGH_TABLE : LOW_TABLE;
    uint8_t *entry = ram + table + (linear >> 12 & 0x1FF) * 8;
    put_entry(entry, execute ? 0 : 0x80000000u, linear | flags);
}

static void make_page_tables(uint8_t *ram)
{
    enum { PRESENT = 1, WRITABLE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40 };
    enum { ALL = PRESENT | WRITABLE | USER | ACCESSED | DIRTY };
    put_entry(ram + POINTERS, 0, DIRECTORY | PRESENT);
    put_entry(ram + DIRECTORY, 0, LOW_TABLE | ALL);
    put_entry(ram + DIRECTORY + 8, 0, HIGH_TABLE | ALL);
    for (unsigned i = 0; i < WORLD_CODE_SIZE; i += WORLD_PAGE)
        put_page(ram, WORLD_CODE + i, ALL & ~WRITABLE, true);
    for (unsigned i = 0; i < WORLD_DATA_SIZE; i += WORLD_PAGE)
        put_page(ram, WORLD_DATA + i, i < WORLD_WRITABLE ? ALL : ALL & ~WRITABLE, false);
    for (unsigned i = 0; i < WORLD_GATE_SIZE; i += WORLD_PAGE)
        put_page(ram, WORLD_GATE + i, ALL & ~USER, true);
}

static struct segment read_segment(const uint8_t *at, uint16_t selector)
{
    const struct descriptor descriptor = {load_le32(at), load_le32(at + 4)};
    return segment_from_descriptor(selector, &descriptor);
}

static void make_processor(struct guest *guest)
{
    struct cpu *cpu = guest->bare->cpu;
    uint8_t *ram = guest->bare->ram;
    for (unsigned i = 0; i < GDT_SIZE / 8; i++)
        guest->segments[i] = read_segment(ram + GDT + 8 * i, (uint16_t)(8 * i | 3));
    for (unsigned i = 0; i < LDT_COUNT; i++)
        guest->segments[GDT_SIZE / 8 + i] = read_segment(ram + LDT + 8 * i, world_selector(i));
    cpu->gdtr_base = GDT;
    cpu->gdtr_limit = GDT_SIZE - 1;
    cpu->idtr_base = IDT;
    cpu->idtr_limit = 256 * 8 - 1;
    cpu->ldtr = (struct segment){.base = LDT,
                                 .limit = LDT_COUNT * 8 - 1,
                                 .selector = 0x50,
                                 .access = SEGMENT_PRESENT | TYPE_LDT};
    cpu->tr = (struct segment){
        .base = TSS, .limit = 0x67, .selector = 0x40, .access = SEGMENT_PRESENT | TYPE_TSS32_BUSY};
    store_le16(ram + TSS + 0x66, 0x68); /* no I/O bitmap */
    cpu->cr0 |= CR0_PG | CR0_WP | CR0_AM | CR0_NE | CR0_MP;
    cpu->cr0 &= ~(uint32_t)(CR0_EM | CR0_TS);
    cpu->cr4 |= CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->efer |= EFER_NXE;
    cpu->cr3 = POINTERS;
    if (!mmu_load_pdptes(cpu->mmu, cpu->cr3))
        __builtin_unreachable(); /* they are ours */
    cpu_sync(cpu);
}

/* Each code page keeps a block that no program overwrites, because a page that gains its first or
 * loses its last decoded code costs the processor a scan of its TLB. */
static void keep_code(struct guest *guest)
{
    struct world_state state = {.eflags = FLAG_FIXED};
    state.seg[SEG_CS] = WORLD_CS32;
    state.seg[SEG_SS] = WORLD_DS32;
    for (unsigned i = 0; i < WORLD_CODE_SIZE; i += WORLD_PAGE) {
        state.eip = WORLD_CODE + i + WORLD_KEPT;
        guest_load(guest, &state);
        guest_step(guest);
    }
}

struct guest *guest_new(const struct guest_engine *engine, struct error *err)
{
    struct guest *guest = mem_new(sizeof *guest);
    guest->bare = bare_cpu_new(guest_model());
    bare_cpu_flat(guest->bare, true);
    uint8_t *ram = guest->bare->ram;
    make_tables(ram);
    make_page_tables(ram);
    memset(ram + WORLD_CODE, INT3, WORLD_CODE_SIZE);
    world_fill_data(ram + WORLD_DATA);
    make_processor(guest);
    guest->engine = engine;
    guest->attached = engine->attach(guest->bare->cpu, err);
    if (!guest->attached) {
        guest_free(guest);
        return NULL;
    }
    keep_code(guest);
    return guest;
}

void guest_free(struct guest *guest)
{
    if (!guest)
        return;
    if (guest->attached)
        guest->engine->detach(guest->attached);
    bare_cpu_free(guest->bare);
    mem_free(guest);
}

/* --- programs --- */

static const struct segment *find_segment(const struct guest *guest, uint16_t selector)
{
    unsigned index = selector >> 3;
    return &guest->segments[selector & SELECTOR_TI ? GDT_SIZE / 8 + index : index];
}

static void load_segment(struct guest *guest, unsigned seg, uint16_t selector)
{
    struct segment segment = *find_segment(guest, selector);
    segment.selector = selector; /* with the privilege asked for */
    segment_set(guest->bare->cpu, seg, &segment);
}

void guest_load(struct guest *guest, const struct world_state *state)
{
    struct cpu *cpu = guest->bare->cpu;
    memcpy(cpu->gpr, state->gpr, sizeof state->gpr);
    cpu->eip = state->eip;
    flags_set_arithmetic(cpu, state->eflags);
    cpu->eflags = (state->eflags & ~(uint32_t)FLAGS_ARITHMETIC & eflags_existing(cpu)) | FLAG_FIXED;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (selector_is_null(state->seg[i]))
            segment_set_null(cpu, i, state->seg[i]);
        else
            load_segment(guest, i, state->seg[i]);
    }
    struct fpu_state *fpu = &cpu->fpu;
    fpu->control = state->fpu_control;
    fpu->status = state->fpu_status;
    fpu->empty = state->fpu_empty;
    fpu->opcode = state->fpu_opcode;
    fpu->ip_offset = state->fpu_ip;
    fpu->data_offset = state->fpu_data;
    fpu->ip_selector = fpu->data_selector = 0;
    memcpy(fpu->reg, state->fpu, sizeof fpu->reg);
    memcpy(cpu->xmm, state->xmm, sizeof cpu->xmm);
    cpu->mxcsr = state->mxcsr;
    cpu->activity = CPU_RUNNING;
    cpu->attention = 0;
    cpu->step = 0;
    cpu->debug_hits = 0;
    cpu->repeating = false;
    cpu->cr2 = 0;
    cpu_set_cpl(cpu, 3);
    debug_update(cpu);
}

void guest_put_code(struct guest *guest, uint32_t linear, const uint8_t *bytes, unsigned size)
{
    unsigned room = WORLD_CODE + WORLD_CODE_SIZE - linear;
    bare_cpu_write(guest->bare, linear, bytes, size < room ? size : room);
}

void guest_erase_code(struct guest *guest, uint32_t linear, unsigned size)
{
    static const uint8_t filler[WORLD_PROGRAM_MAX + WORLD_EXIT_MAX] = {
        [0 ... WORLD_PROGRAM_MAX + WORLD_EXIT_MAX - 1] = INT3};
    guest_put_code(guest, linear, filler, size);
}

static bool is_stopped(const struct cpu *cpu)
{
    return cpu->activity != CPU_RUNNING;
}

/* Runs count instructions more, or until the handler of a fault has halted. */
static void run(struct guest *guest, uint64_t count)
{
    struct cpu *cpu = guest->bare->cpu;
    uint64_t limit = cpu->icount + count;
    while (!is_stopped(cpu) && (cpu->icount < limit || cpu->cpl == 0)) {
        cpu_run(cpu, cpu->cpl == 0 ? cpu->icount + 1 : limit);
        if (!is_stopped(cpu))
            cpu_service(cpu);
    }
}

bool guest_step(struct guest *guest)
{
    struct cpu *cpu = guest->bare->cpu;
    do {
        run(guest, 1);
    } while (!is_stopped(cpu) && cpu->repeating);
    return !is_stopped(cpu);
}

void guest_run(struct guest *guest)
{
    run(guest, RUN_MAX);
}

void guest_store(struct guest *guest, struct world_state *state)
{
    const struct cpu *cpu = guest->bare->cpu;
    const struct fpu_state *fpu = &cpu->fpu;
    memcpy(state->gpr, cpu->gpr, sizeof state->gpr);
    state->eip = cpu->eip;
    state->eflags = cpu_get_eflags(cpu);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        state->seg[i] = cpu->seg[i].selector;
    state->fpu_control = fpu->control;
    state->fpu_status = fpu->status;
    state->fpu_empty = fpu->empty;
    state->fpu_opcode = fpu->opcode & 0x7FF;
    state->fpu_ip = fpu->ip_offset;
    state->fpu_data = fpu->data_offset;
    for (unsigned i = 0; i < 8; i++) {
        state->fpu[i].significand = fpu->reg[i].significand;
        state->fpu[i].sign_exponent = fpu->reg[i].sign_exponent;
    }
    memcpy(state->xmm, cpu->xmm, sizeof state->xmm);
    state->mxcsr = cpu->mxcsr;
}

int guest_vector(const struct guest *guest)
{
    const struct cpu *cpu = guest->bare->cpu;
    return cpu->activity == CPU_HALTED ? (int)(cpu->eip - HANDLERS) - 1 : WORLD_TIMEOUT;
}

void guest_store_outcome(struct guest *guest, uint32_t end, struct world_outcome *outcome)
{
    struct cpu *cpu = guest->bare->cpu;
    struct world_state *state = &outcome->state;
    guest_store(guest, state);
    outcome->error = outcome->cr2 = 0;
    outcome->vector = guest_vector(guest);
    if (outcome->vector == WORLD_TIMEOUT)
        return;
    const uint8_t *frame = guest->bare->ram + cpu->gpr[REG_ESP];
    if (VECTORS_WITH_ERROR >> outcome->vector & 1) {
        outcome->error = load_le32(frame);
        frame += 4;
    }
    state->eip = load_le32(frame);
    state->seg[SEG_CS] = load_le16(frame + 4);
    state->eflags = load_le32(frame + 8);
    state->gpr[REG_ESP] = load_le32(frame + 12);
    state->seg[SEG_SS] = load_le16(frame + 16);
    if (outcome->vector == VECTOR_PF)
        outcome->cr2 = cpu->cr2;
    uint32_t base =
        selector_is_null(state->seg[SEG_CS]) ? 0 : find_segment(guest, state->seg[SEG_CS])->base;
    bool is_way_out = outcome->error == (WORLD_CS64 & ~3);
    if (outcome->vector == VECTOR_GP && is_way_out && base + state->eip == end) {
        outcome->vector = WORLD_NO_FAULT;
        outcome->error = 0;
        state->eip = state->seg[SEG_CS] = 0;
        state->eflags &= ~(uint32_t)FLAG_RF;
    }
}
