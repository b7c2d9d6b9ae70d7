/* Code that changes. The first argument chooses what is done:
 *   patch    one instruction of a hot loop is changed, again and again
 *   rewrite  a buffer is filled with new code and called, at the same place
 *   data     code that writes data beside itself, in its own page
 *   fresh    much new code, each piece run three times */
#include "bench.h"
#include <string.h>
#include <sys/mman.h>

typedef uint32_t routine(uint32_t);

struct writer {
    uint8_t *at;
};

static void byte(struct writer *code, uint8_t value)
{
    *code->at++ = value;
}

static void word(struct writer *code, uint32_t value)
{
    memcpy(code->at, &value, 4);
    code->at += 4;
}

/* One of the operations EAX op imm32: ADD, OR, ADC, SBB, AND, SUB, XOR, CMP in order. */
static void operate(struct writer *code, unsigned operation, uint32_t value)
{
    byte(code, (uint8_t)(operation << 3 | 5));
    word(code, value);
}

/* mov eax, [esp+4]: the argument. */
static void enter(struct writer *code)
{
    word(code, 0x0424448B);
}

static uint8_t *map_code(size_t size)
{
    void *code =
        mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_require(code != MAP_FAILED, "mmap");
    return code;
}

/* A loop of 100 turns, eax = rol(eax + imm, 5); returns where imm is. */
static uint8_t *write_loop(struct writer *code)
{
    enter(code);
    byte(code, 0xB9); /* mov ecx, 100 */
    word(code, 100);
    uint8_t *top = code->at;
    operate(code, 0, 1);
    byte(code, 0xC1), byte(code, 0xC0), byte(code, 5); /* rol eax, 5 */
    byte(code, 0x49);                                  /* dec ecx */
    byte(code, 0x75);                                  /* jnz top */
    byte(code, (uint8_t)(top - code->at - 1));
    byte(code, 0xC3);
    return top + 1;
}

static uint32_t patch(unsigned rounds)
{
    uint8_t *memory = map_code(4096);
    struct writer code = {memory};
    uint8_t *immediate = write_loop(&code);
    uint32_t sum = 0;
    for (; rounds; rounds--) {
        memcpy(immediate, &rounds, 4);
        sum = ((routine *)memory)(sum);
    }
    return sum;
}

static void write_straight(struct writer *code, unsigned operations, uint32_t *seed)
{
    static const uint8_t harmless[] = {0, 5, 6, 2};
    enter(code);
    for (unsigned i = 0; i < operations; i++) {
        operate(code, harmless[bench_random(seed) >> 30], *seed);
        byte(code, 0xC1), byte(code, 0xC0), byte(code, (uint8_t)(1 + (*seed >> 20 & 15)));
    }
    byte(code, 0xC3);
}

static uint32_t rewrite(unsigned rounds)
{
    uint8_t *memory = map_code(4096);
    uint32_t sum = 0, seed = 1;
    for (; rounds; rounds--) {
        struct writer code = {memory};
        write_straight(&code, 30, &seed);
        for (int i = 0; i < 10; i++)
            sum = ((routine *)memory)(sum);
    }
    return sum;
}

/* A loop of 100 turns that counts in memory: add [counter], eax; the counter lies distance bytes
 * after the code, and is written by the caller as well. */
static uint32_t data_beside(unsigned rounds)
{
    uint8_t *memory = map_code(4096);
    uint32_t sum = 0;
    uint32_t *const counters[] = {(uint32_t *)(memory + 64), (uint32_t *)(memory + 256),
                                  (uint32_t *)(memory + 3000)};
    for (int i = 0; i < 3; i++) {
        struct writer code = {memory + 512 * (i + 1)};
        enter(&code);
        byte(&code, 0xB9);
        word(&code, 100);
        uint8_t *top = code.at;
        byte(&code, 0x01), byte(&code, 0x05); /* add [counter], eax */
        word(&code, (uint32_t)counters[i]);
        byte(&code, 0x03), byte(&code, 0x05); /* add eax, [counter] */
        word(&code, (uint32_t)counters[i]);
        byte(&code, 0x49);
        byte(&code, 0x75), byte(&code, (uint8_t)(top - code.at - 1));
        byte(&code, 0xC3);
    }
    for (; rounds; rounds--) {
        for (int i = 0; i < 3; i++) {
            *counters[i] = sum;
            sum += ((routine *)(memory + 512 * (i + 1)))(rounds);
        }
    }
    return sum;
}

static uint32_t fresh(unsigned rounds)
{
    enum { SIZE = 1 << 16, PIECE = 64 };
    uint32_t sum = 0, seed = 1;
    for (; rounds; rounds--) {
        uint8_t *memory = map_code(SIZE);
        for (uint8_t *at = memory; at < memory + SIZE; at += PIECE) {
            struct writer code = {at};
            write_straight(&code, 6, &seed);
            for (int i = 0; i < 3; i++)
                sum = ((routine *)at)(sum);
        }
        munmap(memory, SIZE);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint32_t (*run)(unsigned);
    } kinds[] = {
        {"patch",   patch      },
        {"rewrite", rewrite    },
        {"data",    data_beside},
        {"fresh",   fresh      },
    };
    for (unsigned i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(argv[1], kinds[i].name))
            return bench_result(kinds[i].run(bench_work(argc, argv)));
    }
    fprintf(stderr, "usage: %s patch|rewrite|data|fresh WORK\n", argv[0]);
    return 2;
}
