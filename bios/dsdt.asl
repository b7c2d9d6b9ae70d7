/* The board for ACPI: the PCI root with its links, the devices of the south bridge, soft-off. */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "ANACHR", "ANACHRON", 0x00000001)
{
    /* What POST found: bytes at EC040h (bios/facs.S). */
    OperationRegion (POST, SystemMemory, 0xEC040, 0x10)
    Field (POST, ByteAcc, NoLock, Preserve)
    {
        FDCP, 8,
        CM1P, 8,
        CM2P, 8,
        LP1P, 8,
        MOUP, 8
    }

    Name (\_S5, Package (4) { Zero, Zero, Zero, Zero })

    Scope (\_PR)
    {
        Processor (CPU0, 0x00, 0x00000000, 0x00) {}
    }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_ADR, Zero)
            Name (_UID, Zero)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0x0000, 0x0000, 0x00FF, 0x0000, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0x0000, 0x0000, 0x0CF7, 0x0000, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0x0000, 0x0D00, 0xFFFF, 0x0000, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0x00000000, 0x000A0000, 0x000BFFFF, 0x00000000, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0x00000000, 0xE0000000, 0xFEBFFFFF, 0x00000000, 0x1EC00000)
            })

#define SLOT(device, a, b, c, d) \
            Package () { device, 0, a, 0 }, Package () { device, 1, b, 0 }, \
            Package () { device, 2, c, 0 }, Package () { device, 3, d, 0 }
