/* Stacks of 16 bits: every instruction that pushes or pops, from every stack pointer around the
 * wrap, with operands of both sizes. An element that crosses the end of the segment is a fault, one
 * that begins at the other side is not; ESP's upper half stays.
 * Run alone: meson test -C build bare-stacks */
#include "rings.h"

enum { SEL_STACK = SEL_TEST, SEL_STACK3 = SEL_TEST | 3, HIGH = (int)0xABCD0000 };
static uint8_t memory[65536] __attribute__((aligned(16)));

/* Runs an instruction on the 16-bit stack, and notes ESP behind it. */
static struct {
    uint32_t esp_in, ebp_in, esp_out, ebp_out, saved;
} now __asm__("stacks_now");
__asm__(".globl stacks_now");
#define ON(name, text)                                                                             \
    static void name(void *unused)                                                                 \
    {                                                                                              \
        __asm__ volatile(                                                                          \
            "pushl %%ebp\n"                                                                        \
            "movl %%esp, stacks_now + 16\n"                                                        \
            "movw %w0, %%ss\n"                                                                     \
            "movl stacks_now, %%esp\n"                                                             \
            "movl stacks_now + 4, %%ebp\n" text                                                    \
            "\n"                                                                                   \
            "movl %%esp, stacks_now + 8\n"                                                         \
            "movl %%ebp, stacks_now + 12\n"                                                        \
            "movw %w1, %%ss\n"                                                                     \
            "movl stacks_now + 16, %%esp\n"                                                        \
            "popl %%ebp\n"                                                                         \
            :                                                                                      \
            : "b"(SEL_STACK3), "d"(SEL_USER_DATA)                                                  \
            : "eax", "ecx", "esi", "edi", "memory", "cc");                                         \
    }
ON(push_2, "pushw %%ax")
ON(push_4, "pushl %%eax")
ON(push_immediate_2, "pushw $0x1234")
ON(push_immediate_4, "pushl $-2")
ON(pushf_2, "pushfw")
ON(pushf_4, "pushfl")
ON(pusha_2, "pushaw")
ON(pusha_4, "pushal")
ON(call_4, "call 1f; 1:")
ON(call_far_4, "lcall $0x1B, $1f; 1:")
ON(enter_2, ".byte 0x66; enter $0, $0")
ON(enter_4, "enter $0, $0")
ON(enter_nested_2, ".byte 0x66; enter $0, $3")
ON(enter_nested_4, "enter $0, $3")
ON(pop_2, "popw %%ax")
ON(pop_4, "popl %%eax")
ON(popf_2, "popfw")
ON(popf_4, "popfl")
ON(popa_2, ".byte 0x66; popal; movl $0x63, %%ebx; movl $0x23, %%edx")
ON(popa_4, "popal; movl $0x63, %%ebx; movl $0x23, %%edx")

/* The elements that an instruction moves, one after the other. */
static const struct form {
    const char *name;
    void (*function)(void *);
    uint8_t size, count, pops;
} forms[] = {
    {"PUSH r16",    push_2,           2, 1, 0},
    {"PUSH r32",    push_4,           4, 1, 0},
    {"PUSH imm16",  push_immediate_2, 2, 1, 0},
    {"PUSH imm32",  push_immediate_4, 4, 1, 0},
    {"PUSHF",       pushf_2,          2, 1, 0},
    {"PUSHFD",      pushf_4,          4, 1, 0},
    {"PUSHA",       pusha_2,          2, 8, 0},
    {"PUSHAD",      pusha_4,          4, 8, 0},
    {"CALL",        call_4,           4, 1, 0},
    {"CALL far",    call_far_4,       4, 2, 0},
    {"ENTER 16",    enter_2,          2, 1, 0},
    {"ENTER 32",    enter_4,          4, 1, 0},
    {"ENTER 16, 3", enter_nested_2,   2, 4, 0},
    {"ENTER 32, 3", enter_nested_4,   4, 4, 0},
    {"POP r16",     pop_2,            2, 1, 1},
    {"POP r32",     pop_4,            4, 1, 1},
    {"POPF",        popf_2,           2, 1, 1},
    {"POPFD",       popf_4,           4, 1, 1},
    {"POPA",        popa_2,           2, 8, 1},
    {"POPAD",       popa_4,           4, 8, 1},
};

