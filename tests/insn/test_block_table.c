/* The table of blocks against a plain list: many blocks in few buckets, so that chains are used,
 * come, go and are looked for. Run alone: meson test -C build block_table */
#include "cpu/block_table.h"

#include "base/memory.h"
#include "cpu/block_cache.h"
#include "tests/harness/random.h"
#include "tests/harness/unit.h"

enum { BLOCKS = 200, KEYS = 300, STEPS = 100000 };

static const size_t arena_size = (BLOCKS + 1) * sizeof(struct block);

struct world {
    struct block_table table;
    struct block *blocks; /* [0] is none */
    struct block *at[KEYS];
    uint64_t random;
};

/* Three pages, the first of which is physical 0 in mode 0: a key that is 0 is a key. */
static uint64_t key_of(unsigned number)
{
    return block_key((number % 3 << PAGE_SHIFT) + number / 3, number % 3 ? CODE_32 : 0);
}

static void expect_all(const struct world *w)
{
    for (unsigned i = 0; i < KEYS; i++)
        assert_ptr_equal(block_table_find(&w->table, key_of(i)), w->at[i]);
}

static void add_or_remove(struct world *w, unsigned number, struct block *block)
{
    if (w->at[number]) {
        block_table_remove(&w->table, w->at[number]);
        w->at[number]->key = BLOCK_DEAD;
        w->at[number] = NULL;
    } else if (block->key == BLOCK_DEAD) {
        block->key = key_of(number);
        block_table_add(&w->table, block);
        w->at[number] = block;
    }
}

static void finds_what_is_there(void **state)
{
    struct world w = {.blocks = mem_new(arena_size), .random = 1};
    block_table_open(&w.table, w.blocks);
    for (unsigned i = 0; i <= BLOCKS; i++)
        w.blocks[i].key = BLOCK_DEAD;
    expect_all(&w);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = random_below(&w.random, KEYS);
        add_or_remove(&w, number, &w.blocks[1 + random_below(&w.random, BLOCKS)]);
        assert_ptr_equal(block_table_find(&w.table, key_of(number)), w.at[number]);
        if (i % 1000 == 0)
            expect_all(&w);
    }
    block_table_clear(&w.table);
    memset(w.at, 0, sizeof w.at);
    expect_all(&w);
    block_table_close(&w.table);
    mem_free(w.blocks);
}

/* The first and the last block that an arena has room for. */
static void successors_lead_to_their_blocks(void **state)
{
    uint8_t *arena = mem_map(BLOCK_ARENA_SIZE);
    struct block *first = (struct block *)arena;
    struct block *last = (struct block *)(arena + BLOCK_ARENA_SIZE - BLOCK_ALIGNMENT);
    first->key = BLOCK_DEAD;
    last->key = block_key(0x12345FFF, CODE_32);
    assert_ptr_equal(block_successor_at(first, 0), first);
    assert_ptr_equal(block_successor_at(first, block_as_successor(first, last)), last);
    assert_int_equal(block_as_successor(first, last) & PAGE_MASK, 0xFFF);
    mem_unmap(arena, BLOCK_ARENA_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(successors_lead_to_their_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
