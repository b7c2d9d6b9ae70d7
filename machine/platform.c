/* What firmware, kernels and test images find in the firmware configuration device. */
#include "machine/handoff.h"

#include <string.h>

enum { E820_MEMORY = 1, E820_ENTRY_SIZE = 20 };

static bool add_memory_map(struct machine *machine, struct error *err)
{
    uint8_t entry[E820_ENTRY_SIZE] = {0};
    store_le64(entry + 8, machine->config.ram_size);
    store_le32(entry + 16, E820_MEMORY);
    return fw_cfg_add_file(machine->fw_cfg, "etc/e820", entry, sizeof entry, err);
}

/* The same numbers that a person can see in the pieces, for firmware that loads kernels itself. */
static void describe_linux(struct machine *machine, const struct handoff *handoff)
{
    struct fw_cfg *fw_cfg = machine->fw_cfg;
    for (unsigned i = 0; i < handoff->piece_count; i++) {
        const struct handoff_piece *piece = &handoff->piece[i];
        switch (piece->key) {
        case FW_CFG_KERNEL_DATA:
            fw_cfg_add_number(fw_cfg, FW_CFG_KERNEL_ADDR, piece->address, 4);
            fw_cfg_add_number(fw_cfg, FW_CFG_KERNEL_SIZE, piece->size, 4);
            break;
        case FW_CFG_INITRD_DATA:
            fw_cfg_add_number(fw_cfg, FW_CFG_INITRD_ADDR, piece->address, 4);
            fw_cfg_add_number(fw_cfg, FW_CFG_INITRD_SIZE, piece->size, 4);
            break;
        case FW_CFG_CMDLINE_DATA:
            fw_cfg_add_number(fw_cfg, FW_CFG_CMDLINE_ADDR, piece->address, 4);
            fw_cfg_add_number(fw_cfg, FW_CFG_CMDLINE_SIZE, piece->size, 4);
            break;
        case FW_CFG_SETUP_DATA:
            fw_cfg_add_number(fw_cfg, FW_CFG_SETUP_ADDR, piece->address, 4);
            fw_cfg_add_number(fw_cfg, FW_CFG_SETUP_SIZE, piece->size, 4);
            break;
        }
    }
}

static bool add_kernel(struct machine *machine, struct error *err)
{
    const struct machine_config *config = &machine->config;
    struct handoff handoff = {0};
    bool is_linux = config->kernel.bytes != NULL;
    if (!is_linux && !config->multiboot.bytes)
        return true;
    bool ok =
        is_linux ? loader_linux(config, &handoff, err) : loader_multiboot(config, &handoff, err);
    ok = ok && handoff_install(machine, &handoff, err);
    if (ok && is_linux)
        describe_linux(machine, &handoff);
    handoff_clear(&handoff);
    return ok;
}

bool platform_fill(struct machine *machine, struct error *err)
{
    struct fw_cfg *fw_cfg = machine->fw_cfg;
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, machine->config.ram_size, 8);
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, 1, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 1, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_NOGRAPHIC, 0, 2);
    fw_cfg_add_number(fw_cfg, FW_CFG_BOOT_MENU, 0, 2);
    /* IRQ 0 comes in at input 2 of the I/O APIC. */
    fw_cfg_add_number(fw_cfg, FW_CFG_X86_IRQ0_OVERRIDE, 1, 4);
    return add_memory_map(machine, err) && add_kernel(machine, err);
}
