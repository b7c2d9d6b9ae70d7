/* The hand-off: how a kernel named on the command line gets into a machine whose firmware has run.
 * A loader describes the pieces of memory and the entry state; the hand-off ROM
 * (machine/handoff.asm) fetches them at INT 19h time and jumps. */
#ifndef MACHINE_HANDOFF_H
#define MACHINE_HANDOFF_H

#include "machine/internal.h"

enum { HANDOFF_PIECES = 52 };

enum { HANDOFF_SCRATCH_SIZE = 2048 };

enum handoff_mode { HANDOFF_REAL, HANDOFF_MULTIBOOT };

struct handoff_piece {
    uint16_t key;     /* enum fw_cfg_key of the item it is part of; neighbours may share one */
    uint32_t address; /* physical */
    uint8_t *bytes;   /* owned unless is_borrowed */
    uint32_t size;
    bool is_borrowed; /* of the machine's configuration, and not changed */
};

struct handoff {
    enum handoff_mode mode;
    uint16_t real_segment, real_sp, real_cs; /* HANDOFF_REAL */
    uint32_t entry;                          /* IP, or EIP */
    /* HANDOFF_MULTIBOOT: the information structure and the memory map, both below 1 MiB and inside
     * a piece; entries of 24 bytes that fit there. */
    uint32_t info, map, map_entries;
    /* Below 1 MiB, aligned to 16: HANDOFF_SCRATCH_SIZE bytes for the ROM's stack and buffers, which
     * no piece overlaps. */
    uint32_t scratch;
    unsigned piece_count;
    struct handoff_piece piece[HANDOFF_PIECES];
};

/* Adds a piece of size bytes, zeroed, for the caller to fill. NULL: there are too many. */
uint8_t *handoff_add(struct handoff *handoff, uint16_t key, uint32_t address, uint32_t size);
/* A piece that is the only one of its key, with bytes of the machine's configuration, which outlive
 * the machine. */
void handoff_refer(struct handoff *handoff, uint16_t key, uint32_t address,
                   const struct blob *blob);
void handoff_clear(struct handoff *handoff);
/* Offers the pieces in fw_cfg and makes machine->handoff_rom. */
bool handoff_install(struct machine *machine, const struct handoff *handoff, struct error *err);

/* The loaders. False: the file is no such kernel, or does not fit. */
bool loader_linux(const struct machine_config *config, struct handoff *handoff, struct error *err);
bool loader_multiboot(const struct machine_config *config, struct handoff *handoff,
                      struct error *err);

/* What firmware keeps at the top of RAM for its tables: nothing is loaded there. */
enum { LOADER_TOP_RESERVE = 512 << 10 };
/* First byte of RAM that a loader must leave alone, or the end of RAM. */
uint32_t loader_ram_end(const struct machine_config *config);

#endif
