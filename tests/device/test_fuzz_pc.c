/* PCI, chipset, power management, 8042, keyboard, mouse and VGA under random accesses, keys,
 * movements and resets: nothing that a guest or a person does may break the emulator. Worth most in
 * a build with sanitizers.
 * Run alone: build/tests/device/test_fuzz_pc [ROUNDS [SEED]] */
#include "tests/device/rig.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/piix3.h"
#include "devices/piix4_pm.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/vga.h"

#include <stdlib.h>

enum { RAM_SIZE = 2 << 20, ROM_SIZE = 64 << 10 };

struct board {
    struct rig *rig;
    uint8_t *ram, *rom;
    struct ps2_keyboard *keyboard;
    struct ps2_mouse *mouse;
    struct piix4_pm *pm;
    struct vga *vga;
    struct frame frame;
    struct screen_text text;
    uint64_t seed;
};

static unsigned rounds = 1000000;
static uint64_t first_seed = 1;

static uint32_t next(struct board *board)
{
    board->seed = board->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(board->seed >> 32);
}

static struct board *board_new(void)
{
    struct board *board = mem_new(sizeof(*board));
    struct rig *rig = board->rig = rig_new_empty();
    board->seed = first_seed;
    board->ram = mem_new(RAM_SIZE);
    board->rom = mem_new(ROM_SIZE);
    struct address_range ram = {
        .last = RAM_SIZE - 1, .kind = RANGE_MEMORY, .enabled = true, .memory = board->ram};
    bus_add_range(rig->bus, &ram);
    struct pci *pci = pci_new(rig->bus);
    struct a20_gate *a20 = a20_gate_new(rig->bus);
    struct i440fx_config config = {.ram = board->ram, .ram_size = RAM_SIZE};
    i440fx_new(rig->bus, pci, &config);
    struct irq_line irqs[PIIX3_ISA_IRQ_COUNT];
    for (unsigned i = 0; i < PIIX3_ISA_IRQ_COUNT; i++)
        irqs[i] = rig_wire(rig, i);
    struct irq_line sci = piix3_sci_line(piix3_new(rig->bus, pci, a20, irqs));
    board->pm = piix4_pm_new(rig->bus, pci, &sci);
    board->vga = vga_new(rig->bus, pci, board->rom, ROM_SIZE);
    board->keyboard = ps2_keyboard_new(rig->bus);
    board->mouse = ps2_mouse_new(rig->bus);
    i8042_new(rig->bus, a20, &irqs[1], &irqs[12], ps2_keyboard_port(board->keyboard),
              ps2_mouse_port(board->mouse));
    return board;
}

static void board_free(struct board *board)
{
    rig_free(board->rig);
    mem_free(board->ram);
    mem_free(board->rom);
    frame_free(&board->frame);
    mem_free(board);
}

/* Where chips are at home, most of the time. */
static uint16_t some_port(struct board *board)
{
    static const uint16_t ports[] = {0x60,  0x64,  0x92,  0xB2,  0xB3,  0x1CE, 0x1CF, 0x3B4, 0x3B5,
                                     0x3BA, 0x3C0, 0x3C2, 0x3C4, 0x3C5, 0x3C9, 0x3CE, 0x3CF, 0x3D4,
                                     0x3D5, 0x3DA, 0xCF8, 0xCF9, 0xCFC, 0xCFD, 0xCFE, 0xAFE0};
    uint32_t choice = next(board);
    if (choice % 16 == 0)
        return (uint16_t)(choice >> 16);
    if (choice % 16 == 1)
        return (uint16_t)(0xB000 + (choice >> 16 & 0x3F));
    return ports[(choice >> 16) % (sizeof(ports) / sizeof(ports[0]))];
}

static void access_port(struct board *board)
{
    uint16_t port = some_port(board);
    unsigned size = 1u << next(board) % 3;
    if (next(board) & 1)
        bus_port_write(board->rig->bus, port, next(board), size);
    else
        bus_port_read(board->rig->bus, port, size);
}

/* Configuration space of the functions there are, with base addresses that are plausible. */
static void access_configuration(struct board *board)
{
    static const uint16_t functions[] = {0x00 << 3, 0x01 << 3, 0x01 << 3 | 3, 0x02 << 3};
    uint32_t function = functions[next(board) % 4];
    uint32_t offset = next(board) & 0xFC;
    uint32_t value = next(board);
    if (next(board) & 1)
        value = (value & 1 ? 0xE0000000 : 0xB000) | (value & 0xFF);
    bus_port_write(board->rig->bus, 0xCF8, 0x80000000 | function << 8 | offset, 4);
    bus_port_write(board->rig->bus, 0xCFC, value, 4);
}

static void access_memory(struct board *board)
{
    uint32_t bases[] = {0xA0000, 0xB8000, 0xC0000, 0xF0000, 0xE0000000, next(board)};
    uint32_t address = bases[next(board) % 6] + (next(board) & 0x1FFFF);
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    if (next(board) & 1)
        bus_write_memory(board->rig->bus, address, bytes, 1 + next(board) % 8);
    else
        bus_read_memory(board->rig->bus, address, bytes, 1 + next(board) % 8);
}

static void act_as_person(struct board *board)
{
    uint32_t what = next(board);
    if (what % 4 == 0)
        ps2_mouse_move(board->mouse, (int)next(board), (int)next(board), (int)next(board),
                       next(board));
    else if (what % 64 == 1)
        piix4_pm_power_button(board->pm);
    else
        ps2_keyboard_key(board->keyboard, (what >> 8 & 0x7F) | (what & 0x80 ? 0xE000 : 0),
                         what >> 16 & 1);
}

static void anything_goes(void **state)
{
    struct board *board = board_new();
    for (unsigned round = 0; round < rounds; round++) {
        uint32_t what = next(board) % 64;
        if (what < 40)
            access_port(board);
        else if (what < 44)
            access_configuration(board);
        else if (what < 56)
            access_memory(board);
        else if (what < 60)
            act_as_person(board);
        else
            rig_pass(board->rig, next(board) % (20 * NS_PER_MILLISECOND));
        if (round % 4096 == 0) {
            vga_render(board->vga, &board->frame);
            vga_text(board->vga, &board->text);
        }
        if (next(board) % 50000 == 0)
            bus_reset_devices(board->rig->bus, RESET_HARD);
    }
    board_free(board);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(anything_goes)};
    if (argc > 1)
        rounds = (unsigned)strtoul(argv[1], NULL, 0);
    if (argc > 2)
        first_seed = strtoull(argv[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
