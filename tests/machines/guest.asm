; The guest of the machines that tests/machines keeps by name: it counts, in memory and on its disk, so
; that whoever asks it knows what it goes on from. It is its own firmware, and starts within
; microseconds.
;
; It says a line on COM1 at the start and for each byte that it receives there:
;
;     B boots ticks writes        b: from power-on; boots is on the disk, counted by itself
;     T boots ticks writes        t: one more tick, which is only in memory
;     W boots ticks writes        w: one more write, to a sector of its own, and to the first one
;     ? boots ticks writes        anything else
;     (power off)                 p
;
; with the numbers as four hexadecimal digits. Sector 0 has boots (word 0) and writes (word 1) and
; sector writes & 15 (+ 16) is filled with the number of writes.
;
; Sources: PIIX3 data sheet, IDETIM; PIIX4 data sheet, PM1_CNT; ATA-2, 9.5 and 9.7 (PIO in and out).
        cpu 386
        bits 16
        org 0

BOOTS   equ 0x600                       ; the first sector, in memory
WRITES  equ 0x602
TICKS   equ 0x500
PM_BASE equ 0x600
%define FUNCTION(n) 0x80000000 | 1 << 11 | (n) << 8 ; of the PIIX3

start:
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        mov     word [TICKS], 0
        call    uart_on
        mov     eax, FUNCTION(1) | 0x04 ; the first IDE channel has ports
        mov     ebx, 1
        call    configure
        mov     eax, FUNCTION(1) | 0x40
        mov     ebx, 0x8000
        call    configure
        mov     bx, 0
        mov     di, BOOTS
        call    read
        inc     word [BOOTS]
        mov     bx, 0
        mov     si, BOOTS
        call    write
        mov     al, 'B'
report: call    put
        mov     ax, [BOOTS]
        call    number
        mov     ax, [TICKS]
        call    number
        mov     ax, [WRITES]
        call    number
        mov     al, 10
        call    put
next:   cli                             ; waits without keeping the host busy
        mov     dx, 0x3FD
        in      al, dx
        test    al, 1
        jnz     .received
        sti
        hlt
        jmp     next
.received:
        mov     dx, 0x3F8
        in      al, dx
        cmp     al, 't'
        je      tick
        cmp     al, 'w'
        je      one_more
        cmp     al, 'p'
        je      power_off
        mov     al, '?'
        jmp     report
tick:   inc     word [TICKS]
        mov     al, 'T'
        jmp     report
one_more:
        inc     word [WRITES]
        mov     ax, [WRITES]
        mov     di, 0x800
        mov     cx, 256
        rep stosw
        mov     bx, [WRITES]
        and     bx, 15
        add     bx, 16
        mov     si, 0x800
        call    write
        mov     bx, 0
        mov     si, BOOTS
        call    write
        mov     al, 'W'
        jmp     report

; The power management chip's registers get a place, then soft-off is asked for.
power_off:
        mov     eax, FUNCTION(3) | 0x40
        mov     ebx, PM_BASE | 1
        call    configure
        mov     eax, FUNCTION(3) | 0x80
        mov     ebx, 1
        call    configure
        mov     ax, 0x2000              ; SLP_EN, type 0: soft-off
        mov     dx, PM_BASE + 4
        out     dx, ax
        hlt

; A register of the chip set, whose address is in EAX, becomes EBX.
configure:
        mov     dx, 0xCF8
        out     dx, eax
        mov     eax, ebx
        mov     dx, 0xCFC
        out     dx, eax
        ret

; --- COM1, and its interrupt 4 ---

interrupt:
        push    ax
        mov     al, 0x20
        out     0x20, al
        pop     ax
        iret

uart_on:
        mov     word [(8 + 4) * 4], interrupt
        mov     word [(8 + 4) * 4 + 2], cs
        mov     al, 0x11
        out     0x20, al
        mov     al, 8
        out     0x21, al
        mov     al, 4
        out     0x21, al
        mov     al, 1
        out     0x21, al
        mov     al, ~(1 << 4) & 0xFF
        out     0x21, al
        mov     dx, 0x3FB
        mov     al, 0x80
        out     dx, al
        mov     dx, 0x3F8
        mov     al, 1
        out     dx, al
        mov     dx, 0x3FB
        mov     al, 3
        out     dx, al
        mov     dx, 0x3FC
        mov     al, 8                   ; OUT2 lets interrupts through
        out     dx, al
        mov     dx, 0x3F9
        mov     al, 1
        out     dx, al
        ret

put:    mov     ah, al
.wait:  mov     dx, 0x3FD
        in      al, dx
        test    al, 0x20
        jz      .wait
        mov     al, ah
        mov     dx, 0x3F8
        out     dx, al
        ret

; A space, and AX as four digits.
number: mov     bx, ax
        mov     al, ' '
        call    put
        mov     cx, 4
.digit: rol     bx, 4
        mov     al, bl
        and     al, 15
        cmp     al, 10
        jb      .decimal
        add     al, 'A' - '0' - 10
.decimal:
        add     al, '0'
        call    put
        loop    .digit
        ret

; --- the disk: sector BX, on the first channel ---

command:                                ; AL
        mov     cl, al
        call    ready
        mov     dx, 0x1F2
        mov     al, 1
        out     dx, al
        inc     dx
        mov     al, bl
        out     dx, al
        inc     dx
        mov     al, bh
        out     dx, al
        inc     dx
        xor     al, al
        out     dx, al
        inc     dx
        mov     al, 0xE0                ; LBA, master
        out     dx, al
        inc     dx
        mov     al, cl
        out     dx, al
.wait:  call    ready
        test    al, 8                   ; DRQ
        jz      .wait
        ret

ready:  mov     dx, 0x1F7
        in      al, dx
        test    al, 0x80
        jnz     ready
        ret

read:   mov     al, 0x20
        call    command
        mov     dx, 0x1F0
        mov     cx, 256
        rep insw
        ret

write:  mov     al, 0x30
        call    command
        mov     dx, 0x1F0
        mov     cx, 256
.word:  lodsw
        out     dx, ax
        loop    .word
        jmp     ready

        times 0xFFF0 - ($ - $$) db 0
        jmp     0xF000:start
        times 0x10000 - ($ - $$) db 0
