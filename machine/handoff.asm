; The hand-off ROM: an option ROM through which a kernel that was named on the command line is
; started. Whatever firmware the machine has runs its POST as always and finds this ROM; the ROM
; takes INT 19h (bootstrap loader), so that at boot time the BIOS services and tables that the
; kernel will ask for are there. It then fetches the kernel's pieces through the firmware
; configuration device, by DMA, and jumps.
;
; machine/handoff.c fills in the table at offset 16 and the checksum. Real mode, any segment.
;
; Source: Plug and Play BIOS specification 1.0a, option ROMs; fw_cfg DMA interface; Multiboot
; specification 0.6.96, machine state.

        cpu 386
        bits 16
        org 0

ROM_SIZE        equ 2048
; In the scratch segment, which no piece overlaps: its stack begins at the end.
SCRATCH_SIZE    equ 2048
DESCRIPTOR      equ 0x00                ; fw_cfg DMA descriptor
MAP_BUFFER      equ 0x20                ; one INT 15h E820h answer

HANDOFF_DONE    equ 0x8010              ; tells the board that the kernel's first instruction is near

MODE_REAL       equ 0
MODE_MULTIBOOT  equ 1

        dw      0xAA55
        db      ROM_SIZE / 512
        jmp     initialise              ; offset 3: called by the firmware
        times 16 - ($ - $$) db 0

; --- the table, struct handoff in machine/handoff.h ---
mode:           db 0
load_count:     db 0
real_segment:   dw 0                    ; DS, ES, FS, GS, SS
real_sp:        dw 0
real_cs:        dw 0
entry:          dd 0                    ; IP or EIP
info:           dd 0                    ; multiboot information, below 1 MiB
map:            dd 0                    ; its memory map
map_room:       dd 0                    ; entries that fit there
scratch:        dw 0, 0                 ; segment
loads:          times 52 * 12 db 0      ; DMA control word, address, size
loads_end:

; --- POST time ---
initialise:
        push    ds
        push    ax
        xor     ax, ax
        mov     ds, ax
        mov     word [0x19 * 4], bootstrap
        mov     [0x19 * 4 + 2], cs
        pop     ax
        pop     ds
        retf

; --- boot time ---
bootstrap:
        cli
        mov     ax, [cs:scratch]
        mov     ss, ax
        mov     esp, SCRATCH_SIZE
        mov     es, ax
        push    cs
        pop     ds
        cld
        sti
        mov     ax, 0x2401              ; gate A20, the polite way
        int     0x15
        in      al, 0x92                ; and the other one
        test    al, 2
        jnz     .a20_open
        or      al, 2
        and     al, 0xFE                ; bit 0 would reset the processor
        out     0x92, al
.a20_open:
        movzx   cx, byte [load_count]
        mov     si, loads
        jcxz    .loaded
.load:
        call    fetch
        add     si, 12
        loop    .load
.loaded:
        cmp     byte [mode], MODE_MULTIBOOT
        je      start_multiboot

; Linux's real-mode set-up code: all data segments alike, interrupts off.
start_real:
        cli
        mov     ax, [real_segment]
        movzx   esp, word [real_sp]
        mov     ss, ax
        push    word [real_cs]
        push    word [entry]
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     dx, 0x510
        mov     ax, HANDOFF_DONE
        out     dx, ax
        xor     ax, ax
        xor     bx, bx
        xor     cx, cx
        xor     dx, dx
        xor     si, si
        xor     di, di
        xor     bp, bp
        retf

; Moves the piece that DS:SI describes into memory. Keeps CX, SI.
fetch:
        mov     eax, [si]
        xchg    al, ah
        rol     eax, 16
        xchg    al, ah
        mov     [es:DESCRIPTOR], eax
        mov     eax, [si + 8]
        xchg    al, ah
        rol     eax, 16
        xchg    al, ah
        mov     [es:DESCRIPTOR + 4], eax
        mov     dword [es:DESCRIPTOR + 8], 0
        mov     eax, [si + 4]
        xchg    al, ah
        rol     eax, 16
        xchg    al, ah
        mov     [es:DESCRIPTOR + 12], eax
        mov     dx, 0x514
        xor     eax, eax
        out     dx, eax
        mov     dx, 0x518
        movzx   eax, word [scratch]
        shl     eax, 4
        xchg    al, ah
        rol     eax, 16
        xchg    al, ah
        out     dx, eax
.wait:
        mov     eax, [es:DESCRIPTOR]
        test    eax, 0x01000000         ; error, big-endian bit 0
        jnz     .failed
        test    eax, eax
        jnz     .wait
        ret
