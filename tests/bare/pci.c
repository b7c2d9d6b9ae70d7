/* PCI configuration mechanism 1, headers, BARs (VGA function 02.0 as the example).
 * Run alone: meson test -C build bare-pci */
#include "pci.h"

enum { VGA = 2, BAR0 = 0x10, ROM_BAR = 0x30, COMMAND = 0x04 };

static volatile uint8_t *const frame_buffer = (volatile uint8_t *)0xE0000000;
static volatile uint8_t *const moved_buffer = (volatile uint8_t *)0xE2000000;

static void test_mechanism(void)
{
    const char *where = "PCI 2.1, 3.7.4.1";
    out32(PCI_ADDRESS, 0xFFFFFFFF);
    CHECK_EQUAL(where, in32(PCI_ADDRESS) & 0x80FFFFFC, 0x80FFFFFC);
    out32(PCI_ADDRESS, 0x80001000);
    CHECK_EQUAL(where, in32(PCI_ADDRESS), 0x80001000);
    out8(PCI_ADDRESS, 0x55);
    out16(PCI_ADDRESS, 0x5555);
    CHECK_EQUAL("PCI 2.1, 3.7.4.1: dwords only", in32(PCI_ADDRESS), 0x80001000);
    out32(PCI_ADDRESS, 0x00001000);
    CHECK_EQUAL("PCI 2.1, 3.7.4.1: enable bit", in32(PCI_DATA), 0xFFFFFFFF);
    CHECK_EQUAL(where, pci_get32(VGA, 0, 0), 0x11111234);
    CHECK_EQUAL(where, pci_get16(VGA, 0, 2), 0x1111);
    CHECK_EQUAL(where, pci_get8(VGA, 0, 1), 0x12);
    CHECK_EQUAL(where, pci_get8(VGA, 0, 3), 0x11);
}

static void test_absent(void)
{
    const char *where = "PCI 2.1, 3.7.4: master abort";
    CHECK_EQUAL(where, pci_get32(31, 0, 0), 0xFFFFFFFF);
    CHECK_EQUAL(where, pci_get16(31, 7, 0), 0xFFFF);
    CHECK_EQUAL(where, pci_get8(VGA, 1, 0), 0xFF);
    out32(PCI_ADDRESS, 0x80011000); /* bus 1 */
    CHECK_EQUAL(where, in32(PCI_DATA), 0xFFFFFFFF);
}

static void test_header(void)
{
    const char *where = "PCI 2.1, 6.1";
    CHECK_EQUAL(where, pci_get8(VGA, 0, 0x0B), 0x03);
    CHECK_EQUAL(where, pci_get8(VGA, 0, 0x0A), 0x00);
    CHECK_EQUAL(where, pci_get8(VGA, 0, 0x0E), 0x00);
    pci_set32(VGA, 0, 0x00, 0xA5A5A5A5);
    pci_set32(VGA, 0, 0x08, 0xA5A5A5A5);
    CHECK_EQUAL("PCI 2.1, 6.2.1: read-only", pci_get32(VGA, 0, 0x00), 0x11111234);
    CHECK_EQUAL("PCI 2.1, 6.2.1: read-only", pci_get8(VGA, 0, 0x0B), 0x03);
    uint8_t line = pci_get8(VGA, 0, 0x3C);
    pci_set8(VGA, 0, 0x3C, 0x5A);
    CHECK_EQUAL("PCI 2.1, 6.2.4: interrupt line", pci_get8(VGA, 0, 0x3C), 0x5A);
    pci_set8(VGA, 0, 0x3C, line);
}

static void test_sizing(void)
{
    const char *where = "PCI 2.1, 6.2.5.1: sizing";
    pci_set16(VGA, 0, COMMAND, 0);
    pci_set32(VGA, 0, BAR0, 0xFFFFFFFF);
    CHECK_EQUAL(where, pci_get32(VGA, 0, BAR0), 0xFF000008);
    pci_set32(VGA, 0, 0x14, 0xFFFFFFFF);
    CHECK_EQUAL(where, pci_get32(VGA, 0, 0x14), 0);
    pci_set32(VGA, 0, 0x24, 0xFFFFFFFF);
    CHECK_EQUAL(where, pci_get32(VGA, 0, 0x24), 0);
    pci_set32(VGA, 0, BAR0, 0x00000000);
    CHECK_EQUAL(where, pci_get32(VGA, 0, BAR0), 0x00000008);
}

static void test_decoding(void)
{
    const char *where = "PCI 2.1, 6.2.2: memory space";
    pci_set32(VGA, 0, BAR0, (uint32_t)frame_buffer);
    pci_set16(VGA, 0, COMMAND, 0);
    frame_buffer[0x800000] = 0x12; /* QEMU reads zeros where nobody answers */
    CHECK_EQUAL(where, frame_buffer[0x800000], 0xFF);
    pci_set16(VGA, 0, COMMAND, 3);
    CHECK_EQUAL(where, pci_get16(VGA, 0, COMMAND) & 3, 3);
    frame_buffer[0x800000] = 0x34;
    CHECK_EQUAL(where, frame_buffer[0x800000], 0x34);
    pci_set32(VGA, 0, BAR0, (uint32_t)moved_buffer);
    CHECK_EQUAL("PCI 2.1, 6.2.5.1: moved", moved_buffer[0x800000], 0x34);
    CHECK_EQUAL("PCI 2.1, 6.2.5.1: moved", frame_buffer[0x800000], 0xFF);
    pci_set32(VGA, 0, BAR0, (uint32_t)frame_buffer);
    CHECK_EQUAL("PCI 2.1, 6.2.5.1: moved", frame_buffer[0x800000], 0x34);
}

void bare_tests(void)
{
    uint32_t bar = pci_get32(VGA, 0, BAR0);
    uint16_t command = pci_get16(VGA, 0, COMMAND);
    test_mechanism();
    test_absent();
    test_header();
    test_sizing();
    test_decoding();
    pci_set32(VGA, 0, BAR0, bar);
    pci_set16(VGA, 0, COMMAND, command);
}
