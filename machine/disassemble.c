#include "machine/disassemble.h"

#include "base/memory.h"

#include <capstone/capstone.h>
#include <stdio.h>

enum { MODES = 3 };

struct disassembler {
    csh mode[MODES]; /* 16, 32 and 64 bits; 0: not open */
    cs_insn *insn[MODES];
};

struct disassembler *disassembler_new(void)
{
    static const cs_mode modes[MODES] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    struct disassembler *disassembler = mem_new(sizeof *disassembler);
    for (unsigned i = 0; i < MODES; i++) {
        if (cs_open(CS_ARCH_X86, modes[i], &disassembler->mode[i]) != CS_ERR_OK) {
            disassembler->mode[i] = 0;
            disassembler_free(disassembler);
            return NULL;
        }
        disassembler->insn[i] = cs_malloc(disassembler->mode[i]);
    }
    return disassembler;
}

void disassembler_free(struct disassembler *disassembler)
{
    for (unsigned i = 0; disassembler && i < MODES; i++) {
        if (!disassembler->mode[i])
            continue;
        cs_free(disassembler->insn[i], 1);
        cs_close(&disassembler->mode[i]);
    }
    mem_free(disassembler);
}

static unsigned disassemble_mode(struct disassembler *disassembler, unsigned mode,
                                 const uint8_t *bytes, size_t size, uint64_t address,
                                 char text[DISASSEMBLY_SIZE])
{
    size_t left = size < 15 ? size : 15;
    cs_insn *insn = disassembler->insn[mode];
    if (!cs_disasm_iter(disassembler->mode[mode], &bytes, &left, &address, insn)) {
        snprintf(text, DISASSEMBLY_SIZE, "(bad)");
        return 1;
    }
    snprintf(text, DISASSEMBLY_SIZE, "%s%s%s", insn->mnemonic, *insn->op_str ? " " : "",
             insn->op_str);
    return insn->size;
}

unsigned disassemble(struct disassembler *disassembler, const uint8_t *bytes, size_t size,
                     uint32_t address, bool is_32_bit, char text[DISASSEMBLY_SIZE])
{
    return disassemble_mode(disassembler, is_32_bit, bytes, size, address, text);
}

unsigned disassemble_host(struct disassembler *disassembler, const uint8_t *bytes, size_t size,
                          uint64_t address, char text[DISASSEMBLY_SIZE])
{
    return disassemble_mode(disassembler, 2, bytes, size, address, text);
}
