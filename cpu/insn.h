/* Instructions: the rows of the table, and an instruction as it was decoded.
 *
 * cpu/insn_*.def hold one ROW per instruction form. Everything else (decoder, dispatch,
 * `anachron isa`, the test list) expands from them. docs/instruction.md shows how to add one.
 *
 *   ROW(map, opcode, prefix, modrm, mnemonic, operands, exec, read, written, undefined,
 *       feature, class, attributes)
 *
 * map        MAP_1 (one-byte opcodes), MAP_0F, MAP_0F38, MAP_0F3A
 * opcode     the opcode byte. A form whose low three bits name a register has eight rows, made by
 *            ROW8(...) with the same columns.
 * prefix     P_ANY, or a mandatory one: P_NONE, P_66, P_F2, P_F3. A row with the mandatory prefix
 *            is preferred to a P_ANY row of the same opcode; F2 and F3 come before 66.
 * modrm      M_NONE: no ModRM byte. M_ANY: any. M_MEM, M_REG: only memory or register forms.
 *            M_DIGIT(n), M_DIGIT_MEM(n), M_DIGIT_REG(n): the reg field is n. M_BYTE(b): exactly b.
 *            Where several rows match, the most exact wins. An opcode has ModRM in all its rows or
 *            in none.
 * mnemonic   lower case, as Intel writes it
 * operands   letters of SDM volume 2, appendix A.2: "Ev,Gv"; "" for none. Additions: Zb, Zv is the
 *            register named by the opcode's low three bits; Ibs is a byte immediate that is
 *            sign-extended to 32 bits; Sx is a fixed segment register named in lower case ("es");
 *            other lower-case names are fixed registers ("al", "dx", "st0", "sti"; "eAX" follows
 *            the operand size); "1" and "3" are constants. What the decoder fetches follows from
 *            these: Ib Ibs Iw Iz Iv (z, v: by operand size) and a second I (ENTER, EXTRQ) into
 *            immediate and immediate2; Jb Jz sign-extended into immediate; Ap into immediate
 *            (offset) and immediate2 (selector); Ob Ov into displacement.
 * exec       how to choose the function, by operand size and register or memory form:
 *              X(f)    f for all
 *              XV(f)   f##16, f##32 by operand size
 *              XM(f)   f##_r, f##_m by form
 *              XVM(f)  f##16_r, f##16_m, f##32_r, f##32_m
 *              XVR(f)  f##16_r, f##32_r for a form without ModRM that works on AL or eAX: reg is
 *                      the opcode's low three bits and rm is 0 there
 *            Prototypes expand from the rows too: include "cpu/exec.h" where they are defined.
 * read, written, undefined
 *            EFLAGS: any of F_C|F_P|F_A|F_Z|F_S|F_O|F_D|F_I|F_T ..., or 0; F_ALL6
 * feature    FEAT_I386 and so on (cpu/model.h): #UD where the CPU model has not got it
 * class      INNOCUOUS; or PRIVILEGED, CONTROL (control-sensitive), BEHAVIOUR (that is
 *            behaviour-sensitive), or several with |. Popek and Goldberg 1974; Robin and Irvine
 *            2000.
 * attributes any of these with |, or 0:
 *              A_LOCK   LOCK is allowed with a memory destination (else #UD, by the decoder)
 *              A_END    ends a block. Needed by whatever changes what the next fetch depends on:
 *                       CS, CPL, paging, mode; the rest can set ATTENTION_MODE when it happens
 *              A_JUMP   sets eip itself with cpu_jump, always (and ends a block)
 *              A_PROT   #UD in real and V86 mode (checked by the engine before the call)
 *              A_REP    REP repeats it: see cpu/repeat.h. With a REP prefix it acts as A_JUMP
 *              A_FPU, A_MMX, A_SSE
 *                       the engine raises #UD or #NM by CR0.EM, CR0.TS, CR4.OSFXSR before the call
 *                       (SDM 3A table 13-1); a pending x87 exception is the function's business
 *              A_ALIAS  an undocumented encoding of another row
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include "cpu/cpu.h"

typedef enum exec_result exec_function(struct cpu *cpu, const struct insn *insn);

enum insn_flag {
    INSN_OPERAND32 = 1 << 0, /* operand size attribute is 32 bits */
    INSN_ADDRESS32 = 1 << 1, /* address size attribute is 32 bits */
    INSN_REP = 1 << 2,       /* F3 */
    INSN_REPNE = 1 << 3,     /* F2 */
    INSN_LOCK = 1 << 4,
    INSN_MEMORY = 1 << 5,  /* ModRM names memory */
    INSN_SEGMENT = 1 << 6, /* a segment override prefix was present */
    INSN_JUMP = 1 << 7,    /* the row has A_JUMP */
};

