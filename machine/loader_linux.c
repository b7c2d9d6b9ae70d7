/* Linux/x86 kernels, old and new: the boot protocol's real-mode entry, so that the kernel's own
 * set-up code asks the firmware about memory, video and disks.
 *
 * Source: Linux kernel documentation, "The Linux/x86 Boot Protocol". */
#include "machine/handoff.h"

#include <stdlib.h>
#include <string.h>

/* Fields of the set-up header, offsets in the image. */
enum setup_header {
    SETUP_SECTORS = 0x1F1,
    SETUP_SYSTEM_SIZE = 0x1F4, /* in units of 16 bytes; 32 bits from 2.04 on */
    SETUP_VIDEO_MODE = 0x1FA,
    SETUP_BOOT_FLAG = 0x1FE,
    SETUP_MAGIC = 0x202, /* "HdrS" */
    SETUP_VERSION = 0x206,
    SETUP_LOADER_TYPE = 0x210,
    SETUP_LOAD_FLAGS = 0x211,
    SETUP_CODE32_START = 0x214,
    SETUP_RAMDISK_ADDRESS = 0x218,
    SETUP_RAMDISK_SIZE = 0x21C,
    SETUP_HEAP_END = 0x224,
    SETUP_COMMAND_LINE = 0x228,
    SETUP_RAMDISK_MAX = 0x22C,
    SETUP_COMMAND_LINE_MAX = 0x238,
    SETUP_PREFERRED_ADDRESS = 0x258,
    SETUP_INIT_SIZE = 0x260,
};

enum load_flags { LOADED_HIGH = 1 << 0, CAN_USE_HEAP = 1 << 7 };

enum {
    SECTOR = 512,
    DEFAULT_SETUP_SECTORS = 4,
    LOADER_TYPE_UNDEFINED = 0xFF,
    MAX_SETUP_SIZE = 64 * SECTOR,
    /* Before 2.00 the command line is announced by a magic number in the boot sector. */
    OLD_COMMAND_LINE_MAGIC = 0x20,
    OLD_COMMAND_LINE_OFFSET = 0x22,
    /* Nothing else is there at boot time: kernels begin at 10000h. */
    SCRATCH = 0x6800,
    OLD_COMMAND_LINE_VALUE = 0xA33F,
    OLD_COMMAND_LINE_MAX = 255,
    LOW_KERNEL = 0x10000,
    LOW_KERNEL_MAX = 0x80000,
    HIGH_KERNEL = 0x100000,
};

struct linux_image {
    const uint8_t *bytes;
    uint32_t size;
    uint32_t setup_size;
    unsigned version; /* 0: from before the header */
    bool high;
    const char *name;
    /* Where things go. */
    uint32_t real_base, heap_end;
};

static bool parse(const struct blob *file, struct linux_image *image, struct error *err)
{
    const uint8_t *bytes = file->bytes;
    *image = (struct linux_image){.bytes = bytes, .size = (uint32_t)file->size, .name = file->name};
    if (file->size > UINT32_MAX / 2)
        return error_set(err, "%s: too large for a Linux kernel", file->name);
    if (file->size < 2 * SECTOR || load_le16(bytes + SETUP_BOOT_FLAG) != 0xAA55)
        return error_set(err,
                         "%s: not a Linux kernel image (no boot sector signature); give a "
                         "bzImage or zImage",
                         file->name);
    if (memcmp(bytes + SETUP_MAGIC, "HdrS", 4) == 0)
        image->version = load_le16(bytes + SETUP_VERSION);
    if (image->version && (image->version < 0x200 || image->version >= 0x300))
        return error_set(err, "%s: Linux boot protocol %u.%02u is not known", file->name,
                         image->version >> 8, image->version & 0xFF);
    unsigned sectors = bytes[SETUP_SECTORS] ? bytes[SETUP_SECTORS] : DEFAULT_SETUP_SECTORS;
    image->setup_size = (sectors + 1) * SECTOR;
    if (image->setup_size > MAX_SETUP_SIZE)
        return error_set(err, "%s: not a Linux kernel image (%u set-up sectors)", file->name,
                         sectors);
    if (image->size <= image->setup_size)
        return error_set(err, "%s: the kernel image is truncated (it ends inside the set-up code)",
                         file->name);
    image->high = image->version && bytes[SETUP_LOAD_FLAGS] & LOADED_HIGH;
    uint64_t system = load_le16(bytes + SETUP_SYSTEM_SIZE) * UINT64_C(16);
    if (image->version >= 0x204)
        system = load_le32(bytes + SETUP_SYSTEM_SIZE) * UINT64_C(16);
    if (image->version >= 0x204 && image->size - image->setup_size + 16 < system)
        return error_set(err, "%s: the kernel image is truncated (%u bytes, its header says %llu)",
                         file->name, image->size, (unsigned long long)system + image->setup_size);
    if (!image->version && image->size > LOW_KERNEL_MAX + image->setup_size)
        return error_set(err,
                         "%s: not a Linux kernel image (no header, and too large for a kernel "
                         "from before boot protocol 2.00)",
                         file->name);
    return true;
}

