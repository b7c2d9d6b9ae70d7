/* Multiboot 1 kernels: where kernel, modules and the information structure go. */
#include "machine/handoff.h"
#include "machine/multiboot.h"

#include <stdio.h>
#include <string.h>

enum {
    PAGE = 4096,
    MAP_ENTRIES = 64,
    MAP_ENTRY_SIZE = 24,
    LOADER_NAME_SIZE = 16,
    LINE_MAX_LENGTH = 4096,
    /* Low memory that firmware does not use: for the kernel, and where the information structure
     * goes if nothing is there. */
    LOW_FIRST = 0x600,
    LOW_INFO = 0x8000,
    LOW_END = 0x90000,
    NO_BOOT_DEVICE = -1,
};

#define LOADER_NAME "Anachron"

static bool check_fits(const struct machine_config *config, const struct multiboot_segment *segment,
                       struct error *err)
{
    uint64_t end = (uint64_t)segment->address + segment->memory_size;
    bool low = segment->address >= LOW_FIRST && end <= LOW_END;
    if (!low && segment->address < 0x100000)
        return error_set(err,
                         "%s: a segment at %Xh..%llXh overlaps what the firmware uses; link "
                         "the kernel at 100000h",
                         config->multiboot.name, segment->address, (unsigned long long)end);
    if (end > loader_ram_end(config))
        return error_set(err,
                         "%s: the kernel needs memory up to %llu MiB, and the machine has "
                         "%llu; use a larger --memory",
                         config->multiboot.name, (unsigned long long)(end >> 20) + 1,
                         (unsigned long long)config->ram_size >> 20);
    return true;
}

static bool place_segments(const struct machine_config *config,
                           const struct multiboot_kernel *kernel, struct handoff *handoff,
                           uint32_t *end, struct error *err)
{
    *end = 0x100000;
    for (unsigned i = 0; i < kernel->segment_count; i++) {
        const struct multiboot_segment *segment = &kernel->segment[i];
        if (!check_fits(config, segment, err))
            return false;
        uint8_t *bytes =
            handoff_add(handoff, FW_CFG_KERNEL_DATA, segment->address, segment->memory_size);
        memcpy(bytes, config->multiboot.bytes + segment->file_offset, segment->file_size);
        if (segment->address + segment->memory_size > *end)
            *end = segment->address + segment->memory_size;
    }
    return true;
}

/* Section headers with the symbols, as INFO_SYMBOLS wants them: loaded, addresses filled in. */
static bool place_sections(const struct machine_config *config,
                           const struct multiboot_kernel *kernel, struct handoff *handoff,
                           uint32_t *end, uint8_t *info)
{
    uint32_t table_size = kernel->section_count * kernel->section_size;
    if (!table_size || table_size > (1 << 20))
        return true;
    const uint8_t *file = config->multiboot.bytes;
    uint64_t total = table_size;
    for (unsigned i = 0; i < kernel->section_count; i++) {
        const uint8_t *section = file + kernel->sections_offset + i * kernel->section_size;
        uint32_t type = load_le32(section + 4);
        if (!load_le32(section + 12) && (type == 2 || type == 3)) /* SYMTAB, STRTAB */
            total += (load_le32(section + 20) + UINT64_C(15)) & ~UINT64_C(15);
    }
    uint32_t address = (*end + PAGE - 1) & ~(uint32_t)(PAGE - 1);
    if (total > (64 << 20) || address + total > loader_ram_end(config))
        return true; /* they are a courtesy */
    uint8_t *bytes = handoff_add(handoff, FW_CFG_KERNEL_DATA, address, (uint32_t)total);
    if (!bytes)
        return false;
    memcpy(bytes, file + kernel->sections_offset, table_size);
    uint32_t used = table_size;
    for (unsigned i = 0; i < kernel->section_count; i++) {
        uint8_t *section = bytes + i * kernel->section_size;
        uint32_t type = load_le32(section + 4);
        uint32_t offset = load_le32(section + 16), size = load_le32(section + 20);
        if (load_le32(section + 12) || (type != 2 && type != 3) ||
            (uint64_t)offset + size > config->multiboot.size)
            continue;
        memcpy(bytes + used, file + offset, size);
        store_le32(section + 12, address + used);
        used += (size + 15) & ~15u;
    }
    *end = address + (uint32_t)total;
    store_le32(info + INFO_FLAGS, load_le32(info + INFO_FLAGS) | INFO_HAS_ELF_SECTIONS);
    store_le32(info + INFO_SYMBOLS, kernel->section_count);
    store_le32(info + INFO_SYMBOLS + 4, kernel->section_size);
    store_le32(info + INFO_SYMBOLS + 8, address);
    store_le32(info + INFO_SYMBOLS + 12, kernel->section_names);
    return true;
}

/* The information structure and what it points to, one block of low memory. */
struct info_layout {
    uint32_t base, line, name, modules, strings, map, size, scratch;
};

