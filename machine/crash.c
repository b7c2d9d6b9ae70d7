/* What a person wants to know when a guest crashes: the chain of faults, and the code. */
#include "machine/disassemble.h"
#include "machine/inspect.h"
#include "machine/internal.h"

enum { CODE_BYTES = 15 };

static const char *vector_name(unsigned vector)
{
    static const char *const names[] = {
        [VECTOR_DE] = "#DE divide error",
        [VECTOR_DB] = "#DB debug",
        [VECTOR_NMI] = "NMI",
        [VECTOR_BP] = "#BP breakpoint",
        [VECTOR_OF] = "#OF overflow",
        [VECTOR_BR] = "#BR bound",
        [VECTOR_UD] = "#UD invalid opcode",
        [VECTOR_NM] = "#NM device not available",
        [VECTOR_DF] = "#DF double fault",
        [VECTOR_TS] = "#TS invalid TSS",
        [VECTOR_NP] = "#NP segment not present",
        [VECTOR_SS] = "#SS stack fault",
        [VECTOR_GP] = "#GP general protection",
        [VECTOR_PF] = "#PF page fault",
        [VECTOR_MF] = "#MF x87 error",
        [VECTOR_AC] = "#AC alignment check",
        [VECTOR_MC] = "#MC machine check",
        [VECTOR_XM] = "#XM SIMD error",
    };
    return vector < ARRAY_LENGTH(names) && names[vector] ? names[vector] : "interrupt";
}

void crash_print_fault(struct machine *machine, const struct fault_record *record, FILE *stream)
{
    fprintf(stream, "vector %u (%s)", record->vector, vector_name(record->vector));
    if (record->has_error)
        fprintf(stream, ", error code %04Xh", record->error);
    if (record->vector == VECTOR_PF)
        fprintf(stream, ", cr2 %08Xh", record->cr2);
    fprintf(stream, ", at cs:eip %04X:%08X, ss:esp %04X:%08X, instruction %llu\n", record->cs,
            record->eip, record->ss, record->esp, (unsigned long long)record->icount);
}

/* The code at linear address, with the page tables as they are now. */
static void print_code(struct machine *machine, uint32_t linear, uint32_t eip, FILE *stream)
{
    uint8_t bytes[CODE_BYTES];
    unsigned size = inspect_linear(machine, linear, bytes, sizeof bytes);
    if (!size) {
        fprintf(stream, "    code: linear %08Xh is not mapped\n", linear);
        return;
    }
    fprintf(stream, "    code:");
    for (unsigned i = 0; i < size; i++)
        fprintf(stream, " %02X", bytes[i]);
    struct disassembler *disassembler = disassembler_new();
    if (disassembler) {
        char text[DISASSEMBLY_SIZE];
        bool is_32_bit = machine->cpu->seg[SEG_CS].access & SEGMENT_BIG;
        disassemble(disassembler, bytes, size, eip, is_32_bit, text);
        fprintf(stream, "    %s", text);
        disassembler_free(disassembler);
    }
    fputc('\n', stream);
}

void crash_print(struct machine *machine, FILE *stream)
{
    struct cpu *cpu = machine->cpu;
    fprintf(stream, "anachron: the guest crashed: triple fault after %llu instructions\n",
            (unsigned long long)cpu_icount(cpu));
    for (unsigned i = 0; i < FAULT_CHAIN_LENGTH; i++) {
        const struct fault_record *record = &cpu->fault_chain[i];
        if (record->icount != cpu->fault_chain[0].icount)
            break; /* of an earlier chain */
        fprintf(stream, "  %s: ", i ? "then" : "first");
        crash_print_fault(machine, record, stream);
        if (i == 0 && record->cs == cpu->seg[SEG_CS].selector)
            print_code(machine, cpu->seg[SEG_CS].base + record->eip, record->eip, stream);
    }
    fprintf(stream,
            "  eax %08X ebx %08X ecx %08X edx %08X esi %08X edi %08X ebp %08X esp %08X\n"
            "  cr0 %08X cr2 %08X cr3 %08X cr4 %08X eflags %08X idt %08X+%04X gdt %08X+%04X\n",
            cpu->gpr[REG_EAX], cpu->gpr[REG_EBX], cpu->gpr[REG_ECX], cpu->gpr[REG_EDX],
            cpu->gpr[REG_ESI], cpu->gpr[REG_EDI], cpu->gpr[REG_EBP], cpu->gpr[REG_ESP], cpu->cr0,
            cpu->cr2, cpu->cr3, cpu->cr4, cpu_get_eflags(cpu), cpu->idtr_base, cpu->idtr_limit,
            cpu->gdtr_base, cpu->gdtr_limit);
}
