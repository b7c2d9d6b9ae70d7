/* Keyboard controller, keyboard, mouse and VMware pointer: a program of port accesses, keys,
 * movements and time. An interrupt must not be asserted for ever while nobody reads, so every input
 * ends with the output buffer read until it is empty. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/i8042.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/vmmouse.h"

enum { BACKDOOR = 0x5658, MAGIC = 0x564D5868, READS_MOST = 4096 };

struct board {
    struct log *log;
    struct bus *bus;
    struct ps2_keyboard *keyboard;
    struct ps2_mouse *mouse;
    struct vmmouse *pointer;
    struct vmmouse_registers registers;
    uint64_t icount;
};

static uint64_t count_instructions(void *opaque)
{
    return ((struct board *)opaque)->icount;
}

static void interrupt(void *opaque) {}

static void set_line(void *receiver, unsigned pin, bool level) {}

static bool get_registers(void *opaque, struct vmmouse_registers *registers)
{
    *registers = ((struct board *)opaque)->registers;
    return true;
}

static void set_registers(void *opaque, const struct vmmouse_registers *registers)
{
    ((struct board *)opaque)->registers = *registers;
}

static void board_build(struct board *board)
{
    struct clock_source source = {count_instructions, interrupt, board};
    struct irq_line line = {set_line, board, 0};
    struct vmmouse_processor processor = {board, get_registers, set_registers};
    board->log = log_new(NULL, LOG_ERROR);
    board->bus = bus_new(board->log);
    clock_set_source(bus_clock(board->bus), &source);
    struct a20_gate *a20 = a20_gate_new(board->bus);
    board->keyboard = ps2_keyboard_new(board->bus);
    board->mouse = ps2_mouse_new(board->bus);
    i8042_new(board->bus, a20, &line, &line, ps2_keyboard_port(board->keyboard),
              ps2_mouse_port(board->mouse));
    board->pointer = vmmouse_new(board->bus, board->mouse, &processor, false);
}

static void pass(struct board *board, uint64_t nanoseconds)
{
    struct clock *clock = bus_clock(board->bus);
    board->icount += nanoseconds / 10;
    clock_expire(clock);
}

static void call_pointer(struct board *board, struct fuzz_input *input)
{
    static const uint32_t commands[] = {0x45414552, 0xF5, 0x53424152, 0x4C455252};
    uint8_t function = fuzz_byte(input), argument = fuzz_byte(input);
    board->registers = (struct vmmouse_registers){
        MAGIC, function == 41 ? commands[argument & 3] : argument, function, BACKDOOR};
    board->registers.eax = bus_port_read(board->bus, BACKDOOR, 4);
}

static void step(struct board *board, struct fuzz_input *input)
{
    uint8_t kind = fuzz_byte(input);
    switch (kind & 7) {
    case 0:
        bus_port_write(board->bus, kind & 8 ? 0x64 : 0x60, fuzz_byte(input), 1);
        break;
    case 1:
        bus_port_read(board->bus, kind & 8 ? 0x64 : 0x60, 1);
        break;
    case 2:
        ps2_keyboard_key(board->keyboard, (uint16_t)fuzz_word(input), kind & 8);
        break;
    case 3:
        vmmouse_move(board->pointer, (int16_t)fuzz_word(input), (int16_t)fuzz_word(input),
                     (int8_t)fuzz_byte(input), fuzz_byte(input));
        break;
    case 4:
        vmmouse_point(board->pointer, fuzz_dword(input), fuzz_word(input), fuzz_word(input),
                      fuzz_word(input), (int8_t)fuzz_byte(input), fuzz_byte(input));
        break;
    case 5:
        call_pointer(board, input);
        break;
    case 6:
        bus_port_write(board->bus, 0x64, 0xD4, 1);
        bus_port_write(board->bus, 0x60, fuzz_byte(input), 1);
        break;
    default:
        pass(board, fuzz_byte(input) * NS_PER_MILLISECOND / 8);
    }
}

static void drain(struct board *board)
{
    unsigned reads = 0;
    for (unsigned idle = 0; idle < 100; idle++) {
        while (bus_port_read(board->bus, 0x64, 1) & 1) {
            bus_port_read(board->bus, 0x60, 1);
            fuzz_check(++reads < READS_MOST);
            idle = 0;
        }
        pass(board, NS_PER_MILLISECOND);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    struct board board = {0};
    board_build(&board);
    while (input.size)
        step(&board, &input);
    /* No key repeats for ever. */
    bus_port_write(board.bus, 0x64, 0x60, 1);
    bus_port_write(board.bus, 0x60, 0x30, 1);
    drain(&board);
    bus_free(board.bus);
    log_free(board.log);
    return 0;
}
