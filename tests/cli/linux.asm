; What looks like a Linux kernel and checks what the loader does: set-up code in real mode and a
; 32-bit part. Exit value 0: all is well, else the number of the check that failed. Run by loaders.py
; with 16 MiB, the command line "one two vga=3", and an initrd of 5000 bytes that begins "init".
; VERSION (boot protocol, 0 for none) and HIGH (bzImage or zImage) are given by the build.
; Source: Linux kernel documentation, "The Linux/x86 Boot Protocol".

%ifndef VERSION
%define VERSION 0x20C
%define HIGH 1
%endif

        bits 16
        org 0

%macro check 2
        j%+2    %%holds
        mov     bl, %1
        jmp     finish
%%holds:
%endmacro

        times 0x1F1 - ($ - $$) db 0
setup_sectors:  db 4
root_flags:     dw 0
system_size:    dd 32
ram_size:       dw 0
video_mode:     dw 0xFFFF
root_device:    dw 0
boot_flag:      dw 0xAA55
%if VERSION
        jmp     short start             ; 200h
                db 'HdrS'
                dw VERSION
realmode_switch: dd 0
start_system:   dw 0
kernel_version: dw 0
loader_type:    db 0
load_flags:     db HIGH
setup_move:     dw 0x8000
code32_start:   dd 0x100000
ramdisk:        dd 0
ramdisk_size:   dd 0
bootsect_kludge: dd 0
heap_end:       dw 0
extended:       dw 0
command_line:   dd 0
initrd_max:     dd 0xBFFFFF
alignment:      dd 0x1000
relocatable:    db 0, 0
extended_flags: dw 0
command_line_max: dd 255
                times 0x258 - ($ - $$) db 0
preferred:      dq 0x100000
init_size:      dd 0x10000
handover:       dd 0
%endif
        times 0x280 - ($ - $$) db 0
start:
%if !VERSION
        times 0x280 - ($ - $$) nop
%endif
        ; the set-up code is entered at 20h paragraphs behind the data segments
        mov     ax, cs
        sub     ax, 0x20
        mov     bx, ds
        cmp     ax, bx
        check   1, e
        mov     bx, es
        cmp     ax, bx
        check   2, e
        mov     bx, ss
        cmp     ax, bx
        check   3, e
        pushf
        pop     ax
        test    ah, 2                   ; IF is clear
        check   4, z
        sti
        cmp     sp, 0x8000
        check   5, ae
        mov     ax, ds
%if VERSION >= 0x202 && HIGH
        cmp     ax, 0x9000              ; anywhere
%else
        cmp     ax, 0x9000
        check   6, e
%endif
        cmp     word [video_mode], 3
        check   7, e

        ; the command line
%if VERSION >= 0x202
        mov     eax, [command_line]
        mov     ecx, eax
        shr     eax, 4
        mov     es, ax
        mov     di, cx
        and     di, 15
%else
        cmp     word [0x20], 0xA33F
        check   8, e
        mov     di, [0x22]
%endif
        mov     si, expected
        mov     cx, expected_end - expected
        repe cmpsb
        check   9, e
        mov     ax, ds
        mov     es, ax

        ; INT 12h and INT 15h answer: the firmware has run
        int     0x12
        cmp     ax, 600
        check   10, ae
        mov     ah, 0x88
        int     0x15
        cmp     ax, 14 * 1024
        check   11, ae

%if VERSION
        cmp     byte [loader_type], 0
        check   12, ne
  %if VERSION >= 0x201
        test    byte [load_flags], 0x80
        check   13, nz
        mov     ax, [heap_end]
        add     ax, 0x200
        cmp     ax, sp
        check   14, be
  %endif
        cmp     dword [ramdisk_size], 5000
        check   15, e
        test    word [ramdisk], 0xFFF
        check   16, z
        mov     eax, [ramdisk]
        add     eax, 5000 - 1
  %if VERSION >= 0x203
        cmp     eax, [initrd_max]
  %else
        cmp     eax, 0x37FFFFFF
  %endif
        check   17, be
%endif

        ; Unreal mode to look at what was loaded high, and low.
        cli
        xor     eax, eax
        mov     ax, cs
        shl     eax, 4
        add     eax, gdt - 0x200
        mov     [gdt_pointer + 2], eax
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     bx, 8
        mov     fs, bx
        and     al, 0xFE
        mov     cr0, eax
        xor     ax, ax
        mov     fs, ax
%if HIGH
        mov     ebx, 0x100000
%else
        mov     ebx, 0x10000
%endif
        cmp     dword [fs:ebx], 'syst'
        check   18, e
        cmp     dword [fs:ebx + 508], 'em!!'
        check   19, e
%if VERSION
        mov     ebx, [ramdisk]
        cmp     dword [fs:ebx], 'init'
        check   20, e
        cmp     byte [fs:ebx + 4999], 'Z'
        check   21, e
%endif
        xor     bx, bx
finish:
        mov     al, bl
        out     0xF4, al
        hlt
        jmp     finish

expected:       db 'one two vga=3', 0
expected_end:
        align 8
gdt:            dq 0, 0x00CF92000000FFFF
gdt_pointer:    dw 15
                dd 0
        times 5 * 512 - ($ - $$) db 0

; the 32-bit part
        db      'syst'
        times 504 db 0
        db      'em!!'
