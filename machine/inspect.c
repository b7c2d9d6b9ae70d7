#include "machine/inspect.h"

#include "base/memory.h"
#include "bus/code_page.h"
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

static void print_segment(FILE *stream, const char *name, const struct segment *segment)
{
    fprintf(stream, ",\"%s\":%u,\"%s_base\":%u,\"%s_limit\":%u,\"%s_access\":%u", name,
            segment->selector, name, segment->base, name, segment->limit, name, segment->access);
}

static void print_segments(FILE *stream, const struct cpu *cpu)
{
    static const char *const names[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        print_segment(stream, names[i], &cpu->seg[i]);
    print_segment(stream, "ldtr", &cpu->ldtr);
    print_segment(stream, "tr", &cpu->tr);
    fprintf(stream, ",\"gdtr_base\":%u,\"gdtr_limit\":%u,\"idtr_base\":%u,\"idtr_limit\":%u",
            cpu->gdtr_base, cpu->gdtr_limit, cpu->idtr_base, cpu->idtr_limit);
}

static void print_system(FILE *stream, const struct cpu *cpu)
{
    static const char *const activity[] = {"running", "halted", "shutdown"};
    fprintf(stream, ",\"cpl\":%u,\"cr0\":%u,\"cr2\":%u,\"cr3\":%u,\"cr4\":%u", cpu->cpl, cpu->cr0,
            cpu->cr2, cpu->cr3, cpu->cr4);
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5)
            fprintf(stream, ",\"dr%u\":%u", i, cpu->dr[i]);
    }
    fprintf(stream, ",\"efer\":%llu,\"apic_base\":%llu,\"tsc_offset\":%llu",
            (unsigned long long)cpu->efer, (unsigned long long)cpu->apic_base,
            (unsigned long long)cpu->tsc_offset);
    fprintf(stream, ",\"sysenter_cs\":%u,\"sysenter_esp\":%u,\"sysenter_eip\":%u", cpu->sysenter_cs,
            cpu->sysenter_esp, cpu->sysenter_eip);
    fprintf(stream, ",\"activity\":\"%s\"", activity[cpu->activity]);
}

static void print_fpu(FILE *stream, const struct cpu *cpu)
{
    const struct fpu_state *fpu = &cpu->fpu;
    unsigned top = fpu->status >> 11 & 7;
    fprintf(stream, ",\"fcw\":%u,\"fsw\":%u,\"ftw_empty\":%u,\"fop\":%u", fpu->control, fpu->status,
            fpu->empty, fpu->opcode & 0x7FF);
    fprintf(stream, ",\"fip\":%u,\"fcs\":%u,\"fdp\":%u,\"fds\":%u", fpu->ip_offset,
            fpu->ip_selector, fpu->data_offset, fpu->data_selector);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &fpu->reg[(top + i) & 7];
        fprintf(stream, ",\"st%u\":\"%04X%016llX\"", i, reg->sign_exponent,
                (unsigned long long)reg->significand);
    }
    for (unsigned i = 0; i < 8; i++)
        fprintf(stream, ",\"mm%u\":\"%016llX\"", i, (unsigned long long)fpu->reg[i].significand);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stream, ",\"xmm%u\":\"%016llX%016llX\"", i, (unsigned long long)cpu->xmm[i].u64[1],
                (unsigned long long)cpu->xmm[i].u64[0]);
    fprintf(stream, ",\"mxcsr\":%u", cpu->mxcsr);
}

/* The fault that the run stopped at, before its delivery. */
static void print_stop_fault(FILE *stream, const struct machine *machine)
{
    const struct fault_record *fault = &machine->stop_fault;
    if (machine->stop != STOP_FAULT) {
        fprintf(stream, ",\"fault\":null");
        return;
    }
    fprintf(stream, ",\"fault\":{\"vector\":%u,\"error\":", fault->vector);
    fprintf(stream, fault->has_error ? "%u}" : "null}", fault->error);
}

void inspect_registers(struct machine *machine, FILE *stream)
{
    static const char *const names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const struct cpu *cpu = machine->cpu;
    fprintf(stream, "{\"icount\":%llu", (unsigned long long)cpu_icount(cpu));
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        fprintf(stream, ",\"%s\":%u", names[i], cpu->gpr[i]);
    fprintf(stream, ",\"eip\":%u,\"eflags\":%u", cpu->eip, cpu_get_eflags(cpu));
    print_segments(stream, cpu);
    print_system(stream, cpu);
    print_fpu(stream, cpu);
    print_stop_fault(stream, machine);
    fputs("}\n", stream);
}

/* --- the screen --- */

/* Rows as lines; trailing blanks are cut. The caller frees. */
static char *screen_lines(struct machine *machine)
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
    char *lines = screen_lines(machine);
    fputs(lines, stream);
    mem_free(lines);
}

bool inspect_screen_contains(struct machine *machine, const char *text)
{
    char *lines = screen_lines(machine);
    bool found = strstr(lines, text) != NULL;
    mem_free(lines);
    return found;
}
