/* The firmware configuration device: numbered items and named files that a firmware, a kernel or a
 * test image reads through a selector (port 510h, 16 bits) and a data port (511h), or by a
 * descriptor in memory (DMA interface, address at 514h..51Bh, big-endian).
 *
 * Source: the published fw_cfg specification (QEMU documentation, docs/specs/fw_cfg). */
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H

#include "base/error.h"
#include "bus/bus.h"

struct fw_cfg;

/* Item keys that the specification fixes, or that firmware expects. Numbers are little-endian. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00, /* "QEMU" */
    FW_CFG_ID = 0x01,        /* bit 0: traditional interface, bit 1: DMA */
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,  /* 64 bits */
    FW_CFG_NOGRAPHIC = 0x04, /* 16 bits */
    FW_CFG_NB_CPUS = 0x05,   /* 16 bits */
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07, /* 32 bits */
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0A,
    FW_CFG_INITRD_SIZE = 0x0B,
    FW_CFG_BOOT_DEVICE = 0x0C,
    FW_CFG_NUMA = 0x0D,
    FW_CFG_BOOT_MENU = 0x0E, /* 16 bits */
    FW_CFG_MAX_CPUS = 0x0F,  /* 16 bits */
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_X86_ACPI_TABLES = 0x8000,
    FW_CFG_X86_SMBIOS = 0x8001,
    FW_CFG_X86_IRQ0_OVERRIDE = 0x8002, /* 32 bits */
    FW_CFG_X86_E820 = 0x8003,
    /* No item: the hand-off ROM selects it right before it jumps to the kernel. */
    FW_CFG_HANDOFF_DONE = 0x8010,
};

enum { FW_CFG_FILE_NAME_SIZE = 56, FW_CFG_MAX_FILES = 64 };

/* Offers the signature, the ID and an empty file directory. */
struct fw_cfg *fw_cfg_new(struct bus *bus);

/* Items are fixed by the board before the first instruction, and read-only for the guest. data is
 * copied. Adding a key (or file name) again replaces it. key is enum fw_cfg_key, below
 * FW_CFG_FILE_FIRST or 8000h..8010h. */
void fw_cfg_add(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size);
/* The same without a copy: data must outlive the device. For what is large. */
void fw_cfg_lend(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size);
void fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, uint64_t value, unsigned bytes);
/* False if the name is longer than 55 characters or the directory (FW_CFG_MAX_FILES) is full. */
bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                     struct error *err);

/* Calls notice(opaque) whenever the guest selects FW_CFG_HANDOFF_DONE. */
void fw_cfg_on_handoff(struct fw_cfg *fw, void (*notice)(void *opaque), void *opaque);

#endif
