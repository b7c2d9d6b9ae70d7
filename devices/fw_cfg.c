/* fw_cfg: items are wiring (the board gives them again when a snapshot is loaded); the selector and
 * the read position are state. */
#include "devices/fw_cfg.h"

#include "base/bits.h"
#include "base/memory.h"

#include <string.h>

enum {
    SELECTOR_PORT = 0x510,
    DMA_PORT = 0x514,

    SELECT_WRITE = 0x4000, /* of the withdrawn write interface: ignored */
    ID_TRADITIONAL = 1,
    ID_DMA = 2,

    DMA_ERROR = 0x01,
    DMA_READ = 0x02,
    DMA_SKIP = 0x04,
    DMA_SELECT = 0x08,
    DMA_WRITE = 0x10,
    DMA_DESCRIPTOR_SIZE = 16,

    DIRECTORY_ENTRY_SIZE = 64,
    DIRECTORY_SIZE = 4 + FW_CFG_MAX_FILES * DIRECTORY_ENTRY_SIZE,
};

struct item {
    uint16_t key;
    uint32_t size;
    const uint8_t *data;
    uint8_t *owned; /* data, or NULL: it was lent */
};

struct fw_cfg {
    uint32_t offset; /* in the selected item */
    uint32_t dma_high;
    uint16_t selected;
    struct bus *bus;
    struct item *items;
    unsigned item_count;
    unsigned file_count;
    uint8_t directory[DIRECTORY_SIZE];
    void (*notice_handoff)(void *opaque);
    void *notice_opaque;
};

static const struct field fw_cfg_fields[] = {
    FIELD(struct fw_cfg, offset),
    FIELD(struct fw_cfg, dma_high),
    FIELD(struct fw_cfg, selected),
    FIELD_TRANSIENT(struct fw_cfg, bus),
    FIELD_TRANSIENT(struct fw_cfg, items),
    FIELD_TRANSIENT(struct fw_cfg, item_count),
    FIELD_TRANSIENT(struct fw_cfg, file_count),
    FIELD_TRANSIENT(struct fw_cfg, directory),
    FIELD_TRANSIENT(struct fw_cfg, notice_handoff),
    FIELD_TRANSIENT(struct fw_cfg, notice_opaque),
    FIELD_END,
};

static void store_be16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void store_be32(uint8_t *bytes, uint32_t value)
{
    store_be16(bytes, (uint16_t)(value >> 16));
    store_be16(bytes + 2, (uint16_t)value);
}

static uint32_t load_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* --- items --- */

static struct item *find_item(const struct fw_cfg *fw, uint16_t key)
{
    for (unsigned i = 0; i < fw->item_count; i++) {
        if (fw->items[i].key == key)
            return &fw->items[i];
    }
    return NULL;
}

void fw_cfg_lend(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size)
{
    struct item *item = find_item(fw, key);
    if (!item) {
        fw->items = mem_resize(fw->items, (fw->item_count + 1) * sizeof *fw->items);
        item = &fw->items[fw->item_count++];
        *item = (struct item){.key = key};
    }
    mem_free(item->owned);
    item->size = size;
    item->data = data;
    item->owned = NULL;
}

void fw_cfg_add(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size)
{
    uint8_t *copy = mem_new(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    fw_cfg_lend(fw, key, copy, size);
    find_item(fw, key)->owned = copy;
}

void fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, uint64_t value, unsigned bytes)
{
    uint8_t data[8];
    store_le64(data, value);
    fw_cfg_add(fw, key, data, bytes);
}

static uint8_t *directory_entry(struct fw_cfg *fw, unsigned index)
{
    return fw->directory + 4 + index * DIRECTORY_ENTRY_SIZE;
}

static unsigned find_file(struct fw_cfg *fw, const char *name)
{
    unsigned i = 0;
    while (i < fw->file_count && strcmp((const char *)directory_entry(fw, i) + 8, name) != 0)
        i++;
    return i;
}

bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                     struct error *err)
{
    unsigned index = find_file(fw, name);
    if (strlen(name) >= FW_CFG_FILE_NAME_SIZE)
        return error_set(err, "fw_cfg file name %s is longer than %d characters", name,
                         FW_CFG_FILE_NAME_SIZE - 1);
    if (index == FW_CFG_MAX_FILES)
        return error_set(err, "no room for fw_cfg file %s: there are %d already", name,
                         FW_CFG_MAX_FILES);
    if (index == fw->file_count)
        fw->file_count++;
    uint16_t key = (uint16_t)(FW_CFG_FILE_FIRST + index);
    uint8_t *entry = directory_entry(fw, index);
    store_be32(entry, size);
    store_be16(entry + 4, key);
    memcpy(entry + 8, name, strlen(name) + 1);
    store_be32(fw->directory, fw->file_count);
    fw_cfg_add(fw, key, data, size);
    fw_cfg_add(fw, FW_CFG_FILE_DIR, fw->directory, 4 + fw->file_count * DIRECTORY_ENTRY_SIZE);
    return true;
}

/* --- reading --- */

static void select_item(struct fw_cfg *fw, uint16_t key)
{
    fw->selected = key & (uint16_t)~SELECT_WRITE;
    fw->offset = 0;
    if (fw->selected == FW_CFG_HANDOFF_DONE && fw->notice_handoff)
        fw->notice_handoff(fw->notice_opaque);
}

