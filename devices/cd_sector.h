/* The raw form of a CD-ROM sector in mode 1: what READ CD returns beyond the user data.
 * Source: ECMA-130, clauses 14 and annexes A (error correction) and B (EDC). */
#ifndef DEVICES_CD_SECTOR_H
#define DEVICES_CD_SECTOR_H

#include <stdint.h>

enum {
    CD_SYNC_OFFSET = 0,
    CD_HEADER_OFFSET = 12,
    CD_DATA_OFFSET = 16,
    CD_EDC_OFFSET = 2064,
    CD_ECC_OFFSET = 2076,
    CD_SECTOR_RAW_SIZE = 2352,
};

/* Completes raw, whose user data (2048 bytes at CD_DATA_OFFSET) is in place, for the sector at lba:
 * sync, header, EDC and the P and Q parity. */
void cd_sector_encode(uint8_t raw[CD_SECTOR_RAW_SIZE], uint32_t lba);

/* The sector's address as three BCD bytes: minute, second, frame. */
void cd_sector_address(uint8_t msf[3], uint32_t lba);

#endif
