/* Property test of going back in time: at whatever moment of its past a machine is looked at, and
 * in whatever order, it has the state that a machine has which simply runs there; its disks have
 * the same contents; and when it goes on from there, so does everything else.
 *
 *     history_twins MOMENTS ENGINE LIMIT [run option]...
 *
 * One machine runs straight through the run of the given options (those of `anachron run`), and
 * gets a key or a mouse movement now and then. The other one does the same with its past kept,
 * and between any two of these moments is sent back and forth.
 *
 * Run alone: meson test -C build --suite history */
#include "base/memory.h"
#include "bus/keys.h"
#include "cli/run_machine.h"
#include "machine/history.h"
#include "machine/internal.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAX_MOMENTS = 256, SEEKS = 4, DISK_SECTORS_MAX = 1 << 16, LIMIT_BYTES = 5 << 19 };

struct moment {
    uint64_t icount, state, disks, ns;
    unsigned event; /* what happens there: 0 nothing */
};

struct test {
    int argc;
    char **argv;
    enum engine engine;
    uint64_t seed;
    struct moment moment[MAX_MOMENTS];
    unsigned count;
    unsigned seeks, lives, tips;
};

static _Noreturn void fail(const char *what, uint64_t icount)
{
    fprintf(stderr, "history_twins: %s, at instruction %llu\n", what, (unsigned long long)icount);
    exit(1);
}

static uint32_t below(struct test *test, uint32_t limit)
{
    test->seed = test->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((test->seed >> 33) % limit);
}

static struct run *open_run(const struct test *test)
{
    int status;
    struct error err = {""};
    struct run *run = run_open(test->argc, test->argv, test->engine, &status, &err);
    if (!run)
        fail(err.text, 0);
    return run;
}

/* --- what is compared --- */

static uint64_t hash_disk(struct disk_backend *disk, uint64_t seed)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct error err;
    if (!disk || disk->read_only || disk->sector_count > DISK_SECTORS_MAX)
        return seed;
    for (uint64_t lba = 0; lba < disk->sector_count; lba++) {
        if (!disk->ops->read(disk, lba, 1, sector, &err))
            fail(err.text, lba);
        seed = XXH3_64bits_withSeed(sector, sizeof sector, seed);
    }
    return seed;
}

/* As the guest sees them. */
static uint64_t hash_disks(const struct machine *machine)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        hash = hash_disk(machine->disk[i], hash);
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        hash = hash_disk(machine->medium[i], hash);
    return hash;
}

static void note(struct machine *machine, struct moment *moment)
{
    moment->icount = machine_icount(machine);
    moment->ns = machine_time(machine);
    moment->state = machine_state_hash(machine);
    moment->disks = hash_disks(machine);
}

static void must_be(struct machine *machine, const struct moment *moment, const char *how)
{
    struct moment now;
    note(machine, &now);
    if (now.icount != moment->icount || now.ns != moment->ns)
        fail(how, moment->icount);
    if (now.state != moment->state) {
        const char *path = getenv("HISTORY_DUMP");
        FILE *stream = path ? fopen(path, "w") : NULL;
        if (stream) {
            machine_dump_state(machine, stream);
            fclose(stream);
        }
        fprintf(stderr, "%s: ", how);
        fail("the state is another one", moment->icount);
    }
    if (now.disks != moment->disks)
        fail("the disks are other ones", moment->icount);
}

/* --- what happens --- */

static void run_to(struct machine *machine, uint64_t icount)
{
    machine_set_paused(machine, false);
    machine_run_to(machine, icount);
}

static void do_event(struct machine *machine, const struct moment *moment)
{
    unsigned kind = moment->event;
    if (kind == 1)
        gate_key(machine_gate(machine), KEY_UP, true);
    else if (kind == 2)
        gate_key(machine_gate(machine), KEY_UP, false);
    else if (kind == 3)
        gate_mouse(machine_gate(machine), 5, -3, 0, 1);
    else if (kind == 4)
        gate_serial(machine_gate(machine), 0, (const uint8_t *)"x", 1);
}

static void plan(struct test *test, uint64_t length, unsigned count)
{
    uint64_t at = 0;
    test->count = count < MAX_MOMENTS ? count : MAX_MOMENTS;
    for (unsigned i = 0; i < test->count; i++) {
        at += 1 + (((uint64_t)below(test, 1 << 30) << 20) % (2 * length / test->count));
        test->moment[i].icount = at;
        test->moment[i].event = below(test, 3) ? 0 : 1 + below(test, 4);
    }
}

