/* See jit/stats.h. */
#include "jit/stats.h"

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_count(const char *name, uint64_t count, const char *what, FILE *stream)
{
    fprintf(stream, "%-14s %llu %s\n", name, (unsigned long long)count, what);
}

static void print_exits(const struct jit_stats *stats, FILE *stream)
{
    static const char *const names[EXIT_COUNT] = {
        [EXIT_BOUNDARY] = "to a block that is not translated, or the budget is used up",
        [EXIT_EDGE] = "through an edge that is not linked, or whose target has no budget",
        [EXIT_INTERPRET] = "to the interpreter, for an instruction of x87 or SSE",
        [EXIT_RUN] = "since accesses that are checked together are not in one page",
        [EXIT_DONE] = "because something wants attention",
        [EXIT_FAULT] = "by a fault",
    };
    for (unsigned i = 0; i < EXIT_COUNT; i++)
        if (names[i])
            print_count(i == EXIT_BOUNDARY ? "exits" : "", stats->exits[i], names[i], stream);
}

static void print_code(const struct jit_stats *stats, FILE *stream)
{
    static const char *const names[CODE_KIND_COUNT] = {
        [CODE_ENTRY] = "entries",
        [CODE_OPERATION] = "operations",
        [CODE_ADDRESS] = "addresses and their checks",
        [CODE_EDGE] = "edges",
        [CODE_EXIT] = "cold: edges of branches out of the middle",
        [CODE_EDGE_STUB] = "cold: edges that are not linked",
        [CODE_RUN_STUB] = "cold: runs that failed",
        [CODE_SLOW_STUB] = "cold: other slow paths",
        [CODE_UNIT_STUB] = "cold: loading x87 and SSE",
    };
    for (unsigned i = 0; i < CODE_KIND_COUNT; i++)
        fprintf(stream, "%-14s %5.1f %% %5.2f a guest byte: %s\n", i ? "" : "host bytes",
                share(stats->code_bytes[i], stats->host_bytes),
                stats->guest_bytes ? (double)stats->code_bytes[i] / (double)stats->guest_bytes : 0,
                names[i]);
}

static void print_times(const struct jit_stats *stats, FILE *stream)
{
    if (!stats->ns_inside && !stats->ns_interpreting)
        return;
    fprintf(stream, "time           %.6f s in translated code and what it calls\n",
            (double)stats->ns_inside / 1e9);
    fprintf(stream, "               %.6f s translating\n", (double)stats->ns_translating / 1e9);
    fprintf(stream, "               %.6f s interpreting\n", (double)stats->ns_interpreting / 1e9);
}

void jit_stats_print(const struct jit_stats *stats, uint64_t instructions, uint64_t calls,
                     FILE *stream)
{
    fprintf(stream, "efficiency     %.3f %% of all instructions retired inside translated code\n",
            share(stats->inside, instructions));
    print_count("calls", calls, "of exec functions from it", stream);
    fprintf(stream,
            "translated     %llu blocks, %llu of them superblocks, and %llu variants, "
            "%llu guest bytes to %llu host\n",
            (unsigned long long)stats->translated, (unsigned long long)stats->superblocks,
            (unsigned long long)stats->variants, (unsigned long long)stats->guest_bytes,
            (unsigned long long)stats->host_bytes);
    print_code(stats, stream);
    print_count("removed", stats->removed, "blocks, one by one", stream);
    print_count("restored", stats->restored, "of them, when their instructions were back", stream);
    print_count("reused", stats->reused, "times the room of one that was rewritten", stream);
    print_count("emptied", stats->resets, "times the whole cache", stream);
    print_count("entries", stats->entries, "", stream);
    print_count("links", stats->links, "from edge to block", stream);
    print_exits(stats, stream);
    print_count("interpreted", stats->interpreted,
                "instructions by the translator's choice:", stream);
    print_count("", stats->cold[COLD_BLOCK], "blocks that are cold or cannot be translated",
                stream);
    print_count("", stats->cold[COLD_BUDGET], "blocks in which the budget ends", stream);
    print_count("", stats->cold[COLD_UNITS], "blocks for an instruction of x87 or SSE", stream);
    print_times(stats, stream);
}