static bool lay_out(const struct machine_config *config, const struct multiboot_kernel *kernel,
                    size_t line_size, struct info_layout *layout, struct error *err)
{
    uint32_t at = INFO_SIZE;
    layout->modules = at;
    at += config->module_count * MULTIBOOT_MODULE_SIZE;
    layout->map = at;
    at += MAP_ENTRIES * MAP_ENTRY_SIZE;
    layout->line = at;
    at += (uint32_t)line_size;
    layout->name = at;
    at += LOADER_NAME_SIZE;
    layout->strings = at;
    for (unsigned i = 0; i < config->module_count; i++)
        at += (uint32_t)strlen(config->module[i].command_line) + 1;
    layout->size = at;
    /* The first place, from LOW_INFO up, that no segment wants. */
    layout->base = LOW_INFO;
    for (unsigned i = 0; i < kernel->segment_count; i++) {
        const struct multiboot_segment *segment = &kernel->segment[i];
        uint32_t end = segment->address + segment->memory_size;
        if (segment->address < LOW_END && end > layout->base)
            layout->base = (end + 15) & ~15u;
    }
    layout->scratch = (layout->base + layout->size + 15) & ~15u;
    if (layout->scratch + HANDOFF_SCRATCH_SIZE > LOW_END)
        return error_set(err,
                         "%s: the kernel, its command line and its modules' leave no room "
                         "below 576 KiB",
                         config->multiboot.name);
    return true;
}

static bool place_modules(const struct machine_config *config, struct handoff *handoff,
                          const struct info_layout *layout, uint32_t end, uint8_t *info,
                          struct error *err)
{
    uint32_t string = layout->strings;
    for (unsigned i = 0; i < config->module_count; i++) {
        const struct multiboot_module *module = &config->module[i];
        uint32_t address = (end + PAGE - 1) & ~(uint32_t)(PAGE - 1);
        if (address + (uint64_t)module->file.size > loader_ram_end(config))
            return error_set(err,
                             "%s: the module (%zu bytes) does not fit into %llu MiB of "
                             "memory; use a larger --memory",
                             module->file.name, module->file.size,
                             (unsigned long long)config->ram_size >> 20);
        uint32_t size = (uint32_t)module->file.size;
        uint8_t *bytes = handoff_add(handoff, FW_CFG_INITRD_DATA, address, size);
        if (!bytes)
            return error_set(err, "%s: too many modules", module->file.name);
        memcpy(bytes, module->file.bytes, size);
        uint8_t *entry = info + layout->modules + i * MULTIBOOT_MODULE_SIZE;
        store_le32(entry, address);
        store_le32(entry + 4, address + size);
        store_le32(entry + 8, layout->base + string);
        strcpy((char *)info + string, module->command_line);
        string += (uint32_t)strlen(module->command_line) + 1;
        end = address + size;
    }
    return true;
}

static void fill_info(const struct machine_config *config, const struct info_layout *layout,
                      const char *line, uint8_t *info)
{
    store_le32(info + INFO_FLAGS, INFO_HAS_MEMORY | INFO_HAS_COMMAND_LINE | INFO_HAS_MODULES |
                                      INFO_HAS_MAP | INFO_HAS_LOADER_NAME);
    store_le32(info + INFO_BOOT_DEVICE, (uint32_t)NO_BOOT_DEVICE);
    store_le32(info + INFO_COMMAND_LINE, layout->base + layout->line);
    store_le32(info + INFO_MODULE_COUNT, config->module_count);
    store_le32(info + INFO_MODULES, layout->base + layout->modules);
    store_le32(info + INFO_MAP, layout->base + layout->map);
    store_le32(info + INFO_LOADER_NAME, layout->base + layout->name);
    strcpy((char *)info + layout->line, line);
    memcpy(info + layout->name, LOADER_NAME, sizeof LOADER_NAME);
}

bool loader_multiboot(const struct machine_config *config, struct handoff *handoff,
                      struct error *err)
{
    struct multiboot_kernel kernel;
    const struct blob *file = &config->multiboot;
    if (!multiboot_parse(file->bytes, file->size, file->name, &kernel, err))
        return false;
    const char *append = config->command_line ? config->command_line : "";
    char line[LINE_MAX_LENGTH];
    int length = snprintf(line, sizeof line, "%s%s%s", file->name, *append ? " " : "", append);
    if (length < 0 || (size_t)length >= sizeof line)
        return error_set(err, "--append is too long (at most %d characters with the kernel's name)",
                         LINE_MAX_LENGTH - 1);
    struct info_layout layout;
    uint32_t end;
    if (!lay_out(config, &kernel, (size_t)length + 1, &layout, err) ||
        !place_segments(config, &kernel, handoff, &end, err))
        return false;
    handoff->mode = HANDOFF_MULTIBOOT;
    handoff->entry = kernel.entry;
    handoff->info = layout.base;
    handoff->scratch = layout.scratch;
    handoff->map = layout.base + layout.map;
    handoff->map_entries = MAP_ENTRIES;
    uint8_t *info = handoff_add(handoff, FW_CFG_KERNEL_DATA, layout.base, layout.size);
    fill_info(config, &layout, line, info);
    return place_sections(config, &kernel, handoff, &end, info) &&
           place_modules(config, handoff, &layout, end, info, err);
}
