/* Faults in the second page of what an instruction or the processor itself touches: operands, stack
 * frames, descriptor tables, task state; and code whose page or bytes change under it.
 * Run alone: meson test -C build bare-crossing */
#include "rings.h"

enum { P = 1, W = 2, U = 4, ALL = P | W | U };
#define CR0_PG 0x80000000u
/* Two pages of linear addresses: page[0], and page[1] or nothing. */
#define TEST   0x40000000u
#define SECOND (TEST + 0x1000)

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t tables[4][1024] __attribute__((aligned(4096)));
static uint32_t test_table[1024] __attribute__((aligned(4096)));
static uint8_t page[3][4096] __attribute__((aligned(4096)));
static bool has_sse;

static void enable(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 1024; j++)
            tables[i][j] = (i << 22 | j << 12) | ALL;
        directory[i] = (uint32_t)tables[i] | ALL;
    }
    directory[TEST >> 22] = (uint32_t)test_table | ALL;
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
    ring_tss.cr3 = read_cr3();
}
static void map(uint32_t first, uint32_t second)
{
    test_table[0] = (uint32_t)page[0] | first;
    test_table[1] = (uint32_t)page[1] | second;
    write_cr3(read_cr3());
}

/* --- operands --- */

#define OPERATION(name, text)                                                                      \
    static void name(void *address)                                                                \
    {                                                                                              \
        __asm__ volatile(text : : "a"(address) : "ecx", "edx", "memory", "cc");                    \
    }
OPERATION(read_2, "movw (%%eax), %%cx")
OPERATION(read_4, "movl (%%eax), %%ecx")
OPERATION(write_2, "movw %%cx, (%%eax)")
OPERATION(write_4, "movl $-1, (%%eax)")
OPERATION(modify_4, "incl (%%eax)")
OPERATION(exchange_4, "xchgl %%ecx, (%%eax)")
OPERATION(shift_4, "shldl $3, %%ecx, (%%eax)")
OPERATION(bit_4, "btsl $1, (%%eax)")
OPERATION(bound_8, "boundl %%ecx, (%%eax)")
OPERATION(pointer_6, "lfs (%%eax), %%ecx")
OPERATION(table_6, "sgdt (%%eax)")
OPERATION(far_6, "ljmp *(%%eax)")
OPERATION(push_4, "pushl (%%eax); popl %%ecx")
OPERATION(pop_4, "pushl %%eax; popl (%%eax)")
OPERATION(load_80, "fldt (%%eax)")
OPERATION(store_80, "fldz; fstpt (%%eax)")
OPERATION(load_64, "fldl (%%eax)")
OPERATION(store_64, "fldz; fstpl (%%eax)")
OPERATION(add_32, "fadds (%%eax)")
OPERATION(store_integer, "fldz; fistpll (%%eax)")
OPERATION(load_bcd, "fbld (%%eax)")
OPERATION(store_bcd, "fldz; fbstp (%%eax)")
OPERATION(store_environment, "fnstenv (%%eax)")
OPERATION(load_environment, "fldenv (%%eax)")
OPERATION(save_state, "fnsave (%%eax)")
OPERATION(restore_state, "frstor (%%eax)")
OPERATION(load_xmm, ".byte 0x0F, 0x10, 0x00")
OPERATION(store_xmm, ".byte 0x0F, 0x11, 0x00")
OPERATION(store_low_xmm, ".byte 0x0F, 0x13, 0x00")