.failed:
        push    cs
        pop     ds
        mov     si, failure
.print:
        lodsb
        test    al, al
        jz      .stop
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        jmp     .print
.stop:
        cli
        hlt
        jmp     .stop

; Fills in what only the firmware knows (memory sizes and map), and enters protected mode.
start_multiboot:
        int     0x12                    ; KiB below 640
        movzx   eax, ax
        mov     ebx, [info]
        call    info_segment
        mov     [es:bx + 4], eax
        call    read_map
        call    upper_memory
        cli
        mov     esi, [entry]
        mov     ebx, [info]
        ; The descriptor table is read through GDTR's linear base, made here from CS.
        xor     eax, eax
        mov     ax, cs
        shl     eax, 4
        lea     edx, [eax + gdt]
        sub     sp, 6
        mov     bp, sp
        mov     word [bp], gdt_end - gdt - 1
        mov     [bp + 2], edx
        lgdt    [bp]
        lea     edx, [eax + in_protected_mode]
        sub     sp, 6
        mov     bp, sp
        mov     [bp], edx
        mov     word [bp + 4], 8
        mov     ecx, ss
        movzx   ecx, cx
        shl     ecx, 4
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     far dword [bp]

; ES:BX = the linear address in EBX (below 1 MiB). Changes EBX, ES only.
info_segment:
        push    eax
        mov     eax, ebx
        shr     eax, 4
        mov     es, ax
        and     ebx, 15
        pop     eax
        ret

; The E820h map in multiboot's layout: each entry preceded by its size. Sets mmap_length.
read_map:
        mov     edi, [map]
        xor     ebx, ebx
        xor     ebp, ebp                ; entries so far
.next:
        cmp     ebp, [map_room]
        jae     .done
        push    edi
        push    ss
        pop     es
        mov     di, MAP_BUFFER
        mov     dword [es:MAP_BUFFER + 20], 1
        mov     eax, 0xE820
        mov     edx, 0x534D4150         ; "SMAP"
        mov     ecx, 20
        int     0x15
        pop     edi
        jc      .done
        cmp     eax, 0x534D4150
        jne     .done
        push    ebx
        mov     ebx, edi
        call    info_segment
        mov     dword [es:bx], 20
        push    ds
        push    ss
        pop     ds
        mov     si, MAP_BUFFER
        lea     di, [bx + 4]
        mov     cx, 10
        rep movsw
        pop     ds
        pop     ebx
        mov     edi, [map]
        inc     ebp
        imul    eax, ebp, 24
        add     edi, eax
        test    ebx, ebx
        jnz     .next
.done:
        mov     ebx, [info]
        call    info_segment
        imul    eax, ebp, 24
        mov     [es:bx + 44], eax
        ret

; mem_upper: KiB from 1 MiB to the first hole, from the map entry that starts at or below 1 MiB
; and ends above it, or from INT 15h 88h where there is no map.
upper_memory:
        mov     ebx, [info]
        call    info_segment
        mov     ecx, [es:bx + 44]
        mov     edi, [map]
.next:
        sub     ecx, 24
        jb      .no_map
        push    ebx
        push    es
        mov     ebx, edi
        call    info_segment
        cmp     dword [es:bx + 20], 1   ; memory
        jne     .other
        cmp     dword [es:bx + 8], 0    ; below 4 GiB
        jne     .other
        mov     eax, [es:bx + 4]
        cmp     eax, 0x100000
        ja      .other
        add     eax, [es:bx + 12]
        cmp     eax, 0x100000
        jbe     .other
        sub     eax, 0x100000
        shr     eax, 10
        pop     es
        pop     ebx
        jmp     .store
.other:
        pop     es
        pop     ebx
        add     edi, 24
        jmp     .next
.no_map:
        push    bx
        mov     ah, 0x88
        int     0x15
        pop     bx
        movzx   eax, ax
.store:
        mov     [es:bx + 8], eax
        ret

failure:        db 'hand-off: the firmware configuration device gave no kernel', 13, 10, 0

        align 8
gdt:            dq 0
                dq 0x00CF9A000000FFFF   ; 08h: flat code
                dq 0x00CF92000000FFFF   ; 10h: flat data
gdt_end:

        bits 32
in_protected_mode:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     ss, eax
        add     esp, ecx                ; the same stack, by its linear address
        mov     edx, 0x510
        mov     eax, HANDOFF_DONE
        out     dx, ax
        mov     eax, 0x2BADB002
        xor     ecx, ecx
        xor     edx, edx
        xor     edi, edi
        xor     ebp, ebp
        jmp     esi

        times ROM_SIZE - ($ - $$) db 0