/* Whether every element lies within 64 KiB when the first is at, or ends at, sp. POPA reads the
 * place of SP, too (80386 programmer's reference manual, POPA: "throwaway"). */
static bool fits(const struct form *form, uint32_t sp)
{
    for (unsigned i = 0; i < form->count; i++) {
        uint32_t at = (form->pops ? sp + i * form->size : sp - (i + 1) * form->size) & 0xFFFF;
        if (at + form->size > 0x10000)
            return false;
    }
    return true;
}

static void test_form(const struct form *form)
{
    bool good = true;
    for (int near = -40; near <= 40; near++) {
        uint32_t sp = (uint32_t)near & 0xFFFF;
        now.esp_in = (uint32_t)HIGH | sp;
        now.ebp_in = 0x11112000; /* a frame to copy from */
        memset(memory, 2, 64);
        memset(memory + 65536 - 64, 2, 64);
        memset(memory + 0x1FF0, 2, 16);
        bool faulted = ring_try(3, 0, form->function, NULL);
        uint32_t moved = form->size * form->count;
        uint32_t after = (form->pops ? sp + moved : sp - moved) & 0xFFFF;
        bool right;
        if (fits(form, sp))
            right = !faulted && now.esp_out == ((uint32_t)HIGH | after);
        else
            right = faulted && bare_caught.vector == 12 && bare_caught.error == 0 &&
                    bare_frame.esp == now.esp_in;
        if (!right && good)
            bare_print("%s, SP %04x: fault %u, vector %u(%x), ESP %08x, want %08x\n", form->name,
                       sp, faulted, bare_caught.vector, bare_caught.error,
                       faulted ? bare_frame.esp : now.esp_out, (uint32_t)HIGH | after);
        good = good && right;
    }
    bare_check(good, "SDM 3A 5.3, SDM 1 6.2.3, stacks of 16 bits", form->name);
}

/* Where the bytes go. */
static void test_bytes(void)
{
    const char *where = "SDM 1 6.2.3, PUSH wraps to the top";
    now.esp_in = (uint32_t)HIGH;
    memset(memory, 0, sizeof memory);
    RUNS(where, ring_try(3, 0, push_immediate_4, NULL));
    CHECK_EQUAL(where, *(uint32_t *)(memory + 0xFFFC), 0xFFFFFFFE);
    now.esp_in = (uint32_t)HIGH | 4;
    RUNS(where, ring_try(3, 0, call_far_4, NULL));
    CHECK_EQUAL("SDM 2A CALL, selector at the bottom", *(uint32_t *)memory & 0xFFFF, SEL_USER_CODE);
    CHECK_EQUAL("SDM 2A CALL, offset at the top", *(uint32_t *)(memory + 0xFFFC) >> 20,
                (uint32_t)call_far_4 >> 20);
    now.esp_in = (uint32_t)HIGH | 2;
    now.ebp_in = 0x99998888;
    RUNS("SDM 2A ENTER", ring_try(3, 0, enter_2, NULL));
    CHECK_EQUAL("SDM 2A ENTER, 16 bits of EBP", *(uint16_t *)memory, 0x8888);
    CHECK_EQUAL("SDM 2A ENTER, EBP's upper half stays", now.ebp_out, 0x99990000);
    now.ebp_in = 0x99998888;
    now.esp_in = (uint32_t)HIGH | 0x100;
    RUNS("SDM 2A ENTER", ring_try(3, 0, enter_4, NULL));
    CHECK_EQUAL("SDM 2A ENTER, all of EBP is pushed", *(uint32_t *)(memory + 0xFC), 0x99998888);
    CHECK_EQUAL("SDM 2A ENTER, EBP is the frame's offset", now.ebp_out & 0xFFFF, 0x00FC);
}

void bare_tests(void)
{
    ring_init();
    ring_set(SEL_STACK, bare_descriptor((uint32_t)memory, 0xFFFF, 0xF3, 0), 0);
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++)
        test_form(&forms[i]);
    test_bytes();
}
