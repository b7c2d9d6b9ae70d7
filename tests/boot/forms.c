/* Computes every integer form, and some of x87 and MMX, over corner cases of operands, and prints a
 * hash of results and defined flags for each. It needs nothing but the kernel: the same program
 * runs on the host and in a guest, and must print the same. tests/boot/forms.py does both.
 *
 *     gcc -m32 -O1 -static -nostdlib -ffreestanding -fno-pic -no-pie -o forms tests/boot/forms.c
 *
 * Flags that the SDM leaves undefined are masked, and cases in which they would reach a result are
 * left out. */
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

enum {
    C = 1,
    P = 4,
    A = 0x10,
    Z = 0x40,
    S = 0x80,
    D = 0x400,
    O = 0x800,
    ALL = C | P | A | Z | S | O
};

/* --- output, by system calls --- */

static void system_call(u32 number, u32 a, const void *b, u32 c)
{
    __asm__ volatile("int $0x80" : "+a"(number) : "b"(a), "c"(b), "d"(c) : "memory");
}

static char line[80];
static u32 line_size;
static void put(char c)
{
    line[line_size++] = c;
}
static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

/* --- the hash --- */

static u32 hash, count;
static void mix(u32 value)
{
    hash = (hash ^ value) * 16777619u;
    hash ^= hash >> 13;
    count++;
}

static void begin(void)
{
    hash = 2166136261u;
    count = 0;
}

static void tell(const char *name, unsigned bits)
{
    put_text(name);
    if (bits) {
        put(bits == 8 ? 'b' : bits == 16 ? 'w' : 'l');
    }
    put(' ');
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[hash >> shift & 15]);
    put('\n');
    system_call(4, 1, line, line_size);
    line_size = 0;
}

static const u32 values[] = {
    0x00000000, 0x00000001, 0x00000002, 0x0000000F, 0x00000010, 0x0000007E, 0x0000007F, 0x00000080,
    0x00000081, 0x000000FF, 0x00000100, 0x00007FFF, 0x00008000, 0x00008001, 0x0000FFFF, 0x00010000,
    0x12345678, 0x55555555, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0x99999999, 0xAAAAAAAA,
    0xDEADBEEF, 0xF0F0F0F0, 0xFFFF0000, 0xFFFF8000, 0xFFFFFF7F, 0xFFFFFF80, 0xFFFFFFFE, 0xFFFFFFFF,
};
enum { VALUES = sizeof values / sizeof *values };
#define FOR_A for (unsigned i = 0; i < VALUES; i++)
#define FOR_B for (unsigned j = 0; j < VALUES; j++)
/* Flags before: all clear, all set, CF, AF. */
static const u32 before[] = {2, 2 | ALL, 2 | C, 2 | A};
#define FOR_FLAGS for (unsigned k = 0; k < 4; k++)

/* --- forms --- */

#define SIZES(X, op, ...)                                                                          \
    X(op, b, 8, __VA_ARGS__) X(op, w, 16, __VA_ARGS__) X(op, l, 32, __VA_ARGS__)
#define WIDE(X, op, ...) X(op, w, 16, __VA_ARGS__) X(op, l, 32, __VA_ARGS__)

