/* INT 1Ah AH=B1h: PCI BIOS 2.1 in real mode. */
#include "bios/services.h"

#define PCI_OK               0x00
#define PCI_UNSUPPORTED      0x81
#define PCI_BAD_VENDOR       0x83
#define PCI_NOT_FOUND        0x86
#define PCI_BAD_REGISTER     0x87
#define PCI_SET_FAILED       0x88
#define PCI_BUFFER_TOO_SMALL 0x89

static void select(u16 bus_devfn, u16 offset)
{
    outl(0xCF8, 0x80000000 | (u32)bus_devfn << 8 | (offset & 0xFC));
}

static u32 read_id(u16 devfn)
{
    select(devfn, 0);
    return inl(0xCFC);
}

/* Walks bus 0 for the SI-th function whose register at offset, under mask, is wanted. */
static u8 find(struct regs *r, u8 offset, u8 shift, u32 wanted)
{
    u16 left = r->si;
    for (u16 devfn = 0; devfn < 256; devfn++) {
        bool absent = (read_id(devfn) & 0xFFFF) == 0xFFFF;
        if (!absent) {
            select(devfn, offset);
            if (inl(0xCFC) >> shift == wanted && left-- == 0) {
                r->bx = devfn;
                return PCI_OK;
            }
            select(devfn, 0x0C);
        }
        if (!(devfn & 7) && (absent || !(inl(0xCFC) & 0x800000)))
            devfn += 7;
    }
    return PCI_NOT_FOUND;
}

static u8 access_register(struct regs *r)
{
    u8 width = r->al & 3; /* 0 byte, 1 word, 2 dword, with 08-0A read, 0B-0D write */
    bool write = r->al >= 0x0B;
    width = write ? r->al - 0x0B : r->al - 0x08;
    u16 offset = r->di, port = (u16)(0xCFC + (offset & 3));
    if (offset > 255 || offset & ((1u << width) - 1))
        return PCI_BAD_REGISTER;
    select(r->bx, offset);
    if (write) {
        if (width == 0)
            outb(port, r->cl);
        else if (width == 1)
            outw(port, r->cx);
        else
            outl(port, r->ecx);
    } else if (width == 0) {
        r->cl = inb(port);
    } else if (width == 1) {
        r->cx = inw(port);
    } else {
        r->ecx = inl(port);
    }
    return PCI_OK;
}

/* Function 0Eh: the routing table without its header, to the buffer that ES:DI describes. */
static u8 get_routing(struct regs *r)
{
    u16 length = far_read16(SEG_CODE, (u16)(PIR_OFFSET + 6)), size = far_read16(r->es, r->di);
    u16 entries = (u16)(length - 32);
    far_write16(r->es, r->di, entries);
    if (size < entries)
        return PCI_BUFFER_TOO_SMALL;
    u16 offset = far_read16(r->es, (u16)(r->di + 2)), segment = far_read16(r->es, (u16)(r->di + 4));
    far_copy(segment, offset, SEG_CODE, PIR_OFFSET + 32, entries);
    r->bx = far_read16(SEG_CODE, PIR_OFFSET + 10);
    return PCI_OK;
}

static u8 pci_function(struct regs *r)
{
    switch (r->al) {
    case 0x01:
        r->edx = 0x20494350;
        r->al = 0x01;
        r->bx = 0x0210;
        r->cl = 0;
        return PCI_OK;
    case 0x02:
        if (r->dx == 0xFFFF)
            return PCI_BAD_VENDOR;
        return find(r, 0x00, 0, (u32)r->cx << 16 | r->dx);
    case 0x03:
        return find(r, 0x08, 8, r->ecx & 0xFFFFFF);
    case 0x08:
    case 0x09:
    case 0x0A:
    case 0x0B:
    case 0x0C:
    case 0x0D:
        return access_register(r);
    case 0x0E:
        return get_routing(r);
    case 0x0F:
        return PCI_SET_FAILED;
    }
    return PCI_UNSUPPORTED;
}

void pci_service(struct regs *r)
{
    r->ah = pci_function(r);
    if (r->ah)
        carry_set(r);
    else
        carry_clear(r);
}
