; A multiboot kernel that checks what it is given, and says so by its exit value: 0 all is well, else
; the number of the check that failed. Loaded by addresses, with a bss that must be zero. Run by
; loaders.py: 16 MiB, command line "one two", modules "first!" and "second" with arguments.
; Source: Multiboot specification 0.6.96, 3.2 (machine state) and 3.3 (information).

        bits 32
        org 0x200000

FLAGS   equ 0x10003
header: dd 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)
        dd header, header, data_end, bss_end, start

%macro check 2                          ; number, condition that must hold
        j%+2    %%holds
        mov     bl, %1
        jmp     finish
%%holds:
%endmacro

start:
        cmp     eax, 0x2BADB002
        check   1, e
        mov     esi, ebx
        mov     edi, bss
        mov     ecx, (bss_end - bss) / 4
        xor     eax, eax
        repe scasd
        check   2, e
        mov     esp, bss_end
        pushfd
        test    dword [esp], 0x20200    ; IF and VM are clear
        check   3, z
        mov     eax, cr0
        and     eax, 0x80000001         ; protected mode, no paging
        cmp     eax, 1
        check   4, e
        mov     dword [0x400000], 1     ; gate A20 is open
        mov     dword [0x500000], 2
        cmp     dword [0x400000], 1
        check   5, e
        mov     eax, [esi]              ; memory, command line, modules, map, loader's name
        and     eax, 0x24D
        cmp     eax, 0x24D
        check   6, e
        cmp     dword [esi + 4], 600    ; 640 KiB less the extended BIOS data area
        check   7, ae
        cmp     dword [esi + 4], 640
        check   8, be
        cmp     dword [esi + 8], 14 * 1024
        check   9, ae
        cmp     dword [esi + 8], 15 * 1024
        check   10, be
        mov     edi, [esi + 16]
        mov     edx, expected_line
        call    ends_with
        check   11, e
        call    check_modules
        call    check_map
        xor     ebx, ebx
finish:
        mov     al, bl
        out     0xF4, al
        hlt
        jmp     finish

check_modules:
        cmp     dword [esi + 20], 2
        check   12, e
        mov     ebp, [esi + 24]
        test    dword [ebp], 0xFFF      ; they begin on pages,
        check   13, z
        test    dword [ebp + 16], 0xFFF
        check   14, z
        cmp     dword [ebp], bss_end    ; not on the kernel,
        check   15, ae
        mov     eax, [ebp + 4]          ; not on each other
        cmp     eax, [ebp + 16]
        check   16, be
        sub     eax, [ebp]
        cmp     eax, 6
        check   17, e
        mov     edi, [ebp]
        cmp     dword [edi], 'firs'
        check   18, e
        mov     edi, [ebp + 16]
        cmp     dword [edi], 'seco'
        check   19, e
        mov     edi, [ebp + 8]
        mov     edx, expected_module
        call    ends_with
        check   20, e
        ret

; An entry of RAM at 0, one at 1 MiB, and none that is empty.
check_map:
        mov     edi, [esi + 48]
        mov     ecx, [esi + 44]
        xor     ebp, ebp
.entry:
        cmp     ecx, 24
        jb      .end
        cmp     dword [edi], 20
        check   21, e
        mov     eax, [edi + 12]
        or      eax, [edi + 16]
        check   22, nz
        cmp     dword [edi + 20], 1
        jne     .next
        cmp     dword [edi + 4], 0
        jne     .not_low
        or      ebp, 1
.not_low:
        cmp     dword [edi + 4], 0x100000
        jne     .next
        or      ebp, 2
.next:
        add     edi, 24
        sub     ecx, 24
        jmp     .entry
.end:
        cmp     ebp, 3
        check   23, e
        ret

; EAX = length of the string at EDI.
length:
        xor     eax, eax
.next:  cmp     byte [edi + eax], 0
        je      .end
        inc     eax
        jmp     .next
.end:   ret

; ZF set if the string at EDI ends with the one at EDX.
ends_with:
        call    length
        lea     ebx, [edi + eax]
        mov     edi, edx
        call    length
        sub     ebx, eax
        lea     ecx, [eax + 1]
        push    esi
        mov     esi, ebx
        repe cmpsb
        pop     esi
        ret

expected_line:
        db      ' one two', 0
expected_module:
        db      ' argument', 0

        times 1024 - ($ - $$) db 0
data_end:
        absolute 0x200000 + 1024
bss:    resb 8192
bss_end:
