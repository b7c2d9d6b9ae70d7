/* PCI configuration mechanism 1, for images that program PCI functions. */
#ifndef TESTS_BARE_PCI_H
#define TESTS_BARE_PCI_H

#include "bare.h"

enum { PCI_ADDRESS = 0xCF8, PCI_DATA = 0xCFC };

static inline uint32_t pci_address(unsigned device, unsigned function, unsigned offset)
{
    return 0x80000000u | device << 11 | function << 8 | (offset & 0xFC);
}

static inline uint8_t pci_get8(unsigned device, unsigned function, unsigned offset)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    return in8((uint16_t)(PCI_DATA + (offset & 3)));
}

static inline uint16_t pci_get16(unsigned device, unsigned function, unsigned offset)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    return in16((uint16_t)(PCI_DATA + (offset & 2)));
}

static inline uint32_t pci_get32(unsigned device, unsigned function, unsigned offset)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    return in32(PCI_DATA);
}

static inline void pci_set8(unsigned device, unsigned function, unsigned offset, uint8_t value)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    out8((uint16_t)(PCI_DATA + (offset & 3)), value);
}

static inline void pci_set16(unsigned device, unsigned function, unsigned offset, uint16_t value)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    out16((uint16_t)(PCI_DATA + (offset & 2)), value);
}

static inline void pci_set32(unsigned device, unsigned function, unsigned offset, uint32_t value)
{
    out32(PCI_ADDRESS, pci_address(device, function, offset));
    out32(PCI_DATA, value);
}

#endif
