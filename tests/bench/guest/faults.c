/* Memory mappings and page faults: fresh pages, a mapped file, pages made writable on demand. */
#include "bench.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 128 };

static uint8_t *map(int protection, int flags, int fd)
{
    uint8_t *memory = mmap(NULL, PAGES * PAGE, protection, flags, fd, 0);
    bench_require(memory != MAP_FAILED, "mmap");
    return memory;
}

int main(int argc, char **argv)
{
    const char *name = "/tmp/faults";
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    uint32_t sum = 0;
    bench_require(fd >= 0 && !ftruncate(fd, PAGES * PAGE), name);
    for (unsigned round = bench_work(argc, argv); round; round--) {
        uint8_t *fresh = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        uint8_t *file = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
        uint8_t *private = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
        for (int i = 0; i < PAGES; i++) {
            fresh[i * PAGE + i] += (uint8_t)round;
            file[i * PAGE] += fresh[i * PAGE + i];
        }
        for (int i = 0; i < PAGES; i += 3)
        private[i * PAGE] ^= 0x55;
        for (int i = 0; i < PAGES; i++)
            sum = bench_mix(sum, private[i * PAGE] + file[i * PAGE] * 256u);
        bench_require(!mprotect(fresh, PAGES * PAGE, PROT_READ), "mprotect");
        sum = bench_mix(sum, fresh[5 * PAGE + 5]);
        bench_require(!mprotect(fresh, PAGES * PAGE, PROT_READ | PROT_WRITE), "mprotect");
        fresh[7 * PAGE] = 1;
        munmap(fresh, PAGES * PAGE);
        munmap(file, PAGES * PAGE);
        munmap(private, PAGES * PAGE);
    }
    unlink(name);
    return bench_result(sum);
}