static const struct operand {
    const char *name;
    void (*function)(void *);
    uint8_t size, write, sse;
} operands[] = {
    {"MOV r16",     read_2,            2,   0, 0},
    {"MOV r32",     read_4,            4,   0, 0},
    {"MOV m16",     write_2,           2,   1, 0},
    {"MOV m32",     write_4,           4,   1, 0},
    {"INC m32",     modify_4,          4,   1, 0},
    {"XCHG m32",    exchange_4,        4,   1, 0},
    {"SHLD m32",    shift_4,           4,   1, 0},
    {"BTS m32",     bit_4,             4,   1, 0},
    {"BOUND",       bound_8,           8,   0, 0},
    {"LFS",         pointer_6,         6,   0, 0},
    {"SGDT",        table_6,           6,   1, 0},
    {"JMP m16:32",  far_6,             6,   0, 0},
    {"PUSH m32",    push_4,            4,   0, 0},
    {"POP m32",     pop_4,             4,   1, 0},
    {"FLD m80",     load_80,           10,  0, 0},
    {"FSTP m80",    store_80,          10,  1, 0},
    {"FLD m64",     load_64,           8,   0, 0},
    {"FSTP m64",    store_64,          8,   1, 0},
    {"FADD m32",    add_32,            4,   0, 0},
    {"FISTP m64",   store_integer,     8,   1, 0},
    {"FBLD",        load_bcd,          10,  0, 0},
    {"FBSTP",       store_bcd,         10,  1, 0},
    {"FNSTENV",     store_environment, 28,  1, 0},
    {"FLDENV",      load_environment,  28,  0, 0},
    {"FNSAVE",      save_state,        108, 1, 0},
    {"FRSTOR",      restore_state,     108, 0, 0},
    {"MOVUPS load", load_xmm,          16,  0, 1},
    {"MOVUPS",      store_xmm,         16,  1, 1},
    {"MOVLPS",      store_low_xmm,     8,   1, 1},
};

/* Every split of every operand; at CPL 0 and 3. */
static void test_operands(void)
{
    for (unsigned i = 0; i < sizeof operands / sizeof *operands; i++) {
        const struct operand *o = &operands[i];
        if (o->sse && !has_sse)
            continue;
        bool good = true, kept = true;
        for (unsigned before = 1; before < o->size; before++) {
            for (unsigned ring = 0; ring < 4; ring += 3) {
                map(ALL, 0);
                memset(page[0], 0x5A, sizeof page[0]);
                __asm__ volatile("fninit");
                bool faulted = ring_try(ring, 0, o->function, (void *)(SECOND - before));
                uint32_t error = (ring ? 4u : 0u) | (o->write ? 2u : 0u);
                good = good && faulted && bare_caught.vector == 14 && bare_caught.error == error &&
                       bare_caught.cr2 == SECOND;
                for (unsigned j = 0; j < before && o->size <= 16; j++)
                    kept = kept && page[0][4096 - before + j] == 0x5A;
                if (!good) {
                    bare_print("%u(%x) cr2 %x, %u bytes before, CPL %u\n", bare_caught.vector,
                               bare_caught.error, bare_caught.cr2, before, ring);
                    break;
                }
            }
        }
        bare_check(good, "SDM 3A 4.7, a fault in the second page", o->name);
        bare_check(kept, "SDM 3A 6.5, nothing is written", o->name);
    }
}

static void fnsave_state(void *address)
{
    __asm__ volatile("fninit; fldpi; fnsave (%0)" : : "r"(address) : "memory");
}
static void test_fnsave(void)
{
    uint16_t status;
    map(ALL, 0);
    FAULTS("SDM 2A FNSAVE", bare_try(fnsave_state, (void *)(SECOND - 50)), 14, 2);
    __asm__ volatile("fnstsw %0" : "=m"(status));
    CHECK_EQUAL("SDM 3A 6.5, FNSAVE that faults does not initialise", status >> 11 & 7, 7);
    __asm__ volatile("fninit");
}

/* --- the stack --- */

#define ON_STACK(name, text)                                                                       \
    static void name(void *esp)                                                                    \
    {                                                                                              \
        __asm__ volatile("movl %%esp, %%ebx; movl %0, %%esp; " text "; movl %%ebx, %%esp"          \
                         :                                                                         \
                         : "a"(esp)                                                                \
                         : "ebx", "ecx", "edx", "memory", "cc");                                   \
    }
ON_STACK(stack_push, "pushl %%ecx")
ON_STACK(stack_pusha, "pushal")
ON_STACK(stack_popa, "popal")
ON_STACK(stack_call, "call 1f; 1:")
ON_STACK(stack_call_far, "lcall $0x1B, $1f; 1:")
ON_STACK(stack_enter, "enter $32, $0")
ON_STACK(stack_pushf, "pushfl")
ON_STACK(stack_ret, "ret")
ON_STACK(stack_retf, "lretl")
ON_STACK(stack_iret, "iretl")
ON_STACK(stack_popf, "popfl")

