/* Random cases of the instructions that look at IOPL, VME, PVI and the I/O bitmap, in V86 mode and
 * at every privilege level: the outcome (exception, EFLAGS, stack) goes into a hash, which Bochs
 * shares. Compile with -DTELL to see every case in a line of its own. Run alone: meson test -C
 * build bare-sensitive */
#include "rings.h"

enum {
    CASES = 30000,
    CODE = V86_CODE,
    STACK = 0x9800,
    HANDLER = 0xB000, /* of INT 61h in V86 mode: HLT */
    STOP = 0x40,      /* offset in the code, where returns go to */
    IMAGE = 0x100000, /* this program's own code begins there: where in it may change */
};

struct entry {
    uint32_t eip, cs, eflags, esp, ss, v86_es, v86_ds, v86_fs, v86_gs;
};
void ring_enter(void *entry);

static const struct {
    uint8_t size, bytes[3];
} snippets[] = {
    {1, {0x9C}            },
    {2, {0x66, 0x9C}      },
    {1, {0x9D}            },
    {2, {0x66, 0x9D}      },
    {1, {0xCF}            },
    {2, {0x66, 0xCF}      },
    {1, {0xFA}            },
    {1, {0xFB}            },
    {2, {0xCD, 0x61}      },
    {1, {0xCC}            },
    {1, {0xCE}            },
    {2, {0xE4, 0x80}      },
    {2, {0xE6, 0x80}      },
    {2, {0xE5, 0x80}      },
    {1, {0xF1}            },
    {1, {0xF4}            },
    {1, {0x9D}            },
    {1, {0xCF}            },
    {1, {0x6C}            },
    {2, {0xCD, 0x61}      },
    {3, {0x66, 0xE5, 0x80}},
};

static uint32_t random_flags(void)
{
    uint32_t flags = 2 | bare_pick(4) << 12;
    if (bare_chance(2))
        flags |= FL_IF;
    if (bare_chance(3))
        flags |= FL_VIF;
    /* What VIP does at IOPL 3 the manual and Bochs see differently. */
    if (bare_chance(4) && (flags & FL_IOPL3) != FL_IOPL3)
        flags |= FL_VIP;
    if (bare_chance(6))
        flags |= FL_AC;
    if (bare_chance(6))
        flags |= 1 << 21; /* ID */
    if (bare_chance(4))
        flags |= 1 << 10; /* DF */
    if (bare_chance(4))
        flags |= 1 << 11; /* OF */
    return flags | (bare_pick(256) & 0xD5);
}

static uint32_t random_stack_flags(void)
{
    uint32_t flags = random_flags();
    if (bare_chance(6))
        flags |= FL_TF;
    return flags | (bare_chance(6) ? FL_RF : 0);
}

static uint32_t hash, total_hash;
static void mix(uint32_t value)
{
    hash = (hash ^ value) * 16777619u;
    hash ^= hash >> 15;
}

/* What IRET finds: a place to stop, in frames of both sizes. */
static void fill_stack(bool v86, uint16_t cs, bool wide)
{
    uint32_t *stack = (uint32_t *)STACK;
    for (int i = -8; i < 8; i++)
        stack[i] = random_stack_flags();
    uint32_t ip = v86 ? STOP : CODE + STOP;
    if (!v86 && !wide)
        ip &= 0xFFFF;
    if (wide) {
        stack[0] = ip;
        stack[1] = cs;
        stack[2] = random_stack_flags();
    } else {
        stack[0] = ip | (uint32_t)cs << 16;
        stack[1] = random_stack_flags() & 0xFFFF;
    }
}

static void tell(unsigned number, unsigned which, const struct entry *entry)
{
#ifdef TELL
    bare_print(
        "%u: %x %x cs %x fl %08x cr4 %x stack %08x %08x %08x -> v %u e %x eip %x fl %08x %08x\n",
        number, snippets[which].bytes[0], snippets[which].bytes[1], entry->cs, entry->eflags,
        read_cr4(), ((uint32_t *)STACK)[0], ((uint32_t *)STACK)[1], ((uint32_t *)STACK)[2],
        bare_caught.vector, bare_caught.error, bare_caught.eip, bare_caught.eflags, hash);
#endif
}

