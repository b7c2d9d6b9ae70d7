/* 82371AB function 3: power management and SMBus (Intel 290562, chapter 7; ACPI 1.0, chapter 4).
 * Run alone: meson test -C build bare-piix4_pm */
#include "pci.h"

enum { PM = 0xB000, SMB = 0xB100, PIT_READBACK = 0x43, PIT_COUNTER = 0x40 };

static void map_blocks(void)
{
    const char *where = "290562, 7.1";
    CHECK_EQUAL(where, pci_get32(1, 3, 0x00), 0x71138086);
    CHECK_EQUAL(where, pci_get32(1, 3, 0x08) >> 8, 0x068000);
    pci_set32(1, 3, 0x40, PM | 1);
    CHECK_EQUAL("290562, 7.1.10: PMBA", pci_get32(1, 3, 0x40), PM | 1);
    pci_set8(1, 3, 0x80, 1);
    pci_set32(1, 3, 0x90, SMB | 1);
    CHECK_EQUAL("290562, 7.1.29: SMBBA", pci_get32(1, 3, 0x90), SMB | 1);
    pci_set8(1, 3, 0xD2, 0x09);
    pci_set16(1, 3, 0x04, 1);
}

static uint32_t timer(void)
{
    return in32(PM + 8) & 0xFFFFFF;
}

static uint16_t pit_count(void)
{
    out8(0x43, 0x00);
    uint8_t low = in8(PIT_COUNTER);
    return (uint16_t)(low | in8(PIT_COUNTER) << 8);
}

/* The timer runs at three times the 8254's clock: both are compared over 20 ms. */
static void test_timer(void)
{
    const char *where = "290562, 7.2.5: PMTMR";
    out8(0x43, 0x34);
    out8(PIT_COUNTER, 0);
    out8(PIT_COUNTER, 0);
    for (unsigned i = 0; i < 1000; i++)
        in8(0x80); /* the count is loaded with the next tick */
    uint16_t pit_start = pit_count();
    uint32_t start = timer();
    uint16_t pit_passed;
    do
        pit_passed = (uint16_t)(pit_start - pit_count());
    while (pit_passed < 23864);
    uint32_t passed = (timer() - start) & 0xFFFFFF;
    CHECK(where, passed >= 3 * 23864u - 300 && passed < 3 * (pit_passed + 3000u));
    CHECK_EQUAL("290562, 7.2.5: 24 bits", in32(PM + 8) >> 24, 0);
    out32(PM + 8, 0);
    CHECK("290562, 7.2.5: read-only", ((timer() - start) & 0xFFFFFF) >= passed);
}

static void test_overflow(void)
{
    const char *where = "ACPI 1.0, 4.7.3.1.1: TMR_STS";
    /* Bit 23 changes every 2.34 s. */
    out16(PM, 0x0001);
    CHECK_EQUAL(where, in16(PM) & 1, 0);
    uint32_t half = timer() & 0x800000;
    while ((timer() & 0x800000) == half)
        ;
    unsigned tries = 0;
    while (!(in16(PM) & 1) && ++tries < 100000)
        ;
    CHECK_EQUAL(where, in16(PM) & 1, 1);
    out16(PM, 0x0001);
    CHECK_EQUAL(where, in16(PM) & 1, 0);
}

static void test_enables(void)
{
    const char *where = "290562, 7.2.2: PMEN";
    out16(PM + 2, 0x0121);
    CHECK_EQUAL(where, in16(PM + 2), 0x0121);
    out16(PM + 2, 0x0000);
    CHECK_EQUAL(where, in16(PM + 2), 0x0000);
}

static void test_acpi_switch(void)
{
    const char *where = "ACPI 1.0, 4.7.2.5: SMI_CMD";
    out8(0xB2, 0xF0);
    CHECK_EQUAL(where, in16(PM + 4) & 1, 0);
    out8(0xB2, 0xF1);
    CHECK_EQUAL(where, in16(PM + 4) & 1, 1);
    out8(0xB2, 0xF0);
    CHECK_EQUAL(where, in16(PM + 4) & 1, 0);
    out8(0xB3, 0x5A);
    CHECK_EQUAL("290562, 7.2: APMS", in8(0xB3), 0x5A);
}

static void test_control(void)
{
    const char *where = "290562, 7.2.3: PMCNTRL";
    out16(PM + 4, 0x1401); /* sleep type 5, not enabled */
    CHECK_EQUAL(where, in16(PM + 4) & 0x3C01, 0x1401);
    out16(PM + 4, 0x0000);
    CHECK_EQUAL(where, in16(PM + 4) & 0x3C01, 0x0000);
}

static void test_smbus(void)
{
    const char *where = "290562, 7.3.1: SMBHSTSTS";
    out8(SMB, 0x1E);
    CHECK_EQUAL(where, in8(SMB) & 0x1F, 0);
    out8(SMB + 3, 0x12);
    out8(SMB + 4, 0x31); /* nobody there */
    out8(SMB + 5, 0x34);
    out8(SMB + 6, 0x56);
    CHECK_EQUAL("290562, 7.3.4: SMBHSTCMD", in8(SMB + 3), 0x12);
    CHECK_EQUAL("290562, 7.3.5: SMBHSTADD", in8(SMB + 4), 0x31);
    CHECK_EQUAL("290562, 7.3.6: SMBHSTDAT0", in8(SMB + 5), 0x34);
    CHECK_EQUAL("290562, 7.3.7: SMBHSTDAT1", in8(SMB + 6), 0x56);
    out8(SMB + 2, 0x48);
    while (in8(SMB) & 1)
        ;
    CHECK_EQUAL(where, in8(SMB) & 0x1E, 0x04);
    out8(SMB, 0x04);
    CHECK_EQUAL(where, in8(SMB) & 0x1E, 0x00);
}

void bare_tests(void)
{
    map_blocks();
    test_timer();
    test_overflow();
    test_enables();
    test_acpi_switch();
    test_control();
    test_smbus();
}
