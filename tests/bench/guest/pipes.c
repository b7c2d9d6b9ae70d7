/* Pipes between two processes: single bytes to and fro, and a stream in pieces of 4 KiB. */
#include "bench.h"
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 4096 };

static void get(int fd, void *bytes, size_t size)
{
    for (char *at = bytes; size;) {
        ssize_t part = read(fd, at, size);
        if (part <= 0)
            _exit(1);
        at += part;
        size -= (size_t)part;
    }
}

static void put(int fd, const void *bytes, size_t size)
{
    if (write(fd, bytes, size) != (ssize_t)size)
        _exit(1);
}

static void answer(int in, int out, unsigned rounds)
{
    static uint8_t piece[PIECE];
    for (; rounds; rounds--) {
        for (int i = 0; i < 50; i++) {
            uint8_t byte;
            get(in, &byte, 1);
            byte = (uint8_t)(byte * 5 + 1);
            put(out, &byte, 1);
        }
        for (int i = 0; i < 10; i++) {
            get(in, piece, PIECE);
            put(out, &piece[i * 100], 1);
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    static uint8_t piece[PIECE];
    unsigned rounds = bench_work(argc, argv);
    int there[2], back[2];
    uint32_t sum = 0;
    bench_require(!pipe(there) && !pipe(back), "pipe");
    pid_t child = fork();
    if (!child)
        answer(there[0], back[1], rounds);
    for (unsigned round = rounds; round; round--) {
        uint8_t byte = (uint8_t)round;
        for (int i = 0; i < 50; i++) {
            put(there[1], &byte, 1);
            get(back[0], &byte, 1);
        }
        sum = bench_mix(sum, byte);
        for (int i = 0; i < 10; i++) {
            piece[i * 100] = (uint8_t)(round + (unsigned)i);
            put(there[1], piece, PIECE);
            get(back[0], &byte, 1);
            sum = bench_mix(sum, byte);
        }
    }
    bench_require(waitpid(child, NULL, 0) == child, "waitpid");
    return bench_result(sum);
}
