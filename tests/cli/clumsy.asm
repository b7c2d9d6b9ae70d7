; A guest whose drivers are nearly right: commands that the chips understand, with parameters that
; mostly make sense, in any order, none of them waited for to the end, and with interrupts on, which
; are acknowledged most of the time. (storm.asm writes anything anywhere, with interrupts off.)
; A firmware image; 32-bit flat code. What a DMA channel may overwrite is only RAM, and the code is
; not there; so the guest goes on, with its state in memory, also after a reset.
;
; The seed stands at offset 0 of the image, for tests/cli/clumsy.py to set.

%include "seeded.inc"

        bits 16
        org 0

STATE   equ 0x500               ; the random number, a mark, rounds, interrupts
MAGIC   equ 0x434C554D
IDT     equ 0x1000
TABLE   equ 0x30000             ; a physical region descriptor of the bus master
BUFFER  equ 0x20000
STACK   equ 0x70000
ROM     equ 0xF0000

seed:   dd 1

start:
        cli
        cld
        lgdt    [cs:gdt_pointer]
        lidt    [cs:idt_pointer]
        ENTER_PROTECTED ROM

        FLAT_GDT ROM
idt_pointer:
        dw 256 * 8 - 1
        dd IDT

        bits 32
protected:
        LOAD_SEGMENTS STACK
        BEGIN_ONCE ROM, .again
.again: call    set_up
        call    set_up_ide

round:
        inc     dword [STATE + 8]
        mov     esp, STACK
        call    random
        test    al, 0x3F
        jnz     .keep
        call    set_up
.keep:  sti
        test    ah, 0x0F
        jnz     .on
        cli
.on:    call    random
        and     eax, 15
        call    [ROM + drivers + eax * 4]
        jmp     round

drivers:
        dd ROM + floppy, ROM + floppy, ROM + floppy, ROM + dma, ROM + dma
        dd ROM + ide, ROM + ide, ROM + ide, ROM + pit, ROM + pic, ROM + rtc
        dd ROM + keyboard, ROM + vga, ROM + vga, ROM + uart, ROM + nap

; Vectors, interrupt controllers, clock and floppy controller as a sane system has them.
set_up:
        pushad
        mov     edi, IDT
        mov     ecx, 256
.gate:  mov     dword [edi], (8 << 16) + interrupt - seed
        mov     dword [edi + 4], ROM | 0x8E00
        add     edi, 8
        loop    .gate
        mov     esi, ROM + sane
.next:  lodsw
        movzx   edx, ax
        lodsb
        out     dx, al
        cmp     esi, ROM + sane_end
        jb      .next
        popad
        ret

%macro SANE 2
        dw %1
        db %2
%endmacro
sane:
        SANE 0x20, 0x11
        SANE 0x21, 0x20
        SANE 0x21, 0x04
        SANE 0x21, 0x01
        SANE 0x21, 0x00
        SANE 0xA0, 0x11
        SANE 0xA1, 0x28
        SANE 0xA1, 0x02
        SANE 0xA1, 0x01
        SANE 0xA1, 0x00
        SANE 0x4D0, 0
        SANE 0x4D1, 0
        SANE 0x43, 0x34
        SANE 0x40, 0x00
        SANE 0x40, 0x20
        SANE 0x70, 0x0B
        SANE 0x71, 0x02
        SANE 0x0D, 0
        SANE 0xD6, 0xC0
        SANE 0xD4, 0x00
        SANE 0x3F2, 0x18
        SANE 0x3F2, 0x1C
        SANE 0x3F7, 0x00
sane_end:

; The IDE function decodes its ports, and its bus master is at C000h.
set_up_ide:
        mov     esi, ROM + ide_function
        mov     ecx, 3
.next:  lodsd
        mov     edx, 0xCF8
        out     dx, eax
        lodsd
        mov     edx, 0xCFC
        out     dx, eax
        loop    .next
        ret

ide_function:
        dd 0x80000904, 5, 0x80000920, 0xC001, 0x80000940, 0x80008000

; Every vector comes here, also those of faults: they would come again, so the round is given up.
interrupt:
        inc     dword [STATE + 12]
        call    random
        test    al, 7
        jz      .forget
        mov     al, 0x20
        out     0xA0, al
        out     0x20, al
        mov     al, 0x0C
        out     0x70, al
        in      al, 0x71
        in      al, 0x60
.forget:
        jmp     round

; EAX = the next number of a 32-bit xorshift generator. Nothing else changes.
random:
        push    ebx
        NEXT_RANDOM
        ror     eax, 7
        pop     ebx
        ret

; AL = a random entry of the table of 32 bytes at ESI; one time in 64 any byte.
pick:
        call    random
        test    eax, 0x3F00
        jz      .any
        and     eax, 31
        mov     al, [esi + eax]
.any:   ret

; A command byte, its parameters, or its results, as far as the controller goes along.
floppy:
        mov     ebp, -1
.byte:  mov     ecx, 3000
        mov     edx, 0x3F4
