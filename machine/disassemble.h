/* Disassembly for people, by Capstone: traces, crash reports, `anachron disasm`. */
#ifndef MACHINE_DISASSEMBLE_H
#define MACHINE_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disassembler;

/* 16- and 32-bit code, Intel syntax. NULL if the library refuses. */
struct disassembler *disassembler_new(void);
void disassembler_free(struct disassembler *disassembler);

enum { DISASSEMBLY_SIZE = 192 };

/* Writes the instruction at bytes (size available, at most 15 are looked at) as text ("mov eax,
 * dword ptr [ebx]") and returns its length, or 1 and "(bad)". address is its eip. */
unsigned disassemble(struct disassembler *disassembler, const uint8_t *bytes, size_t size,
                     uint32_t address, bool is_32_bit, char text[DISASSEMBLY_SIZE]);

/* The same for code of the host, 64 bits wide. */
unsigned disassemble_host(struct disassembler *disassembler, const uint8_t *bytes, size_t size,
                          uint64_t address, char text[DISASSEMBLY_SIZE]);

#endif
