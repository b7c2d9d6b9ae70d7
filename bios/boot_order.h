/* The order in which INT 19h tries devices. */
#ifndef BIOS_BOOT_ORDER_H
#define BIOS_BOOT_ORDER_H

#include "bios/bios.h"

#define BOOT_FLOPPY  1
#define BOOT_DISK    2
#define BOOT_CD      3
#define BOOT_NETWORK 4

#define BOOT_ORDER_MAX   8
#define BOOT_VECTORS_MAX 4

extern u8 boot_order[BOOT_ORDER_MAX];
extern u8 boot_order_count;
void boot_order_from_cmos(void);
/* fw_cfg.c: false when the machine does not say. Puts the disks into that order too. */
bool boot_order_from_fw_cfg(void);

/* Bootstrap entry vectors of option ROMs, segment:offset. */
extern u32 boot_vectors[BOOT_VECTORS_MAX];
extern u8 boot_vector_count;

#endif