.poll:  in      al, dx
        test    al, 0x80
        loopz   .poll
        jz      .end
        inc     edx
        test    al, 0x40
        jnz     .result
        mov     esi, ROM + floppy_commands
        call    pick
        inc     ebp
        jz      .send
        call    random
        test    eax, 0x1F000000
        jz      .send
        mov     al, [ROM + floppy_parameters + ebp]
.send:  out     dx, al
        cmp     ebp, 9
        jb      .byte
        ret
.result:
        in      al, dx
        call    random
        test    eax, 0x1F
        jnz     .byte
.end:   ret

floppy_commands:
        db 0x06, 0xE6, 0x46, 0x66, 0xC5, 0x45, 0x4C, 0x49, 0x42, 0x4A, 0x4D, 0x07, 0x07, 0x08, 0x08, 0x46
        db 0x04, 0x0F, 0x0F, 0x8F, 0xCF, 0x13, 0x12, 0x10, 0x14, 0x94, 0x0E, 0x56, 0x51, 0x59, 0x5D, 0xE6
floppy_parameters:
        db 0, 0, 0, 0, 3, 2, 18, 0x1B, 0xFF, 0

; Channel 2 into the buffer, with any length and mode; sometimes another channel, or a software
; request, or memory to memory.
dma:
        call    random
        out     0x0C, al
        and     al, 0x3F
        or      al, 0x42
        test    ah, 0x18
        jz      .mode
        and     al, 0x7E
        and     al, 0xCE
.mode:  out     0x0B, al
        call    random
        out     0x04, al
        mov     al, ah
        out     0x04, al
        shr     eax, 16
        out     0x05, al
        mov     al, ah
        and     al, 7
        out     0x05, al
        mov     al, BUFFER >> 16
        out     0x81, al
        mov     al, 2
        out     0x0A, al
        call    random
        test    eax, 0xF0000
        jnz     .end
        mov     edx, eax
        and     edx, 15
        mov     al, ah
        out     dx, al
        and     edx, 7
        shr     eax, 24
        out     dx, al
.end:   ret

; A command of one of the four drives, perhaps with the bus master, and perhaps some of its data.
ide:
        call    random
        mov     ebx, 0x1F0
        test    al, 1
        jz      .registers
        mov     bl, 0x70
.registers:
        lea     edx, [ebx + 1]
        mov     ecx, 5
.register:
        call    random
        test    ah, 0x1F
        jz      .out
        and     al, 7
        cmp     ecx, 1                  ; the drive is small
        jne     .out
        mov     al, 0
.out:   out     dx, al
        inc     edx
        loop    .register
        call    random
        and     al, 0x5F
        test    ah, 0x1F
        jz      .drive
        and     al, 0xF0
.drive: out     dx, al
        inc     edx
        mov     esi, ROM + ide_commands
        call    random
        and     eax, 32
        add     esi, eax
        call    pick
        out     dx, al
        call    bus_master
        mov     ecx, 3000
        lea     edx, [ebx + 7]
.wait:  in      al, dx
        test    al, 0x80
        loopnz  .wait
        test    al, 8
        jz      .end
        call    random
        mov     edx, ebx
        mov     ecx, eax
        and     ecx, 0x1FF
        shr     eax, 10
        jc      .packet
        mov     edi, BUFFER
        rep insw
        ret
.packet:
        and     eax, 0xF0
        lea     esi, [ROM + packets + eax]
        test    cl, 7
        jz      .send
        mov     ecx, 6
.send:  rep outsw
        ret
.end:   call    random
        test    al, 0x3F
        jnz     .same
        lea     edx, [ebx + 0x206]
        mov     al, ah
        out     dx, al
        xor     al, al
        out     dx, al
.same:  ret

; One region of any length in the buffer; the channel whose ports are at EBX starts half of the time.
bus_master:
        call    random
        test    al, 1
        jz      .end
        mov     dword [TABLE], BUFFER
        and     eax, 0xFFFE
        or      eax, 0x80000000
        mov     [TABLE + 4], eax
        mov     edx, 0xC004
        test    bl, bl
        js      .first
        add     edx, 8
.first: mov     eax, TABLE
        out     dx, eax
        sub     edx, 4
        call    random
        and     al, 9
        or      al, 1
        out     dx, al
.end:   ret

ide_commands:
        db 0x20, 0x21, 0x30, 0x31, 0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0xEC, 0xA0, 0xA1, 0xE7, 0xEF, 0x91, 0x10
        db 0x70, 0x40, 0x90, 0x08, 0xE0, 0xE1, 0xE2, 0xE3, 0xE5, 0xE6, 0x24, 0x25, 0x29, 0x34, 0x35, 0x39
        db 0xF8, 0xF9, 0x27, 0x37, 0xB0, 0x00, 0xA0, 0xA0, 0xA0, 0xA1, 0xC6, 0xEF, 0xE4, 0xE8, 0x22, 0x32
        db 0x3C, 0x50, 0x41, 0x20, 0xC8, 0xCA, 0xF1, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0xA0, 0xA2, 0xFF
