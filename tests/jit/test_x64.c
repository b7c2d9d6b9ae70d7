/* The assembler of the translator: every function with every register and size, its bytes
 * disassembled by Capstone, against what the call says in Intel's syntax.
 * Alone: build/tests/jit/test_x64 */
#include "jit/x64.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 128, SHOW = 20 };

struct check {
    csh capstone;
    cs_insn *insn;
    unsigned count, failed;
};

static const unsigned sizes[] = {1, 2, 4, 8};

static const char *name(unsigned size, enum host_reg reg)
{
    static const char *const names[4][16] = {
        {"al",  "cl",  "dl",  "bl",  "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
         "r13b",                                                                                               "r14b", "r15b"},
        {"ax",  "cx",  "dx",  "bx",  "sp",  "bp",  "si",  "di",  "r8w", "r9w", "r10w", "r11w", "r12w",
         "r13w",                                                                                               "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
         "r12d",                                                                                       "r13d", "r14d", "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",  "r9",  "r10",  "r11",  "r12",
         "r13",                                                                                                "r14",  "r15" },
    };
    static const char *const high[4] = {"ah", "ch", "dh", "bh"};
    if (reg >= HOST_AH)
        return high[reg - HOST_AH];
    return names[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3][reg];
}

/* The bytes from code to as->at are one instruction, which reads as text. */
static void expect(struct check *check, const uint8_t *code, const struct x64 *as, const char *text)
{
    size_t size = (size_t)(as->at - code), left = size;
    uint64_t address = 0;
    char got[TEXT] = "(bad)";
    check->count++;
    if (cs_disasm_iter(check->capstone, &code, &left, &address, check->insn))
        snprintf(got, sizeof got, "%s%s%.90s", check->insn->mnemonic,
                 *check->insn->op_str ? " " : "", check->insn->op_str);
    if (!as->full && left == 0 && !strcmp(got, text))
        return;
    if (check->failed++ < SHOW)
        fprintf(stderr, "wanted %s, got %s, %zu of %zu bytes\n", text, got, size - left, size);
}

/* Calls an assembler function into a buffer and compares. */
#define EXPECT(call, ...)                                                                          \
    do {                                                                                           \
        uint8_t code[32];                                                                          \
        struct x64 as = {.at = code, .end = code + sizeof code};                                   \
        char text[TEXT];                                                                           \
        call;                                                                                      \
        snprintf(text, sizeof text, __VA_ARGS__);                                                  \
        expect(check, code, &as, text);                                                            \
    } while (0)

static bool is_encodable(unsigned size, enum host_reg a, enum host_reg b)
{
    bool high = a >= HOST_AH || b >= HOST_AH, rex = false;
    if (size != 1)
        return !high;
    const enum host_reg both[2] = {a, b};
    for (unsigned i = 0; i < 2; i++)
        rex |= both[i] >= RSP && both[i] <= R15;
    return !high || !rex;
}

