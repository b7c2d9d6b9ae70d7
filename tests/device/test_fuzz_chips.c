/* Interrupt controllers, timers, clock, DMA, serial and printer ports, fw_cfg and the small ports
 * under random accesses, input, time and resets: nothing that a guest does may break the emulator.
 * Worth most in a build with sanitizers.
 * Run alone: build/tests/device/test_fuzz_chips [ROUNDS [SEED]] */
#include "tests/device/rig.h"

#include "base/memory.h"
#include "devices/debug_console.h"
#include "devices/debug_exit.h"
#include "devices/ferr.h"
#include "devices/fw_cfg.h"
#include "devices/i8237.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "devices/mc146818.h"
#include "devices/parallel.h"
#include "devices/port61.h"
#include "devices/uart16550.h"

#include <stdlib.h>
#include <string.h>

enum { INTR = 0, NMI, INIT, SMI, DACK };

struct board {
    struct rig *rig;
    struct i8259 *pic;
    struct i8237 *dma;
    struct local_apic *local_apic;
    struct io_apic *io_apic;
    struct uart16550 *uart;
    struct ferr *ferr;
    struct port61 *port61;
    uint64_t seed;
    unsigned interrupts;
};

static unsigned rounds = 300000;
static uint64_t first_seed = 1;

static uint32_t next(struct board *board)
{
    board->seed = board->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(board->seed >> 32);
}

static uint8_t acknowledge_pic(void *pic)
{
    return i8259_acknowledge(pic);
}

static void make_board(struct board *board, struct rig *rig)
{
    struct bus *bus = rig->bus;
    struct local_apic_wires wires = {rig_wire(rig, INTR), rig_wire(rig, NMI), rig_wire(rig, INIT),
                                     rig_wire(rig, SMI)};
    board->local_apic = local_apic_new(bus, &wires, true);
    board->io_apic = io_apic_new(bus, board->local_apic);
    struct irq_line lint0 = local_apic_lint(board->local_apic, 0);
    struct irq_line lint1 = local_apic_lint(board->local_apic, 1);
    board->pic = i8259_new(bus, &lint0);
    local_apic_connect_extint(board->local_apic, acknowledge_pic, board->pic);
    struct irq_line irq0 = i8259_irq(board->pic, 0), irq4 = i8259_irq(board->pic, 4);
    struct irq_line irq7 = i8259_irq(board->pic, 7), irq8 = i8259_irq(board->pic, 8);
    struct irq_line irq13 = i8259_irq(board->pic, 13);
    struct i8254 *pit = i8254_new(bus, &irq0);
    board->port61 = port61_new(bus, pit, &lint1);
    struct mc146818 *rtc = mc146818_new(bus, &irq8, 1234567890);
    struct irq_line mask = port61_nmi_mask(board->port61);
    mc146818_connect_nmi_mask(rtc, &mask);
    board->dma = i8237_new(bus);
    for (unsigned channel = 0; channel < 8; channel++) {
        struct irq_line dack = rig_wire(rig, DACK + channel);
        i8237_connect(board->dma, channel, &dack);
    }
    board->uart = uart16550_new(bus, 0x3F8, &irq4, NULL);
    parallel_new(bus, 0x378, &irq7, NULL);
    board->ferr = ferr_new(bus, &irq13);
    debug_console_new(bus, NULL);
    debug_exit_new(bus);
    struct fw_cfg *fw_cfg = fw_cfg_new(bus);
    assert_true(fw_cfg_add_file(fw_cfg, "etc/fuzz", "0123456789", 10, NULL));
    rig_reset(rig, RESET_POWER_ON);
}