packets:
        db 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0                    ; READ (10)
        db 0x12, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                  ; INQUIRY
        db 0x43, 2, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0                    ; READ TOC
        db 0x5A, 0, 0x3F, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0           ; MODE SENSE (10)
        db 0xA8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0              ; READ (12)
        db 0xBE, 0, 0, 0, 0, 0, 0, 0, 2, 0xF8, 0, 0, 0, 0, 0, 0                 ; READ CD
        db 0x46, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0              ; GET CONFIGURATION
        db 0x03, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                  ; REQUEST SENSE
        db 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0                 ; GET EVENT STATUS
        db 0x1B, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                    ; eject
        db 0x1B, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                    ; load
        db 0x55, 0x10, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0              ; MODE SELECT (10)
        db 0x28, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0  ; READ (10), beyond the end
        db 0x42, 2, 0x40, 1, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0              ; READ SUB-CHANNEL
        db 0x51, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0                 ; READ DISC INFORMATION
        times 16 db 0xFF
        times 1024 db 0xE5                                                      ; data after a packet

; A counter in any mode; counts are long enough that its interrupt leaves time for something else.
pit:
        call    random
        out     0x43, al
        mov     edx, eax
        shr     edx, 6
        and     edx, 3
        cmp     edx, 3
        je      .gate
        add     edx, 0x40
        mov     al, 0x20
        out     dx, al
        mov     al, ah
        or      al, 0x08
        out     dx, al
        in      al, dx
        ret
.gate:  in      al, 0x61
        xor     al, ah
        and     al, 3
        out     0x61, al
        in      al, 0x40
        in      al, 0x42
        ret

; A mask, a command word, or an initialisation with odd words.
pic:
        call    random
        mov     edx, 0x20
        test    al, 1
        jz      .which
        mov     dl, 0xA0
.which: test    al, 0x70
        jz      .begin
        mov     al, ah
        test    eax, 0x10000
        jz      .mask
        and     al, 0xEF
        out     dx, al
        in      al, dx
        ret
.mask:  and     al, 0xFA
        inc     edx
        out     dx, al
        in      al, dx
        ret
.begin: mov     al, ah
        or      al, 0x10
        out     dx, al
        inc     edx
        mov     ecx, 3
.word:  call    random
        out     dx, al
        loop    .word
        mov     edx, 0x4D0
        and     eax, 0x0E20
        out     dx, ax
        ret

rtc:
        call    random
        and     al, 0x0F
        out     0x70, al
        mov     al, ah
        out     0x71, al
        in      al, 0x71
        ret

; A command of the controller, or a byte for the keyboard; never a reset, nor another A20.
keyboard:
        call    random
        mov     edx, 0x60
        test    al, 3
        jz      .send
        mov     edx, 0x64
        mov     esi, ROM + keyboard_commands
        call    random
        and     eax, 15
        mov     ah, [esi + eax]
.send:  mov     al, ah
        out     dx, al
        in      al, 0x64
        in      al, 0x60
        ret

keyboard_commands:
        db 0x20, 0x60, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xC0, 0xC1, 0xD0, 0xD2, 0xD3, 0xD4

; A register of the VGA, and a few accesses to its memory.
vga:
        call    random
        mov     ebx, eax
        mov     esi, ROM + vga_ports
        and     eax, 7
        movzx   edx, word [esi + eax * 2]
        mov     al, bh
        and     al, 0x1F
        out     dx, al
        inc     edx
        shr     ebx, 16
        mov     al, bl
        out     dx, al
        in      al, dx
        mov     edx, 0x3DA
        in      al, dx
        call    random
        mov     edi, eax
        and     edi, 0x1FFFC
        add     edi, 0xA0000
        mov     [edi], eax
        mov     eax, [edi]
        movzx   ecx, bl
        mov     esi, edi
        and     edi, 0xFFFF3FFF
        rep movsb
        ret

vga_ports:
        dw 0x3C0, 0x3C4, 0x3CE, 0x3D4, 0x3C8, 0x1CE, 0x3C2, 0x3C6

uart:
        call    random
        movzx   edx, ah
        and     edx, 7
        or      edx, 0x2F8
        test    al, 1
        jz      .port
        or      edx, 0x3F8
.port:  shr     eax, 16
        out     dx, al
        in      al, dx
        mov     edx, 0x378
        mov     al, ah
        out     dx, al
        add     edx, 2
        out     dx, al
        ret

; Some time, or a halt that a sane timer ends.
nap:
        call    random
        mov     ecx, eax
        and     ecx, 0xFFF
.wait:  loop    .wait
        test    eax, 0x30000
        jnz     .end
        call    set_up
        sti
        hlt
.end:   ret

        times 0xFFF0 - ($ - $$) db 0
        bits 16
        jmp     0xF000:start
        times 0x10000 - ($ - $$) db 0
