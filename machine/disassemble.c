#include "machine/disassemble.h"

#include "base/memory.h"

#include <capstone/capstone.h>
#include <stdio.h>

struct disassembler {
    csh mode[2]; /* 16 and 32 bits */
    cs_insn *insn[2];
};

struct disassembler *disassembler_new(void)
{
    struct disassembler *disassembler = mem_new(sizeof *disassembler);
    if (cs_open(CS_ARCH_X86, CS_MODE_16, &disassembler->mode[0]) != CS_ERR_OK) {
        mem_free(disassembler);
        return NULL;
    }
    if (cs_open(CS_ARCH_X86, CS_MODE_32, &disassembler->mode[1]) != CS_ERR_OK) {
        cs_close(&disassembler->mode[0]);
        mem_free(disassembler);
        return NULL;
    }
    for (unsigned i = 0; i < 2; i++)
        disassembler->insn[i] = cs_malloc(disassembler->mode[i]);
    return disassembler;
}

void disassembler_free(struct disassembler *disassembler)
{
    if (!disassembler)
        return;
    for (unsigned i = 0; i < 2; i++) {
        cs_free(disassembler->insn[i], 1);
        cs_close(&disassembler->mode[i]);
    }
    mem_free(disassembler);
}

unsigned disassemble(struct disassembler *disassembler, const uint8_t *bytes, size_t size,
                     uint32_t address, bool is_32_bit, char text[DISASSEMBLY_SIZE])
{
    uint64_t at = address;
    size_t left = size < 15 ? size : 15;
    cs_insn *insn = disassembler->insn[is_32_bit];
    if (!cs_disasm_iter(disassembler->mode[is_32_bit], &bytes, &left, &at, insn)) {
        snprintf(text, DISASSEMBLY_SIZE, "(bad)");
        return 1;
    }
    snprintf(text, DISASSEMBLY_SIZE, "%s%s%s", insn->mnemonic, *insn->op_str ? " " : "",
             insn->op_str);
    return insn->size;
}
