/* The VGA's registers, memory windows and pictures: a program of port and memory accesses, time and
 * drawing. Besides not crashing, a frame that was brought up to date again and again must be what a
 * new frame is, and differ from what it was only inside the bands that it reports. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/vga.h"

#include <string.h>

enum { ROM_SIZE = 4096, MAX_DRAWINGS = 40 };

struct board {
    struct log *log;
    struct bus *bus;
    struct vga *vga;
    uint64_t icount;
    uint8_t rom[ROM_SIZE];
    struct frame frame;
    struct screen_text text;
    uint32_t *before;
    unsigned drawings;
};

static uint64_t count_instructions(void *opaque)
{
    return ((struct board *)opaque)->icount;
}

static void interrupt(void *opaque) {}

static void board_build(struct board *board)
{
    struct clock_source source = {count_instructions, interrupt, board};
    board->log = log_new(NULL, LOG_ERROR);
    board->bus = bus_new(board->log);
    clock_set_source(bus_clock(board->bus), &source);
    board->vga = vga_new(board->bus, pci_new(board->bus), board->rom, ROM_SIZE);
}

static void board_destroy(struct board *board)
{
    bus_free(board->bus);
    log_free(board->log);
    frame_free(&board->frame);
    mem_free(board->before);
}

static bool in_a_band(const struct frame *frame, unsigned x, unsigned y)
{
    for (unsigned i = 0; i < frame->band_count; i++) {
        const struct frame_rectangle *band = &frame->band[i];
        if (x >= band->x && x - band->x < band->width && y >= band->y && y - band->y < band->height)
            return true;
    }
    return false;
}

static void check_bands(const struct board *board)
{
    const struct frame *frame = &board->frame;
    for (unsigned y = 0; y < frame->height; y++) {
        size_t line = (size_t)y * frame->width;
        if (memcmp(board->before + line, frame->pixels + line, frame->width * 4u) == 0)
            continue;
        for (unsigned x = 0; x < frame->width; x++)
            fuzz_check(board->before[line + x] == frame->pixels[line + x] ||
                       in_a_band(frame, x, y));
    }
}

static void draw(struct board *board)
{
    struct frame *frame = &board->frame;
    struct frame fresh = {0};
    /* Large pictures take their time. */
    if (board->drawings++ == MAX_DRAWINGS)
        return;
    size_t bytes = (size_t)frame->width * frame->height * sizeof(*frame->pixels);
    board->before = mem_resize(board->before, bytes + 1);
    if (bytes)
        memcpy(board->before, frame->pixels, bytes);
    vga_render(board->vga, frame);
    if (!frame->resized)
        check_bands(board);
    vga_render(board->vga, &fresh);
    fuzz_check(fresh.width == frame->width && fresh.height == frame->height);
    fuzz_check(fresh.aspect_x == frame->aspect_x && fresh.aspect_y == frame->aspect_y);
    fuzz_check(fresh.border_color == frame->border_color);
    fuzz_check(frame_hash(&fresh) == frame_hash(frame));
    frame_free(&fresh);
}

static void access_port(struct board *board, struct fuzz_input *input, bool write)
{
    static const uint16_t ports[16] = {0x3C0, 0x3C1, 0x3C2, 0x3C3, 0x3C4, 0x3C5, 0x3C6, 0x3C8,
                                       0x3C9, 0x3CE, 0x3CF, 0x3D4, 0x3D5, 0x3DA, 0x3B4, 0x3BA};
    uint8_t choice = fuzz_byte(input);
    if (write)
        bus_port_write(board->bus, ports[choice & 15], fuzz_word(input), 1 + (choice >> 7));
    else
        bus_port_read(board->bus, ports[choice & 15], 1 + (choice >> 7));
}

static void set_dispi(struct board *board, struct fuzz_input *input)
{
    uint8_t index = fuzz_byte(input) & 15;
    uint32_t value = fuzz_word(input);
    /* Large pictures are not the point, and slow. */
    if ((index == 1 || index == 2) && !(value & 0x8000))
        value &= 0x1FF;
    bus_port_write(board->bus, 0x1CE, index, 2);
    bus_port_write(board->bus, 0x1CF, value, 2);
    bus_port_read(board->bus, 0x1CF, 2);
}