#define SLOTS_0(device) SLOT (device, LNKD, LNKA, LNKB, LNKC)
#define SLOTS_1(device) SLOT (device, LNKA, LNKB, LNKC, LNKD)
#define SLOTS_2(device) SLOT (device, LNKB, LNKC, LNKD, LNKA)
#define SLOTS_3(device) SLOT (device, LNKC, LNKD, LNKA, LNKB)
            Name (_PRT, Package ()
            {
                SLOTS_0 (0x0000FFFF), SLOTS_1 (0x0001FFFF), SLOTS_2 (0x0002FFFF), SLOTS_3 (0x0003FFFF),
                SLOTS_0 (0x0004FFFF), SLOTS_1 (0x0005FFFF), SLOTS_2 (0x0006FFFF), SLOTS_3 (0x0007FFFF),
                SLOTS_0 (0x0008FFFF), SLOTS_1 (0x0009FFFF), SLOTS_2 (0x000AFFFF), SLOTS_3 (0x000BFFFF),
                SLOTS_0 (0x000CFFFF), SLOTS_1 (0x000DFFFF), SLOTS_2 (0x000EFFFF), SLOTS_3 (0x000FFFFF),
                SLOTS_0 (0x0010FFFF), SLOTS_1 (0x0011FFFF), SLOTS_2 (0x0012FFFF), SLOTS_3 (0x0013FFFF),
                SLOTS_0 (0x0014FFFF), SLOTS_1 (0x0015FFFF), SLOTS_2 (0x0016FFFF), SLOTS_3 (0x0017FFFF),
                SLOTS_0 (0x0018FFFF), SLOTS_1 (0x0019FFFF), SLOTS_2 (0x001AFFFF), SLOTS_3 (0x001BFFFF),
                SLOTS_0 (0x001CFFFF), SLOTS_1 (0x001DFFFF), SLOTS_2 (0x001EFFFF), SLOTS_3 (0x001FFFFF)
            })

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x04)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQ0, 8,
                    PRQ1, 8,
                    PRQ2, 8,
                    PRQ3, 8
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0020, 0x0020, 0x00, 0x02)
                        IO (Decode16, 0x00A0, 0x00A0, 0x00, 0x02)
                        IO (Decode16, 0x04D0, 0x04D0, 0x00, 0x02)
                        IRQNoFlags () {2}
                    })
                }

                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0040, 0x0040, 0x00, 0x04)
                        IRQNoFlags () {0}
                    })
                }

                Device (DMAC)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0000, 0x0000, 0x00, 0x10)
                        IO (Decode16, 0x0081, 0x0081, 0x00, 0x0F)
                        IO (Decode16, 0x00C0, 0x00C0, 0x00, 0x20)
                        DMA (Compatibility, NotBusMaster, Transfer8) {4}
                    })
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 0x00, 0x02)
                        IRQNoFlags () {8}
                    })
                }

                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0061, 0x0061, 0x00, 0x01)
                    })
                }

                Device (FPU)
                {
                    Name (_HID, EisaId ("PNP0C04"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00F0, 0x00F0, 0x00, 0x10)
                        IRQNoFlags () {13}
                    })
                }

                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 0x00, 0x01)
                        IO (Decode16, 0x0064, 0x0064, 0x00, 0x01)
                        IRQNoFlags () {1}
                    })
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Method (_STA, 0, NotSerialized)
                    {
                        If (MOUP) { Return (0x0F) }
                        Return (Zero)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () {12}
                    })
                }

                Device (FDC0)
                {
                    Name (_HID, EisaId ("PNP0700"))
                    Method (_STA, 0, NotSerialized)
                    {
                        If (FDCP) { Return (0x0F) }
                        Return (Zero)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F2, 0x03F2, 0x00, 0x04)
                        IO (Decode16, 0x03F7, 0x03F7, 0x00, 0x01)
                        IRQNoFlags () {6}
                        DMA (Compatibility, NotBusMaster, Transfer8) {2}
                    })
                }

                Device (LPT1)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Method (_STA, 0, NotSerialized)
                    {
                        If (LP1P) { Return (0x0F) }
                        Return (Zero)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0378, 0x0378, 0x00, 0x08)
                        IRQNoFlags () {7}
                    })
                }

                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, One)
                    Method (_STA, 0, NotSerialized)
                    {
                        If (CM1P) { Return (0x0F) }
                        Return (Zero)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
                        IRQNoFlags () {4}
                    })
                }

                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 0x02)
                    Method (_STA, 0, NotSerialized)
                    {
                        If (CM2P) { Return (0x0F) }
                        Return (Zero)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x02F8, 0x02F8, 0x00, 0x08)
                        IRQNoFlags () {3}
                    })
                }
            }

            Device (MBRD)
            {
                Name (_HID, EisaId ("PNP0C02"))
                Name (_UID, One)
                Name (_CRS, ResourceTemplate ()
                {
                    IO (Decode16, 0x0080, 0x0080, 0x00, 0x01)
                    IO (Decode16, 0x0092, 0x0092, 0x00, 0x01)
                    IO (Decode16, 0x00B2, 0x00B2, 0x00, 0x02)
                    IO (Decode16, 0x0600, 0x0600, 0x00, 0x40)
                    IO (Decode16, 0x0700, 0x0700, 0x00, 0x10)
                })
            }
        }

#define LINK(name, number, register) \
        Device (name) \
        { \
            Name (_HID, EisaId ("PNP0C0F")) \
            Name (_UID, number) \
            Name (_PRS, ResourceTemplate () \
            { \
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared, , , ) { 5, 10, 11 } \
            }) \
            Method (_STA, 0, NotSerialized) \
            { \
                If (\_SB.PCI0.ISA.register & 0x80) { Return (0x09) } \
                Return (0x0B) \
            } \
            Method (_DIS, 0, NotSerialized) \
            { \
                \_SB.PCI0.ISA.register |= 0x80 \
            } \
            Method (_CRS, 0, Serialized) \
            { \
                Name (NOW, ResourceTemplate () \
                { \
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared, , , ) { 0 } \
                }) \
                CreateDWordField (NOW, 0x05, LINE) \
                If (!(\_SB.PCI0.ISA.register & 0x80)) { LINE = \_SB.PCI0.ISA.register } \
                Return (NOW) \
            } \
            Method (_SRS, 1, NotSerialized) \
            { \
                CreateDWordField (Arg0, 0x05, LINE) \
                \_SB.PCI0.ISA.register = LINE \
            } \
        }

        LINK (LNKA, 1, PRQ0)
        LINK (LNKB, 2, PRQ1)
        LINK (LNKC, 3, PRQ2)
        LINK (LNKD, 4, PRQ3)
    }
}
