# The window function that VBE mode information points to: a far procedure. BH 0 sets, 1 gets; DX bank.
    .text
    .code16
    .globl vbe_window_entry
vbe_window_entry:
    pushw %dx
    pushw %ax
    movw $0x1CE, %dx
    movw $5, %ax
    outw %ax, %dx
    popw %ax
    popw %dx
    testb %bl, %bl
    jnz 2f
    testb %bh, %bh
    jnz 1f
    pushw %dx
    movw %dx, %ax
    movw $0x1CF, %dx
    outw %ax, %dx
    popw %dx
    movw $0x004F, %ax
    lretw
1:  movw $0x1CF, %dx
    inw %dx, %ax
    movw %ax, %dx
    movw $0x004F, %ax
    lretw
2:  movw $0x014F, %ax
    lretw
