/* Task switches and pages: faults at the old and the new TSS, also on the second page that a TSS
 * lies on; before anything has changed. And the debug registers over a switch. Run alone: meson
 * test -C build bare-task_pages */
#include "rings.h"

#define CR0_PG 0x80000000u
enum { CR0_WP = 1 << 16, PAGE = 4096 };
enum { TASK = SEL_TEST, OTHER = SEL_TEST + 8, TSS_SIZE = 0x68 };

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint8_t new_pages[2 * PAGE] __attribute__((aligned(4096)));
static uint8_t old_pages[2 * PAGE] __attribute__((aligned(4096)));
static uint8_t task_stack[1024] __attribute__((aligned(16)));
static bool has_wp;

/* The other task goes back by JMP or IRET. */
void pages_return(void);
void pages_jump(void);
__asm__(
    ".pushsection .text\n"
    "pages_return: clts\n"
    "    iretl\n"
    "pages_jump: clts\n"
    "    ljmp $0x68, $0\n"
    ".popsection");
SNIPPET(pages_by_jmp, "ljmp $0x60, $0\n ret");
SNIPPET(pages_by_call, "lcall $0x60, $0\n ret");
SNIPPET(pages_by_int, "int $0x61\n ret");
SNIPPET(pages_by_iret, "pushl $0x4002\n popfl\n iretl\n ret");

enum source { BY_JMP, BY_CALL, BY_INT, BY_IRET, SOURCES };
static uint8_t *const snippets[SOURCES] = {pages_by_jmp, pages_by_call, pages_by_int,
                                           pages_by_iret};

static uint32_t type_of(uint16_t selector)
{
    return (uint32_t)(bare_gdt[selector >> 3] >> 40) & 0xFF;
}

/* One bit of a page's entry; P or R/W. */
static void change_page(const void *page, uint32_t bit, bool set)
{
    uint32_t *entry = &table[(uint32_t)page >> 12];
    *entry = set ? *entry | bit : *entry & ~bit;
    write_cr3((uint32_t)directory);
}

/* TSSs that straddle their pages, split bytes on the first. OTHER is loaded. */
static void prepare(enum source source, unsigned split)
{
    struct tss32 *task = (struct tss32 *)(new_pages + PAGE - split);
    uint8_t *old = old_pages + PAGE - split;
    memset(task, 0, TSS_SIZE);
    memset(old, 0, TSS_SIZE);
    task->eip = (uint32_t)(source == BY_JMP || source == BY_IRET ? pages_jump : pages_return);
    task->eflags = 2;
    task->esp = (uint32_t)(task_stack + sizeof task_stack);
    task->es = task->ss = task->ds = SEL_DATA;
    task->cs = SEL_CODE;
    task->cr3 = (uint32_t)directory;
    ((struct tss32 *)old)->cr3 = (uint32_t)directory;
    ((struct tss32 *)old)->link = source == BY_IRET ? TASK : 0;
    uint8_t type = source == BY_IRET ? 0x8B : 0x89;
    ring_set(TASK, bare_descriptor((uint32_t)task, TSS_SIZE - 1, type, 0), 0);
    ring_set(OTHER, bare_descriptor((uint32_t)old, TSS_SIZE - 1, 0x89, 0), 0);
    bare_idt[0x61] = (struct gate){0, TASK, 0x8500, 0};
    __asm__ volatile("ltr %w0; clts" : : "r"(OTHER));
    write_eflags(2);
}

static bool go(enum source source)
{
    bool faulted = bare_try((void (*)(void *))(uint32_t)snippets[source], NULL);
    __asm__ volatile("clts");
    return faulted;
}

/* A fault of the old task: TR, busy bits, EIP, and the image say that nothing has happened. */
static bool nothing_happened(enum source source)
{
    uint32_t tr, busy = source == BY_IRET ? 0x8B : 0x89;
    uint32_t eip = (uint32_t)snippets[source];
    __asm__ volatile("str %0" : "=r"(tr));
    return tr == OTHER && type_of(TASK) == busy && type_of(OTHER) == 0x8B &&
           (source == BY_IRET ? bare_caught.eip > eip : bare_caught.eip == eip) &&
           bare_caught.cs == SEL_CODE && !(read_cr0() & 8);
}

static bool is_in_new_task(void)
{
    uint32_t tr, eip = bare_caught.eip;
    __asm__ volatile("str %0" : "=r"(tr));
    return tr == TASK && (eip == (uint32_t)pages_return + 2 || eip == (uint32_t)pages_jump + 2);
}

