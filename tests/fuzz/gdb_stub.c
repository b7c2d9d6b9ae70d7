/* A debugger that says anything, to a machine that runs a few instructions in between. Lines of the
 * input are packets; an input that begins with FFh or the like says how to make up rows of them,
 * with numbers at the edges of what there is. Every one that asks for something is answered once,
 * but for those that let the machine go on. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "machine/gdb.h"
#include "machine/internal.h"
#include "tests/fuzz/little_machine.h"

#include <stdio.h>
#include <string.h>

enum { TURNS = 4, PACKETS_MAX = 64, ROWS_MAX = 8, ROW_BITS_MOST = 12 };

static unsigned answers;

static void on_answer(void *opaque, const char *payload, size_t size)
{
    fuzz_check(payload[size] == 0);
    answers++;
}

/* Commands may write files of the host. */
static bool is_harmless(const char *packet, size_t size)
{
    return size < 5 || memcmp(packet, "qRcmd", 5) != 0;
}

static bool lets_go(char letter)
{
    return letter && strchr("cCsSvk", letter);
}

static void say(struct machine *machine, const char *packet, size_t size)
{
    struct debugger *debugger = machine_debugger(machine);
    unsigned before = answers;
    if (!is_harmless(packet, size) || !debugger_post(debugger, DEBUGGER_PACKET, packet, size))
        return;
    gdb_serve(machine->gdb);
    if (!machine->stop && !lets_go(size ? packet[0] : 0))
        fuzz_check(answers == before + 1);
    for (unsigned i = 0; i < TURNS && !machine->stop && !machine->paused; i++)
        machine_turn(machine);
    if (!machine->stop && !machine->paused)
        debugger_post(debugger, DEBUGGER_INTERRUPT, NULL, 0);
    gdb_serve(machine->gdb);
}

/* How often, kind, two numbers and what the first grows by. */
static void say_row(struct machine *machine, struct fuzz_input *input)
{
    static const char *const packets[] = {
        "Z0,%llx,1",     "Z1,%llx,%llx",     "Z2,%llx,%llx",
        "Z3,%llx,%llx",  "Z4,%llx,%llx",     "z0,%llx,1",
        "z2,%llx,%llx",  "m%llx,%llx",       "M%llx,%llx:12",
        "X%llx,%llx:ab", "P%llx=%llx",       "p%llx",
        "s%llx",         "vCont;r%llx,%llx", "qXfer:memory-map:read::%llx,%llx",
        "Z7,%llx,%llx",
    };
    static const uint64_t edges[] = {
        0,          1,          0xFFF,       0x1000,         0xFFFF,
        0xF0000,    0xFFFFF,    0x7FFFFFFF,  0x80000000,     0xFFFFF000,
        0xFFFFFFF0, 0xFFFFFFFF, 0x100000000, UINT64_MAX - 1, UINT64_MAX,
    };
    unsigned count = 1u << fuzz_byte(input) % (ROW_BITS_MOST + 1);
    unsigned kind = fuzz_byte(input) % ARRAY_LENGTH(packets);
    uint64_t first = edges[fuzz_byte(input) % ARRAY_LENGTH(edges)];
    uint64_t second = edges[fuzz_byte(input) % ARRAY_LENGTH(edges)];
    uint64_t step = fuzz_byte(input);
    for (unsigned i = 0; i < count && !machine->stop; i++, first += step) {
        char packet[96];
        int length = snprintf(packet, sizeof packet, packets[kind], (unsigned long long)first,
                              (unsigned long long)second);
        say(machine, packet, (size_t)length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct machine *machine =
        little_machine_new((struct machine_config){.engine = ENGINE_INTERP, .debugged = true});
    struct debugger *debugger = machine_debugger(machine);
    debugger_set_answer(debugger, on_answer, NULL);
    debugger_post(debugger, DEBUGGER_CAME, NULL, 0);
    gdb_serve(machine->gdb);
    struct fuzz_input rows = {bytes, size && bytes[0] & 0x80 ? size : 0};
    for (unsigned i = 0; i < ROWS_MAX && rows.size && !machine->stop; i++)
        say_row(machine, &rows);
    const char *at = (const char *)rows.bytes, *end = (const char *)bytes + size;
    for (unsigned i = 0; i < PACKETS_MAX && at < end && !machine->stop; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *last = newline ? newline : end;
        say(machine, at, (size_t)(last - at));
        at = last + 1;
    }
    debugger_set_answer(debugger, NULL, NULL);
    machine_free(machine);
    return 0;
}
