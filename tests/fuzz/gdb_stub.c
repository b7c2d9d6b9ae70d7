/* A debugger that says anything, to a machine that runs a few instructions in between. Lines of the
 * input are packets; every one that asks for something is answered once, but for those that let the
 * machine go on. */
#include "tests/fuzz/fuzz.h"

#include "cpu/model.h"
#include "machine/gdb.h"
#include "machine/internal.h"

#include <string.h>

enum { ROM_SIZE = 0x10000, TURNS = 4, PACKETS_MAX = 64 };

static unsigned answers;

static void on_answer(void *opaque, const char *payload, size_t size)
{
    fuzz_check(payload[size] == 0);
    answers++;
}

static struct machine *new_machine(uint8_t *rom)
{
    /* inc ax; mov [0500h], ax; mov cx, 3; rep stosb; jmp to the beginning */
    static const uint8_t loop[] = {0x40, 0xA3, 0, 5, 0xB9, 3, 0, 0xF3, 0xAA, 0xEB, 0xF5};
    static const uint8_t reset[] = {0xEA, 0, 0, 0, 0xF0};
    struct error err;
    memset(rom, 0xFF, ROM_SIZE);
    memcpy(rom, loop, sizeof loop);
    memcpy(rom + ROM_SIZE - 16, reset, sizeof reset);
    struct machine_config config = {
        .model = cpu_model_find("pentium3"),
        .engine = ENGINE_INTERP,
        .ram_size = PHYSMEM_RAM_MIN,
        .firmware = {rom, ROM_SIZE, "fuzz"},
        .debugged = true,
        .stop_after = UINT64_MAX,
    };
    struct machine *machine = machine_new(&config, &err);
    fuzz_check(machine);
    return machine;
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t rom[ROM_SIZE];
    struct machine *machine = new_machine(rom);
    struct debugger *debugger = machine_debugger(machine);
    debugger_set_answer(debugger, on_answer, NULL);
    debugger_post(debugger, DEBUGGER_CAME, NULL, 0);
    gdb_serve(machine->gdb);
    const char *at = (const char *)bytes, *end = at + size;
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
