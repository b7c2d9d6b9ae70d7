/* Allocation and pointers: trees built and torn down, a shuffled list, a chained hash table. */
#include "bench.h"
#include <string.h>

enum { LIST = 1 << 16, BUCKETS = 1024 };

struct tree {
    struct tree *left, *right;
    uint32_t value;
};

static struct tree *grow(int depth, uint32_t *seed)
{
    struct tree *tree = malloc(sizeof *tree);
    bench_require(tree != NULL, "malloc");
    *tree = (struct tree){NULL, NULL, bench_random(seed)};
    if (depth) {
        tree->left = grow(depth - 1, seed);
        tree->right = grow(depth - 1, seed);
    }
    return tree;
}

static uint32_t fell(struct tree *tree)
{
    if (!tree)
        return 1;
    uint32_t sum = bench_mix(fell(tree->left) + fell(tree->right), tree->value);
    free(tree);
    return sum;
}

struct node {
    struct node *next;
    uint32_t key, value;
};

static uint32_t walk_list(struct node *nodes, uint32_t steps)
{
    uint32_t sum = 0;
    for (struct node *at = nodes; steps; steps--, at = at->next)
        sum += at->value;
    return sum;
}

/* One cycle through all nodes, in a random order (Sattolo's shuffle). */
static struct node *make_list(void)
{
    struct node *nodes = malloc(LIST * sizeof *nodes);
    uint32_t *order = malloc(LIST * sizeof *order), seed = 7;
    bench_require(nodes && order, "malloc");
    for (uint32_t i = 0; i < LIST; i++)
        order[i] = i;
    for (uint32_t i = LIST - 1; i; i--) {
        uint32_t j = (bench_random(&seed) >> 8) % i, swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (uint32_t i = 0; i < LIST; i++)
        nodes[order[i]] = (struct node){nodes + order[(i + 1) % LIST], i, i * 2654435761u};
    free(order);
    return nodes;
}

static uint32_t count_words(uint32_t seed)
{
    struct node *buckets[BUCKETS] = {NULL};
    uint32_t sum = 0;
    for (int i = 0; i < 4000; i++) {
        uint32_t key = bench_random(&seed) >> 20, place = key * 2654435761u >> 22;
        struct node *at = buckets[place];
        while (at && at->key != key)
            at = at->next;
        if (!at) {
            at = malloc(sizeof *at);
            bench_require(at != NULL, "malloc");
            *at = (struct node){buckets[place], key, 0};
            buckets[place] = at;
        }
        sum = bench_mix(sum, ++at->value);
    }
    for (int i = 0; i < BUCKETS; i++) {
        for (struct node *at = buckets[i], *next; at; at = next) {
            next = at->next;
            free(at);
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct node *list = make_list();
    uint32_t sum = 0, seed = 1;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, fell(grow(10, &seed)));
        sum = bench_mix(sum, walk_list(list + (sum & (LIST - 1)), 30000));
        sum = bench_mix(sum, count_words(sum));
    }
    free(list);
    return bench_result(sum);
}