static uint16_t some_port(struct board *board)
{
    static const struct {
        uint16_t first, count;
    } homes[] = {
        {0x00,  0x20},
        {0x20,  2   },
        {0xA0,  2   },
        {0x40,  4   },
        {0x60,  8   },
        {0x70,  4   },
        {0x80,  0x20},
        {0xC0,  0x20},
        {0xE0,  16  },
        {0xF0,  16  },
        {0x378, 4   },
        {0x3F8, 8   },
        {0x4D0, 2   },
        {0x510, 12  },
        {0x500, 4   }
    };
    if (next(board) % 16 == 0)
        return (uint16_t)next(board);
    unsigned home = next(board) % (sizeof homes / sizeof *homes);
    return (uint16_t)(homes[home].first + next(board) % homes[home].count);
}

static uint32_t some_register(struct board *board)
{
    if (next(board) % 3 == 0)
        return 0xFEC00000 + (next(board) % 2 ? 0x10 : 0);
    return 0xFEE00000 + (next(board) % 0x40) * 16 + (next(board) % 8 == 0 ? next(board) % 16 : 0);
}

static void access_register(struct board *board)
{
    struct bus *bus = board->rig->bus;
    uint32_t address = some_register(board) & ~3u;
    const struct address_range *range = bus_find_range(bus, address);
    uint32_t value = next(board) % 2 ? next(board) : next(board) % 64;
    /* A timer that expires with every instruction is legal, and takes for ever here. */
    if ((address & 0xFFF) == 0x380)
        value |= 0x10000;
    if (!range || range->kind != RANGE_IO)
        return;
    if (next(board) % 2)
        bus_range_write(bus, range, address, value, 4);
    else
        bus_range_read(bus, range, address, 1u << next(board) % 3);
}

static void access_port(struct board *board)
{
    struct bus *bus = board->rig->bus;
    uint16_t port = some_port(board);
    unsigned size = 1u << (next(board) % 8 == 0 ? next(board) % 3 : 0);
    if (next(board) % 2)
        bus_port_write(bus, port, next(board), size);
    else
        bus_port_read(bus, port, size);
}

static void move_data(struct board *board)
{
    uint8_t bytes[64] = {0};
    unsigned channel = next(board) % 8;
    size_t size = next(board) % sizeof bytes;
    bool terminal;
    i8237_set_request(board->dma, channel, next(board) % 2);
    if (next(board) % 2)
        size = i8237_device_to_memory(board->dma, channel, bytes, size, &terminal);
    else
        size = i8237_memory_to_device(board->dma, channel, bytes, size, &terminal);
    assert_true(size <= sizeof bytes);
}

static void pull_a_wire(struct board *board)
{
    struct irq_line line = {0};
    switch (next(board) % 4) {
    case 0:
        line = i8259_irq(board->pic, next(board) % 16);
        break;
    case 1:
        line = io_apic_irq(board->io_apic, next(board) % IO_APIC_PINS);
        break;
    case 2:
        line = port61_serr(board->port61);
        break;
    default:
        ferr_set(board->ferr, next(board) % 2);
        break;
    }
    irq_set(&line, next(board) % 2);
}

static void feed(struct board *board)
{
    uint8_t bytes[32] = {0};
    if (next(board) % 4 == 0)
        uart16550_receive_error(board->uart, (uint8_t)next(board), (uint8_t)next(board));
    else
        uart16550_receive(board->uart, bytes, next(board) % sizeof bytes);
    uart16550_set_modem(board->uart, (uint8_t)next(board));
}

static void one_step(struct board *board)
{
    switch (next(board) % 64) {
    case 0:
        feed(board);
        break;
    case 1:
        pull_a_wire(board);
        break;
    case 2:
    case 3:
        move_data(board);
        break;
    case 4:
        rig_pass(board->rig, next(board) % 20000);
        break;
    case 5:
        if (next(board) % 64 == 0)
            rig_reset(board->rig, next(board) % 2 ? RESET_HARD : RESET_POWER_ON);
        break;
    case 6:
        if (next(board) % 64 == 0)
            local_apic_set_base(board->local_apic, 0xFEE00000u | (next(board) & 0x800));
        break;
    default:
        if (next(board) % 4 == 0)
            access_register(board);
        else
            access_port(board);
        break;
    }
    /* The processor takes what is announced, and sometimes when nothing is. */
    if (board->rig->wire[INTR].level || next(board) % 256 == 0) {
        local_apic_acknowledge(board->local_apic);
        board->interrupts++;
    }
}