static void test_stack(void)
{
    /* ESP, and where the missing page is met. page[1] is there, page[0] is not. */
    static const struct {
        const char *name;
        void (*function)(void *);
        uint32_t esp, cr2;
        bool write, upward;
    } cases[] = {
        {"PUSH",     stack_push,     SECOND + 2,    SECOND - 2, true,  false},
        {"PUSHA",    stack_pusha,    SECOND + 14,   0,          true,  false},
        {"CALL",     stack_call,     SECOND + 1,    SECOND - 3, true,  false},
        {"CALL far", stack_call_far, SECOND + 4,    SECOND - 4, true,  false},
        {"PUSHF",    stack_pushf,    SECOND,        SECOND - 4, true,  false},
 /* The final stack pointer is probed with a write. */
        {"ENTER",    stack_enter,    SECOND + 0x10, 0,          true,  false},
        {"POPA",     stack_popa,     SECOND - 14,   0,          false, true },
        {"RET",      stack_ret,      SECOND - 3,    SECOND,     false, true },
        {"RETF",     stack_retf,     SECOND - 4,    SECOND,     false, true },
        {"IRET",     stack_iret,     SECOND - 8,    SECOND,     false, true },
        {"POPF",     stack_popf,     SECOND - 1,    SECOND,     false, true },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        map(cases[i].upward ? ALL : 0, cases[i].upward ? 0 : ALL);
        memset(page, 0, sizeof page);
        *(volatile uint32_t *)(page[0] + 4092) = SEL_USER_CODE;
        bool faulted = ring_try(3, 0, cases[i].function, (void *)cases[i].esp);
        uint32_t where = cases[i].upward ? SECOND : TEST;
        bare_check(faulted && bare_caught.vector == 14 &&
                       bare_caught.error == (4u | (cases[i].write ? 2u : 0u)),
                   "SDM 3A 4.7, a stack across two pages", cases[i].name);
        CHECK_EQUAL("SDM 3A 6.15, CR2 is in the missing page", bare_caught.cr2 & 0xFFFFF000, where);
        if (cases[i].cr2)
            CHECK_EQUAL("SDM 3A 6.15, CR2", bare_caught.cr2, cases[i].cr2);
        CHECK_EQUAL("SDM 3A 6.5, ESP is as before", bare_frame.esp, cases[i].esp);
    }
}

/* --- what the processor reads and writes by itself: as a supervisor --- */

struct table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));
static void load_selector(void *selector)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(selector));
}
static void ask_rights(void *selector)
{
    __asm__ volatile("lar %0, %%ecx" : : "r"(selector) : "ecx", "cc");
}
static void far_jump(void *selector)
{
    struct {
        uint32_t offset;
        uint32_t selector;
    } pointer = {0, (uint32_t)selector};
    __asm__ volatile("ljmp *%0" : : "m"(pointer));
}

static void test_gdt(void)
{
    enum { SPLIT = 15 };
    struct table split = {(SPLIT + 1) * 8 - 1, SECOND - 4 - SPLIT * 8};
    struct table whole = {128 * 8 - 1, (uint32_t)bare_gdt};
    ring_set(SPLIT * 8, bare_descriptor(0, 0xFFFFF, 0xF2, 0xC), 0);
    memcpy(page[0] + 4096 - 4 - SPLIT * 8, bare_gdt, SPLIT * 8 + 4);
    memcpy(page[1], (uint8_t *)bare_gdt + SPLIT * 8 + 4, 4);
    void (*const functions[])(void *) = {load_selector, ask_rights, far_jump};
    map(ALL, 0);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned ring = 0; ring < 4; ring += 3) {
            __asm__ volatile("lgdt %0" : : "m"(split));
            bool faulted = ring_try(ring, 0, functions[i], (void *)(SPLIT * 8 | 3));
            __asm__ volatile("lgdt %0" : : "m"(whole));
            FAULTS("SDM 3A 4.6, a descriptor across two pages: supervisor", faulted, 14, 0);
            CHECK_EQUAL("SDM 3A 6.15, CR2", bare_caught.cr2, SECOND);
        }
    }
    /* The accessed bit goes into a page that is read-only: with WP a fault. */
    map(ALL, P | U);
    __asm__ volatile("lgdt %0" : : "m"(split));
    write_cr0(read_cr0() | 1 << 16);
    bool has_wp = read_cr0() & 1 << 16;
    bool faulted = ring_try(3, 0, load_selector, (void *)(SPLIT * 8 | 3));
    write_cr0(read_cr0() & ~(1u << 16));
    __asm__ volatile("lgdt %0" : : "m"(whole));
    if (has_wp)
        FAULTS("SDM 3A 3.4.5.1, accessed bit in a read-only page", faulted, 14, 3);
    else
        CHECK("SDM 3A 22, the 386 writes it", !faulted && page[1][1] & 1);
    __asm__ volatile("movw %w0, %%fs" : : "r"(0));
}

