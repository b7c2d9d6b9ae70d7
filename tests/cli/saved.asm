; A multiboot image for saved.py: for ever, counts, moves memory with REP MOVSB, and writes the
; count into a sector of each of the two disks of the first IDE channel.
bits 32
org 0x100000

FLAGS equ 0x10000
        dd 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS), $$, $$, image_end, bss_end, start

start:
        cld
        mov esp, stack
again:
        inc dword [count]
        mov esi, source
        mov edi, target
        mov ecx, 65536
        rep movsb
        mov eax, [count]
        mov edi, source
        mov ecx, 128
        rep stosd
        mov bl, 0xE0
        call write_sector
        mov bl, 0xF0
        call write_sector
        jmp again

; Writes the first 512 bytes at source to sector count % 64 of the drive that BL selects.
write_sector:
        mov dx, 0x1F6
        mov al, bl
        out dx, al
        call wait_idle
        mov dx, 0x1F2
        mov al, 1
        out dx, al
        inc dx
        mov al, [count]
        and al, 63
        out dx, al
        inc dx
        xor eax, eax
        out dx, al
        inc dx
        out dx, al
        mov dx, 0x1F7
        mov al, 0x30
        out dx, al
.wanted:
        in al, dx
        test al, 0x80
        jnz .wanted
        test al, 0x08
        jz .done                ; no such drive
        mov esi, source
        mov ecx, 256
        mov dx, 0x1F0
        rep outsw
.done:
wait_idle:
        mov dx, 0x1F7
.busy:
        in al, dx
        test al, 0x80
        jnz .busy
        ret

image_end:
absolute image_end
count   resd 1
        resb 4092
        resb 4096
stack:
source  resb 65536
target  resb 65536
bss_end:
