#include "ata.h"

const struct ata_channel ata_primary = {0x1F0, 0x3F6, BM_BASE, 14};
const struct ata_channel ata_secondary = {0x170, 0x376, BM_BASE + 8, 15};

static uint32_t prd_table[64] __attribute__((aligned(512)));

void ata_begin(void)
{
    chips_begin();
    chips_unmask(14);
    chips_unmask(15);
    pci_set16(1, 1, 0x40, 0x8000);
    pci_set16(1, 1, 0x42, 0x8000);
    pci_set32(1, 1, 0x20, BM_BASE);
    pci_set16(1, 1, 0x04, 0x0005);
    out8(ata_primary.control, 0);
    out8(ata_secondary.control, 0);
}

void ata_task(const struct ata_channel *c, uint8_t count, uint32_t low, uint8_t device)
{
    ata_out(c, 6, device);
    ata_out(c, 2, count);
    ata_out(c, 3, (uint8_t)low);
    ata_out(c, 4, (uint8_t)(low >> 8));
    ata_out(c, 5, (uint8_t)(low >> 16));
}

uint8_t ata_idle(const struct ata_channel *c)
{
    for (unsigned i = 0; i < ATA_TIMEOUT * 10; i++) {
        uint8_t status = in8(c->control);
        if (!(status & ATA_BSY))
            return status;
        chips_delay_us(100);
    }
    return in8(c->control);
}

unsigned ata_next(const struct ata_channel *c)
{
    bool came = chips_wait(c->irq, 1, ATA_TIMEOUT);
    chips_forget();
    return ata_in(c, 7) | (came ? 0 : 0x100);
}

unsigned ata_command(const struct ata_channel *c, uint8_t command)
{
    chips_forget();
    ata_out(c, 7, command);
    return ata_next(c);
}

void ata_read_data(const struct ata_channel *c, void *bytes, unsigned size)
{
    uint8_t *to = bytes;
    for (unsigned i = 0; i < size; i += 2) {
        uint16_t word = in16(c->command);
        to[i] = (uint8_t)word;
        if (i + 1 < size)
            to[i + 1] = (uint8_t)(word >> 8);
    }
}

void ata_write_data(const struct ata_channel *c, const void *bytes, unsigned size)
{
    const uint8_t *from = bytes;
    for (unsigned i = 0; i < size; i += 2)
        out16(c->command, (uint16_t)(from[i] | from[i + 1] << 8));
}

void ata_software_reset(const struct ata_channel *c)
{
    out8(c->control, 0x04);
    chips_delay_us(10);
    out8(c->control, 0x00);
    chips_sleep_ms(3);
    ata_idle(c);
}

void ata_put_table(const struct ata_channel *c, const struct ata_prd *prds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        prd_table[2 * i] = prds[i].address;
        prd_table[2 * i + 1] = (prds[i].size & 0xFFFF) | (i + 1 == count ? 0x80000000u : 0);
    }
    out8((uint16_t)(c->master + BM_COMMAND), 0);
    out8((uint16_t)(c->master + BM_STATUS), 0x06);
    out32((uint16_t)(c->master + BM_TABLE), (uint32_t)prd_table);
}
