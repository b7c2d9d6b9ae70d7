/* The oracle: random programs of unprivileged instructions, run by this host's processor and by
 * Anachron's, from the same state; everything that they leave behind must be the same.
 *
 *     build/tests/harness/oracle [OPTION...]      --help lists them
 *
 * Case i of a run has the seed --seed + i, and depends on nothing else. A case that differs is made
 * small, if possible to one instruction, and printed with the command that runs it alone.
 *
 * The way of a case: generate.c makes it, with encode.c (bytes), aim.c (operands) and values.c
 * (their contents), while program.c walks through it in the reference interpreter, which knows by
 * differences.c what is undefined. host.c and guest.c run it; compare.c compares; run.c makes what
 * fails small; print.c prints it; coverage.c counts by form (the format of --json is in
 * coverage.h). world.h is the address space that both sides have. */
#include "base/bits.h"
#include "base/memory.h"
#include "tests/harness/oracle/coverage.h"
#include "tests/harness/oracle/generate.h"
#include "tests/harness/oracle/host.h"
#include "tests/harness/oracle/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { EXIT_SKIP = 77, FAILURES_MAX = 1000 };

struct options {
    const struct guest_engine *engine;
    const char *json, *only;
    uint64_t seed, count;
    unsigned show;
};

static const char usage[] =
    "usage: oracle [OPTION...]\n\n"
    "Runs random programs on this host's processor and in Anachron's, and compares.\n\n"
    "  --seed N        the first case (1)\n"
    "  --count N       instructions to execute (1000000); 1 runs one case\n"
    "  --engine E      what executes the guest: interp, jit; or faulty, an interpreter\n"
    "                  that is wrong on purpose\n"
    "  --only NAME     programs with the instruction of that mnemonic\n"
    "  --show N        failing cases to print (5)\n"
    "  --json FILE     counts by instruction form\n"
    "  --differences   what is not compared, and why\n"
    "  --help          this text\n\n"
    "Status: 0 no difference, 1 some, 2 wrong usage, 77 this host cannot be the oracle.\n";

/* Returns the exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"seed",        required_argument, NULL, 's'},
        {"count",       required_argument, NULL, 'c'},
        {"engine",      required_argument, NULL, 'e'},
        {"only",        required_argument, NULL, 'o'},
        {"show",        required_argument, NULL, 'n'},
        {"json",        required_argument, NULL, 'j'},
        {"differences", no_argument,       NULL, 'd'},
        {"help",        no_argument,       NULL, 'h'},
        {NULL,          0,                 NULL, 0  },
    };
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 's':
            options->seed = strtoull(optarg, NULL, 0);
            break;
        case 'c':
            options->count = strtoull(optarg, NULL, 0);
            break;
        case 'e':
            options->engine = guest_engine_find(optarg);
            if (!options->engine) {
                fprintf(stderr, "oracle: no engine %s; see --help\n", optarg);
                return EXIT_STATUS_USAGE;
            }
            break;
        case 'o':
            options->only = optarg;
            break;
        case 'n':
            options->show = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'j':
            options->json = optarg;
            break;
        case 'd':
            differences_print(stdout);
            return EXIT_STATUS_OK;
        case 'h':
            fputs(usage, stdout);
            return EXIT_STATUS_OK;
        default:
            return EXIT_STATUS_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "oracle: unexpected %s; see --help\n", argv[optind]);
    return EXIT_STATUS_USAGE;
}

/* --- a run --- */

static void count_steps(struct coverage *coverage, const struct walk *walk, bool masked)
{
    for (unsigned i = 0; i < walk->count; i++) {
        if (walk->steps[i].row == INSN_ROW_NONE)
            continue;
        struct coverage_row *row = &coverage->rows[walk->steps[i].row];
        row->tested++;
        row->masked += masked && i == walk->count - 1;
    }
    coverage->cases++;
    coverage->instances += walk->count;
    for (unsigned i = 0; i < DIFF_COUNT; i++)
        coverage->differences[i] += walk->tolerance.used >> i & 1;
    coverage->differences[DIFF_UNDEFINED_FLAGS] += walk->tolerance.flags != 0;
}