static void random_guests_break_nothing(void **state)
{
    struct board board = {.seed = first_seed};
    board.rig = rig_new();
    make_board(&board, board.rig);
    for (unsigned i = 0; i < rounds; i++)
        one_step(&board);
    assert_true(board.interrupts > rounds / 1000);
    rig_free(board.rig);
}

/* --- a board that is saved and loaded again and again runs like one that is not --- */

struct saved {
    uint8_t *bytes;
    size_t size, position;
};

static void save_field(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    struct saved *saved = context;
    size_t size = (size_t)element_size * count;
    saved->bytes = mem_resize(saved->bytes, saved->size + size);
    memcpy(saved->bytes + saved->size, bytes, size);
    saved->size += size;
}

static void load_field(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    struct saved *saved = context;
    size_t size = (size_t)element_size * count;
    assert_true(saved->position + size <= saved->size);
    memcpy(bytes, saved->bytes + saved->position, size);
    saved->position += size;
}

static struct saved save(struct rig *rig)
{
    struct saved saved = {0};
    for (unsigned i = 0; i < bus_device_count(rig->bus); i++) {
        void *device;
        const struct device_class *class = bus_device_at(rig->bus, i, &device);
        if (class->before_save)
            class->before_save(device);
        field_walk(class->fields, device, save_field, &saved);
    }
    field_walk(clock_fields, bus_clock(rig->bus), save_field, &saved);
    return saved;
}

static void load(struct rig *rig, struct saved *saved)
{
    for (unsigned i = 0; i < bus_device_count(rig->bus); i++) {
        void *device;
        const struct device_class *class = bus_device_at(rig->bus, i, &device);
        field_walk(class->fields, device, load_field, saved);
        if (class->after_load)
            class->after_load(device);
    }
    field_walk(clock_fields, bus_clock(rig->bus), load_field, saved);
    assert_int_equal(saved->position, saved->size);
}

/* Moves the state into a new board. */
static void move_house(struct board *board)
{
    struct rig *old = board->rig, *new = rig_new();
    struct saved saved = save(old);
    make_board(board, new);
    load(new, &saved);
    new->icount = old->icount;
    memcpy(new->memory, old->memory, RIG_MEMORY);
    memcpy(new->wire, old->wire, sizeof new->wire);
    rig_free(old);
    mem_free(saved.bytes);
    board->rig = new;
}

static void saved_and_loaded_boards_run_alike(void **state)
{
    enum { STEPS = 20000, STEPS_PER_HOUSE = 200 };
    struct board still = {.seed = first_seed}, mover = {.seed = first_seed};
    still.rig = rig_new();
    mover.rig = rig_new();
    make_board(&still, still.rig);
    make_board(&mover, mover.rig);
    for (unsigned i = 1; i <= STEPS; i++) {
        one_step(&still);
        one_step(&mover);
        if (i % STEPS_PER_HOUSE == 0) {
            struct saved unused = save(still.rig); /* counters are brought up to date in both */
            mem_free(unused.bytes);
            move_house(&mover);
        }
    }
    struct saved a = save(still.rig), b = save(mover.rig);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    assert_memory_equal(still.rig->memory, mover.rig->memory, RIG_MEMORY);
    assert_int_equal(still.interrupts, mover.interrupts);
    mem_free(a.bytes);
    mem_free(b.bytes);
    rig_free(still.rig);
    rig_free(mover.rig);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = (unsigned)strtoul(argv[1], NULL, 0);
    if (argc > 2)
        first_seed = strtoull(argv[2], NULL, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_guests_break_nothing),
        cmocka_unit_test(saved_and_loaded_boards_run_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