enum { INSN_ROW_NONE = 0xFFFF }; /* not an instruction: raises #UD or #GP */

/* A decoded instruction, as the block cache keeps it. */
struct insn {
    exec_function *exec;
    uint32_t immediate;    /* extended to 32 bits as the form asks; jumps: displacement */
    uint32_t displacement; /* of the memory operand; moffs too */
    uint8_t base, index;   /* enum gpr, REG_ZERO when absent */
    uint8_t scale;         /* 0..3 */
    uint8_t segment;       /* enum segment_register, default or override, of the memory operand */
    uint8_t reg;           /* ModRM.reg, or the register in the opcode */
    uint8_t rm;            /* ModRM.rm of a register form */
    uint8_t length;        /* 1..15 bytes */
    uint8_t flags;         /* enum insn_flag */
    int16_t offset;        /* of its first byte from the first byte of its block */
    uint16_t row;          /* index into the table: insn_row(row); or INSN_ROW_NONE */
    uint16_t immediate2;   /* selector of a far pointer, nesting level of ENTER */
    uint8_t modrm;         /* the byte, 0 when there is none */
    uint8_t opcode;
};

/* Offset of the memory operand within its segment (SDM 1, 3.7.5). */
static inline uint32_t insn_address(const struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset =
        cpu->gpr[insn->base] + (cpu->gpr[insn->index] << insn->scale) + insn->displacement;
    return insn->flags & INSN_ADDRESS32 ? offset : offset & 0xFFFF;
}

/* Address of the instruction being executed, and of the one behind it. Valid until cpu_jump. The
 * latter is cut to 16 bits in a 16-bit code segment. */
static inline uint32_t cpu_insn_eip(const struct cpu *cpu)
{
    return cpu->eip + cpu->current->offset;
}

static inline uint32_t cpu_next_eip(const struct cpu *cpu)
{
    uint32_t next = cpu->eip + cpu->current->offset + cpu->current->length;
    return cpu->seg[SEG_CS].access & SEGMENT_BIG ? next : next & 0xFFFF;
}

/* Sets eip: the last act of an A_JUMP row. No checks: the caller has made them. */
static inline void cpu_jump(struct cpu *cpu, uint32_t eip)
{
    cpu->eip = eip;
}

/* --- rows --- */

enum insn_map { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAP_COUNT };

enum insn_prefix { P_ANY, P_NONE, P_66, P_F2, P_F3 };

/* modrm column: kind in the high byte, value in the low one. */
#define M_NONE         0x0000
#define M_ANY          0x0100
#define M_MEM          0x0200
#define M_REG          0x0300
#define M_DIGIT(n)     (0x0400 | (n))
#define M_DIGIT_MEM(n) (0x0500 | (n))
#define M_DIGIT_REG(n) (0x0600 | (n))
#define M_BYTE(b)      (0x0700 | (b))

/* EFLAGS columns. */
#define F_C    FLAG_CF
#define F_P    FLAG_PF
#define F_A    FLAG_AF
#define F_Z    FLAG_ZF
#define F_S    FLAG_SF
#define F_T    FLAG_TF
#define F_I    FLAG_IF
#define F_D    FLAG_DF
#define F_O    FLAG_OF
#define F_IOPL FLAG_IOPL
#define F_NT   FLAG_NT
#define F_RF   FLAG_RF
#define F_VM   FLAG_VM
#define F_AC   FLAG_AC
#define F_VIF  FLAG_VIF
#define F_VIP  FLAG_VIP
#define F_ID   FLAG_ID
#define F_ALL6 FLAGS_ARITHMETIC

enum insn_class { INNOCUOUS = 0, PRIVILEGED = 1, CONTROL = 2, BEHAVIOUR = 4 };

enum insn_attribute {
    A_LOCK = 1 << 0,
    A_END = 1 << 1,
    A_JUMP = 1 << 2,
    A_PROT = 1 << 3,
    A_REP = 1 << 4,
    A_FPU = 1 << 5,
    A_MMX = 1 << 6,
    A_SSE = 1 << 7,
    A_ALIAS = 1 << 8,
};

struct insn_row {
    uint8_t map, opcode, prefix;
    uint16_t modrm;
    const char *mnemonic, *operands;
    exec_function *exec[4]; /* [16-bit register, 16-bit memory, 32-bit register, 32-bit memory] */
    uint32_t flags_read, flags_written, flags_undefined;
    uint8_t feature, class;
    uint16_t attributes;
};

/* Whether the row's modrm column allows the byte. */
bool insn_modrm_fits(const struct insn_row *row, uint8_t modrm);
unsigned insn_row_count(void);

extern const struct insn_row insn_rows[]; /* insn_row_count() of them */
static inline const struct insn_row *insn_row(unsigned index)
{
    return &insn_rows[index];
}

#endif