/* A header field exists if the protocol has it and the set-up header is that long. */
static uint32_t field(const struct linux_image *image, unsigned offset, unsigned version,
                      uint32_t otherwise)
{
    return image->version >= version ? load_le32(image->bytes + offset) : otherwise;
}

/* "vga=": normal, ext, ask, or a mode number. */
static uint16_t video_mode(const char *command_line)
{
    const char *option = strstr(command_line, "vga=");
    if (!option || (option != command_line && option[-1] != ' '))
        return 0xFFFF;
    option += 4;
    if (strncmp(option, "normal", 6) == 0)
        return 0xFFFF;
    if (strncmp(option, "ext", 3) == 0)
        return 0xFFFE;
    if (strncmp(option, "ask", 3) == 0)
        return 0xFFFD;
    return (uint16_t)strtoul(option, NULL, 0);
}

/* "mem=" bounds where the ramdisk may lie. */
static uint64_t memory_limit(const char *command_line)
{
    const char *option = strstr(command_line, "mem=");
    if (!option || (option != command_line && option[-1] != ' '))
        return UINT64_MAX;
    char *end;
    uint64_t limit = strtoull(option + 4, &end, 0);
    switch (*end | 0x20) {
    case 'g':
        limit <<= 10; /* fallthrough */
        __attribute__((fallthrough));
    case 'm':
        limit <<= 10;
        __attribute__((fallthrough));
    case 'k':
        limit <<= 10;
    }
    return limit;
}

static bool place_initrd(const struct machine_config *config, const struct linux_image *image,
                         uint8_t *setup, struct handoff *handoff, struct error *err)
{
    const struct blob *initrd = &config->initrd;
    if (!initrd->bytes)
        return true;
    if (!image->version)
        return error_set(err,
                         "%s: this kernel is from before boot protocol 2.00 and takes no "
                         "--initrd",
                         image->name);
    if (initrd->size > config->ram_size)
        return error_set(err,
                         "%s: the initrd (%zu bytes) does not fit into %llu MiB of memory; "
                         "use a larger --memory",
                         initrd->name, initrd->size, (unsigned long long)config->ram_size >> 20);
    uint64_t end = (uint64_t)field(image, SETUP_RAMDISK_MAX, 0x203, 0x37FFFFFF) + 1;
    if (end > loader_ram_end(config))
        end = loader_ram_end(config);
    uint64_t limit = memory_limit(config->command_line ? config->command_line : "");
    if (end > limit)
        end = limit;
    uint64_t kernel_end = HIGH_KERNEL + image->size;
    if (image->version >= 0x20A) {
        uint64_t preferred = load_le64(image->bytes + SETUP_PREFERRED_ADDRESS);
        kernel_end = preferred + load_le32(image->bytes + SETUP_INIT_SIZE);
    }
    if (end < initrd->size || ((end - initrd->size) & ~UINT64_C(0xFFF)) < kernel_end)
        return error_set(
            err,
            "%s: kernel and initrd need about %llu MiB, and the machine has %llu; "
            "use a larger --memory",
            initrd->name,
            (unsigned long long)(kernel_end + initrd->size + LOADER_TOP_RESERVE) / (1 << 20) + 1,
            (unsigned long long)config->ram_size >> 20);
    uint32_t address = (uint32_t)(end - initrd->size) & ~0xFFFu;
    handoff_refer(handoff, FW_CFG_INITRD_DATA, address, initrd);
    store_le32(setup + SETUP_RAMDISK_ADDRESS, address);
    store_le32(setup + SETUP_RAMDISK_SIZE, (uint32_t)initrd->size);
    return true;
}

