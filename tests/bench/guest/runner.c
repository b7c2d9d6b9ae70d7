/* Runs the workloads of a list, one after another, and tells the world by lines on its standard
 * output (the serial port in a guest) when each begins and ends:
 *
 *     @begin NAME
 *     @end NAME RESULT STATUS MICROSECONDS
 *     @done
 *
 * RESULT is a hash of what the program printed, STATUS its exit status, MICROSECONDS the processor
 * time that it and its children used by this system's own clock (of use only where that clock is
 * the host's). A line of the list is NAME COMMAND...; {N} in it stands for N work, times the scale.
 *
 *     runner LIST SCALE-IN-PERCENT [NAME,NAME...] */
#include "bench.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LINE = 512, WORDS = 32 };

static void tell(const char *line)
{
    bench_require(write(1, line, strlen(line)) == (ssize_t)strlen(line), "standard output");
    tcdrain(1); /* until the last byte is out; nothing to do where it is not a terminal */
}

static int is_chosen(const char *name, const char *names)
{
    size_t size = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += size) {
        if ((at == names || at[-1] == ',') && (!at[size] || at[size] == ','))
            return 1;
    }
    return !*names;
}

/* Replaces each word {N} by its share of the scale; returns the number of words. */
static int split(char *line, unsigned scale, char **words)
{
    static char numbers[WORDS][24];
    int count = 0;
    for (char *word = strtok(line, " \n"); word && count < WORDS - 1; word = strtok(NULL, " \n")) {
        if (*word == '{') {
            unsigned long long work = strtoull(word + 1, NULL, 10) * scale / 100;
            snprintf(numbers[count], sizeof numbers[count], "%llu", work ? work : 1);
            word = numbers[count];
        }
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

static uint64_t hash_output(int fd)
{
    static uint8_t bytes[65536];
    uint64_t hash = 14695981039346656037ull;
    for (ssize_t size; (size = read(fd, bytes, sizeof bytes)) > 0;) {
        for (ssize_t i = 0; i < size; i++)
            hash = (hash ^ bytes[i]) * 1099511628211ull;
    }
    return hash;
}

static uint64_t children_microseconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void run(char **words)
{
    char line[LINE];
    int output[2], status = 0;
    bench_require(!pipe(output), "pipe");
    snprintf(line, sizeof line, "@begin %s\n", words[0]);
    tell(line);
    uint64_t before = children_microseconds();
    pid_t child = fork();
    if (!child) {
        dup2(output[1], 1);
        dup2(open("/dev/null", O_RDONLY), 0);
        close(output[0]);
        close(output[1]);
        execv(words[1], words + 1);
        perror(words[1]);
        _exit(127);
    }
    close(output[1]);
    uint64_t hash = hash_output(output[0]);
    close(output[0]);
    bench_require(waitpid(child, &status, 0) == child, "waitpid");
    snprintf(line, sizeof line, "@end %s %016llx %d %llu\n", words[0], (unsigned long long)hash,
             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
             (unsigned long long)(children_microseconds() - before));
    tell(line);
}

int main(int argc, char **argv)
{
    char line[LINE], *words[WORDS];
    if (argc < 3) {
        fprintf(stderr, "usage: runner LIST SCALE-IN-PERCENT [NAME,NAME...]\n");
        return 2;
    }
    FILE *list = fopen(argv[1], "r");
    bench_require(list != NULL, argv[1]);
    while (fgets(line, sizeof line, list)) {
        if (split(line, (unsigned)strtoul(argv[2], NULL, 10), words) >= 2 &&
            is_chosen(words[0], argc > 3 ? argv[3] : ""))
            run(words);
    }
    fclose(list);
    tell("@done\n");
    return 0;
}
