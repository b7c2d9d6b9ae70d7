# The compiled DSDT.

    .section .rodata
    .balign 16
    .globl dsdt, dsdt_end
dsdt:
    .incbin "bios/dsdt.aml"
dsdt_end:
