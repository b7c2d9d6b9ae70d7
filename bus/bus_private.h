/* The inside of struct bus, shared by the files of bus/ only. */
#ifndef BUS_BUS_PRIVATE_H
#define BUS_BUS_PRIVATE_H

#include "bus/bus.h"

enum { PORT_COUNT = 0x10000, PAGE_COUNT = 0x100000, MAX_RANGES = 64, MAX_DEVICES = 64 };

struct port_claim {
    const struct io_ops *ops;
    void *device;
    uint16_t first;
    uint32_t count;
    uint16_t below; /* of one that snoops: index plus 1 of the claim that it listens to, or 0 */
};

struct bus_device {
    const struct device_class *class;
    void *state;
};

struct memory_block {
    uint8_t *memory;
    size_t size;
    uint8_t *armed; /* a byte per page */
};

struct bus {
    struct log *log;
    struct clock *clock;
    struct bus_host host;
    struct bus_memory memory;

    struct bus_device devices[MAX_DEVICES];
    unsigned device_count;

    /* Claims, oldest first; index of the one on top plus 1 for each port and direction, 0: none. */
    struct port_claim *claims;
    unsigned claim_count, claim_capacity;
    uint16_t *readers, *writers;

    struct address_range ranges[MAX_RANGES];
    unsigned range_count;
    uint8_t *page_owner; /* index of the range on top plus 1, 0: none */

    struct memory_block blocks[BUS_BLOCKS];
    unsigned block_count;
    bus_page_watcher *page_watcher;
    void *page_watcher_opaque;
};

void ports_init(struct bus *bus);
void ports_destroy(struct bus *bus);
void ranges_init(struct bus *bus);
void ranges_destroy(struct bus *bus);
void blocks_destroy(struct bus *bus);

/* One register access under the splitting rules of struct io_ops. */
uint32_t io_read(const struct io_ops *ops, void *device, uint32_t offset, unsigned size);
void io_write(const struct io_ops *ops, void *device, uint32_t offset, uint32_t value,
              unsigned size);

#endif
