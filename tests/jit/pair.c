#include "tests/jit/pair.h"

#include "mmu/mmu.h"
#include "snapshot/serial.h"

#include <string.h>

static void settle(void *cpu)
{
    cpu_settle(cpu);
}

bool pair_open(struct pair *pair, const char *model, const struct jit_options *options,
               size_t compared, struct error *err)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        struct bare_cpu *bare = pair->bare[i] = bare_cpu_new(model);
        pair->map[i] = state_map_new();
        state_add_struct(pair->map[i], "cpu", cpu_fields, bare->cpu,
                         &(struct state_hooks){.before_walk = settle});
        state_add_memory(pair->map[i], "ram", bare->ram, compared);
    }
    pair->flushes = options->flush;
    pair->jit = jit_new(pair->bare[PAIR_JIT]->cpu, options, err);
    if (!pair->jit)
        pair_close(pair);
    return pair->jit;
}

void pair_close(struct pair *pair)
{
    jit_free(pair->jit);
    for (unsigned i = 0; i < PAIR_SIDES; i++) {
        state_map_free(pair->map[i]);
        bare_cpu_free(pair->bare[i]);
    }
}

void pair_run(struct pair *pair, uint64_t count)
{
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        bare_cpu_run(pair->bare[i], count);
}

/* How an engine looks things up may not show in what is cached. */
static bool tlb_differs(const struct pair *pair)
{
    struct serial packed[PAIR_SIDES] = {{0}};
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        mmu_tlb_codec.pack(pair->bare[i]->cpu->mmu, &packed[i]);
    bool differs = packed[PAIR_INTERP].size != packed[PAIR_JIT].size ||
                   memcmp(packed[PAIR_INTERP].bytes, packed[PAIR_JIT].bytes, packed[PAIR_JIT].size);
    for (unsigned i = 0; i < PAIR_SIDES; i++)
        serial_free(&packed[i]);
    return differs;
}

bool pair_differs(const struct pair *pair, state_visit_difference *visit)
{
    return state_compare(pair->map[PAIR_INTERP], pair->map[PAIR_JIT], visit, NULL) ||
           (!pair->flushes && tlb_differs(pair));
}