static void access_memory(struct board *board, struct fuzz_input *input, bool write)
{
    uint32_t address = fuzz_dword(input);
    uint8_t bytes[64];
    size_t size = 1 + (address >> 26);
    address =
        address & 1 << 25 ? 0xE0000000 + (address >> 1 & 0xFFFFFF) : 0xA0000 + (address & 0x1FFFF);
    if (!write) {
        bus_read_memory(board->bus, address, bytes, size);
        return;
    }
    memset(bytes, fuzz_byte(input), sizeof(bytes));
    bus_write_memory(board->bus, address, bytes, size);
}

static void configure(struct board *board, struct fuzz_input *input)
{
    uint32_t address = 0x80001000 | (fuzz_byte(input) & 0xFC);
    bus_port_write(board->bus, 0xCF8, address, 4);
    bus_port_write(board->bus, 0xCFC, fuzz_dword(input), 4);
}

/* A shortcut to a mode that shows something. */
static void set_mode(struct board *board, struct fuzz_input *input)
{
    static const uint8_t crtc[25] = {0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00,
                                     0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E,
                                     0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF};
    uint8_t kind = fuzz_byte(input);
    for (unsigned i = 0; i < sizeof(crtc); i++)
        bus_port_write(board->bus, 0x3D4, i | (uint32_t)crtc[i] << 8, 2);
    bus_port_write(board->bus, 0x3C2, 0x67, 1);
    bus_port_write(board->bus, 0x3C4, kind & 1 ? 0x0E04 : 0x0204, 2);
    bus_port_write(board->bus, 0x3CE, kind & 2 ? 0x0506 : 0x0E06, 2);
    bus_port_write(board->bus, 0x3CE, kind & 4 ? 0x4005 : 0x1005, 2);
    bus_port_write(board->bus, 0x3C4, 0x0F02, 2);
    for (unsigned i = 0; i < 16; i++) {
        bus_port_write(board->bus, 0x3C0, i, 1);
        bus_port_write(board->bus, 0x3C0, i, 1);
        bus_port_write(board->bus, 0x3C9, i * 4, 1);
        bus_port_write(board->bus, 0x3C9, i * 2, 1);
        bus_port_write(board->bus, 0x3C9, kind, 1);
    }
    bus_port_write(board->bus, 0x3C0, 0x30, 1);
    bus_port_write(board->bus, 0x3C0, kind & 2 ? 0x41 : 0x0C, 1);
    bus_port_write(board->bus, 0x3C0, 0x32, 1);
    bus_port_write(board->bus, 0x3C0, 0x0F, 1);
    bus_port_write(board->bus, 0xCF8, 0x80001010, 4);
    bus_port_write(board->bus, 0xCFC, 0xE0000000, 4);
    bus_port_write(board->bus, 0xCF8, 0x80001004, 4);
    bus_port_write(board->bus, 0xCFC, 3, 4);
}

static void step(struct board *board, struct fuzz_input *input)
{
    uint8_t what = fuzz_byte(input);
    /* Drawing comes often: a change that is not noticed shows when nothing else changes. */
    switch (what & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        draw(board);
        break;
    case 4:
        vga_text(board->vga, &board->text);
        break;
    case 5:
        board->icount += fuzz_word(input) * 100;
        clock_expire(bus_clock(board->bus));
        break;
    case 6:
        if (what == 0xF6)
            bus_reset_devices(board->bus, RESET_HARD);
        else
            configure(board, input);
        break;
    case 7:
        set_dispi(board, input);
        break;
    case 8:
        set_mode(board, input);
        break;
    case 9:
    case 10:
    case 11:
        access_memory(board, input, what & 0x30);
        break;
    default:
        access_port(board, input, what & 0x70);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    struct board *board = mem_new(sizeof(*board));
    board_build(board);
    while (input.size)
        step(board, &input);
    draw(board);
    board_destroy(board);
    mem_free(board);
    return 0;
}