struct page_case {
    const char *where;
    uint8_t *page;
    uint8_t bit;     /* taken from the page: 1 P, 2 R/W */
    uint8_t sources; /* those that fault, a bit for each */
    uint8_t error;   /* its W bit is not told: the order of reading and writing is the model's */
};
enum { ALL = 15, NESTED = 1 << BY_CALL | 1 << BY_INT };
static const struct page_case cases[] = {
    {"SDM 3A 7.3, first page of the new TSS not there",  new_pages,        1, ALL,    0},
    {"SDM 3A 7.3, second page of the new TSS not there", new_pages + PAGE, 1, ALL,    0},
    {"SDM 3A 7.3, second page of the old TSS not there", old_pages + PAGE, 1, ALL,    0},
    {"SDM 3A 7.3, back link into a read-only page",      new_pages,        2, NESTED, 3},
    {"SDM 3A 7.3, new TSS read-only behind the link",    new_pages + PAGE, 2, 0,      0},
    {"SDM 3A 7.3, second page of the old TSS read-only", old_pages + PAGE, 2, ALL,    3},
};

static void try_case(const struct page_case *test, enum source source, unsigned split)
{
    if (test->bit == 2 && !has_wp)
        return;
    prepare(source, split);
    uint32_t cr0 = read_cr0();
    if (has_wp)
        write_cr0(cr0 | CR0_WP);
    change_page(test->page, test->bit, false);
    bool faulted = go(source);
    bool faults = test->sources >> source & 1;
    /* Where the switch itself may go on, the new task cannot save its state when it goes back. */
    bool stuck = !faults && (test->page != new_pages || split > 0x20);
    bool good = faulted == (faults || stuck);
    if (good && stuck)
        good = bare_caught.vector == 14 && bare_caught.error == 3 && is_in_new_task();
    if (good && faults)
        good = bare_caught.vector == 14 && (bare_caught.error & ~2u) == (test->error & ~2u) &&
               (bare_caught.cr2 & ~(PAGE - 1u)) == (uint32_t)test->page && nothing_happened(source);
    if (!good)
        bare_print("source %u, split %x, fault %u: %u(%x) at %x, CR2 %x: ", source, split, faulted,
                   bare_caught.vector, bare_caught.error, bare_caught.eip, bare_caught.cr2);
    bare_check(good, test->where, "#PF in the old task, or none");
    change_page(test->page, test->bit, true);
    write_cr0(cr0);
    if (!good || !faults)
        return;
    RUNS("SDM 3A 6.15 #PF, the switch again with the page there", go(source));
}

static void test_pages(void)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned source = 0; source < SOURCES; source++) {
            for (unsigned split = 4; split < 0x40; split += 4)
                try_case(&cases[i], source, split);
        }
    }
}

static void begin_paging(void)
{
    for (uint32_t i = 0; i < 1024; i++)
        table[i] = i << 12 | 3;
    directory[0] = (uint32_t)table | 3;
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
}
static void end_paging(void)
{
    write_cr0(read_cr0() & ~CR0_PG);
    ring_init();
}

/* L bits and LE end with the task, G bits and GE stay (SDM 3A 7.3; 3B 17.2.4). */
static void test_debug_registers(void)
{
    static const struct {
        uint32_t before, after;
    } rows[] = {
        {0x400, 0x400},
        {0x401, 0x400},
        {0x402, 0x402},
        {0x403, 0x402},
        {0x455, 0x400},
        {0x4AA, 0x4AA},
        {0x4FF, 0x4AA},
        {0x500, 0x400},
        {0x600, 0x600},
        {0x7FF, 0x6AA},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned source = 0; source < SOURCES; source++) {
            prepare(source, 0x20);
            uint32_t none = 0xFFFFFFF0, dr7;
            __asm__ volatile("movl %0, %%dr0; movl %0, %%dr1; movl %0, %%dr2; movl %0, %%dr3"
                             :
                             : "r"(none));
            __asm__ volatile("movl %0, %%dr7" : : "r"(rows[i].before));
            bool faulted = go(source);
            __asm__ volatile("movl %%dr7, %0; movl %1, %%dr7" : "=&r"(dr7) : "r"(0x400));
            bare_check(!faulted, "SDM 3A 7.3", "the switch runs");
            CHECK_EQUAL("SDM 3A 7.3, L bits and LE are cleared", dr7, rows[i].after);
        }
    }
}

void bare_tests(void)
{
    ring_init();
    uint32_t before = read_eflags();
    write_eflags(before ^ FL_AC);
    has_wp = (read_eflags() ^ before) & FL_AC; /* both came with the 486 */
    write_eflags(before);
    begin_paging();
    test_pages();
    test_debug_registers();
    end_paging();
}
