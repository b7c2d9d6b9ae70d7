/* Layout of the gate pages on the host, for host.c and host_gate.S. */
#ifndef TESTS_HARNESS_ORACLE_HOST_GATE_H
#define TESTS_HARNESS_ORACLE_HOST_GATE_H

#define GATE_CONTROL 0x301000 /* WORLD_GATE + a page */

/* Offsets into the control page: registers of the program before and after, and of the host. */
#define IN_GPR    0x00
#define IN_EFLAGS 0x20
#define IN_DS     0x28
#define IN_ES     0x30
#define IN_FS     0x38
#define IN_GS     0x40
#define IN_SS_ESP 0x48
#define IN_CS_EIP 0x50
#define IN_ENTRY  0x58 /* far pointer to the entry in 32-bit code */
#define HOST_RSP  0x60
#define HOST_FS   0x68
#define OUT_GPR   0x80
#define OUT_RFL   0xC0
#define OUT_SEG   0xC8 /* six words */
#define IN_FX     0x200
#define OUT_FX    0x400
#define NORMAL_MX 0x600
#define IN_ENV    0x640 /* FLDENV and FNSTENV: some processors move the pointers only with these */
#define OUT_ENV   0x680

#endif