void fw_cfg_on_handoff(struct fw_cfg *fw, void (*notice)(void *opaque), void *opaque)
{
    fw->notice_handoff = notice;
    fw->notice_opaque = opaque;
}

/* The next size bytes of the selected item; zeros after its end, and for a key that nothing has. */
static void read_bytes(struct fw_cfg *fw, uint8_t *bytes, uint32_t size)
{
    const struct item *item = find_item(fw, fw->selected);
    uint32_t left = item && fw->offset < item->size ? item->size - fw->offset : 0;
    uint32_t count = size < left ? size : left;
    if (count)
        memcpy(bytes, item->data + fw->offset, count);
    memset(bytes + count, 0, size - count);
    fw->offset += count;
}

static uint32_t port_read(void *device, uint32_t offset, unsigned size)
{
    uint8_t byte = 0;
    if (offset == 1 && size == 1)
        read_bytes(device, &byte, 1);
    return byte;
}

static void port_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    if (offset == 0 && size == 2)
        select_item(device, (uint16_t)value);
}

/* --- DMA --- */

static void dma_read(struct fw_cfg *fw, uint32_t address, uint32_t length)
{
    uint8_t chunk[4096];
    while (length) {
        uint32_t count = length < sizeof chunk ? length : (uint32_t)sizeof chunk;
        read_bytes(fw, chunk, count);
        bus_write_memory(fw->bus, address, chunk, count);
        address += count;
        length -= count;
    }
}

static void dma_skip(struct fw_cfg *fw, uint32_t length)
{
    const struct item *item = find_item(fw, fw->selected);
    uint32_t left = item && fw->offset < item->size ? item->size - fw->offset : 0;
    fw->offset += length < left ? length : left;
}

/* Carries out the descriptor and returns what its control word becomes. */
static uint32_t dma_run(struct fw_cfg *fw, const uint8_t *descriptor)
{
    uint32_t control = load_be32(descriptor);
    uint32_t length = load_be32(descriptor + 4);
    uint32_t address_high = load_be32(descriptor + 8);
    uint32_t address = load_be32(descriptor + 12);

    if (control & DMA_SELECT)
        select_item(fw, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        if (address_high || (length && address + (length - 1) < address))
            return DMA_ERROR; /* there is no memory above 4 GiB */
        dma_read(fw, address, length);
    } else if (control & DMA_WRITE) {
        return DMA_ERROR; /* all items are read-only */
    } else if (control & DMA_SKIP) {
        dma_skip(fw, length);
    }
    return 0;
}

static void dma_start(struct fw_cfg *fw, uint32_t address)
{
    uint8_t descriptor[DMA_DESCRIPTOR_SIZE], control[4];
    if (fw->dma_high) {
        log_line(bus_log(fw->bus), LOG_DEBUG, "fw_cfg: descriptor above 4 GiB ignored");
        return;
    }
    bus_read_memory(fw->bus, address, descriptor, sizeof descriptor);
    store_be32(control, dma_run(fw, descriptor));
    bus_write_memory(fw->bus, address, control, sizeof control);
}

/* The address register reads as a signature, "QEMU CFG". */
static uint32_t dma_port_read(void *device, uint32_t offset, unsigned size)
{
    static const uint8_t signature[] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};
    uint32_t value = 0;
    for (unsigned i = 0; i < size && offset + i < sizeof signature; i++)
        value |= (uint32_t)signature[offset + i] << (8 * i);
    return value;
}

static void dma_port_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct fw_cfg *fw = device;
    if (size != 4)
        return;
    if (offset == 0) {
        fw->dma_high = __builtin_bswap32(value);
    } else if (offset == 4) {
        dma_start(fw, __builtin_bswap32(value));
        fw->dma_high = 0;
    }
}

/* --- the device --- */

static void fw_cfg_reset(void *device, enum reset_kind kind)
{
    struct fw_cfg *fw = device;
    fw->dma_high = 0;
    select_item(fw, FW_CFG_SIGNATURE);
}

static void fw_cfg_free(void *device)
{
    struct fw_cfg *fw = device;
    for (unsigned i = 0; i < fw->item_count; i++)
        mem_free(fw->items[i].owned);
    mem_free(fw->items);
    mem_free(fw);
}

static const struct device_class fw_cfg_class = {
    .name = "fw_cfg",
    .size = sizeof(struct fw_cfg),
    .fields = fw_cfg_fields,
    .reset = fw_cfg_reset,
    .free = fw_cfg_free,
};

static const struct io_ops port_ops = {port_read, port_write, .max_size = 2};
static const struct io_ops dma_ops = {dma_port_read, dma_port_write, .max_size = 4};

struct fw_cfg *fw_cfg_new(struct bus *bus)
{
    struct fw_cfg *fw = mem_new(sizeof *fw);
    fw->bus = bus;
    fw_cfg_add(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_number(fw, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4);
    fw_cfg_add(fw, FW_CFG_FILE_DIR, fw->directory, 4);
    bus_claim_ports(bus, SELECTOR_PORT, 2, &port_ops, fw);
    bus_claim_ports(bus, DMA_PORT, 8, &dma_ops, fw);
    bus_add_device(bus, &fw_cfg_class, fw);
    return fw;
}
