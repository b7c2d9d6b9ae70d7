/* System calls that do little: by INT 80h, and by the C library's way. */
#include "bench.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int by_interrupt(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

int main(int argc, char **argv)
{
    char bytes[64] = {1};
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    uint32_t sum = 0;
    bench_require(zero >= 0 && null >= 0, "/dev");
    for (unsigned round = bench_work(argc, argv); round; round--) {
        for (int i = 0; i < 100; i++) {
            sum += getppid() > 0;
            sum += (uint32_t)by_interrupt(SYS_lseek, zero, i, SEEK_SET) < 0xFFFFF000u;
            sum = bench_mix(sum, (uint32_t)read(zero, bytes, (size_t)(1 + (i & 63))));
            sum = bench_mix(sum, (uint32_t)by_interrupt(SYS_write, null, (int)bytes, 1 + (i & 31)));
            sum = bench_mix(sum, (uint32_t)write(null, bytes, sizeof bytes) + (uint32_t)bytes[0]);
        }
    }
    return bench_result(sum);
}
