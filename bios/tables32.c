/* Building the tables in the F segment. */
#include "bios/tables32.h"
#include "bios/init32.h"

extern u8 flat_tables[], flat_tables_end[], bios32_directory[], pnp_header[];

static u32 used;

void *table_allocate(u32 size, u32 align)
{
    u32 start = IN_CODE(flat_tables), end = IN_CODE(flat_tables_end);
    u32 at = (start + used + align - 1) & ~(align - 1);
    if (at + size > end) {
        debug_text("BIOS: no room for a table\n");
        for (;;)
            __asm__ volatile("hlt");
    }
    used = at + size - start;
    return memory_set((void *)at, 0, size);
}

void tables_build(void)
{
    u8 *directory = (u8 *)IN_CODE(bios32_directory);
    used = 0;
    directory[10] = 0;
    directory[10] = (u8)-checksum(directory, 16);
    u8 *pnp = (u8 *)IN_CODE(pnp_header);
    pnp[8] = 0;
    pnp[8] = (u8)-checksum(pnp, 33);
    pir_build();
    mp_build();
    acpi_build();
    smbios_build();
}