static bool place_command_line(const struct machine_config *config, const struct linux_image *image,
                               uint8_t *setup, struct handoff *handoff, struct error *err)
{
    const char *line = config->command_line ? config->command_line : "";
    size_t length = strlen(line);
    size_t limit = field(image, SETUP_COMMAND_LINE_MAX, 0x206, OLD_COMMAND_LINE_MAX);
    if (limit > 0x1FFF)
        limit = 0x1FFF;
    if (length > limit)
        return error_set(err, "--append is %zu characters long, and this kernel takes %zu", length,
                         limit);
    uint32_t address = image->real_base + image->heap_end;
    uint8_t *bytes = handoff_add(handoff, FW_CFG_CMDLINE_DATA, address, (uint32_t)length + 1);
    memcpy(bytes, line, length + 1);
    if (image->version >= 0x202) {
        store_le32(setup + SETUP_COMMAND_LINE, address);
    } else {
        store_le16(setup + OLD_COMMAND_LINE_MAGIC, OLD_COMMAND_LINE_VALUE);
        store_le16(setup + OLD_COMMAND_LINE_OFFSET, (uint16_t)image->heap_end);
    }
    store_le16(setup + SETUP_VIDEO_MODE, video_mode(line));
    return true;
}

static bool place_kernel(const struct machine_config *config, const struct linux_image *image,
                         struct handoff *handoff, struct error *err)
{
    uint32_t address = image->high ? HIGH_KERNEL : LOW_KERNEL;
    uint32_t size = image->size - image->setup_size;
    if (image->high && address + (uint64_t)size > loader_ram_end(config))
        return error_set(err,
                         "%s: the kernel (%u bytes) does not fit into %llu MiB of memory; use "
                         "a larger --memory",
                         image->name, size, (unsigned long long)config->ram_size >> 20);
    if (!image->high && size > LOW_KERNEL_MAX)
        return error_set(err,
                         "%s: %u bytes are too many for a kernel that is loaded below 640 KiB "
                         "(zImage)",
                         image->name, size);
    memcpy(handoff_add(handoff, FW_CFG_KERNEL_DATA, address, size),
           image->bytes + image->setup_size, size);
    return true;
}

bool loader_linux(const struct machine_config *config, struct handoff *handoff, struct error *err)
{
    struct linux_image image;
    if (!parse(&config->kernel, &image, err))
        return false;
    /* Old set-up code runs at 90000h only; from 2.02 on, anywhere, and low leaves it more room. */
    bool movable = image.version >= 0x202 && image.high;
    image.real_base = movable ? 0x10000 : 0x90000;
    image.heap_end = movable ? 0xE000 : 0x9800;
    uint8_t *setup = handoff_add(handoff, FW_CFG_SETUP_DATA, image.real_base, image.setup_size);
    memcpy(setup, image.bytes, image.setup_size);
    if (image.version)
        setup[SETUP_LOADER_TYPE] = LOADER_TYPE_UNDEFINED;
    if (image.version >= 0x201) {
        setup[SETUP_LOAD_FLAGS] |= CAN_USE_HEAP;
        store_le16(setup + SETUP_HEAP_END, (uint16_t)(image.heap_end - 0x200));
    }
    handoff->mode = HANDOFF_REAL;
    handoff->real_segment = (uint16_t)(image.real_base >> 4);
    handoff->real_cs = (uint16_t)((image.real_base >> 4) + 0x20);
    handoff->real_sp = (uint16_t)image.heap_end;
    handoff->entry = 0;
    handoff->scratch = SCRATCH;
    return place_command_line(config, &image, setup, handoff, err) &&
           place_kernel(config, &image, handoff, err) &&
           place_initrd(config, &image, setup, handoff, err);
}
