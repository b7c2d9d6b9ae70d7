#include "tests/fuzz/little_machine.h"

#include "cpu/model.h"
#include "mmu/physmem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { ROM_SIZE = 0x10000, RESET = ROM_SIZE - 16 };

struct machine *little_machine_new(struct machine_config config)
{
    static const uint8_t loop[] = {
        0x40,             /* inc ax */
        0xA3, 0x00, 0x05, /* mov [0500h], ax */
        0xE6, 0x80,       /* out 80h, al */
        0xD9, 0xE8,       /* fld1 */
        0xB9, 0x03, 0x00, /* mov cx, 3 */
        0xF3, 0xAA,       /* rep stosb */
        0xEB, 0xF1,       /* jmp to the beginning */
    };
    static const uint8_t reset[] = {0xEA, 0, 0, 0, 0xF0}; /* jmp F000:0000 */
    static uint8_t rom[ROM_SIZE];
    struct error err;
    memset(rom, 0xFF, ROM_SIZE);
    memcpy(rom, loop, sizeof loop);
    memcpy(rom + RESET, reset, sizeof reset);
    config.model = cpu_model_find("pentium3");
    config.ram_size = PHYSMEM_RAM_MIN;
    config.firmware = (struct blob){rom, ROM_SIZE, "fuzz"};
    config.stop_after = UINT64_MAX;
    struct machine *machine = machine_new(&config, &err);
    fuzz_check(machine);
    return machine;
}
