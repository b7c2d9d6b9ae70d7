/* Events come to a paced machine at random moments of the host's time, while it runs and while it
 * halts; played from the journal, in either engine, the machine is the same at every one of them.
 * Run alone: build/tests/replay/test_moments [seconds of recording] */
#include "tests/harness/unit.h"

#include "bus/keys.h"
#include "machine/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const uint8_t busy_image[];
extern const uint32_t busy_image_size;

static unsigned record_ms = 1500;

static void swallow(struct char_backend *chars, const uint8_t *bytes, size_t size) {}
static const struct char_backend_ops swallow_ops = {swallow, NULL};

static struct machine *new_machine(enum engine engine, bool paced)
{
    static struct char_backend nowhere = {&swallow_ops};
    struct machine_config config = {
        .model = cpu_model_find("pentium3"),
        .engine = engine,
        .ram_size = 2 << 20,
        .firmware = {(uint8_t *)busy_image, busy_image_size, "busy.asm"},
        .serial = {&nowhere,                     &nowhere                            },
        .paced = paced,
        .interactive = true,
        .stop_after = UINT64_MAX,
    };
    struct error err;
    struct machine *machine = machine_new(&config, &err);
    assert_non_null(machine);
    return machine;
}

static uint64_t number(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

static void do_something(struct gate *gate, uint64_t *seed)
{
    struct gate_event event = {.kind = GATE_NMI_BUTTON};
    uint8_t bytes[] = "some text";
    switch (number(seed, 24)) {
    case 0:
        gate_submit(gate, &event);
        break;
    case 1:
        event.kind = GATE_RATE;
        event.u.picoseconds_per_insn = 7000 + number(seed, 9000);
        gate_submit(gate, &event);
        break;
    case 2:
        event.kind = GATE_MEMORY;
        event.u.memory.address = 0x700 + (uint32_t)number(seed, 512);
        event.u.memory.size = (uint8_t)(1 + number(seed, 8));
        gate_submit(gate, &event);
        break;
    case 3:
        event.kind = GATE_RESET_BUTTON;
        gate_submit(gate, &event);
        break;
    case 4:
        event.kind = GATE_POKE;
        strcpy(event.u.poke.name, "edx");
        event.u.poke.low = number(seed, 1000);
        gate_submit(gate, &event);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        gate_mouse(gate, (int)number(seed, 20) - 10, (int)number(seed, 20) - 10, 0,
                   (unsigned)number(seed, 8));
        break;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
        gate_serial(gate, (unsigned)number(seed, 2), bytes, 1 + number(seed, 9));
        break;
    default:
        gate_key(gate, (uint16_t)(KEY_SPACE + number(seed, 4)), number(seed, 2));
        break;
    }
}

/* Before every event, a mark: so the replay is compared at each of them. */
static void mark_and_record(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    struct journal_stamp now = machine_stamp(machine);
    journal_append_mark(machine->journal, &now, JOURNAL_MARK_CHIPS,
                        state_hash_structs(machine->state));
    machine_record_event(opaque, event);
}

static void *run(void *argument)
{
    machine_run(argument);
    return NULL;
}

static struct machine *record(enum engine engine, uint64_t seed)
{
    struct machine *machine = new_machine(engine, true);
    gate_set_log(machine->gate, mark_and_record, machine);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, machine), 0);
    uint64_t end = machine_host_time() + record_ms * UINT64_C(1000000);
    while (machine_host_time() < end) {
        for (uint64_t burst = number(&seed, 4); burst; burst--)
            do_something(machine->gate, &seed);
        usleep((useconds_t)number(&seed, 3000));
    }
    machine_stop(machine, 0);
    pthread_join(thread, NULL);
    return machine;
}

static void replay(struct machine *recorded, enum engine engine, bool paced)
{
    struct machine *machine = new_machine(engine, paced);
    struct journal_position begin = journal_begin(recorded->journal);
    struct journal_stamp end = machine_stamp(recorded);
    struct error err;
    machine->replay.verifies = true;
    replay_begin(machine, recorded->journal, &begin);
    if (!replay_to(machine, &end, &err))
        fail_msg("replay: %s", err.text);
    assert_true(machine->replay.marks > record_ms / 5);
    assert_int_equal(machine->replay.marks, machine->replay.events);
    assert_int_equal(machine_icount(machine), machine_icount(recorded));
    assert_int_equal(machine_time(machine), machine_time(recorded));
    assert_true(machine_state_hash(machine) == machine_state_hash(recorded));
    machine_free(machine);
}

static void check(enum engine engine, uint64_t seed)
{
    struct machine *recorded = record(engine, seed);
    /* It was busy, and what came in has arrived. */
    const uint8_t *ram = physmem_ram(recorded->phys);
    assert_true(machine_icount(recorded) > 1000000);
    assert_true(ram[0x500] || ram[0x501]);
    assert_true(ram[0x502] || ram[0x503]);
    replay(recorded, ENGINE_INTERP, false);
#ifdef __x86_64__
    replay(recorded, ENGINE_JIT, false);
#endif
    replay(recorded, engine, true);
    machine_free(recorded);
}

static void what_the_interpreter_recorded(void **state)
{
    check(ENGINE_INTERP, 1);
    check(ENGINE_INTERP, 2);
}

static void what_the_translator_recorded(void **state)
{
#ifdef __x86_64__
    check(ENGINE_JIT, 3);
    check(ENGINE_JIT, 4);
#endif
}

/* A replay that starts from another state says so, at the first mark. */
static void another_machine_is_lost(void **state)
{
    struct machine *recorded = record(ENGINE_INTERP, 5);
    struct machine *machine = new_machine(ENGINE_INTERP, false);
    struct journal_position begin = journal_begin(recorded->journal);
    struct journal_stamp end = machine_stamp(recorded);
    struct error err;
    machine->cpu->gpr[REG_ESI] ^= 0x100000;
    machine->replay.verifies = true;
    replay_begin(machine, recorded->journal, &begin);
    assert_false(replay_to(machine, &end, &err));
    assert_non_null(strstr(err.text, "check mark 1 of the log differs"));
    machine_free(machine);
    machine_free(recorded);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        record_ms = (unsigned)atoi(argv[1]) * 1000;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_interpreter_recorded),
        cmocka_unit_test(what_the_translator_recorded),
        cmocka_unit_test(another_machine_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
