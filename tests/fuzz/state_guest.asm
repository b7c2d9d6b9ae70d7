; A ROM for the fuzzer of saved fields: a virtual-8086 task under paging that uses x87, MMX, SSE and
; string instructions and reads ports, a timer that interrupts it, and a ring-0 handler that halts
; now and then.
        bits 16
        org 0
BASE    equ 0F0000h             ; where the ROM is
PAGES   equ 1000h               ; page directory
TSS     equ 2000h             ; with a map of all ports: 2068h bytes, and one more
IDT     equ 5000h
STACK   equ 8000h

start:
        cli
        lgdt [cs:gdt_pointer]
        lidt [cs:idt_pointer]
        xor ax, ax
        mov es, ax
        mov di, PAGES           ; directory, TSS and IDT begin as zeros
        mov cx, 2000h
        cld
        rep stosw
        mov ds, ax
        mov dword [PAGES], 87h  ; the first 4 MiB, for everybody
        mov dword [PAGES + 3FBh * 4], 0FEC00087h
        mov dword [TSS + 4], STACK
        mov dword [TSS + 8], 10h
        mov word [TSS + 66h], 68h
        mov byte [TSS + 2068h], 0FFh
        mov si, 20h * 8 + IDT   ; gates: timer, and INT 30h, which halts
        mov word [si], timer
        mov word [si + 2], 8
        mov word [si + 4], 8E00h
        mov word [si + 6], 0Fh
        mov si, 30h * 8 + IDT
        mov word [si], halt
        mov word [si + 2], 8
        mov word [si + 4], 0EE00h
        mov word [si + 6], 0Fh
        mov al, 11h             ; interrupt controllers
        out 20h, al
        mov al, 20h
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0FEh
        out 21h, al
        mov al, 34h             ; timer 0, some 4000 a second
        out 43h, al
        mov al, 2Bh
        out 40h, al
        mov al, 1
        out 40h, al
        mov eax, PAGES
        mov cr3, eax
        mov eax, 610h           ; PSE, OSFXSR, OSXMMEXCPT
        mov cr4, eax
        mov eax, 80000033h
        mov cr0, eax
        jmp dword 8:BASE + protected

        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        mov ax, 18h
        ltr ax
        fninit
        push dword 0            ; GS, FS, DS, ES
        push dword 0
        push dword 0
        push dword 40h
        push dword 0            ; SS:SP
        push dword 7000h
        push dword 23202h       ; VM, IOPL 3, IF
        push dword 0F000h
        push dword task
        iretd

timer:
        push eax
        mov al, 20h
        out 20h, al
        inc dword [ss:500h]
        pop eax
        iretd

halt:
        sti
        hlt
        iretd

        bits 16
task:
        mov cx, 200
.more:
        fld1
        fldpi
        fsin
        faddp
        fsqrt
        fstp qword [504h]
        movups xmm0, [500h]
        addps xmm0, xmm1
        mulps xmm1, xmm0
        movups [520h], xmm0
        movq mm0, [500h]
        paddd mm0, mm1
        movq mm1, mm0
        emms
        push cx
        mov si, 500h
        mov di, 100h
        mov cx, 40
        rep movsb
        pop cx
        in al, 64h
        in al, 61h
        mov al, 0Ah
        out 70h, al
        in al, 71h
        add [530h], ax
        adc bx, cx
        pushf
        popf
        call .sub
        loop .more
        int 30h
        jmp task
.sub:
        ret

        align 8
gdt:
        dq 0
        dq 00CF9B000000FFFFh
        dq 00CF93000000FFFFh
        dw 2068h, TSS
        db 0, 8Bh - 2, 0, 0
gdt_pointer:
        dw $ - gdt - 1
        dd BASE + gdt
idt_pointer:
        dw 7FFh
        dd IDT

        times 0FFF0h - ($ - $$) db 0
        jmp 0F000h:start
        times 10000h - ($ - $$) db 0
