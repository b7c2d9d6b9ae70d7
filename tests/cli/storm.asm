; A guest that writes and reads every port and every register window at random, for as long as it is
; let. A firmware image; 32-bit flat code. The generator's state lives in memory, so that a reset,
; which it will cause, does not start the same storm again.
;
; The seed stands at offset 0 of the image, for tests/cli/storm.py to set.

%include "seeded.inc"

        bits 16
        org 0

seed:   dd 1
STATE   equ 0x500
MAGIC   equ 0x53544F52

start:
        cli
        cld
        lgdt    [cs:gdt_pointer]
        ENTER_PROTECTED 0xF0000

        FLAT_GDT 0xF0000

        bits 32
protected:
        LOAD_SEGMENTS 0x7000
        BEGIN_ONCE 0xF0000, storm

storm:
        call    random
        mov     ebp, eax
        test    ebp, 7 << 8
        jz      window

; A port: half of the time one of the first 1024, where most chips are.
        call    random
        movzx   edx, ax
        test    ebp, 1
        jz      .any
        and     edx, 0x3FF
.any:
        mov     ecx, edx
        and     ecx, 0xFFF8
        cmp     ecx, 0xF0               ; the debug exit would end the storm
        je      storm
        cmp     ecx, 0x4F8
        je      storm
        cmp     ecx, 0x500
        je      storm
        call    random
        test    ebp, 2
        jz      .in
        test    ebp, 4
        jz      .out8
        test    ebp, 8
        jz      .out16
        out     dx, eax
        jmp     storm
.out16: out     dx, ax
        jmp     storm
.out8:  out     dx, al
        jmp     storm
.in:    test    ebp, 4
        jz      .in8
        test    ebp, 8
        jz      .in16
        in      eax, dx
        jmp     storm
.in16:  in      ax, dx
        jmp     storm
.in8:   in      al, dx
        jmp     storm

; Memory that is not RAM: the VGA window, ROMs, and everything above 3.5 GiB with stress on the APICs.
window:
        call    random
        mov     ecx, ebp
        shr     ecx, 16
        and     ecx, 7
        mov     edi, eax
        and     edi, 0xFFF
        cmp     ecx, 2
        jb      .io_apic
        cmp     ecx, 4
        jb      .local_apic
        cmp     ecx, 6
        jb      .low
        mov     edi, eax
        or      edi, 0xE0000000
        jmp     .access
.io_apic:
        and     edi, 0x3F
        add     edi, 0xFEC00000
        jmp     .access
.local_apic:
        add     edi, 0xFEE00000
        jmp     .access
.low:   and     eax, 0x3FFFF
        lea     edi, [eax + 0xA0000]
.access:
        call    random
        test    ebp, 2
        jz      .read
        test    ebp, 4
        jz      .write8
        mov     [edi], eax
        jmp     storm
.write8:
        mov     [edi], al
        jmp     storm
.read:  test    ebp, 4
        jz      .read8
        mov     eax, [edi]
        jmp     storm
.read8: mov     al, [edi]
        jmp     storm

; EAX = the next number of a 32-bit xorshift generator.
random:
        NEXT_RANDOM
        ret

        times 0xFFF0 - ($ - $$) db 0xF4
        bits 16
        jmp     0xF000:start
        times 0x10000 - ($ - $$) db 0
