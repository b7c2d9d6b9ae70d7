; A ROM that is busy with everything that comes from outside: timer, keyboard, mouse, both serial
; ports, the real-time clock and NMI interrupt it; it halts, computes, divides by zero and traps now
; and then, and what it computes depends on when all that happened.
;
; Memory: 0500h counters by interrupt, 0600h a running hash, 0700h a ring of what came in.
        bits 16
        org 0
HASH    equ 0600h
RING    equ 0700h

start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        cld
        xor di, di              ; every vector to "other"
        mov cx, 256
.vectors:
        mov ax, other
        stosw
        mov ax, 0F000h
        stosw
        loop .vectors
        mov word [0 * 4], divide
        mov word [2 * 4], nmi
        mov word [8 * 4], timer
        mov word [9 * 4], keyboard
        mov word [0Bh * 4], com2
        mov word [0Ch * 4], com1
        mov word [70h * 4], rtc
        mov word [74h * 4], mouse
        ; the interrupt controllers
        mov al, 11h
        out 20h, al
        out 0A0h, al
        mov al, 8
        out 21h, al
        mov al, 70h
        out 0A1h, al
        mov al, 4
        out 21h, al
        mov al, 2
        out 0A1h, al
        mov al, 1
        out 21h, al
        out 0A1h, al
        mov al, 11100000b & 0E0h
        out 21h, al
        mov al, 11101110b       ; clock and mouse
        out 0A1h, al
        ; timer 0: some 700 a second
        mov al, 34h
        out 43h, al
        mov al, 0A4h
        out 40h, al
        mov al, 6
        out 40h, al
        ; keyboard and mouse
        mov al, 60h
        call command
        mov al, 47h
        call data
        mov al, 0A8h
        call command
        mov al, 0D4h
        call command
        mov al, 0F4h
        call data
        ; both serial ports: 115200, FIFOs, interrupts
        mov dx, 3F8h
        call serial
        mov dx, 2F8h
        call serial
        ; the real-time clock: 1024 a second
        mov al, 8Bh
        out 70h, al
        in al, 71h
        or al, 40h
        mov bl, al
        mov al, 8Bh
        out 70h, al
        mov al, bl
        out 71h, al
        mov al, 0Ch
        out 70h, al
        in al, 71h
        sti

main:
        mov si, RING
        mov cx, 200
.mix:
        lodsw
        xor ax, [HASH]
        rol ax, 3
        add ax, cx
        mov [HASH], ax
        loop .mix
        ; what time is it
        in al, 40h
        add [HASH + 2], al
        ; repeated instructions, in which interrupts come
        mov si, RING
        mov di, 2000h
        mov cx, 500
        rep movsw
        ; faults and traps
        mov ax, [HASH]
        xor bl, bl
        test al, 7
        jnz .no_fault
        div bl
.no_fault:
        test al, 30h
        jnz .no_trap
        int3
.no_trap:
        test al, 3
        jz main
        hlt
        jmp main

command:
        call ready
        out 64h, al
        ret
data:
        call ready
        out 60h, al
        ret
ready:
        push ax
.wait:
        in al, 64h
        test al, 2
        jnz .wait
        pop ax
        ret

serial:
        add dx, 3
        mov al, 83h
        out dx, al
        sub dx, 3
        mov al, 1
        out dx, al
        inc dx
        xor al, al
        out dx, al
        inc dx
        mov al, 0C7h
        out dx, al
        inc dx
        mov al, 3
        out dx, al
        inc dx
        mov al, 0Bh
        out dx, al
        sub dx, 3
        mov al, 3
        out dx, al
        ret

; al: what came in
note:
        push bx
        mov bx, [HASH + 4]
        inc bx
        and bx, 3FFh
        mov [HASH + 4], bx
        xor [RING + bx], al
        add [HASH + 6], al
        pop bx
        ret

timer:
        push ax
        inc word [500h]
        mov al, 20h
        out 20h, al
        pop ax
        iret
keyboard:
        push ax
        in al, 60h
        call note
        mov al, 20h
        out 20h, al
        pop ax
        iret
mouse:
        push ax
        in al, 60h
        call note
        mov al, 20h
        out 0A0h, al
        out 20h, al
        pop ax
        iret
rtc:
        push ax
        inc word [502h]
        mov al, 0Ch
        out 70h, al
        in al, 71h
        call note
        mov al, 20h
        out 0A0h, al
        out 20h, al
        pop ax
        iret
com2:
        push ax
        push dx
        mov dx, 2F8h
        jmp receive
com1:
        push ax
        push dx
        mov dx, 3F8h
receive:
        add dx, 2
        in al, dx
        add dx, 3
        in al, dx
        sub dx, 5
        test al, 1
        jz .done
        in al, dx
        call note
        out dx, al              ; echo
        jmp receive
.done:
        mov al, 20h
        out 20h, al
        pop dx
        pop ax
        iret
nmi:
        inc word [504h]
        iret
divide:
        inc word [506h]
        push bp
        mov bp, sp
        add word [bp + 2], 2
        pop bp
        iret
other:
        inc word [508h]
        iret

        times 0FFF0h - ($ - $$) db 0FFh
        jmp 0F000h:start
        times 10000h - ($ - $$) db 0FFh
