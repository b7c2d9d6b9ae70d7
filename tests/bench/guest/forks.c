/* Processes: fork and wait, with pages written by the child; fork, execute this file, wait. */
#include "bench.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t pages[32][4096];

static uint32_t wait_for(pid_t child)
{
    int status = 0;
    bench_require(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
    return (uint32_t)WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    if (argc > 1 && !strcmp(argv[1], "child"))
        return (int)(bench_work(argc, argv) * 7 & 0x7F);
    memset(pages, 1, sizeof pages);
    for (unsigned round = bench_work(argc, argv); round; round--) {
        pid_t child = fork();
        if (!child) {
            for (int i = 0; i < 32; i++)
                pages[i][i] += (uint8_t)round;
            _exit(pages[3][3] & 0x7F);
        }
        sum = bench_mix(sum, wait_for(child));
        child = fork();
        if (!child) {
            char number[16];
            snprintf(number, sizeof number, "%u", round);
            execl("/proc/self/exe", argv[0], "child", number, (char *)NULL);
            _exit(127);
        }
        sum = bench_mix(sum, wait_for(child));
    }
    return bench_result(sum);
}