static void note_outcome(void)
{
    hash = 2166136261u;
    mix(bare_caught.vector << 16 | bare_caught.error);
    mix(bare_caught.eip < IMAGE ? bare_caught.eip : 0);
    mix(bare_caught.cs & 0xFFFF);
    mix(bare_caught.eflags);
    if (bare_caught.eflags & FL_VM || bare_caught.cs & 3)
        mix(bare_frame.esp);
    for (int i = -2; i < 4; i++)
        mix(bare_caught.eflags & FL_VM ? ((uint32_t *)STACK)[i] : 0);
    total_hash = total_hash * 31 + hash;
}

static void run_case(unsigned number)
{
    static const uint16_t code[4] = {SEL_CODE, SEL_CODE1, SEL_CODE2, SEL_USER_CODE};
    static const uint16_t data[4] = {SEL_DATA, SEL_DATA1, SEL_DATA2, SEL_USER_DATA};
    bare_seed = number * 2654435761u + 7;
    bool v86 = bare_chance(2);
    unsigned ring = bare_pick(4);
    unsigned which = bare_pick(sizeof snippets / sizeof *snippets);
    uint8_t *at = (uint8_t *)CODE;
    memset(at, 0x90, 128);
    if (snippets[which].bytes[0] != 0xF4 || v86 || ring != 0)
        memcpy(at, snippets[which].bytes, snippets[which].size);
    static const uint8_t stop[] = {0xCD, VECTOR_RETURN};
    memcpy(at + snippets[which].size, v86 ? (const uint8_t *)"\xF4\xF4" : stop, 2);
    memcpy(at + STOP, v86 ? (const uint8_t *)"\xF4\xF4" : stop, 2);
    uint32_t flags = random_flags() | (v86 ? FL_VM : 0);
    if (bare_chance(8))
        flags |= FL_TF;
    struct entry entry = {
        .eip = v86 ? 0 : CODE,
        .cs = v86 ? CODE >> 4 : code[ring],
        .eflags = flags,
        .esp = v86 ? 0x800 : STACK,
        .ss = v86 ? V86_STACK >> 4 : data[ring],
        .v86_es = V86_DATA >> 4,
        .v86_ds = v86 ? V86_DATA >> 4 : data[ring],
    };
    bool wide = (snippets[which].bytes[0] == 0x66) == v86;
    fill_stack(v86, (uint16_t)entry.cs, wide);
    bare_idt[0x61].type = bare_chance(2) ? 0xEE00 : 0x8E00;
    bare_idt[1].type = 0x8E00;
    ring_tss.redirection[0x61 / 8] = bare_chance(2) ? 0xFF : 0;
    ring_tss.io_bitmap[0x10] = bare_chance(2) ? 0xFF : 0xFE;
    /* The two extensions together: Bochs lets PVI alone act in V86 mode. */
    write_cr4((read_cr4() & ~3u) | (v86 ? bare_pick(2) * 3 : bare_pick(4)));
    bare_try(ring_enter, &entry);
    write_eflags(2);
    note_outcome();
    tell(number, which, &entry);
}

void bare_tests(void)
{
    ring_init();
    if (!(ring_features() & FEATURE_VME)) {
        CHECK("without VME there is nothing to compare", true);
        return;
    }
    static const uint8_t halt[] = {0xF4};
    memcpy((void *)HANDLER, halt, 1);
    volatile uint32_t *table = (volatile uint32_t *)(0x61 * 4);
    __asm__("" : "+r"(table));
    *table = (HANDLER >> 4) << 16;
    for (unsigned i = 1; i <= CASES; i++)
        run_case(i);
    write_cr4(read_cr4() & ~3u);
    CHECK_EQUAL("SDM 3A 20, sensitive instructions", total_hash, 0x694fa119);
}
