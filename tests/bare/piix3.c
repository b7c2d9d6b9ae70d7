/* 82371SB ISA bridge: identity, interrupt routes, reset control, port 92h (Intel 290550, 2).
 * Run alone: meson test -C build bare-piix3 */
#include "pci.h"

enum { PIRQA = 0x60, RCR = 0xCF9, PORT92 = 0x92 };

static volatile uint32_t *const low = (volatile uint32_t *)0x00080000;
static volatile uint32_t *const high = (volatile uint32_t *)0x00180000;

static void test_identity(void)
{
    const char *where = "290550, 2.2";
    CHECK_EQUAL(where, pci_get32(1, 0, 0x00), 0x70008086);
    CHECK_EQUAL(where, pci_get32(1, 0, 0x08) >> 8, 0x060100);
    CHECK_EQUAL("PCI 2.1, 6.2.1: multifunction", pci_get8(1, 0, 0x0E), 0x80);
    CHECK_EQUAL(where, pci_get16(1, 0, 0x04) & 7, 7);
    CHECK_EQUAL(where, pci_get32(1, 1, 0x00), 0x70108086);
    CHECK_EQUAL(where, pci_get32(1, 3, 0x00), 0x71138086);
    CHECK_EQUAL(where, pci_get32(1, 7, 0x00), 0xFFFFFFFF);
}

static void test_routes(void)
{
    const char *where = "290550, 2.2.8: PIRQRC";
    for (unsigned i = 0; i < 4; i++) {
        uint8_t old = pci_get8(1, 0, PIRQA + i);
        pci_set8(1, 0, PIRQA + i, (uint8_t)(9 + i));
        CHECK_EQUAL(where, pci_get8(1, 0, PIRQA + i), 9 + i);
        pci_set8(1, 0, PIRQA + i, 0x80);
        CHECK_EQUAL(where, pci_get8(1, 0, PIRQA + i), 0x80);
        pci_set8(1, 0, PIRQA + i, old);
    }
}

static void test_reset_control(void)
{
    const char *where = "290550, 2.5.4: RCR";
    out32(PCI_ADDRESS, 0x80000000);
    out8(RCR, 0x02);
    CHECK_EQUAL(where, in8(RCR), 0x02);
    CHECK_EQUAL("290550, 2.5.4: byte access", in32(PCI_ADDRESS), 0x80000000);
    out8(RCR, 0x00);
    CHECK_EQUAL(where, in8(RCR), 0x00);
    out32(PCI_ADDRESS, 0x80000600); /* its second byte is no reset */
    CHECK_EQUAL("PCI 2.1, 3.7.4.1", in32(PCI_ADDRESS), 0x80000600);
}

/* What a routine below 1 MiB sees with the gate closed: the image itself lies where the gate wraps
 * addresses. */
struct closed_view {
    uint32_t high; /* the dword at 180000h */
    uint32_t port; /* port 92h */
};

static struct closed_view look_through_closed_gate(void)
{
    static const uint8_t code[] = {
        0x31, 0xC0,                         /* xor eax, eax */
        0xE6, 0x92,                         /* out 92h, al */
        0x8B, 0x0D, 0x00, 0x00, 0x18, 0x00, /* mov ecx, [180000h] */
        0xE4, 0x92,                         /* in al, 92h */
        0x89, 0xC2,                         /* mov edx, eax */
        0xB0, 0x02,                         /* mov al, 2 */
        0xE6, 0x92,                         /* out 92h, al */
        0xC3,                               /* ret */
    };
    struct closed_view view;
    void *place = (void *)0x70000;
    memcpy(place, code, sizeof code);
    __asm__ volatile("call *%2" : "=c"(view.high), "=d"(view.port) : "r"(place) : "eax", "memory");
    return view;
}

static void test_fast_a20(void)
{
    const char *where = "290550, 2.5.2: port 92h";
    out8(PORT92, 0x02);
    CHECK_EQUAL(where, in8(PORT92) & 3, 2);
    *low = 0x33333333;
    *high = 0x44444444;
    CHECK_EQUAL("290550, 2.5.2: A20 open", *low, 0x33333333);
    CHECK_EQUAL("290550, 2.5.2: A20 open", *high, 0x44444444);
    struct closed_view view = look_through_closed_gate();
    CHECK_EQUAL("290550, 2.5.2: A20 closed", view.high, 0x33333333);
    CHECK_EQUAL(where, view.port & 3, 0);
    CHECK_EQUAL("290550, 2.5.2: A20 open again", *high, 0x44444444);
    CHECK_EQUAL(where, in8(PORT92) & 3, 2);
}

void bare_tests(void)
{
    test_identity();
    test_routes();
    test_reset_control();
    test_fast_a20();
}
