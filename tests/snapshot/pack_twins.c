/* Property test of packing: a machine that is loaded from another one's packed state has its
 * future. At random moments of a run of the given options (those of `anachron run`), the state is
 * packed, and loaded into a new machine on the other engine and into one that has run elsewhere
 * already; later, all of them and one that was never packed have the same state.
 *
 *     pack_twins MOMENTS ENGINE OTHER-ENGINE LIMIT [run option]...
 *
 * Run alone: meson test -C build --suite pack */
#include "base/memory.h"
#include "cli/run_machine.h"
#include "machine/internal.h"
#include "machine/pack.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_MOMENTS = 64, MAX_SHOWN = 12, COPIED_SECTORS = 1 << 16 };

/* What is kept of one moment. */
struct kept {
    struct serial state;
    uint8_t *memory[2];
    size_t size[2];
    uint64_t hash, icount;
};

struct twins {
    int argc;
    char **argv;
    enum engine engine, other;
    uint64_t seed;
};

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "pack_twins: %s: %s\n", what, detail);
    exit(1);
}

static uint64_t next_random(struct twins *twins)
{
    twins->seed = twins->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return twins->seed >> 20;
}

static struct run *open_run(const struct twins *twins, enum engine engine)
{
    int status;
    struct error err = {""};
    struct run *run = run_open(twins->argc, twins->argv, engine, &status, &err);
    if (!run)
        fail("no machine", err.text);
    return run;
}

/* --- one moment --- */

static void keep(struct machine *machine, struct kept *kept)
{
    const char *name;
    uint8_t *memory;
    kept->state.size = 0;
    machine_pack(machine, &kept->state);
    for (unsigned i = 0; state_memory(machine->state, i, &name, &memory, &kept->size[i]); i++) {
        kept->memory[i] = mem_resize(kept->memory[i], kept->size[i]);
        memcpy(kept->memory[i], memory, kept->size[i]);
    }
    kept->hash = machine_state_hash(machine);
    kept->icount = machine_icount(machine);
}

static void load(struct machine *machine, const struct kept *kept)
{
    const char *name;
    uint8_t *memory;
    size_t size;
    struct error err;
    for (unsigned i = 0; state_memory(machine->state, i, &name, &memory, &size); i++)
        memcpy(memory, kept->memory[i], size);
    machine_forget_code(machine);
    if (!machine_unpack(machine, kept->state.bytes, kept->state.size, &err))
        fail("not loaded", err.text);
    machine->stop = STOP_NONE;
}

static void drop(struct kept *kept)
{
    serial_free(&kept->state);
    mem_free(kept->memory[0]);
    mem_free(kept->memory[1]);
}

/* What was written to disks goes along; each machine has overlays of its own. */
static void copy_disk(struct disk_backend *from, struct disk_backend *to)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct error err = {""};
    if (!from || from->read_only || from->sector_count > COPIED_SECTORS)
        return;
    for (uint64_t lba = 0; lba < from->sector_count; lba++)
        if (!from->ops->read(from, lba, 1, sector, &err) ||
            !to->ops->write(to, lba, 1, sector, &err))
            fail("disk not copied", err.text);
}

static void copy_disks(struct machine *from, struct machine *to)
{
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
        copy_disk(from->config.floppy[i].disk, to->config.floppy[i].disk);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        copy_disk(from->config.drive[i].disk, to->config.drive[i].disk);
}

/* --- comparing --- */

static void show(void *context, const struct state_difference *difference)
{
    unsigned *shown = context;
    if ((*shown)++ < MAX_SHOWN)
        fprintf(stderr, "  %s.%s at %zx: %02x %02x\n", difference->section,
                difference->path ? difference->path : "", difference->offset,
                difference->bytes[0][0], difference->bytes[1][0]);
}

static void must_be_same(struct machine *a, struct machine *b, const char *what)
{
    unsigned shown = 0;
    char detail[96];
    snprintf(detail, sizeof detail, "states differ at instruction %llu and %llu",
             (unsigned long long)machine_icount(a), (unsigned long long)machine_icount(b));
    if (state_compare(a->state, b->state, show, &shown) || a->stop != b->stop)
        fail(what, detail);
}

