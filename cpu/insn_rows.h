/* What the rows in cpu/insn_*.def expand to by default. A file that wants something else of them
 * defines ROW (and, where it matters, the exec choices) itself; this header has the rest. */
#ifndef CPU_INSN_ROWS_H
#define CPU_INSN_ROWS_H

/* Eight forms that name a register in the opcode's low three bits. */
#define ROW8(map, opcode, ...)                                                                     \
    ROW(map, (opcode), __VA_ARGS__)                                                                \
    ROW(map, (opcode) + 1, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 2, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 3, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 4, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 5, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 6, __VA_ARGS__)                                                            \
    ROW(map, (opcode) + 7, __VA_ARGS__)

#endif
