/* The gdb stub: memory, and the list of breakpoints and watchpoints. */
#include "base/memory.h"
#include "machine/gdb_private.h"
#include "machine/inspect.h"

#include <errno.h>
#include <string.h>

enum { WATCH_MAX = 1 << 16 /* bytes in a watchpoint */ };

/* How much of size bytes at address lies in its page. */
static size_t part_in_page(uint32_t address, size_t size)
{
    size_t part = PAGE_SIZE - (address & PAGE_MASK);
    return part < size ? part : size;
}

static bool find_physical(const struct gdb *gdb, uint32_t address, uint32_t *physical)
{
    *physical = address;
    return gdb->is_physical || mmu_peek(gdb->machine->cpu->mmu, address, physical);
}

static bool take_range(struct gdb_text *text, uint32_t *address, uint64_t *size)
{
    uint64_t wide;
    bool ok = gdb_take_hex(text, &wide) && gdb_take_char(text, ',') && gdb_take_hex(text, size);
    *address = (uint32_t)wide;
    return ok && wide <= UINT32_MAX && *size <= (UINT64_C(1) << 32) - wide;
}

/* As much as there is, up to the first page that is not mapped. */
void gdb_read_memory(struct gdb *gdb, struct gdb_text *text)
{
    uint32_t address, physical;
    uint64_t size;
    uint8_t page[PAGE_SIZE];
    if (!take_range(text, &address, &size)) {
        gdb_send_error(gdb, EINVAL);
        return;
    }
    if (size > GDB_PAYLOAD_MAX / 2)
        size = GDB_PAYLOAD_MAX / 2;
    bool is_empty = size > 0;
    while (size && find_physical(gdb, address, &physical)) {
        size_t part = part_in_page(address, size);
        inspect_physical(gdb->machine, physical, page, part);
        gdb_put_bytes(gdb, page, part);
        address += (uint32_t)part;
        size -= part;
        is_empty = false;
    }
    if (is_empty)
        gdb_send_error(gdb, EFAULT);
    else
        gdb_send(gdb);
}

static bool take_bytes(struct gdb_text *text, bool is_binary, uint8_t *bytes, uint64_t size)
{
    if (!is_binary) {
        for (uint64_t i = 0; i < size; i++) {
            if (!gdb_take_byte(text, &bytes[i]))
                return false;
        }
        return true;
    }
    if ((uint64_t)(text->end - text->at) != size)
        return false;
    if (size)
        memcpy(bytes, text->at, size);
    return true;
}

/* All pages are found before the first byte is changed. */
static bool write_all(struct gdb *gdb, uint32_t address, const uint8_t *bytes, uint64_t size)
{
    uint32_t physical;
    for (uint64_t done = 0; done < size;
         done += part_in_page(address + (uint32_t)done, size - done))
        if (!find_physical(gdb, address + (uint32_t)done, &physical))
            return false;
    if (!gdb_leave_past(gdb))
        return false;
    while (size && find_physical(gdb, address, &physical)) {
        size_t part = part_in_page(address, size);
        if (!machine_patch(gdb->machine, physical, bytes, part))
            return false;
        address += (uint32_t)part;
        bytes += part;
        size -= part;
    }
    return size == 0;
}

void gdb_write_memory(struct gdb *gdb, struct gdb_text *text, bool is_binary)
{
    uint8_t bytes[GDB_PAYLOAD_MAX];
    uint32_t address;
    uint64_t size;
    if (!take_range(text, &address, &size) || size > sizeof bytes || !gdb_take_char(text, ':') ||
        !take_bytes(text, is_binary, bytes, size))
        gdb_send_error(gdb, EINVAL);
    else if (!write_all(gdb, address, bytes, size))
        gdb_send_no_change(gdb, EFAULT);
    else
        gdb_send_text(gdb, "OK");
}

/* --- points --- */

/* Conditions and commands that may follow are not offered in qSupported, and not taken. */
static bool take_point(struct gdb_text *text, struct point *point)
{
    static const enum point_kind kinds[GDB_POINT_TYPES] = {
        [GDB_SOFTWARE] = POINT_EXECUTE, [GDB_HARDWARE] = POINT_EXECUTE, [GDB_WRITE] = POINT_WRITE,
        [GDB_READ] = POINT_READ,        [GDB_ACCESS] = POINT_ACCESS,
    };
    uint64_t type, size;
    uint32_t address;
    if (!gdb_take_hex(text, &type) || type >= GDB_POINT_TYPES || !gdb_take_char(text, ',') ||
        !take_range(text, &address, &size) || text->at != text->end)
        return false;
    if (kinds[type] == POINT_EXECUTE)
        size = 1;
    *point = (struct point){kinds[type], address, (uint32_t)size, (uint32_t)type};
    return size > 0 && size <= WATCH_MAX;
}

/* gdb may say the same twice, when an answer was lost. */
void gdb_change_point(struct gdb *gdb, struct gdb_text *text, bool add)
{
    struct point point;
    if (!take_point(text, &point)) {
        gdb_send_error(gdb, EINVAL);
        return;
    }
    bool was_there = points_remove(gdb->points, &point);
    if (add && !points_add(gdb->points, &point))
        gdb_send_error(gdb, ENOSPC);
    else if (!add && !was_there)
        gdb_send_error(gdb, ENOENT);
    else
        gdb_send_text(gdb, "OK");
}
