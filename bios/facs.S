# At EC000h, in memory that stays writable: the ACPI firmware control structure, and what DSDT methods read about
# this machine.

    .section .facs, "aw"
    .ascii "FACS"
    .long 64
    .fill 56, 1, 0

# 40h: presence of diskette controller, COM1, COM2, LPT1, mouse.
    .globl acpi_present
acpi_present:
    .fill 16, 1, 0