static void int_f1(void *unused)
{
    __asm__ volatile("int $0xF1" : : : "memory");
}
static void test_idt(void)
{
    struct table split = {sizeof bare_idt - 1, SECOND - 0x80 * 8};
    struct table whole = {sizeof bare_idt - 1, (uint32_t)bare_idt};
    memcpy(page[0] + 4096 - 0x80 * 8, bare_idt, 0x80 * 8);
    map(ALL, 0);
    for (unsigned ring = 0; ring < 4; ring += 3) {
        __asm__ volatile("lidt %0" : : "m"(split));
        bool faulted = ring_try(ring, 0, int_f1, NULL);
        __asm__ volatile("lidt %0" : : "m"(whole));
        FAULTS("SDM 3A 6.13, a gate in a missing page", faulted, 14, 0);
        CHECK_EQUAL("SDM 3A 6.15, CR2 is the gate", bare_caught.cr2, SECOND + (0xF1 - 0x80) * 8);
        CHECK_EQUAL("SDM 3A 6.5, EIP is the INT's", bare_caught.eip & 0xFFFF0000,
                    (uint32_t)int_f1 & 0xFFFF0000);
    }
}

static void call_gate(void *unused)
{
    struct {
        uint32_t offset;
        uint32_t selector;
    } pointer = {0, SEL_TEST | 3};
    __asm__ volatile("lcall *%0" : : "m"(pointer) : "memory");
}
static void in_port(void *port)
{
    __asm__ volatile("inb %%dx, %%al" : : "d"(port) : "eax");
}
void inner_target(void);
__asm__(".pushsection .text\ninner_target: int $0xF0\n.popsection");

