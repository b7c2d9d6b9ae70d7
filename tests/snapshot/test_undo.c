/* Undo logs: random writes over several epochs, put back, put forward again, and merged.
 * Run alone: meson test -C build undo */
#include "base/memory.h"
#include "snapshot/undo.h"
#include "tests/harness/random.h"
#include "tests/harness/unit.h"

#include <stdlib.h>
#include <string.h>

enum { SPACES = 2, PIECES = 24, EPOCHS = 12, BYTES = SPACES * PIECES * UNDO_PIECE };

struct world {
    struct undo_pool *pool;
    uint8_t *memory;
    uint8_t *copy[EPOCHS + 1]; /* as it was before each epoch, and at the end */
    struct undo_log log[EPOCHS];
    bool saved[SPACES * PIECES];
    uint64_t random;
};

static uint8_t *piece_at(struct world *w, uint64_t place)
{
    return w->memory + (undo_space(place) * PIECES + undo_index(place)) * UNDO_PIECE;
}

static void write_some(struct world *w, struct undo_log *log)
{
    unsigned piece = random_below(&w->random, SPACES * PIECES);
    uint8_t *bytes = w->memory + (size_t)piece * UNDO_PIECE;
    if (!w->saved[piece])
        undo_add(log, w->pool, undo_place(piece / PIECES, piece % PIECES), bytes);
    w->saved[piece] = true;
    if (one_in(&w->random, 6))
        memset(bytes, 0, UNDO_PIECE);
    else
        bytes[random_below(&w->random, UNDO_PIECE)] = (uint8_t)random_below(&w->random, 256);
}

static int set_up(void **state)
{
    struct world *w = mem_new(sizeof *w);
    w->pool = undo_pool_new();
    w->memory = mem_new(BYTES);
    w->random = 7;
    for (unsigned epoch = 0; epoch <= EPOCHS; epoch++) {
        w->copy[epoch] = mem_new(BYTES);
        memcpy(w->copy[epoch], w->memory, BYTES);
        memset(w->saved, 0, sizeof w->saved);
        for (unsigned i = 0; i < 30 && epoch < EPOCHS; i++)
            write_some(w, &w->log[epoch]);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++)
        undo_clear(&w->log[epoch], w->pool);
    assert_int_equal(undo_pool_used(w->pool), 0);
    for (unsigned epoch = 0; epoch <= EPOCHS; epoch++)
        mem_free(w->copy[epoch]);
    undo_pool_free(w->pool);
    mem_free(w->memory);
    mem_free(w);
    return 0;
}

static void swap(void *context, uint64_t place, uint8_t *bytes)
{
    uint8_t before[UNDO_PIECE], *memory = piece_at(context, place);
    memcpy(before, memory, UNDO_PIECE);
    memcpy(memory, bytes, UNDO_PIECE);
    memcpy(bytes, before, UNDO_PIECE);
}

static void walk(struct world *w, unsigned *at, unsigned to)
{
    while (*at > to)
        undo_exchange(&w->log[--*at], w->pool, swap, w);
    while (*at < to)
        undo_exchange(&w->log[(*at)++], w->pool, swap, w);
    assert_memory_equal(w->memory, w->copy[*at], BYTES);
}

static void leads_back_and_forward(void **state)
{
    struct world *w = *state;
    unsigned at = EPOCHS;
    walk(w, &at, 0);
    walk(w, &at, EPOCHS);
    for (unsigned i = 0; i < 40; i++)
        walk(w, &at, random_below(&w->random, EPOCHS + 1));
}

static void merged_leads_over_both(void **state)
{
    struct world *w = *state;
    uint64_t before = undo_pool_used(w->pool);
    for (unsigned epoch = 1; epoch < EPOCHS; epoch++)
        undo_merge(&w->log[0], &w->log[epoch], w->pool);
    assert_true(undo_pool_used(w->pool) < before);
    assert_true(undo_bytes(&w->log[0]) >= undo_pool_used(w->pool));
    undo_exchange(&w->log[0], w->pool, swap, w);
    assert_memory_equal(w->memory, w->copy[0], BYTES);
    undo_exchange(&w->log[0], w->pool, swap, w);
    assert_memory_equal(w->memory, w->copy[EPOCHS], BYTES);
}

static void zero_pieces_take_no_room(void **state)
{
    struct world *w = *state;
    struct undo_log log = {0};
    static const uint8_t zero[UNDO_PIECE];
    uint64_t before = undo_pool_used(w->pool);
    undo_add(&log, w->pool, undo_place(0, 1), zero);
    assert_int_equal(undo_pool_used(w->pool), before);
    undo_clear(&log, w->pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leads_back_and_forward, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merged_leads_over_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zero_pieces_take_no_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
