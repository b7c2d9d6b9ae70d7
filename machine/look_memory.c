/* Page tables, in words (SDM 3A chapter 4). */
#include "base/bits.h"
#include "machine/inspect.h"
#include "machine/internal.h"
#include "machine/look.h"

#include <stdarg.h>
#include <string.h>

void look_say(json_t *lines, const char *format, ...)
{
    char line[2 * LOOK_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    json_array_append_new(lines, json_string(line));
}

/* --- by which registers --- */

static void read_pdptes(struct look *look)
{
    const struct cpu *cpu = look->machine->cpu;
    if (look->context.cr3 == cpu->cr3 && cpu->mmu->paging.enabled)
        return; /* as they were loaded, whatever memory says now */
    for (unsigned i = 0; i < 4; i++) {
        uint8_t bytes[8];
        inspect_physical(look->machine, (look->context.cr3 & ~31u) + i * 8, bytes, sizeof bytes);
        look->mmu.pdpte[i] = load_le32(bytes) | (uint64_t)load_le32(bytes + 4) << 32;
    }
}

void look_at(struct look *look, struct machine *machine, const struct fault_context *context)
{
    *look = (struct look){machine, *context, *machine->cpu->mmu};
    struct mmu_paging *paging = &look->mmu.paging;
    paging->cr3 = context->cr3;
    paging->enabled = context->cr0 & CR0_PG;
    paging->write_protect = context->cr0 & CR0_WP;
    paging->pse = context->cr4 & CR4_PSE;
    paging->pae = context->cr4 & CR4_PAE;
    paging->pge = context->cr4 & CR4_PGE;
    if (paging->enabled && paging->pae)
        read_pdptes(look);
}

void look_now(struct look *look, struct machine *machine)
{
    struct fault_context context = cpu_fault_context(machine->cpu);
    look_at(look, machine, &context);
}

/* --- access --- */

static bool translate(const struct look *look, uint32_t linear, struct look_access access,
                      uint64_t *physical, uint32_t *error)
{
    struct walk_result walk = {.physical = linear & ~(uint32_t)PAGE_MASK};
    if (look->mmu.paging.enabled &&
        !walk_page_tables(&look->mmu, linear, access.access, access.user, false, &walk, error))
        return false;
    *physical = walk.physical | (linear & PAGE_MASK);
    return true;
}

bool look_translates(const struct look *look, uint32_t linear, struct look_access access,
                     uint32_t *error)
{
    uint64_t physical;
    return translate(look, linear, access, &physical, error);
}

bool look_read(const struct look *look, uint32_t linear, void *bytes, unsigned size,
               uint32_t *missing)
{
    uint8_t *to = bytes;
    for (unsigned i = 0; i < size; i++) {
        uint64_t physical;
        uint32_t error;
        *missing = linear + i;
        if (!translate(look, linear + i, (struct look_access){MMU_READ, false}, &physical, &error))
            return false;
        to[i] = 0xFF;
        if (!(physical >> 32))
            inspect_physical(look->machine,
                             (uint32_t)physical & physmem_a20_mask(look->machine->phys), &to[i], 1);
    }
    return true;
}

/* --- one walk --- */

struct flag_name {
    uint64_t bit;
    const char *name;
};

static const struct flag_name entry_flags[] = {
    {ENTRY_PRESENT,       "P"  },
    {ENTRY_WRITABLE,      "R/W"},
    {ENTRY_USER,          "U/S"},
    {ENTRY_WRITE_THROUGH, "PWT"},
    {ENTRY_CACHE_DISABLE, "PCD"},
    {ENTRY_ACCESSED,      "A"  },
    {ENTRY_DIRTY,         "D"  },
    {ENTRY_LARGE,         "PS" },
    {ENTRY_GLOBAL,        "G"  },
    {ENTRY_NO_EXECUTE,    "XD" },
};

/* What a level of the tables is called, and which of the flags its entries have. */
struct level {
    const char *name;
    uint64_t flags;
};

#define FLAGS_ALL                                                                                  \
    (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER | ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE |     \
     ENTRY_ACCESSED)
static const struct level pdpte = {"PDPTE",
                                   ENTRY_PRESENT | ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE};
static const struct level pde_table = {"PDE", FLAGS_ALL | ENTRY_LARGE | ENTRY_NO_EXECUTE};
static const struct level pde_page = {"PDE", FLAGS_ALL | ENTRY_LARGE | ENTRY_DIRTY | ENTRY_GLOBAL |
                                                 ENTRY_NO_EXECUTE};
static const struct level pte = {"PTE", FLAGS_ALL | ENTRY_DIRTY | ENTRY_GLOBAL | ENTRY_NO_EXECUTE};

/* Why an access is refused that the entry lets through otherwise. */
static const char *refusal(const struct look *look, uint64_t entry,
                           const struct look_access *access)
{
    const struct mmu_paging *paging = &look->mmu.paging;
    if (!access)
        return NULL;
    if (access->user && !(entry & ENTRY_USER))
        return "not for user mode";
    if (access->access == MMU_WRITE && !(entry & ENTRY_WRITABLE) &&
        (access->user || paging->write_protect))
        return access->user ? "not writable" : "not writable, and CR0.WP is set";
    if (access->access == MMU_EXECUTE && paging->pae && paging->no_execute &&
        entry & ENTRY_NO_EXECUTE)
        return "not executable";
    return NULL;
}

static void add_entry(json_t *walk, const struct look *look, const struct level *level,
                      uint32_t index, uint32_t address, uint64_t value, const char *wrong)
{
    unsigned digits = look->mmu.paging.pae ? 16 : 8;
    json_t *flags = json_array();
    char text[LOOK_TEXT], hexadecimal[20], names[64] = "";
    for (unsigned i = 0; i < ARRAY_LENGTH(entry_flags); i++) {
        if (!(value & entry_flags[i].bit & level->flags))
            continue;
        json_array_append_new(flags, json_string(entry_flags[i].name));
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", entry_flags[i].name);
    }
    snprintf(hexadecimal, sizeof hexadecimal, "%0*llX", (int)digits, (unsigned long long)value);
    int used = snprintf(text, sizeof text, "%s[%u]", level->name, index);
    if (level != &pdpte)
        used += snprintf(text + used, sizeof text - (size_t)used, " at %08Xh", address);
    snprintf(text + used, sizeof text - (size_t)used, ": %sh%s%s%s", hexadecimal, names,
             wrong ? ": " : "", wrong ? wrong : "");
    json_t *entry =
        json_pack("{s:s, s:i, s:I, s:s, s:o, s:o, s:s}", "name", level->name, "index", (int)index,
                  "address", (json_int_t)address, "value", hexadecimal, "flags", flags, "wrong",
                  wrong ? json_string(wrong) : json_null(), "text", text);
    if (level == &pdpte)
        json_object_del(entry, "address"); /* it is in a register */
    json_array_append_new(json_object_get(walk, "entries"), entry);
}

static const char *entry_wrong(const struct look *look, enum walk_status status, bool is_last,
                               uint64_t entry, const struct look_access *access)
{
    if (!(entry & ENTRY_PRESENT))
        return "not present";
    if (status == WALK_RESERVED && is_last)
        return "a reserved bit is set";
    return refusal(look, entry, access);
}

static void rights_text(uint8_t rights, char text[4])
{
    snprintf(text, 4, "%s%s%s", rights & 1 << MMU_READ ? "r" : "",
             rights & 1 << MMU_WRITE ? "w" : "", rights & 1 << MMU_EXECUTE ? "x" : "");
}

static void add_translation(json_t *walk, const struct look *look, const struct walk_path *path,
                            uint32_t linear)
{
    char user[4], supervisor[4], text[LOOK_TEXT];
    unsigned size = path->levels == 2 ? PAGE_SIZE : look->mmu.paging.pae ? 2 << 20 : 4 << 20;
    uint64_t physical = path->physical | (linear & PAGE_MASK);
    rights_text(walk_rights(&look->mmu, path, true), user);
    rights_text(walk_rights(&look->mmu, path, false), supervisor);
    json_object_set_new(walk, "physical", json_integer((json_int_t)physical));
    json_object_set_new(walk, "page_size", json_integer(size));
    json_object_set_new(walk, "user", json_string(user));
    json_object_set_new(walk, "supervisor", json_string(supervisor));
    snprintf(text, sizeof text,
             "linear %08Xh is physical %08llXh, page of %u KiB, user %s, supervisor %s", linear,
             (unsigned long long)physical, size >> 10, *user ? user : "-", supervisor);
    json_object_set_new(walk, "text", json_string(text));
}

static json_t *walk_without_paging(uint32_t linear)
{
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "linear %08Xh is physical %08Xh: paging is off", linear, linear);
    return json_pack("{s:I, s:s, s:[], s:b, s:I, s:s}", "linear", (json_int_t)linear, "paging",
                     "none", "entries", "mapped", 1, "physical", (json_int_t)linear, "text", text);
}

