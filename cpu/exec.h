/* Prototypes of all exec functions, from the rows. */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

#include "cpu/insn.h"
#include "cpu/insn_rows.h"

/* clang-format off */
#define ROW(map, opcode, prefix, modrm, mnemonic, operands, exec, read, written, undefined,        \
            feature, class, attributes)                                                            \
    PROTOTYPES exec
#define PROTOTYPES(...) __VA_ARGS__
#define X(f)   (exec_function f;)
#define XV(f)  (exec_function f##16, f##32;)
#define XM(f)  (exec_function f##_r, f##_m;)
#define XVM(f) (exec_function f##16_r, f##16_m, f##32_r, f##32_m;)
#define XVR(f) (exec_function f##16_r, f##32_r;)

#include "cpu/insn_integer.def"
#include "cpu/insn_system.def"
#include "cpu/insn_x87.def"
#include "cpu/insn_simd.def"
/* clang-format on */

#undef ROW
#undef PROTOTYPES
#undef X
#undef XV
#undef XM
#undef XVM
#undef XVR

#endif