static const char *const alu_names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const char *const shift_names[] = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
static const char *const unary_names[] = {"", "", "not", "neg", "mul", "imul", "div", "idiv"};
static const char *const cond_names[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const char *const pointers[] = {"", "byte", "word", "", "dword", "", "", "", "qword"};

static void registers(struct check *check, unsigned size, enum host_reg a, enum host_reg b)
{
    const char *x = name(size, a), *y = name(size, b);
    EXPECT(x64_mov_rr(&as, size, a, b), "mov %s, %s", x, y);
    EXPECT(x64_test_rr(&as, size, a, b), "test %s, %s", x, y);
    for (unsigned op = 0; op < 8; op++)
        EXPECT(x64_alu_rr(&as, op, size, a, b), "%s %s, %s", alu_names[op], x, y);
}

static void extensions(struct check *check, enum host_reg a, enum host_reg b)
{
    for (unsigned from = 1; from <= 2; from++)
        for (unsigned size = from * 2; size <= 4; size += 2)
            for (unsigned sign = 0; sign < 2; sign++)
                EXPECT(x64_movx_rr(&as, size, a, b, from, sign), "mov%s %s, %s", sign ? "sx" : "zx",
                       name(size, a), name(from, b));
}

static void one_register(struct check *check, unsigned size, enum host_reg a)
{
    const char *x = name(size, a);
    for (unsigned op = 0; op < 8; op++) {
        EXPECT(x64_alu_ri(&as, op, size, a, 0x12), "%s %s, 0x12", alu_names[op], x);
        if (size >= 4)
            EXPECT(x64_alu_ri(&as, op, size, a, 0x12345678), "%s %s, 0x12345678", alu_names[op], x);
        EXPECT(x64_shift_ri(&as, op, size, a, 5), "%s %s, 5", shift_names[op], x);
        EXPECT(x64_shift_rcl(&as, op, size, a), "%s %s, cl", shift_names[op], x);
        if (op >= X64_NOT)
            EXPECT(x64_unary_r(&as, op, size, a), "%s %s", unary_names[op], x);
    }
    EXPECT(x64_test_ri(&as, size, a, 0x40), "test %s, 0x40", x);
    EXPECT(x64_inc_r(&as, size, a), "inc %s", x);
    EXPECT(x64_dec_r(&as, size, a), "dec %s", x);
    if (a <= R15) {
        EXPECT(x64_mov_ri(&as, 4, a, 0x12345678), "mov %s, 0x12345678", name(4, a));
        EXPECT(x64_mov_ri(&as, 8, a, UINT64_C(0x123456789ABCDEF0)), "movabs %s, 0x123456789abcdef0",
               name(8, a));
    }
    for (unsigned cond = 0; size == 1 && cond < 16; cond++)
        EXPECT(x64_setcc_r(&as, cond, a), "set%s %s", cond_names[cond], x);
}

/* "[rax + rcx*4 + 0x10]" as Capstone writes it. */
static void memory_text(const struct x64_mem *mem, char text[TEXT])
{
    size_t at = 0;
    at += (size_t)snprintf(text, TEXT, "[%s", name(8, mem->base));
    if (mem->index != HOST_NONE && mem->scale)
        at += (size_t)snprintf(text + at, TEXT - at, " + %s*%u", name(8, mem->index),
                               1u << mem->scale);
    else if (mem->index != HOST_NONE)
        at += (size_t)snprintf(text + at, TEXT - at, " + %s", name(8, mem->index));
    if (mem->disp)
        at += (size_t)snprintf(
            text + at, TEXT - at, mem->disp > 9 || mem->disp < -9 ? " %c %#x" : " %c %x",
            mem->disp < 0 ? '-' : '+', (unsigned)(mem->disp < 0 ? -mem->disp : mem->disp));
    snprintf(text + at, TEXT - at, "]");
}

static void memory(struct check *check, unsigned size, enum host_reg a, const struct x64_mem *mem)
{
    char place[TEXT];
    memory_text(mem, place);
    const char *x = name(size, a), *pointer = pointers[size];
    EXPECT(x64_mov_rm(&as, size, a, *mem), "mov %s, %s ptr %.90s", x, pointer, place);
    EXPECT(x64_mov_mr(&as, size, *mem, a), "mov %s ptr %.90s, %s", pointer, place, x);
    if (size == 4 || size == 8)
        EXPECT(x64_lea(&as, size, a, *mem), "lea %s, %.90s", x, place);
    for (unsigned op = 0; op < 8; op++) {
        EXPECT(x64_alu_rm(&as, op, size, a, *mem), "%s %s, %s ptr %.90s", alu_names[op], x, pointer,
               place);
        EXPECT(x64_alu_mr(&as, op, size, *mem, a), "%s %s ptr %.90s, %s", alu_names[op], pointer,
               place, x);
        if (a == RAX)
            EXPECT(x64_alu_mi(&as, op, size, *mem, 0x12), "%s %s ptr %.90s, 0x12", alu_names[op],
                   pointer, place);
    }
    if (a == RAX)
        EXPECT(x64_test_mi(&as, size, *mem, 0x12), "test %s ptr %.90s, 0x12", pointer, place);
    if (a == RAX)
        EXPECT(x64_mov_mi(&as, size, *mem, 0x12), "mov %s ptr %.90s, 0x12", pointer, place);
    for (unsigned from = 1; from <= 2 && size == 4; from++)
        for (unsigned sign = 0; sign < 2; sign++)
            EXPECT(x64_movx_rm(&as, 4, a, *mem, from, sign), "mov%s %s, %s ptr %.90s",
                   sign ? "sx" : "zx", x, pointers[from], place);
}

static void all_memory(struct check *check, unsigned size, enum host_reg a)
{
    static const int32_t displacements[] = {0, 5, 0x7F, -0x80, 0x80, 0x12345};
    for (enum host_reg base = RAX; base <= R15; base++)
        for (unsigned i = 0; i < sizeof displacements / sizeof displacements[0]; i++) {
            struct x64_mem mem = x64_at(base, displacements[i]);
            memory(check, size, a, &mem);
            mem.index = (uint8_t)((base + 5u) % 16u);
            mem.scale = (uint8_t)(i & 3u);
            if (mem.index != RSP)
                memory(check, size, a, &mem);
        }
}

static void jumps(struct check *check)
{
    uint8_t code[512];
    for (int distance = -200; distance <= 200; distance += 50) {
        const uint8_t *target = code + 256 + distance;
        for (unsigned kind = 0; kind < 18; kind++) {
            struct x64 as = {.at = code + 256, .end = code + sizeof code};
            char text[TEXT];
            if (kind < 16)
                x64_jcc_to(&as, kind, target);
            else if (kind == 16)
                x64_jmp_to(&as, target);
            else
                x64_call_to(&as, target);
            uint64_t wanted = (uint64_t)(int64_t)distance;
            snprintf(text, sizeof text, wanted > 9 ? "%s%s %#llx" : "%s%s %llx",
                     kind < 16 ? "j" : "",
                     kind < 16    ? cond_names[kind]
                     : kind == 16 ? "jmp"
                                  : "call",
                     (unsigned long long)wanted);
            expect(check, code + 256, &as, text);
        }
    }
    struct x64 as = {.at = code, .end = code + sizeof code};
    uint8_t *patch = x64_jmp(&as);
    x64_patch(patch, code + 300);
    expect(check, code, &as, "jmp 0x12c");
    check->count++;
    check->failed += x64_patched_to(patch) != code + 300;
    for (unsigned cond = 0; cond < 16; cond++) {
        as = (struct x64){.at = code + 256, .end = code + sizeof code};
        char text[TEXT];
        x64_patch_short(x64_jcc_short(&as, cond), code + 256 + 0x55);
        snprintf(text, sizeof text, "j%s 0x55", cond_names[cond]);
        expect(check, code + 256, &as, text);
    }
}

/* Nothing is written behind the end, and the assembler says so. */
static void full(struct check *check)
{
    uint8_t code[16];
    for (unsigned room = 0; room < 7; room++) {
        memset(code, 0xCC, sizeof code);
        struct x64 as = {.at = code, .end = code + room};
        x64_mov_mi(&as, 4, x64_at(RAX, 0x10), 1);
        check->count++;
        bool wrong = !as.full;
        for (unsigned i = room; i < sizeof code; i++)
            wrong |= code[i] != 0xCC;
        check->failed += wrong;
    }
}

int main(void)
{
    struct check all = {0}, *check = &all;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &all.capstone) != CS_ERR_OK)
        return 1;
    all.insn = cs_malloc(all.capstone);
    for (unsigned i = 0; i < 4; i++)
        for (enum host_reg a = RAX; a <= HOST_BH; a++) {
            if (is_encodable(sizes[i], a, RAX))
                one_register(check, sizes[i], a);
            if (a <= R15)
                all_memory(check, sizes[i], a);
            for (enum host_reg b = RAX; b <= HOST_BH; b++)
                if (is_encodable(sizes[i], a, b))
                    registers(check, sizes[i], a, b);
        }
    for (enum host_reg a = RAX; a <= R15; a++)
        for (enum host_reg b = RAX; b <= R15; b++)
            extensions(check, a, b);
    jumps(check);
    full(check);
    printf("%u encodings, %u wrong\n", all.count, all.failed);
    cs_free(all.insn, 1);
    cs_close(&all.capstone);
    return all.failed || all.count < 10000;
}