/* The entries that path went through; the last of them is where it ended. */
static void add_path(json_t *walk, const struct look *look, const struct walk_path *path,
                     enum walk_status status, uint32_t linear, const struct look_access *access)
{
    bool pae = look->mmu.paging.pae;
    unsigned shift = pae ? 21 : 22, mask = pae ? 0x1FF : 0x3FF;
    bool has_pages = pae || look->mmu.paging.pse;
    if (pae)
        add_entry(walk, look, &pdpte, linear >> 30, 0, look->mmu.pdpte[linear >> 30],
                  look->mmu.pdpte[linear >> 30] & ENTRY_PRESENT ? NULL : "not present");
    for (unsigned i = 0; i < path->levels; i++) {
        uint64_t entry = path->entry[i];
        const struct level *level = i == 1                             ? &pte
                                    : has_pages && entry & ENTRY_LARGE ? &pde_page
                                                                       : &pde_table;
        add_entry(walk, look, level, linear >> (i ? 12 : shift) & mask, path->address[i], entry,
                  entry_wrong(look, status, i + 1 == path->levels, entry, access));
    }
}

json_t *look_walk(const struct look *look, uint32_t linear, const struct look_access *access)
{
    if (!look->mmu.paging.enabled)
        return walk_without_paging(linear);
    struct walk_path path;
    enum walk_status status = walk_find_path(&look->mmu, linear, true, &path);
    json_t *walk = json_pack("{s:I, s:s, s:[], s:b}", "linear", (json_int_t)linear, "paging",
                             look->mmu.paging.pae ? "PAE" : "32-bit", "entries", "mapped",
                             status == WALK_COMPLETE);
    add_path(walk, look, &path, status, linear, access);
    if (status == WALK_COMPLETE) {
        add_translation(walk, look, &path, linear);
        return walk;
    }
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "linear %08Xh is not mapped", linear);
    json_object_set_new(walk, "text", json_string(text));
    return walk;
}

