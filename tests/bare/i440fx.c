/* 82441FX host bridge: identity, attribute map, SMRAM (Intel 290549, chapter 3).
 * Run alone: meson test -C build bare-i440fx */
#include "pci.h"

enum { PAM5 = 0x5D, PAM0 = 0x59, SMRAM = 0x72 };

static volatile uint8_t *const at_d8000 = (volatile uint8_t *)0xD8000;
static volatile uint8_t *const at_dc000 = (volatile uint8_t *)0xDC000;

static uint8_t get(unsigned offset)
{
    return pci_get8(0, 0, offset);
}

static void set(unsigned offset, uint8_t value)
{
    pci_set8(0, 0, offset, value);
}

static void test_identity(void)
{
    const char *where = "290549, 3.2.1";
    CHECK_EQUAL(where, pci_get32(0, 0, 0x00), 0x12378086);
    CHECK_EQUAL(where, pci_get32(0, 0, 0x08) >> 8, 0x060000);
    CHECK_EQUAL(where, get(0x0E), 0x00);
    /* QEMU keeps the bits writable. */
    CHECK_EQUAL("290549, 3.2.3", pci_get16(0, 0, 0x04) & 6, 6);
    pci_set16(0, 0, 0x04, 0);
    CHECK_EQUAL("290549, 3.2.3: fixed bits", pci_get16(0, 0, 0x04) & 6, 6);
}

static void test_attribute_map(void)
{
    const char *where = "290549, 3.2.16: PAM";
    uint8_t old = get(PAM5);
    set(PAM5, 0x33);
    CHECK_EQUAL(where, get(PAM5), 0x33);
    *at_d8000 = 0x11;
    *at_dc000 = 0x22;
    CHECK_EQUAL("290549, 3.2.16: read and write", *at_d8000, 0x11);
    CHECK_EQUAL("290549, 3.2.16: read and write", *at_dc000, 0x22);
    set(PAM5, 0x31);
    *at_d8000 = 0x99;
    *at_dc000 = 0x44;
    CHECK_EQUAL("290549, 3.2.16: read only", *at_d8000, 0x11);
    CHECK_EQUAL("290549, 3.2.16: other segment", *at_dc000, 0x44);
    set(PAM5, 0x30);
    CHECK_EQUAL("290549, 3.2.16: off", *at_d8000, 0xFF);
    *at_d8000 = 0x99;
    set(PAM5, 0x33);
    CHECK_EQUAL("290549, 3.2.16: off ignores writes", *at_d8000, 0x11);
    set(PAM5, 0x32); /* QEMU treats write-only as off */
    CHECK_EQUAL("290549, 3.2.16: write only", *at_d8000, 0xFF);
    *at_d8000 = 0x55;
    set(PAM5, 0x33);
    CHECK_EQUAL("290549, 3.2.16: write only", *at_d8000, 0x55);
    set(PAM5, old);
}

/* Code that runs from shadow RAM is seen when the RAM below it changes. */
static void test_code_in_shadow(void)
{
    const char *where = "290549, 3.2.16: code";
    uint8_t old = get(PAM5);
    set(PAM5, 0x33);
    at_d8000[0] = 0xB0; /* mov al, 1; ret */
    at_d8000[1] = 0x01;
    at_d8000[2] = 0xC3;
    uint8_t (*code)(void) = (uint8_t(*)(void))(uint32_t)at_d8000;
    CHECK_EQUAL(where, code(), 1);
    at_d8000[1] = 0x02;
    CHECK_EQUAL(where, code(), 2);
    set(PAM5, 0x31);
    at_d8000[1] = 0x03;
    CHECK_EQUAL(where, code(), 2);
    set(PAM5, old);
}

static void test_firmware_segment(void)
{
    const char *where = "290549, 3.2.16: PAM0";
    volatile uint8_t *byte = (volatile uint8_t *)0xF0400;
    uint8_t old = get(PAM0);
    set(PAM0, 0x30);
    uint8_t was = *byte;
    *byte = (uint8_t)(was + 1);
    CHECK_EQUAL(where, *byte, (uint8_t)(was + 1));
    set(PAM0, 0x10);
    *byte = was;
    CHECK_EQUAL(where, *byte, (uint8_t)(was + 1));
    set(PAM0, 0x30);
    *byte = was;
    set(PAM0, old);
}

static void test_smram(void)
{
    const char *where = "290549, 3.2.21: SMRAM";
    volatile uint32_t *video = (volatile uint32_t *)0xA8000;
    CHECK_EQUAL(where, get(SMRAM) & 7, 2);
    if (get(SMRAM) & 0x10)
        return; /* locked by firmware */
    set(SMRAM, 0x4A);
    CHECK_EQUAL(where, get(SMRAM) & 0x40, 0x40);
    *video = 0x12345678;
    CHECK_EQUAL("290549, 3.2.21: DOPEN", *video, 0x12345678);
    set(SMRAM, 0x0A);
    *video = 0;
    set(SMRAM, 0x4A);
    CHECK_EQUAL("290549, 3.2.21: closed", *video, 0x12345678);
    set(SMRAM, 0x1A); /* QEMU has no lock */
    CHECK_EQUAL("290549, 3.2.21: DLCK", get(SMRAM) & 0x50, 0x10);
    set(SMRAM, 0x4A);
    CHECK_EQUAL("290549, 3.2.21: locked", get(SMRAM) & 0x50, 0x10);
}

void bare_tests(void)
{
    test_identity();
    test_attribute_map();
    test_code_in_shadow();
    test_firmware_segment();
    test_smram();
}
