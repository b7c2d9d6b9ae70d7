; A firmware image for accesses.py: instructions that read, write, or read and write a doubleword, over and
; over. The label of each says which: aNN_r, aNN_w, aNN_rw. All others leave the doubleword alone.

VAR         equ 0x600
ROUND       equ 0x610           ; in the same page
SOURCE      equ 0x620
STACK       equ 0x7000
ROUNDS      equ 60

%include "flat.inc"

bits 16
org 0xF0000
rom:
real:
    cli
    ENTER_PROTECTED

FLAT_GDT

bits 32
protected:
    LOAD_SEGMENTS STACK
    fninit
    mov dword [ROUND], 0

round:
    mov ebx, VAR
    mov ecx, 3
a01_rw: inc dword [VAR]
a02_rw: add [VAR], eax
a03_r:  add eax, [VAR]
a04_w:  mov [VAR], eax
a05_r:  mov eax, [VAR]
a06_rw: xchg [VAR], eax
a07_rw: lock cmpxchg [VAR], edx
a08_rw: lock xadd [VAR], edx
a09_rw: bts dword [VAR], 3
a10_rw: shl dword [VAR], 1
a11_rw: rol byte [VAR + 1], cl
a12_rw: neg word [VAR + 2]
a13_rw: not dword [VAR]
a14_rw: adc [VAR], eax
a15_rw: shld [VAR], eax, 3
a16_rw: cmpxchg8b [VAR]
a17_r:  cmp [VAR], eax
a18_r:  test [VAR], eax
a19_r:  push dword [VAR]
a20_w:  pop dword [VAR]
a21_w:  setc byte [VAR + 3]
a22_r:  movzx eax, byte [VAR]
a23_r:  bt dword [VAR], 1
a24_rw: or dword [VAR], 1
a25_rw: sub byte [VAR + 2], 7
a26_rw: dec word [VAR + 1]
a27_r:  imul eax, [VAR], 3
a28_r:  fld dword [VAR]
a29_w:  fstp dword [VAR]
    ; Runs of accesses through one register.
a30_r:  mov eax, [ebx]
a31_rw: add [ebx], eax
a32_w:  mov [ebx], ecx
a33_rw: inc dword [ebx]
a34_r:  mov edx, [ebx]
a35_rw: xor [ebx], edx
    mov [ebx + 8], eax
    mov eax, [ebx + 12]
    inc dword [ebx + 8]
    mov esi, VAR
a36_r:  lodsd
    mov edi, VAR
a37_w:  stosd
    mov edi, VAR
a38_r:  scasd
    mov esi, SOURCE
    mov edi, VAR
a39_w:  movsd
    mov esi, VAR
    mov edi, SOURCE
a40_r:  movsd
end_of_round:
    inc dword [ROUND]
    cmp dword [ROUND], ROUNDS
    jb round
the_end:
    cli
    hlt
    jmp the_end

    times 0xFFF0 - ($ - rom) db 0
bits 16
    jmp 0xF000:real - rom
    times 0x10000 - ($ - rom) db 0