/* --- everything that is mapped --- */

struct range {
    uint64_t first, last; /* linear, inclusive */
    uint64_t physical;
    unsigned page_size;
    uint8_t user, supervisor;
    uint64_t flags; /* PWT, PCD, G */
    bool is_contiguous;
};

#define RANGE_FLAGS (ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLE | ENTRY_GLOBAL)

/* The page at linear, or, if there is none, how much is missing at least. */
static bool range_at(const struct look *look, uint32_t linear, struct range *range)
{
    struct walk_path path;
    bool pae = look->mmu.paging.pae;
    unsigned large = pae ? 2 << 20 : 4 << 20;
    enum walk_status status = walk_find_path(&look->mmu, linear, true, &path);
    unsigned size = path.levels == 2 ? PAGE_SIZE : path.levels == 1 ? large : 1 << 30;
    uint32_t first = linear & ~(size - 1);
    *range = (struct range){.first = first, .last = (uint64_t)first + size - 1};
    if (status != WALK_COMPLETE)
        return false;
    range->physical = path.physical & ~(uint64_t)(size - 1);
    range->page_size = size;
    range->user = walk_rights(&look->mmu, &path, true);
    range->supervisor = walk_rights(&look->mmu, &path, false);
    range->flags = path.entry[path.levels - 1] & RANGE_FLAGS;
    range->is_contiguous = true;
    return true;
}

