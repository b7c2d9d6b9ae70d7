#include "machine/inspect.h"

#include "base/memory.h"
#include "bus/code_page.h"
#include "cpu/names.h"
#include "machine/internal.h"

#include <string.h>

unsigned inspect_linear(struct machine *machine, uint32_t linear, uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint32_t physical;
        if (!mmu_peek(machine->cpu->mmu, linear + i, &physical))
            return i;
        inspect_physical(machine, physical, &bytes[i], 1);
    }
    return size;
}

void inspect_physical(struct machine *machine, uint32_t address, uint8_t *bytes, size_t size)
{
    while (size) {
        const struct address_range *range = bus_find_range(machine->bus, address);
        size_t part = PAGE_SIZE - (address & PAGE_MASK);
        if (part > size)
            part = size;
        if (range && range->memory)
            memcpy(bytes, range->memory + (address - range->first), part);
        else
            memset(bytes, 0xFF, part);
        bytes += part;
        address += (uint32_t)part;
        size -= part;
    }
}

/* --- registers --- */

static void set(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_numbered(json_t *object, const char *name, unsigned number, uint64_t value)
{
    char full[16];
    snprintf(full, sizeof full, "%s%u", name, number);
    set(object, full, value);
}

static void add_segment(json_t *object, const char *name, const struct segment *segment)
{
    char full[16];
    set(object, name, segment->selector);
    snprintf(full, sizeof full, "%s_base", name);
    set(object, full, segment->base);
    snprintf(full, sizeof full, "%s_limit", name);
    set(object, full, segment->limit);
    snprintf(full, sizeof full, "%s_access", name);
    set(object, full, segment->access);
}

static void add_segments(json_t *object, const struct cpu *cpu)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        add_segment(object, cpu_segment_names[i], &cpu->seg[i]);
    add_segment(object, "ldtr", &cpu->ldtr);
    add_segment(object, "tr", &cpu->tr);
    set(object, "gdtr_base", cpu->gdtr_base);
    set(object, "gdtr_limit", cpu->gdtr_limit);
    set(object, "idtr_base", cpu->idtr_base);
    set(object, "idtr_limit", cpu->idtr_limit);
}

static void add_system(json_t *object, const struct cpu *cpu)
{
    static const char *const activity[] = {"running", "halted", "shutdown"};
    set(object, "cpl", cpu->cpl);
    set(object, "cr0", cpu->cr0);
    set(object, "cr2", cpu->cr2);
    set(object, "cr3", cpu->cr3);
    set(object, "cr4", cpu->cr4);
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5)
            set_numbered(object, "dr", i, cpu->dr[i]);
    }
    set(object, "efer", cpu->efer);
    set(object, "apic_base", cpu->apic_base);
    set(object, "tsc_offset", cpu->tsc_offset);
    set(object, "sysenter_cs", cpu->sysenter_cs);
    set(object, "sysenter_esp", cpu->sysenter_esp);
    set(object, "sysenter_eip", cpu->sysenter_eip);
    json_object_set_new(object, "activity", json_string(activity[cpu->activity]));
}

static void add_fpu(json_t *object, const struct cpu *cpu)
{
    const struct fpu_state *fpu = &cpu->fpu;
    unsigned top = fpu->status >> 11 & 7;
    char name[8], text[40];
    set(object, "fcw", fpu->control);
    set(object, "fsw", fpu->status);
    set(object, "ftw_empty", fpu->empty);
    set(object, "fop", fpu->opcode & 0x7FF);
    set(object, "fip", fpu->ip_offset);
    set(object, "fcs", fpu->ip_selector);
    set(object, "fdp", fpu->data_offset);
    set(object, "fds", fpu->data_selector);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &fpu->reg[(top + i) & 7];
        snprintf(name, sizeof name, "st%u", i);
        snprintf(text, sizeof text, "%04X%016llX", reg->sign_exponent,
                 (unsigned long long)reg->significand);
        json_object_set_new(object, name, json_string(text));
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "mm%u", i);
        snprintf(text, sizeof text, "%016llX", (unsigned long long)fpu->reg[i].significand);
        json_object_set_new(object, name, json_string(text));
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "xmm%u", i);
        snprintf(text, sizeof text, "%016llX%016llX", (unsigned long long)cpu->xmm[i].u64[1],
                 (unsigned long long)cpu->xmm[i].u64[0]);
        json_object_set_new(object, name, json_string(text));
    }
    set(object, "mxcsr", cpu->mxcsr);
}

/* The fault that the run stopped at, before its delivery. */
static json_t *stop_fault(const struct machine *machine)
{
    const struct fault_record *fault = &machine->stop_fault;
    if (machine->stop != STOP_FAULT)
        return json_null();
    json_t *error = fault->has_error ? json_integer(fault->error) : json_null();
    return json_pack("{s:i, s:o}", "vector", (int)fault->vector, "error", error);
}

json_t *inspect_registers(struct machine *machine)
{
    const struct cpu *cpu = machine->cpu;
    json_t *object = json_object();
    set(object, "icount", cpu_icount(cpu));
    for (unsigned i = 0; i < ARRAY_LENGTH(cpu_gpr_names); i++)
        set(object, cpu_gpr_names[i], cpu->gpr[i]);
    set(object, "eip", cpu->eip);
    set(object, "eflags", cpu_get_eflags(cpu));
    add_segments(object, cpu);
    add_system(object, cpu);
    add_fpu(object, cpu);
    json_object_set_new(object, "fault", stop_fault(machine));
    return object;
}

/* --- the screen --- */

char *inspect_screen_lines(struct machine *machine)
{
    struct screen_text *text = mem_new(sizeof *text);
    machine_text(machine, text);
    char *lines = mem_new((size_t)text->rows * (text->columns * CODE_PAGE_MAX_UTF8 + 1) + 1);
    char *end = lines;
    for (unsigned row = 0; row < text->rows; row++) {
        char *last = end;
        for (unsigned column = 0; column < text->columns; column++) {
            uint8_t character = text->cells[row][column].character;
            end += code_page_utf8(character, end);
            if (character != 0 && character != ' ' && character != 0xFF)
                last = end;
        }
        end = last;
        *end++ = '\n';
    }
    *end = 0;
    mem_free(text);
    return lines;
}

void inspect_print_screen(struct machine *machine, FILE *stream)
{
    char *lines = inspect_screen_lines(machine);
    fputs(lines, stream);
    mem_free(lines);
}

bool inspect_screen_contains(struct machine *machine, const char *text)
{
    char *lines = inspect_screen_lines(machine);
    bool found = strstr(lines, text) != NULL;
    mem_free(lines);
    return found;
}
