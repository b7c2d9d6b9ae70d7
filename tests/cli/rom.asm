; A ROM like those that test processors: it starts at the reset vector, has no firmware under it, and
; reports by POST codes (ports 80h and 190h), COM1, the parallel port and port E9h. tests/cli/roms.py
; runs it.
;
; Sources: Intel 80386 programmer's reference manual, 10.1 (state after reset).
        cpu 386
        bits 16
        org 0

%macro POST 1
        mov     al, %1
        out     0x80, al
%endmacro
%macro EXPECT 2                         ; POST code stays when it fails
        cmp     %1, %2
        jne     fail
%endmacro

start:
        mov     [cs:0], al              ; ROM does not change
        mov     ebp, edx                ; component and revision
        mov     ebx, eax                ; result of the self-test: 0
        mov     di, cs
        POST    0x01
        EXPECT  ebx, 0
        EXPECT  di, 0xF000
        mov     dx, bp
        shr     dx, 8
        EXPECT  dl, 3                   ; an 80386
        POST    0x02
        mov     eax, cr0
        and     eax, 0x8000000F         ; PG, TS, EM, MP, PE
        EXPECT  eax, 0
        pushf                           ; SS = 0, and SP as it is: RAM answers below 640 KiB
        POST    0x03
        xor     ax, ax
        mov     ss, ax
        mov     sp, 0x8000
        pushf
        pop     ax
        and     ax, 0xFF2A              ; all but the arithmetic ones
        EXPECT  ax, 0x0002
        POST    0x04                    ; the same bytes at the top of 4 GiB
        o32 lgdt [cs:gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:.protected
.protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     eax, [dword 0xFFFFFFF0]
        mov     ecx, [dword 0x000FFFF0]
        mov     edx, [dword 0xFFFF0000]
        mov     esi, [dword 0x000F0000]
        mov     ebp, cr0
        and     ebp, 0xFFFFFFFE
        mov     cr0, ebp
        jmp     0xF000:.real
.real:
        mov     bp, 0
        mov     ds, bp
        POST    0x05
        EXPECT  ecx, [cs:0xFFF0]
        mov     eax, [cs:0xFFF0]
        EXPECT  edx, esi
        EXPECT  edx, [cs:0]
        POST    0x06                    ; RAM
        mov     dword [0x500], 0x12345678
        EXPECT  dword [0x500], 0x12345678
        mov     ax, 0x9000
        mov     es, ax
        mov     word [es:0xFFFE], 0xA55A
        EXPECT  word [es:0xFFFE], 0xA55A
        POST    0x07                    ; the byte is in the page register behind the card, too
        in      al, 0x80
        EXPECT  al, 0x07
        mov     dx, 0x190
        mov     al, 0x19
        out     dx, al
        mov     si, text
        cs lodsb
.put:
        mov     ah, al
        out     0xE9, al
        mov     dx, 0x3FD
.wait:  in      al, dx
        test    al, 0x20
        jz      .wait
        mov     al, ah
        mov     dx, 0x3F8
        out     dx, al
        mov     dx, 0x379
        mov     cx, 2000                ; there may be no printer
.busy:  in      al, dx
        test    al, al
        js      .ready
        loop    .busy
.ready:
        mov     al, ah
        mov     dx, 0x378
        out     dx, al
        mov     dx, 0x37A
        mov     al, 0x0D
        out     dx, al
        mov     al, 0x0C
        out     dx, al
        cs lodsb
        test    al, al
        jnz     .put
        POST    0xFF
        cli
        hlt
fail:
        cli
        hlt
        jmp     fail

text:   db      "rom ok", 10, 0
gdtr:   dw      23
        dd      0xF0000 + gdt
        align   8
gdt:    dq      0
        dq      0x00009B0F0000FFFF      ; 08h: the ROM, 16 bits
        dq      0x00CF93000000FFFF      ; 10h: everything

        times 0xFFF0 - ($ - $$) db 0
        jmp     0xF000:start
        times 0x10000 - ($ - $$) db 0