#define BINARY(op, s, bits, mask)                                                                  \
    begin();                                                                                       \
    FOR_A FOR_B FOR_FLAGS                                                                          \
    {                                                                                              \
        u##bits a = (u##bits)values[i], b = (u##bits)values[j];                                    \
        u32 f = before[k];                                                                         \
        __asm__ volatile("pushl %1; popfl; " #op #s " %2, %0; pushfl; popl %1"                     \
                         : "+q"(a), "+r"(f)                                                        \
                         : "q"(b)                                                                  \
                         : "cc");                                                                  \
        mix(a);                                                                                    \
        mix(f &(mask));                                                                            \
    }                                                                                              \
    tell(#op, bits);

/* The same with a memory destination. */
#define BINARY_MEMORY(op, s, bits, mask)                                                           \
    begin();                                                                                       \
    FOR_A FOR_B FOR_FLAGS                                                                          \
    {                                                                                              \
        static u##bits a;                                                                          \
        u##bits b = (u##bits)values[j];                                                            \
        u32 f = before[k];                                                                         \
        a = (u##bits)values[i];                                                                    \
        __asm__ volatile("pushl %0; popfl; " #op #s " %1, (%2); pushfl; popl %0"                   \
                         : "+r"(f)                                                                 \
                         : "q"(b), "r"(&a)                                                         \
                         : "cc", "memory");                                                        \
        mix(a);                                                                                    \
        mix(f &(mask));                                                                            \
    }                                                                                              \
    tell("m-" #op, bits);

#define UNARY(op, s, bits, mask)                                                                   \
    begin();                                                                                       \
    FOR_A FOR_FLAGS                                                                                \
    {                                                                                              \
        u##bits a = (u##bits)values[i];                                                            \
        u32 f = before[k];                                                                         \
        __asm__ volatile("pushl %1; popfl; " #op #s " %0; pushfl; popl %1"                         \
                         : "+q"(a), "+r"(f)                                                        \
                         :                                                                         \
                         : "cc");                                                                  \
        mix(a);                                                                                    \
        mix(f &(mask));                                                                            \
    }                                                                                              \
    tell(#op, bits);

/* Which flags a shift or rotation by n defines. RCL and RCR by a multiple of bits + 1 keep OF, too.
 */
static u32 shift_mask(unsigned n, unsigned bits, bool rotates)
{
    u32 mask = rotates ? C | P | A | Z | S : C | P | Z | S;
    if (n == 0)
        return ALL;
    if (n == 1)
        mask |= O;
    return n >= bits && !rotates ? mask & ~(u32)C : mask;
}
#define SHIFT(op, s, bits, rotates)                                                                \
    begin();                                                                                       \
    for (unsigned n = 0; n < 34; n++)                                                              \
        FOR_A FOR_FLAGS                                                                            \
        {                                                                                          \
            u##bits a = (u##bits)values[i];                                                        \
            u32 f = before[k];                                                                     \
            __asm__ volatile("pushl %1; popfl; " #op #s " %%cl, %0; pushfl; popl %1"               \
                             : "+q"(a), "+r"(f)                                                    \
                             : "c"(n)                                                              \
                             : "cc");                                                              \
            mix(a);                                                                                \
            mix(f &shift_mask(n & 31, bits, rotates));                                             \
        }                                                                                          \
    tell(#op, bits);

#define DOUBLE(op, s, bits, unused)                                                                \
    begin();                                                                                       \
    for (unsigned n = 0; n < bits; n++)                                                            \
        FOR_A FOR_B                                                                                \
        {                                                                                          \
            u##bits a = (u##bits)values[i], b = (u##bits)values[j];                                \
            u32 f = before[n & 3];                                                                 \
            __asm__ volatile("pushl %1; popfl; " #op #s " %%cl, %3, %0; pushfl; popl %1"           \
                             : "+r"(a), "+r"(f)                                                    \
                             : "c"(n), "r"(b)                                                      \
                             : "cc");                                                              \
            mix(a);                                                                                \
            mix(f &shift_mask(n, bits + 1, false));                                                \
        }                                                                                          \
    tell(#op, bits);

#define MULTIPLY(op, s, bits, unused)                                                              \
    begin();                                                                                       \
    FOR_A FOR_B                                                                                    \
    {                                                                                              \
        u32 a = values[i], d = values[j], f = before[i & 3];                                       \
        __asm__ volatile("pushl %2; popfl; " #op #s " %3; pushfl; popl %2"                         \
                         : "+a"(a), "+d"(d), "+r"(f)                                               \
                         : "q"((u##bits)values[j])                                                 \
                         : "cc");                                                                  \
        mix(a);                                                                                    \
        mix(d);                                                                                    \
        mix(f &(C | O));                                                                           \
    }                                                                                              \
    tell(#op, bits);

#define MULTIPLY2(op, s, bits, unused)                                                             \
    begin();                                                                                       \
    FOR_A FOR_B                                                                                    \
    {                                                                                              \
        u##bits a = (u##bits)values[i], b = 0;                                                     \
        u32 f = before[i & 3];                                                                     \
        __asm__ volatile("pushl %2; popfl; " #op #s " %3, %0; " #op #s                             \
                         " $-77, %3, %1; pushfl; popl %2"                                          \
                         : "+r"(a), "+r"(b), "+r"(f)                                               \
                         : "r"((u##bits)values[j])                                                 \
                         : "cc");                                                                  \
        mix(a);                                                                                    \
        mix(b);                                                                                    \
        mix(f &(C | O));                                                                           \
    }                                                                                              \
    tell(#op "2", bits);

#define BIT_TEST(op, s, bits, unused)                                                              \
    begin();                                                                                       \
    for (unsigned n = 0; n < 40; n++)                                                              \
        FOR_A                                                                                      \
        {                                                                                          \
            u##bits a = (u##bits)values[i], b = (u##bits)n;                                        \
            u32 f = before[n & 3];                                                                 \
            __asm__ volatile("pushl %1; popfl; " #op #s " %2, %0; pushfl; popl %1"                 \
                             : "+r"(a), "+r"(f)                                                    \
                             : "r"(b)                                                              \
                             : "cc");                                                              \
            mix(a);                                                                                \
            mix(f &(C | Z));                                                                       \
        }                                                                                          \
    tell(#op, bits);

#define SCAN(op, s, bits, unused)                                                                  \
    begin();                                                                                       \
    FOR_A                                                                                          \
    {                                                                                              \
        u##bits a = (u##bits)values[i], b = 0;                                                     \
        u32 f = 2;                                                                                 \
        if (!a)                                                                                    \
            continue;                                                                              \
        __asm__ volatile(#op #s " %2, %0; pushfl; popl %1" : "+r"(b), "+r"(f) : "r"(a) : "cc");    \
        mix(b);                                                                                    \
        mix(f &Z);                                                                                 \
    }                                                                                              \
    tell(#op, bits);

#define DECIMAL(op, mask)                                                                          \
    begin();                                                                                       \
    for (u32 n = 0; n < 0x10000; n += n < 0x400 ? 1 : 37)                                          \
        FOR_FLAGS                                                                                  \
        {                                                                                          \
            u32 a = n, f = before[k];                                                              \
            __asm__ volatile("pushl %1; popfl; " #op "; pushfl; popl %1"                           \
                             : "+a"(a), "+r"(f)                                                    \
                             :                                                                     \
                             : "cc");                                                              \
            mix(a);                                                                                \
            mix(f &(mask));                                                                        \
        }                                                                                          \
    tell(#op, 0);

#define CONDITION(cc)                                                                              \
    begin();                                                                                       \
    for (u32 n = 0; n < 0x1000; n++) {                                                             \
        u32 f = (n & ALL) | 2, moved = 1;                                                          \
        u8 set;                                                                                    \
        bool jumped = true;                                                                        \
        __asm__ volatile("pushl %3; popfl; set" #cc " %b1; cmov" #cc " %3, %0; j" #cc              \
                         " 1f; movb $0, %2; 1:"                                                    \
                         : "+r"(moved), "=q"(set), "+m"(jumped)                                    \
                         : "r"(f)                                                                  \
                         : "cc");                                                                  \
        mix(moved);                                                                                \
        mix(set);                                                                                  \
        mix(jumped);                                                                               \
    }                                                                                              \
    tell("if-" #cc, 0);

static void integer_forms(void)
{
    SIZES(BINARY, add, ALL)
    SIZES(BINARY, adc, ALL)
    SIZES(BINARY, sub, ALL)
    SIZES(BINARY, sbb, ALL)
    SIZES(BINARY, cmp, ALL)
    SIZES(BINARY, and, ALL & ~A)
    SIZES(BINARY, or, ALL & ~A)
    SIZES(BINARY, xor, ALL & ~A)
    SIZES(BINARY, test, ALL & ~A)
    SIZES(BINARY, xadd, ALL)
    SIZES(BINARY, xchg, ALL)
    SIZES(BINARY_MEMORY, add, ALL)
    SIZES(BINARY_MEMORY, adc, ALL)
    SIZES(BINARY_MEMORY, sbb, ALL)
    SIZES(BINARY_MEMORY, cmp, ALL)
    SIZES(BINARY_MEMORY, xor, ALL & ~A)
    SIZES(BINARY_MEMORY, lock xadd, ALL)
    SIZES(UNARY, inc, ALL)
    SIZES(UNARY, dec, ALL)
    SIZES(UNARY, neg, ALL)
    SIZES(UNARY, not, ALL)
}
static void shift_forms(void)
{
    SIZES(SHIFT, shl, false)
    SIZES(SHIFT, shr, false)
    SIZES(SHIFT, sar, false)
    SIZES(SHIFT, rol, true)
    SIZES(SHIFT, ror, true)
    SIZES(SHIFT, rcl, true)
    SIZES(SHIFT, rcr, true)
    WIDE(DOUBLE, shld, 0)
    WIDE(DOUBLE, shrd, 0)
}
static void multiply_forms(void)
{
    SIZES(MULTIPLY, mul, 0)
    SIZES(MULTIPLY, imul, 0)
    WIDE(MULTIPLY2, imul, 0)
}
static void bit_forms(void)
{
    WIDE(BIT_TEST, bt, 0)
    WIDE(BIT_TEST, bts, 0)
    WIDE(BIT_TEST, btr, 0)
    WIDE(BIT_TEST, btc, 0)
    WIDE(SCAN, bsf, 0)
    WIDE(SCAN, bsr, 0)
}
static void decimal_forms(void)
{
    DECIMAL(daa, ALL & ~O)
    DECIMAL(das, ALL & ~O)
    DECIMAL(aaa, C | A)
    DECIMAL(aas, C | A)
    DECIMAL(aam, S | Z | P)
    DECIMAL(aad, S | Z | P)
    DECIMAL(cbtw, ALL)
    DECIMAL(cwtl, ALL)
    DECIMAL(sahf; lahf, ALL)
    DECIMAL(stc; cmc; std; cld, ALL | D)
}
static void condition_forms(void)
{
    CONDITION(o)
    CONDITION(no)
    CONDITION(b)
    CONDITION(ae)
    CONDITION(e)
    CONDITION(ne)
    CONDITION(be)
    CONDITION(a)
    CONDITION(s)
    CONDITION(ns)
    CONDITION(p)
    CONDITION(np)
    CONDITION(l)
    CONDITION(ge)
    CONDITION(le)
    CONDITION(g)
}

/* --- division: quotients that fit --- */

static void division_forms(void)
{
    begin();
    FOR_A FOR_B
    {
        u32 divisor = values[j], a = values[i], d;
        if (!divisor)
            continue;
        d = values[(i * 7 + j) % VALUES] % divisor;
        __asm__ volatile("divl %2" : "+a"(a), "+d"(d) : "r"(divisor) : "cc");
        mix(a);
        mix(d);
    }
    tell("div", 32);
    begin();
    FOR_A FOR_B
    {
        int32_t divisor = (int32_t)values[j], a = (int32_t)values[i], d;
        if (!divisor || (divisor == -1 && a == INT32_MIN))
            continue;
        __asm__ volatile("cltd; idivl %2" : "+a"(a), "=&d"(d) : "r"(divisor) : "cc");
        mix((u32)a);
        mix((u32)d);
    }
    tell("idiv", 32);
    begin();
    for (u32 n = 0; n < 0x10000; n += 11)
        FOR_B
        {
            u32 a = n;
            u8 divisor = (u8)values[j];
            if (!divisor || (n >> 8) >= divisor)
                continue;
            __asm__ volatile("divb %1" : "+a"(a) : "q"(divisor) : "cc");
            mix(a);
        }
    tell("div", 8);
}

/* --- compare and exchange, extensions, strings --- */

static void exchange_forms(void)
{
    begin();
    FOR_A FOR_B
    {
        u32 a = values[i], m = values[j], f;
        __asm__ volatile("cmpxchgl %3, %1; pushfl; popl %2"
                         : "+a"(a), "+r"(m), "=&r"(f)
                         : "r"(values[(i + j) % VALUES])
                         : "cc");
        mix(a);
        mix(m);
        mix(f & ALL);
    }
    tell("cmpxchg", 32);
    begin();
    FOR_A FOR_B
    {
        static u64 m;
        u32 a = values[i], d = values[j], f;
        m = (i + j) & 1 ? a | (u64)d << 32 : values[j] | (u64)values[i] << 32;
        __asm__ volatile("cmpxchg8b (%%edi); pushfl; popl %2"
                         : "+a"(a), "+d"(d), "=S"(f)
                         : "b"(1), "c"(2), "D"(&m)
                         : "cc", "memory");
        mix(a);
        mix(d);
        mix((u32)m);
        mix(f & Z);
    }
    tell("cmpxchg8b", 0);
}

static void extension_forms(void)
{
    begin();
    FOR_A
    {
        u32 a = values[i], sx, zx, swapped = a;
        __asm__ volatile("movsbl %b3, %0; movzwl %w3, %1; bswap %2"
                         : "=&r"(sx), "=&r"(zx), "+r"(swapped)
                         : "q"(a));
        mix(sx);
        mix(zx);
        mix(swapped);
    }
    tell("movsx-movzx-bswap", 0);
}

static void string_forms(void)
{
    begin();
    for (unsigned n = 0; n < 40; n++) {
        static u8 from[64], to[64];
        u32 esi = (u32)from, edi = (u32)to, ecx = n, f;
        for (unsigned i = 0; i < 64; i++) {
            from[i] = (u8)(i * 37 + n);
            to[i] = (u8)(i * 37 + n + (i == n / 2));
        }
        __asm__ volatile("cld; repe cmpsb; pushfl; popl %3"
                         : "+S"(esi), "+D"(edi), "+c"(ecx), "=&r"(f)
                         :
                         : "memory", "cc");
        mix(ecx);
        mix(esi - (u32)from);
        mix(n ? f & ALL : 0);
        edi = (u32)to;
        esi = (u32)from + 63;
        ecx = n;
        __asm__ volatile(
            "std; addl $63, %1; rep movsb; cld; movb $5, %%al; movl $64, %2; "
            "incl %1; repne scasb"
            : "+S"(esi), "+D"(edi), "+c"(ecx)
            :
            : "eax", "memory", "cc");
        mix(ecx);
        for (unsigned i = 0; i < 64; i++)
            mix(to[i]);
    }
    tell("strings", 0);
}

/* --- x87 --- */

static const u64 doubles[] = {
    0,
    UINT64_C(0x8000000000000000),
    UINT64_C(0x3FF0000000000000),
    UINT64_C(0xBFF0000000000000),
    UINT64_C(0x3FD5555555555555),
    UINT64_C(0x400921FB54442D18),
    UINT64_C(0x0000000000000001),
    UINT64_C(0x000FFFFFFFFFFFFF),
    UINT64_C(0x7FEFFFFFFFFFFFFF),
    UINT64_C(0x7FF0000000000000),
    UINT64_C(0xFFF0000000000000),
    UINT64_C(0x7FF8000000000001),
    UINT64_C(0x7FF0000000000001),
    UINT64_C(0x43DFFFFFFFFFFFFF),
    UINT64_C(0xC1E0000000200000),
    UINT64_C(0x3CA0000000000001),
};
enum { DOUBLES = sizeof doubles / sizeof *doubles };

struct extended {
    u64 significand;
    u16 top;
};
#define X87(op)                                                                                    \
    begin();                                                                                       \
    for (unsigned mode = 0; mode < 16; mode++)                                                     \
        for (unsigned i = 0; i < DOUBLES; i++)                                                     \
            for (unsigned j = 0; j < DOUBLES; j++) {                                               \
                static struct extended result;                                                     \
                u16 control = (u16)(0x7F | mode << 8), status;                                     \
                __asm__ volatile("fninit; fldcw %1; fldl %2; fldl %3; " #op                        \
                                 "; fnstsw %%ax; fstpt (%4); fninit"                               \
                                 : "=&a"(status)                                                   \
                                 : "m"(control), "m"(doubles[i]), "m"(doubles[j]), "r"(&result)    \
                                 : "memory");                                                      \
                mix((u32)result.significand);                                                      \
                mix((u32)(result.significand >> 32));                                              \
                mix(result.top);                                                                   \
                mix(status & 0x3F);                                                                \
            }                                                                                      \
    tell(#op, 0);

static void x87_forms(void)
{
    X87(faddp)
    X87(fsubp)
    X87(fmulp)
    X87(fdivp)
    X87(fsqrt)
    X87(frndint)
    X87(fprem)
    X87(fprem1)
    X87(fchs)
    X87(fxch)
    begin();
    for (unsigned i = 0; i < DOUBLES; i++)
        for (unsigned j = 0; j < DOUBLES; j++) {
            u16 status;
            u32 f;
            __asm__ volatile(
                "fninit; fldl %2; fldl %3; fucomi %%st(1), %%st; pushfl; popl %1; fucompp; fnstsw "
                "%%ax"
                : "=&a"(status), "=&r"(f)
                : "m"(doubles[i]), "m"(doubles[j])
                : "cc");
            mix(status & 0x453F);
            mix(f & (C | P | Z));
        }
    tell("fucom", 0);
}

void _start(void);
void _start(void)
{
    integer_forms();
    shift_forms();
    multiply_forms();
    bit_forms();
    decimal_forms();
    condition_forms();
    division_forms();
    exchange_forms();
    extension_forms();
    string_forms();
    x87_forms();
    put_text("forms done\n");
    system_call(4, 1, line, line_size);
    for (;;)
        system_call(1, 0, 0, 0);
}
