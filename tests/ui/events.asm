; A boot sector that sends what keyboard and mouse say through COM1, a line a byte: "K 1E" from the
; keyboard, "A FA" from the mouse, which is asked to be an IntelliMouse with a wheel. F1 changes to a
; picture of 320 x 200 with a frame around it, F2 back to text, F3 halts for good, F4 makes a triple
; fault, F5 asks for the mouse's position by VMware's port: "P 20 8000 FFFF", buttons, across, down. Build: nasm -f bin. Driven by tests/ui/window.py.
bits 16
org 0x7C00

start:
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7C00
    cld
    mov ax, 3
    int 0x10
    cli
    mov si, title
.print:
    lodsb
    test al, al
    jz .serial
    mov ah, 0x0E
    mov bx, 7
    int 0x10
    cli
    jmp .print
.serial:                        ; 115200 baud, eight bits
    mov dx, 0x3FB
    mov al, 0x80
    out dx, al
    mov dl, 0xF8
    mov al, 1
    out dx, al
    mov dl, 0xF9
    mov al, 0
    out dx, al
    mov dl, 0xFB
    mov al, 3
    out dx, al
    mov bl, 0xA8                ; the mouse's port
    call command
    mov bl, 0x60                ; both clocks, translation, no interrupts
    call command
    mov bl, 0x40
    call data
    mov si, setup
.mouse:
    lodsb
    cmp al, 0xFF
    je loop_forever
    mov bh, al
    mov bl, 0xD4
    call command
    mov bl, bh
    call data
    call answer
    jmp .mouse

loop_forever:
    call events
    call position
    jmp loop_forever

; Sends BL to port 64h or 60h when there is room.
command:
    in al, 0x64
    test al, 2
    jnz command
    mov al, bl
    out 0x64, al
    ret
data:
    in al, 0x64
    test al, 2
    jnz data
    mov al, bl
    out 0x60, al
    ret

; Waits for a byte, passes it on, and what comes shortly behind it.
answer:
    in al, 0x64
    test al, 1
    jz answer
    jmp events.one

; Passes on what has come.
events:
    in al, 0x64
    test al, 1
    jnz .one
    ret
.one:
    mov ah, al
    in al, 0x60
    mov bl, al
    mov al, 'K'
    test ah, 0x20
    jz .name
    mov al, 'A'
.name:
    push ax
    call send
    mov al, ' '
    call send
    mov al, bl
    call hex
    mov al, 10
    call send
    pop ax
    cmp al, 'K'
    jne events
    cmp bl, 0x3B
    je picture
    cmp bl, 0x3C
    je text
    cmp bl, 0x3D
    je halt
    cmp bl, 0x3E
    je crash
    cmp bl, 0x3F
    je ask
    jmp events

; Space and BX, or AL, in hexadecimal.
word_bx:
    mov al, ' '
    call send
    mov al, bh
    call hex
    mov al, bl
hex:
    push ax
    shr al, 4
    call digit
    pop ax
    and al, 15
digit:
    add al, '0'
    cmp al, '9'
    jbe send
    add al, 7
send:
    push ax
    mov dx, 0x3FD
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    pop ax
    mov dl, 0xF8
    out dx, al
    ret

; Blue with a white frame of one pixel.
picture:
    mov ax, 0x13
    int 0x10
    cli
    mov ax, 0xA000
    mov es, ax
    xor di, di
    mov cx, 64000
    mov al, 1
    rep stosb
    xor di, di
    mov cx, 320
    mov al, 15
    rep stosb
    mov di, 199 * 320
    mov cx, 320
    rep stosb
    xor di, di
    mov cx, 200
.sides:
    mov [es:di], al
    mov [es:di + 319], al
    add di, 320
    loop .sides
    jmp events
text:
    mov ax, 3
    int 0x10
    cli
    jmp events
halt:
    hlt
    jmp halt
crash:
    lidt [no_table]
    int3

; VMware's port: function ECX, argument EBX.
backdoor:
    mov eax, 0x564D5868
    mov edx, 0x5658
    in eax, dx
    ret

ask:
    mov ebx, 0x45414552         ; on, which leaves an identification to be read
    mov ecx, 41
    call backdoor
    mov ebx, 1
    mov ecx, 39
    call backdoor
    mov ebx, 0x53424152         ; positions
    mov ecx, 41
    call backdoor
    inc byte [is_absolute]
    jmp events

; Fetches one position, if there is one.
position:
    cmp byte [is_absolute], 0
    je .none
    mov ecx, 40
    call backdoor
    cmp ax, 4
    jb .none
    mov ebx, 4
    mov ecx, 39
    call backdoor
    push cx
    push bx
    push ax
    mov al, 'P'
    call send
    mov al, ' '
    call send
    pop ax
    call hex
    pop bx
    call word_bx
    pop bx
    call word_bx
    mov al, 10
    call send
.none:
    ret

is_absolute: db 0
no_table: dw 0
    dd 0
title: db "events", 0
setup: db 0xF3, 200, 0xF3, 100, 0xF3, 80, 0xF4, 0xFF

    times 510 - ($ - $$) db 0
    dw 0xAA55