static void report_failure(struct oracle *oracle, struct coverage *coverage,
                           const struct options *options, uint64_t seed, struct oracle_case *in)
{
    if (coverage->failures++ < options->show) {
        fprintf(stderr,
                "\nDIFFERENCE in case %" PRIu64 "; alone: oracle --engine %s --seed %" PRIu64
                " --count 1%s%s\n",
                seed, options->engine->name, seed, options->only ? " --only " : "",
                options->only ? options->only : "");
        oracle_minimise(oracle, in);
        oracle_print(oracle, in, stderr);
    } else {
        oracle_minimise(oracle, in);
        oracle_check(oracle, in);
    }
    const struct walk *walk = &oracle->walk;
    unsigned row = walk->count ? walk->steps[walk->count - 1].row : INSN_ROW_NONE;
    if (row != INSN_ROW_NONE)
        coverage->rows[row].failed++;
}

/* A line now and then, where a run takes long. */
static void print_progress(const struct coverage *coverage, uint64_t *next)
{
    enum { INTERVAL = 10000000 };
    if (coverage->instances < *next)
        return;
    if (*next)
        printf("%" PRIu64 " instructions, %" PRIu64 " programs differ\n", coverage->instances,
               coverage->failures);
    fflush(stdout);
    *next += INTERVAL;
}

static void run_cases(struct oracle *oracle, const struct options *options,
                      struct coverage *coverage)
{
    struct generator *generator = generator_new(&oracle->walk, options->only);
    struct oracle_case *in = mem_new(sizeof *in);
    uint64_t progress = 0;
    for (uint64_t seed = options->seed;
         coverage->instances < options->count && coverage->failures < FAILURES_MAX; seed++) {
        bool masked;
        if (!generator_make(generator, seed, in)) {
            if (options->count == 1) /* this very seed was asked for */
                break;
            continue;
        }
        unsigned parts = oracle_compare(oracle, in, &masked);
        print_progress(coverage, &progress);
        count_steps(coverage, &oracle->walk, masked);
        /* Once more, now that all data are in place from the beginning. */
        if (parts && oracle_check(oracle, in))
            report_failure(oracle, coverage, options, seed, in);
    }
    mem_free(in);
    generator_free(generator);
}

static void print_summary(const struct coverage *coverage, double seconds)
{
    unsigned tested = 0;
    for (unsigned i = 0; i < insn_row_count(); i++)
        tested += coverage->rows[i].tested != 0;
    printf("%" PRIu64 " instructions in %" PRIu64 " programs, %u of %u forms, against %s: %" PRIu64
           " differ (seed %" PRIu64 ", %.0f s)\n",
           coverage->instances, coverage->cases, tested, insn_row_count(), host_name(),
           coverage->failures, coverage->seed, seconds);
    for (unsigned i = 0; i < insn_row_count(); i++)
        if (coverage->rows[i].failed)
            printf("  FAILED %s %s: %" PRIu64 " of %" PRIu64 "\n", insn_row(i)->mnemonic,
                   insn_row(i)->operands, coverage->rows[i].failed, coverage->rows[i].tested);
    for (unsigned i = 0; i < DIFF_COUNT; i++)
        if (coverage->differences[i])
            printf("  %-16s %" PRIu64 " programs\n", difference_rows[i].name,
                   coverage->differences[i]);
}

static int run_on(struct oracle *oracle, const struct options *options)
{
    struct error err;
    struct coverage coverage;
    coverage_init(&coverage);
    coverage.seed = options->seed;
    time_t start = time(NULL);
    run_cases(oracle, options, &coverage);
    print_summary(&coverage, difftime(time(NULL), start));
    bool written = true;
    if (options->json)
        written = coverage_write(&coverage, options->engine->name, options->json, &err);
    if (!written)
        fprintf(stderr, "oracle: %s\n", err.text);
    bool failed = coverage.failures || !coverage.instances || !written;
    coverage_free(&coverage);
    return failed;
}

static int run(const struct options *options)
{
    struct error err;
    if (!host_open(&err)) {
        fprintf(stderr, "SKIPPED: %s\n", err.text);
        return EXIT_SKIP;
    }
    struct oracle *oracle = mem_new(sizeof *oracle);
    oracle->walk.guest = guest_new(guest_engine_at(0), &err);
    oracle->walk.decoder = decoder_new(guest_cpu(oracle->walk.guest)->model);
    oracle->subject = guest_new(options->engine, &err);
    int status = oracle->subject ? run_on(oracle, options) : EXIT_SKIP;
    if (!oracle->subject)
        fprintf(stderr, "SKIPPED: %s\n", err.text);
    guest_free(oracle->subject);
    decoder_free(oracle->walk.decoder);
    guest_free(oracle->walk.guest);
    mem_free(oracle);
    host_close();
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.engine = guest_engine_at(0), .seed = 1, .count = 1000000, .show = 5};
    int status = parse_options(argc, argv, &options);
    return status >= 0 ? status : run(&options);
}