static bool extends(const struct range *range, const struct range *page)
{
    return page->first == range->last + 1 && page->page_size == range->page_size &&
           page->user == range->user && page->supervisor == range->supervisor &&
           page->flags == range->flags;
}

static json_t *range_json(const struct range *range)
{
    char user[4], supervisor[4], text[LOOK_TEXT], to[32];
    json_t *flags = json_array();
    rights_text(range->user, user);
    rights_text(range->supervisor, supervisor);
    snprintf(to, sizeof to, "%08llXh", (unsigned long long)range->physical);
    int used =
        snprintf(text, sizeof text, "%08llX-%08llX  %-9s  user %-3s supervisor %-3s  %4u KiB",
                 (unsigned long long)range->first, (unsigned long long)range->last,
                 range->is_contiguous ? to : "scattered", *user ? user : "-", supervisor,
                 range->page_size >> 10);
    for (unsigned i = 0; i < ARRAY_LENGTH(entry_flags); i++) {
        if (!(range->flags & entry_flags[i].bit))
            continue;
        json_array_append_new(flags, json_string(entry_flags[i].name));
        used += snprintf(text + used, sizeof text - (size_t)used, " %s", entry_flags[i].name);
    }
    return json_pack("{s:I, s:I, s:o, s:i, s:s, s:s, s:o, s:s}", "first", (json_int_t)range->first,
                     "last", (json_int_t)range->last, "physical",
                     range->is_contiguous ? json_integer((json_int_t)range->physical) : json_null(),
                     "page_size", (int)range->page_size, "user", user, "supervisor", supervisor,
                     "flags", flags, "text", text);
}

json_t *look_ranges(const struct look *look, uint32_t linear, unsigned count)
{
    if (!look->mmu.paging.enabled)
        return json_pack("{s:s, s:[], s:n, s:s}", "paging", "none", "ranges", "next", "text",
                         "paging is off: linear addresses are physical ones");
    json_t *ranges = json_array(), *next = json_null();
    struct range range = {.page_size = 0}, page;
    for (uint64_t at = linear; at <= UINT32_MAX; at = page.last + 1) {
        bool is_mapped = range_at(look, (uint32_t)at, &page);
        if (is_mapped && range.page_size && extends(&range, &page)) {
            range.is_contiguous &= page.physical == range.physical + (page.first - range.first);
            range.last = page.last;
            continue;
        }
        if (range.page_size)
            json_array_append_new(ranges, range_json(&range));
        range.page_size = 0;
        if (json_array_size(ranges) == count) {
            next = json_integer((json_int_t)page.first);
            break;
        }
        if (is_mapped)
            range = page;
    }
    if (range.page_size)
        json_array_append_new(ranges, range_json(&range));
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "%s paging, CR3 %08Xh%s", look->mmu.paging.pae ? "PAE" : "32-bit",
             look->context.cr3, json_is_null(next) ? "" : "; there is more");
    return json_pack("{s:s, s:s, s:o, s:o}", "text", text, "paging",
                     look->mmu.paging.pae ? "PAE" : "32-bit", "ranges", ranges, "next", next);
}