static void use_tss(uint32_t base, uint32_t limit)
{
    ring_set(SEL_TSS, bare_descriptor(base, limit, 0x89, 0), 0);
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

static void test_tss(void)
{
    ring_set(SEL_TEST, ring_gate(SEL_CODE1, (uint32_t)inner_target, 0xEC00, 0), 0);
    uint32_t esp1 = ring_tss.esp1;
    ring_tss.esp1 = TEST + 0x1004; /* of the frame's four words one fits */
    map(0, ALL);
    memset(page, 0, sizeof page);
    FAULTS("SDM 3A 6.13, the inner stack's page is missing", ring_try(3, 0, call_gate, NULL), 14,
           2);
    CHECK_EQUAL("SDM 3A 6.15, CR2 is in the frame", bare_caught.cr2 & 0xFFFFF000, TEST);
    CHECK_EQUAL("SDM 3A 6.5, still on the outer stack", bare_frame.ss & 0xFFFF, SEL_USER_DATA);
    CHECK_EQUAL("SDM 3A 6.5, and nothing is written", *(volatile uint32_t *)page[1], 0);
    ring_tss.esp1 = esp1;
    /* Link, ESP0 and SS0 in the first page; ESP1 in the second. */
    memcpy(page[0] + 4096 - 12, &ring_tss, 12);
    map(ALL, 0);
    use_tss(SECOND - 12, 0x67);
    bool faulted = ring_try(3, 0, call_gate, NULL);
    use_tss((uint32_t)&ring_tss, sizeof ring_tss - 1);
    FAULTS("SDM 3A 7.2.1, ESP1 in a missing page", faulted, 14, 0);
    CHECK_EQUAL("SDM 3A 6.15, CR2", bare_caught.cr2, SECOND);
    /* The bitmap's byte for port 80h is the first one of the second page. */
    memcpy(page[0] + 4096 - 0x78, &ring_tss, 0x68);
    *(volatile uint16_t *)(page[0] + 4096 - 0x78 + 0x66) = 0x68;
    map(ALL, 0);
    use_tss(SECOND - 0x78, 0x1000);
    faulted = ring_try(3, 0, in_port, (void *)0x80);
    use_tss((uint32_t)&ring_tss, sizeof ring_tss - 1);
    FAULTS("SDM 1 16.5.2, the I/O bitmap in a missing page", faulted, 14, 0);
    CHECK_EQUAL("SDM 3A 6.15, CR2", bare_caught.cr2, SECOND);
    /* A task whose state is half there: nothing has been switched. */
    ring_set(SEL_TEST, bare_descriptor(SECOND - 0x40, 0x67, 0x89, 0), 0);
    FAULTS("SDM 3A 7.3, a new task's state in a missing page", bare_try(far_jump, (void *)SEL_TEST),
           14, 0);
    uint32_t tr;
    __asm__ volatile("str %0" : "=r"(tr));
    CHECK_EQUAL("SDM 3A 7.3, TR", tr, SEL_TSS);
    CHECK_EQUAL("SDM 3A 7.3, not busy", (uint32_t)(bare_gdt[SEL_TEST >> 3] >> 40) & 0xFF, 0x89);
}

/* --- repeated string instructions --- */

static struct {
    uint32_t ecx, esi, edi, eax;
} string_in;
#define STRING(name, text)                                                                         \
    static void name(void *unused)                                                                 \
    {                                                                                              \
        __asm__ volatile(text "; cld"                                                              \
                         :                                                                         \
                         : "c"(string_in.ecx), "S"(string_in.esi), "D"(string_in.edi),             \
                           "a"(string_in.eax)                                                      \
                         : "memory", "cc");                                                        \
    }
STRING(rep_movsl, "cld; rep movsl")
STRING(rep_movsb_down, "std; rep movsb")
STRING(rep_stosw, "cld; rep stosw")
STRING(rep_lodsl, "cld; rep lodsl")
STRING(repe_cmpsb, "cld; repe cmpsb")
STRING(repne_scasb, "cld; repne scasb")

static void repeat(void (*function)(void *), uint32_t esi, uint32_t edi, uint32_t count,
                   uint32_t done, uint32_t size, const char *name)
{
    string_in.ecx = count;
    string_in.esi = esi;
    string_in.edi = edi;
    bool faulted = bare_try(function, NULL);
    bare_check(faulted && bare_caught.vector == 14, "SDM 2B REP, a fault in the middle", name);
    CHECK_EQUAL("SDM 2B REP, ECX says how many are left", bare_frame.ecx, count - done);
    if (esi)
        CHECK_EQUAL("SDM 2B REP, ESI is at the next one", bare_frame.esi, esi + done * size);
    if (edi)
        CHECK_EQUAL("SDM 2B REP, EDI is at the next one", bare_frame.edi, edi + done * size);
    const uint8_t *code = (const uint8_t *)bare_caught.eip;
    CHECK_EQUAL("SDM 2B REP, EIP is the instruction's", code[*code == 0x66] & 0xFE, 0xF2);
}

static void test_strings(void)
{
    map(ALL, 0);
    memset(page, 0, sizeof page);
    uint32_t low = (uint32_t)page[2];
    string_in.eax = 0x01020304;
    repeat(rep_movsl, low, SECOND - 18, 100, 4, 4, "MOVSD, destination");
    repeat(rep_movsl, SECOND - 19, low, 100, 4, 4, "MOVSD, source");
    repeat(rep_stosw, 0, SECOND - 7, 100, 3, 2, "STOSW");
    CHECK_EQUAL("SDM 2B REP, what was done stays", page[0][4095 - 1], 3);
    CHECK_EQUAL("SDM 2B REP, and no more", page[0][4095], 0);
    repeat(rep_lodsl, SECOND - 11, 0, 100, 2, 4, "LODSD");
    memset(page, 0, sizeof page);
    repeat(repe_cmpsb, low, SECOND - 16, 100, 16, 1, "CMPSB");
    string_in.eax = 0xEE;
    repeat(repne_scasb, 0, SECOND - 20, 100, 20, 1, "SCASB");
    map(0, ALL);
    repeat(rep_movsb_down, low + 1000, SECOND + 9, 100, 10, (uint32_t)-1, "MOVSB, downward");
}

/* --- code that changes --- */

typedef uint32_t function(void);

static void put_return(uint8_t *at, uint8_t value)
{
    const uint8_t code[] = {0xB8, value, 0, 0, 0, 0xC3}; /* mov $value, %eax; ret */
    memcpy(at, code, sizeof code);
}
static uint32_t call_at(uint32_t address)
{
    __asm__("" : "+r"(address));
    return ((function *)address)();
}

static void test_code(void)
{
    map(ALL, ALL);
    put_return(page[0], 1);
    CHECK_EQUAL("SDM 3A 11.6", call_at(TEST), 1);
    put_return((uint8_t *)TEST, 2);
    CHECK_EQUAL("SDM 3A 11.6, changed by its own address", call_at(TEST), 2);
    put_return(page[0], 3);
    CHECK_EQUAL("SDM 3A 11.6, changed by another linear address", call_at(TEST), 3);
    put_return(page[2], 4);
    test_table[0] = (uint32_t)page[2] | ALL;
    write_cr3(read_cr3());
    CHECK_EQUAL("SDM 3A 4.10.4, another page in its place", call_at(TEST), 4);
    map(ALL, ALL);
    CHECK_EQUAL("SDM 3A 4.10.4, and back", call_at(TEST), 3);
    /* An instruction across the boundary, whose second half is exchanged. */
    put_return(page[1] + 100, 0);
    const uint8_t code[] = {0xB8, 5, 0, 0, 0, 0xC3};
    memcpy(page[0] + 4094, code, 2);
    memcpy(page[1], code + 2, 4);
    memcpy(page[2], code + 2, 4);
    page[2][2] = 0x77; /* the highest byte of the constant */
    CHECK_EQUAL("SDM 3A 11.6, across two pages", call_at(SECOND - 2), 5);
    test_table[1] = (uint32_t)page[2] | ALL;
    write_cr3(read_cr3());
    CHECK_EQUAL("SDM 3A 4.10.4, second page exchanged", call_at(SECOND - 2), 0x77000005);
    map(ALL, ALL);
    page[1][2] = 0x66;
    CHECK_EQUAL("SDM 3A 11.6, a byte in the second page", call_at(SECOND - 2), 0x66000005);
    *(volatile uint32_t *)(SECOND - 1) = 0x44332211;
    CHECK_EQUAL("SDM 3A 11.6, a write across both", call_at(SECOND - 2), 0x44332211);
    /* A repeated store over its own following instruction. */
    const uint8_t fill[] = {0xFC, 0xB0, 0x40, 0xF3, 0xAA, /* cld; mov $40h, %al; rep stosb */
                            0x90, 0x90, 0x90, 0xC3};      /* become inc %eax */
    memcpy(page[0], fill, sizeof fill);
    uint32_t eax, edi = TEST + 5, ecx = 3;
    __asm__ volatile("call *%3" : "=a"(eax), "+D"(edi), "+c"(ecx) : "r"(TEST), "0"(0) : "memory");
    CHECK_EQUAL("SDM 3A 11.6, REP STOS over what follows", eax, 0x43);
}

void bare_tests(void)
{
    ring_init();
    has_sse = ring_features() >> 25 & 1;
    if (has_sse)
        write_cr4(read_cr4() | 1 << 9);
    enable();
    test_operands();
    test_fnsave();
    test_stack();
    test_gdt();
    test_idt();
    test_tss();
    test_strings();
    test_code();
}
