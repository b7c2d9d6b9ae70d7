/* Offsets of the local APIC's registers (SDM 3A table 10-1), for its tests from outside and from
 * inside the machine. */
#ifndef TESTS_DEVICE_LOCAL_APIC_REGISTERS_H
#define TESTS_DEVICE_LOCAL_APIC_REGISTERS_H

enum {
    ID = 0x20,
    VERSION = 0x30,
    TPR = 0x80,
    PPR = 0xA0,
    EOI = 0xB0,
    LDR = 0xD0,
    DFR = 0xE0,
    SVR = 0xF0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LINT0 = 0x350,
    LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3E0,
};

#endif
