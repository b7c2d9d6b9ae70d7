/* Signals: sent to itself, and faults that a handler mends, as garbage collectors do it. */
#include "bench.h"
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };
static volatile uint32_t caught;
static uint8_t *page;

static void on_user(int number)
{
    caught = bench_mix(caught, (uint32_t)number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    if (info->si_addr < (void *)page || info->si_addr >= (void *)(page + PAGE))
        _exit(1);
    caught = bench_mix(caught, (uint32_t)((uint8_t *)info->si_addr - page));
    if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
        _exit(1);
}

int main(int argc, char **argv)
{
    struct sigaction user = {.sa_handler = on_user};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_require(page != MAP_FAILED, "mmap");
    bench_require(!sigaction(SIGUSR1, &user, NULL) && !sigaction(SIGSEGV, &fault, NULL),
                  "sigaction");
    for (unsigned round = bench_work(argc, argv); round; round--) {
        for (int i = 0; i < 10; i++)
            raise(SIGUSR1);
        for (int i = 0; i < 5; i++) {
            mprotect(page, PAGE, PROT_READ);
            ((volatile uint8_t *)page)[(round * 13 + (unsigned)i) % PAGE] = (uint8_t)i;
        }
    }
    return bench_result(caught);
}
