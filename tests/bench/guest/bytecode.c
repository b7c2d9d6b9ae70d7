/* An interpreter, dispatched by a switch and by computed jumps; both run the same byte code. */
#include "bench.h"

enum operation { PUSH, ADD, XOR, MULTIPLY, LOAD, STORE, DUPLICATE, DECREMENT, JUMP_NOT_ZERO, END };

/* Two variables, 0 the counter: repeat v1 = (v1 * 33 ^ v0) + 7, v0 = v0 - 1 until v0 is 0. */
static const uint8_t program[] = {
    LOAD,  1, PUSH, 33, MULTIPLY,  LOAD,      0,     XOR, PUSH,          7, ADD,
    STORE, 1, LOAD, 0,  DECREMENT, DUPLICATE, STORE, 0,   JUMP_NOT_ZERO, 0, END};

static uint32_t run_switch(uint32_t count)
{
    uint32_t stack[8], *top = stack, variables[2] = {count, 1};
    for (const uint8_t *at = program;;) {
        switch (*at++) {
        case PUSH:
            *top++ = *at++;
            break;
        case ADD:
            top--, top[-1] += *top;
            break;
        case XOR:
            top--, top[-1] ^= *top;
            break;
        case MULTIPLY:
            top--, top[-1] *= *top;
            break;
        case LOAD:
            *top++ = variables[*at++];
            break;
        case STORE:
            variables[*at++] = *--top;
            break;
        case DUPLICATE:
            *top = top[-1], top++;
            break;
        case DECREMENT:
            top[-1]--;
            break;
        case JUMP_NOT_ZERO:
            at = *--top ? program + *at : at + 1;
            break;
        case END:
            return variables[1];
        }
    }
}

static uint32_t run_computed(uint32_t count)
{
    static const void *const labels[] = {&&push,  &&add,       &&xor,       &&multiply,      &&load,
                                         &&store, &&duplicate, &&decrement, &&jump_not_zero, &&end};
    uint32_t stack[8], *top = stack, variables[2] = {count, 1};
    const uint8_t *at = program;
#define NEXT goto *labels[*at++]
    NEXT;
push:
    *top++ = *at++;
    NEXT;
add:
    top--, top[-1] += *top;
    NEXT;
    xor : top--, top[-1] ^= *top;
    NEXT;
multiply:
    top--, top[-1] *= *top;
    NEXT;
load:
    *top++ = variables[*at++];
    NEXT;
store:
    variables[*at++] = *--top;
    NEXT;
duplicate:
    *top = top[-1], top++;
    NEXT;
decrement:
    top[-1]--;
    NEXT;
jump_not_zero:
    at = *--top ? program + *at : at + 1;
    NEXT;
end:
    return variables[1];
#undef NEXT
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, run_switch(1000 + round % 7));
        sum = bench_mix(sum, run_computed(1000 + round % 7));
    }
    return bench_result(sum);
}