static void must_have(struct machine *machine, const struct kept *kept, const char *what)
{
    if (machine_state_hash(machine) != kept->hash || machine_icount(machine) != kept->icount)
        fail(what, "another state than the one that was packed");
}

/* --- the test --- */

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* How long the run is. */
static uint64_t measure(const struct twins *twins, uint64_t limit)
{
    struct run *run = open_run(twins, twins->engine);
    machine_run_to(run_machine_of(run), limit);
    uint64_t length = machine_icount(run_machine_of(run));
    run_close(run);
    return length;
}

struct cast {
    struct run *silent, *packed, *elsewhere;
    struct kept now, before;
};

static void try_moment(struct twins *twins, struct cast *cast, uint64_t moment, uint64_t later)
{
    struct machine *silent = run_machine_of(cast->silent), *packed = run_machine_of(cast->packed);
    struct machine *elsewhere = run_machine_of(cast->elsewhere);
    machine_run_to(packed, moment);
    struct kept spare = cast->before;
    cast->before = cast->now;
    cast->now = spare;
    keep(packed, &cast->now);
    must_have(packed, &cast->now, "packing");

    struct run *fresh = open_run(twins, twins->other);
    load(run_machine_of(fresh), &cast->now);
    copy_disks(packed, run_machine_of(fresh));
    must_have(run_machine_of(fresh), &cast->now, "a new machine");
    if (cast->before.state.size) {
        load(elsewhere, &cast->before);
        must_have(elsewhere, &cast->before, "a machine that goes back");
        if (next_random(twins) & 1)
            machine_run_to(elsewhere, later);
    }
    load(elsewhere, &cast->now);
    copy_disks(packed, elsewhere);
    must_have(elsewhere, &cast->now, "a machine that was elsewhere");

    machine_run_to(run_machine_of(fresh), later);
    machine_run_to(elsewhere, later);
    machine_run_to(packed, later);
    machine_run_to(silent, later);
    must_be_same(silent, packed, "the machine that was packed");
    must_be_same(silent, run_machine_of(fresh), "the new machine, later");
    must_be_same(silent, elsewhere, "the machine that was elsewhere, later");
    run_close(fresh);
}

static enum engine engine_named(const char *name)
{
    return strcmp(name, "jit") == 0 ? ENGINE_JIT : ENGINE_INTERP;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        fail("usage", "pack_twins MOMENTS ENGINE OTHER LIMIT [run option]...");
    unsigned moments = (unsigned)atoi(argv[1]);
    struct twins twins = {argc - 4, argv + 4, engine_named(argv[2]), engine_named(argv[3]), 1};
    uint64_t length = measure(&twins, strtoull(argv[4], NULL, 0)), moment[MAX_MOMENTS];
    if (getenv("PACK_SEED"))
        twins.seed = strtoull(getenv("PACK_SEED"), NULL, 0);
    for (unsigned i = 0; i < moments && i < MAX_MOMENTS; i++)
        moment[i] = next_random(&twins) % length;
    qsort(moment, moments, sizeof moment[0], by_size);
    struct cast cast = {.silent = open_run(&twins, twins.engine),
                        .packed = open_run(&twins, twins.engine),
                        .elsewhere = open_run(&twins, twins.engine)};
    for (unsigned i = 0; i < moments; i++) {
        uint64_t next = i + 1 < moments ? moment[i + 1] : length;
        uint64_t gap = next - moment[i];
        try_moment(&twins, &cast, moment[i], moment[i] + (gap ? 1 + next_random(&twins) % gap : 0));
    }
    printf("%u moments of %llu instructions, %zu bytes each\n", moments, (unsigned long long)length,
           cast.now.state.size);
    drop(&cast.now);
    drop(&cast.before);
    run_close(cast.silent);
    run_close(cast.packed);
    run_close(cast.elsewhere);
    return 0;
}
