; A firmware image for the tests of the gdb stub: real mode, paging with two address spaces, a page that
; is mapped by the page-fault handler when it is first executed, timer interrupts, repeated string
; instructions, and the guest's own debug registers. It ends with CLI and HLT.
;
; Memory: 500h real_count's counter; 600h ...; 10000h page tables; 16000h IDT; 200000h pages of code.

COUNTER     equ 0x600
TICKS       equ 0x604
OWN_HITS    equ 0x608
FAULTS      equ 0x60C
ROUND       equ 0x610
SUM         equ 0x614
FILLED      equ 0x700           ; 16 doublewords
DIRECTORY_A equ 0x10000
IDENTITY    equ 0x11000
HIGH_A      equ 0x12000
DIRECTORY_B equ 0x14000
HIGH_B      equ 0x15000
IDT         equ 0x16000
LATE        equ 0xC0001000      ; not mapped until it is called
ANSWER      equ 0xC0002000      ; other code in other address spaces
ROUNDS      equ 50
OWN_ROUND   equ 25              ; from here on DR0 is armed

%include "flat.inc"

bits 16
org 0xF0000
rom:
real:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    mov cx, 5
.loop:
    call real_count
    loop .loop
    ENTER_PROTECTED

real_count:
    inc word [0x500]
    ret

FLAT_GDT

; edi: where to; esi: the code; 32 bytes
%macro COPY 2
    mov edi, %1
    mov esi, %2
    mov ecx, 8
    rep movsd
%endmacro

; An interrupt gate.
%macro GATE 2
    mov edi, IDT + %1 * 8
    mov eax, %2
    mov [edi], ax
    mov word [edi + 2], 8
    mov word [edi + 4], 0x8E00
    shr eax, 16
    mov [edi + 6], ax
%endmacro

bits 32
protected:
    LOAD_SEGMENTS 0x7000
    call build_pages
    call build_interrupts
    mov eax, DIRECTORY_A
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    sti

round:
    call count_up
    call call_answers
call_late:
    mov eax, LATE
    call eax
    mov edi, FILLED
    mov ecx, 16
    mov eax, [ROUND]
fill:
    rep stosd
    mov ecx, 20000
spin:
    dec ecx
    jnz spin
    cmp dword [ROUND], OWN_ROUND
    jne .next
    mov eax, count_up
    mov dr0, eax
    mov eax, 0x401              ; DR0, execution
    mov dr7, eax
.next:
    inc dword [ROUND]
    cmp dword [ROUND], ROUNDS
    jb round
the_end:
    cli
    hlt
    jmp the_end

count_up:
    inc dword [COUNTER]
    ret

call_answers:
    mov eax, ANSWER
    call eax
    mov ecx, DIRECTORY_B
    mov cr3, ecx
    mov ecx, ANSWER
    call ecx
    mov ecx, DIRECTORY_A
    mov cr3, ecx
    ret

build_pages:
    mov edi, DIRECTORY_A
    xor eax, eax
    mov ecx, 0x6000 / 4
    rep stosd
    mov edi, IDENTITY
    mov eax, 3
    mov ecx, 1024
.next:
    stosd
    add eax, 0x1000
    loop .next
    mov dword [DIRECTORY_A], IDENTITY + 3
    mov dword [DIRECTORY_B], IDENTITY + 3
    mov dword [DIRECTORY_A + 0xC00], HIGH_A + 3
    mov dword [DIRECTORY_B + 0xC00], HIGH_B + 3
    mov dword [HIGH_A + 8], 0x200003
    mov dword [HIGH_B + 8], 0x201003
    COPY 0x200000, answer_a
    COPY 0x201000, answer_b
    COPY 0x202000, late
    ret

answer_a:
    mov eax, 0xA
    add [SUM], eax
    ret
align 32
answer_b:
    mov eax, 0xB
    add [SUM], eax
    ret
align 32
late:
    mov eax, 0x1A7E
    ret
align 32

build_interrupts:
    GATE 1, on_debug
    GATE 14, on_page_fault
    GATE 32, on_timer
    lidt [idtr]
    mov al, 0x11                ; both PICs: vectors 32 and 40
    out 0x20, al
    out 0xA0, al
    mov al, 32
    out 0x21, al
    mov al, 40
    out 0xA1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xA1, al
    mov al, 1
    out 0x21, al
    out 0xA1, al
    mov al, 0xFE                ; the timer alone
    out 0x21, al
    mov al, 0xFF
    out 0xA1, al
    mov al, 0x34                ; 1193182 / 1193 = 1000 Hz
    out 0x43, al
    mov al, 1193 & 255
    out 0x40, al
    mov al, 1193 >> 8
    out 0x40, al
    ret

on_timer:
    push eax
    inc dword [TICKS]
    mov al, 0x20
    out 0x20, al
    pop eax
    iretd

on_page_fault:
    mov dword [HIGH_A + 4], 0x202003
    inc dword [FAULTS]
    add esp, 4
    iretd

on_debug:
    inc dword [OWN_HITS]
    or dword [esp + 8], 0x10000 ; RF
    iretd

align 8
idtr:
    dw 33 * 8 - 1
    dd IDT

    times 0xFFF0 - ($ - rom) db 0
bits 16
    jmp 0xF000:real - rom
    times 0x10000 - ($ - rom) db 0