/* The machine that runs straight through; drops moments that it does not reach. */
static void run_straight(struct test *test)
{
    struct run *run = open_run(test);
    struct machine *machine = run_machine_of(run);
    unsigned reached = 0;
    for (unsigned i = 0; i < test->count; i++) {
        struct moment moment = test->moment[i];
        if (!machine_run_to(machine, moment.icount))
            break;
        note(machine, &moment);
        do_event(machine, &moment);
        test->moment[reached++] = moment;
    }
    test->count = reached;
    run_close(run);
}

static void seek(struct test *test, struct machine *machine, unsigned number)
{
    struct error err;
    struct history_info info;
    history_get_info(machine, &info);
    const struct moment *moment = &test->moment[number];
    if (moment->icount < info.oldest)
        return;
    bool by_time = below(test, 4) == 0;
    if (!(by_time ? machine_seek_time(machine, moment->ns, &err)
                  : machine_seek(machine, moment->icount, &err)))
        fail(err.text, moment->icount);
    if (by_time && machine_icount(machine) != moment->icount &&
        !machine_seek(machine, moment->icount, &err))
        fail(err.text, moment->icount);
    if (moment->icount < info.newest || !info.in_past)
        must_be(machine, moment, "after a seek");
    test->seeks++;
}

/* Back to where number was reached, in one of several ways. */
static void return_to(struct test *test, struct machine *machine, unsigned number)
{
    struct history_info info;
    history_get_info(machine, &info);
    if (!info.in_past)
        return;
    struct error err;
    switch (below(test, 3)) {
    case 0: /* run through the known past, and be live at its end */
        run_to(machine, info.newest);
        test->tips++;
        break;
    case 1:
        if (!machine_seek(machine, info.newest, &err))
            fail(err.text, info.newest);
        break;
    default: /* another time, from an earlier moment: all events come again */
        if (!history_go_live(machine, &err))
            fail(err.text, info.present);
        test->lives++;
        for (unsigned i = 0; i <= number; i++) {
            if (test->moment[i].icount < machine_icount(machine))
                continue;
            if (test->moment[i].icount > machine_icount(machine))
                run_to(machine, test->moment[i].icount);
            must_be(machine, &test->moment[i], "live again");
            if (i < number)
                do_event(machine, &test->moment[i]);
        }
    }
    history_get_info(machine, &info);
    if (info.in_past)
        fail("it is not live at the tip", info.present);
    must_be(machine, &test->moment[number], "back at the tip");
}

static void run_with_past(struct test *test)
{
    struct error err;
    struct run *run = open_run(test);
    struct machine *machine = run_machine_of(run);
    struct history_options options = {
        .limit_bytes = LIMIT_BYTES, .every_ns = 2000000, .mark_spacing = 3000};
    if (!history_start(machine, &options, &err))
        fail(err.text, 0);
    for (unsigned i = 0; i < test->count; i++) {
        machine->checkpoint_due |= below(test, 2);
        run_to(machine, test->moment[i].icount);
        if (below(test, 3) == 0)
            history_checkpoint(machine);
        must_be(machine, &test->moment[i], "with its past kept");
        for (unsigned j = 0; i > 0 && j < SEEKS && below(test, 3); j++)
            seek(test, machine, below(test, i));
        return_to(test, machine, i);
        do_event(machine, &test->moment[i]);
    }
    struct history_info info;
    history_get_info(machine, &info);
    printf(
        "%u moments up to instruction %llu, %u seeks, %u times to the tip, %u times another "
        "time; %llu checkpoints, %llu marks, %llu merged, %llu pages, %llu sectors\n",
        test->count, (unsigned long long)info.newest, test->seeks, test->tips, test->lives,
        (unsigned long long)info.made, (unsigned long long)info.marks,
        (unsigned long long)info.merged, (unsigned long long)info.pages,
        (unsigned long long)info.sectors);
    run_close(run);
}

int main(int argc, char **argv)
{
    static struct test test;
    if (argc < 5) {
        fprintf(stderr, "usage: history_twins MOMENTS ENGINE LIMIT [run option]...\n");
        return 2;
    }
    test.argc = argc - 3;
    test.argv = argv + 3;
    test.engine = strcmp(argv[2], "jit") == 0 ? ENGINE_JIT : ENGINE_INTERP;
    test.seed = getenv("HISTORY_SEED") ? strtoull(getenv("HISTORY_SEED"), NULL, 0) : 1;
    struct run *run = open_run(&test);
    machine_run_to(run_machine_of(run), strtoull(argv[3], NULL, 0));
    uint64_t length = machine_icount(run_machine_of(run));
    run_close(run);
    plan(&test, length, (unsigned)atoi(argv[1]));
    run_straight(&test);
    run_with_past(&test);
    return test.seeks > 0 ? 0 : 1;
}
