#include "machine/handoff.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* Offsets in the ROM's table; machine/handoff.asm lays it out. */
enum handoff_rom {
    ROM_SIZE_BYTE = 2, /* in units of 512 bytes */
    ROM_MODE = 16,
    ROM_LOAD_COUNT = 17,
    ROM_REAL_SEGMENT = 18,
    ROM_REAL_SP = 20,
    ROM_REAL_CS = 22,
    ROM_ENTRY = 24,
    ROM_INFO = 28,
    ROM_MAP = 32,
    ROM_MAP_ROOM = 36,
    ROM_SCRATCH = 40,
    ROM_LOADS = 44,
    ROM_LOAD_SIZE = 12,
};

/* fw_cfg DMA control word. */
enum { DMA_READ = 2, DMA_SELECT = 8 };

extern const uint8_t handoff_image[];
extern const uint32_t handoff_image_size;

uint8_t *handoff_add(struct handoff *handoff, uint16_t key, uint32_t address, uint32_t size)
{
    if (handoff->piece_count == HANDOFF_PIECES)
        return NULL;
    struct handoff_piece *piece = &handoff->piece[handoff->piece_count++];
    *piece = (struct handoff_piece){key, address, mem_new(size), size, false};
    return piece->bytes;
}

void handoff_refer(struct handoff *handoff, uint16_t key, uint32_t address, const struct blob *blob)
{
    assert(handoff->piece_count < HANDOFF_PIECES);
    handoff->piece[handoff->piece_count++] =
        (struct handoff_piece){key, address, blob->bytes, (uint32_t)blob->size, true};
}

void handoff_clear(struct handoff *handoff)
{
    for (unsigned i = 0; i < handoff->piece_count; i++)
        if (!handoff->piece[i].is_borrowed)
            mem_free(handoff->piece[i].bytes);
    handoff->piece_count = 0;
}

uint32_t loader_ram_end(const struct machine_config *config)
{
    return (uint32_t)config->ram_size - LOADER_TOP_RESERVE;
}

/* One item per run of pieces with the same key, one behind the other. */
static void offer_pieces(struct machine *machine, const struct handoff *handoff)
{
    for (unsigned first = 0, next; first < handoff->piece_count; first = next) {
        uint16_t key = handoff->piece[first].key;
        uint32_t size = 0;
        for (next = first; next < handoff->piece_count && handoff->piece[next].key == key; next++)
            size += handoff->piece[next].size;
        if (handoff->piece[first].is_borrowed) {
            fw_cfg_lend(machine->fw_cfg, key, handoff->piece[first].bytes, size);
            continue;
        }
        uint8_t *item = mem_new(size), *end = item;
        for (unsigned i = first; i < next; i++) {
            memcpy(end, handoff->piece[i].bytes, handoff->piece[i].size);
            end += handoff->piece[i].size;
        }
        fw_cfg_add(machine->fw_cfg, key, item, size);
        mem_free(item);
    }
}

static void fill_rom(uint8_t *rom, uint32_t size, const struct handoff *handoff)
{
    rom[ROM_MODE] = (uint8_t)handoff->mode;
    rom[ROM_LOAD_COUNT] = (uint8_t)handoff->piece_count;
    store_le16(rom + ROM_REAL_SEGMENT, handoff->real_segment);
    store_le16(rom + ROM_REAL_SP, handoff->real_sp);
    store_le16(rom + ROM_REAL_CS, handoff->real_cs);
    store_le32(rom + ROM_ENTRY, handoff->entry);
    store_le32(rom + ROM_INFO, handoff->info);
    store_le32(rom + ROM_MAP, handoff->map);
    store_le32(rom + ROM_MAP_ROOM, handoff->map_entries);
    store_le16(rom + ROM_SCRATCH, (uint16_t)(handoff->scratch >> 4));
    uint8_t *load = rom + ROM_LOADS;
    for (unsigned i = 0; i < handoff->piece_count; i++, load += ROM_LOAD_SIZE) {
        const struct handoff_piece *piece = &handoff->piece[i];
        bool is_first = i == 0 || handoff->piece[i - 1].key != piece->key;
        uint32_t select = is_first ? (uint32_t)piece->key << 16 | DMA_SELECT : 0;
        store_le32(load, select | DMA_READ);
        store_le32(load + 4, piece->address);
        store_le32(load + 8, piece->size);
    }
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + rom[i]);
    rom[size - 1] = (uint8_t)(rom[size - 1] - sum);
}

/* The kernel is in the guest's memory. A script's pokes wait for its first instruction; from here
 * on the run loop looks at every one. */
static void entry_is_near(void *opaque)
{
    struct machine *machine = opaque;
    machine_rest_files(machine);
    if (machine->entry == ENTRY_AWAITED) {
        machine->entry = ENTRY_NEAR;
        machine->cpu->attention |= ATTENTION_CLOCK;
    }
}

static void await_entry(struct machine *machine, const struct handoff *handoff)
{
    fw_cfg_on_handoff(machine->fw_cfg, entry_is_near, machine);
    if (!machine->config.script)
        return;
    uint32_t base = handoff->mode == HANDOFF_REAL ? (uint32_t)handoff->real_cs << 4 : 0;
    machine->entry = ENTRY_AWAITED;
    machine->entry_linear = base + handoff->entry;
}

bool handoff_install(struct machine *machine, const struct handoff *handoff, struct error *err)
{
    assert(handoff_image_size <= machine->handoff_rom_size);
    offer_pieces(machine, handoff);
    memcpy(machine->handoff_rom, handoff_image, handoff_image_size);
    fill_rom(machine->handoff_rom, handoff_image_size, handoff);
    await_entry(machine, handoff);
    /* Firmware that does not look for option ROMs in ROM space takes them from here. */
    return fw_cfg_add_file(machine->fw_cfg, "genroms/handoff.bin", machine->handoff_rom,
                           handoff_image_size, err);
}
