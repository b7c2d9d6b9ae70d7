; A multiboot image with everything that protected mode needs, and a mistake in it: the number of the
; mistake is poked into EBX before the first instruction. Most of them end in a triple fault, in as
; many ways; crashes.py runs them and reads what the machine says about it. With EBX 0 nothing is
; wrong, and it halts with all its tables in place.
;
; Source: Intel SDM volume 3A, chapters 3 to 7.

        bits 32
        org 0x100000

FLAGS   equ 0x10003
header: dd 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)
        dd header, header, data_end, bss_end, start

CODE    equ 0x08
DATA    equ 0x10
TSS     equ 0x18
CODE3   equ 0x20 | 3
DATA3   equ 0x28 | 3
TASK    equ 0x30                        ; of double faults
LDT     equ 0x38
ABSENT  equ 0x40                        ; code, not present
SMALL   equ 0x48                        ; data, 32 bytes
TINY    equ 0x50                        ; code, 32 bytes
DISPLAY equ 0x80000000                  ; linear, not mapped

%define GATE(n) idt + (n) * 8

start:
        cld
        mov     esp, stack_end
        lgdt    [gdtr]
        jmp     CODE:.flat
.flat:  mov     ax, DATA
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     edi, idt                ; every vector leads to `handler`
        mov     ecx, 256
.gate:  mov     eax, handler
        call    set_gate
        add     edi, 8
        loop    .gate
        mov     edi, pages              ; 4 MiB, identity
        mov     eax, 7
        mov     ecx, 1024
.page:  stosd
        add     eax, 0x1000
        loop    .page
        mov     dword [directory], pages + 7
        mov     eax, directory
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000         ; PG, WP
        mov     cr0, eax
        lidt    [idtr]
        mov     eax, LDT
        lldt    ax
        mov     eax, TSS
        ltr     ax
        cmp     ebx, (cases_end - cases) / 4
        jae     halt
        jmp     [cases + ebx * 4]
halt:   cli
        hlt
handler:
        mov     al, 1                   ; nobody should come here
        out     0xF4, al
        jmp     halt

set_gate:                               ; at EDI, 32-bit interrupt gate to CODE:EAX
        mov     [edi], ax
        mov     word [edi + 2], CODE
        mov     word [edi + 4], 0x8E00
        shr     eax, 16
        mov     [edi + 6], ax
        ret

; The page of EAX is taken away, or (ECX = 5) made read-only.
unmap:  xor     ecx, ecx
protect:
        push    eax
        shr     eax, 12
        and     byte [pages + eax * 4], 0xF8
        or      [pages + eax * 4], ecx
        pop     eax
        invlpg  [eax]
        ret

to_user:                                ; to CPL 3, at EAX
        push    DATA3
        push    stack_end
        push    2
        push    CODE3
        push    eax
        iret

cases:  dd halt, idt_limit, gates_absent, idt_page, stack_page, null_stack, small_tss, gdt_limit
        dd bad_task, new_task, stack_limit, handler_limit, null_handler, data_handler, int_n
        dd gdt_page, read_only, absent_handler, tss_page, user_page, privileged, null_segment
        dd segment_limit, selector, other_gate, reset_kbc, reset_92, reset_cf9, reset_jump, inner_dpl
        dd user_write, busy_task, small_task, reset_92_low
cases_end:

idt_limit:
        lidt    [nothing]
        ud2
gates_absent:                           ; of #UD, #NP and #DF
        and     byte [GATE(6) + 5], 0x7F
        and     byte [GATE(11) + 5], 0x7F
        and     byte [GATE(8) + 5], 0x7F
        ud2
idt_page:
        mov     eax, idt
        call    unmap
        ud2
stack_page:
        mov     esp, DISPLAY + 0x1000
        push    eax
null_stack:                             ; in the TSS
        mov     word [tss + 8], 0
        mov     eax, .user
        jmp     to_user
.user:  cli
small_tss:
        mov     word [gdt + TSS], 7
        and     byte [gdt + TSS + 5], 0xFD
        mov     eax, TSS
        ltr     ax
        mov     eax, .user
        jmp     to_user
.user:  cli
gdt_limit:
        mov     word [gdtr], 7
        lgdt    [gdtr]
        ud2
bad_task:                               ; the gate of #DF names no TSS
        mov     dword [GATE(8)], DATA << 16
        mov     dword [GATE(8) + 4], 0x8500
        and     byte [GATE(6) + 5], 0x7F
        and     byte [GATE(11) + 5], 0x7F
        ud2
new_task:                               ; it names one with a null SS
        mov     dword [task + 0x50], 0
        call    task_gate
        ud2
busy_task:
        or      byte [gdt + TASK + 5], 2
        call    task_gate
        ud2
small_task:
        mov     word [gdt + TASK], 0x66
        call    task_gate
        ud2
task_gate:
        mov     dword [GATE(8)], TASK << 16
        mov     dword [GATE(8) + 4], 0x8500
        and     byte [GATE(6) + 5], 0x7F
        and     byte [GATE(11) + 5], 0x7F
        ret
stack_limit:
        mov     ax, SMALL
        mov     ss, ax
        mov     esp, 0x1000
        ud2
handler_limit:                          ; of #UD, #GP and #DF
        mov     word [GATE(6) + 2], TINY
        mov     word [GATE(13) + 2], TINY
        mov     word [GATE(8) + 2], TINY
        ud2
null_handler:
        mov     word [GATE(6) + 2], 0
        mov     word [GATE(13) + 2], 3
        mov     word [GATE(8) + 2], 0
        ud2
data_handler:
        mov     word [GATE(6) + 2], DATA
        mov     word [GATE(13) + 2], DATA
        mov     word [GATE(8) + 2], DATA
        ud2
int_n:                                  ; from CPL 3, through a gate for CPL 0; no gate for #GP
        mov     dword [GATE(13) + 4], 0
        mov     dword [GATE(8) + 4], 0
        mov     eax, .user
        jmp     to_user
.user:  int     0x30
gdt_page:
        mov     eax, gdt
        call    unmap
        ud2
read_only:                              ; a write to a read-only page, and no IDT
        mov     eax, scratch
        mov     ecx, 5
        call    protect
        lidt    [nothing]
        mov     [scratch + 8], eax
absent_handler:
        mov     word [GATE(6) + 2], ABSENT
        mov     word [GATE(11) + 2], ABSENT
        mov     word [GATE(8) + 2], ABSENT
        ud2
tss_page:
        mov     eax, .user
        push    DATA3
        push    stack_end
        push    2
        push    CODE3
        push    eax
        mov     eax, tss
        call    unmap
        iret
.user:  cli
user_page:                              ; code at CPL 3 on a page of the system, and no IDT
        lidt    [nothing]
        mov     eax, scratch
        mov     ecx, 3
        call    protect
        jmp     to_user
user_write:                             ; the stack of CPL 0 is on a page that is not there
        mov     dword [tss + 4], DISPLAY + 0x100
        mov     eax, .user
        jmp     to_user
.user:  cli
privileged:
        lidt    [nothing]
        mov     eax, .user
        jmp     to_user
.user:  hlt
null_segment:
        lidt    [nothing]
        xor     eax, eax
        mov     es, ax
        mov     [es:0x1234], al
segment_limit:
        lidt    [nothing]
        mov     ax, SMALL
        mov     fs, ax
        mov     [fs:0x30], al
selector:
        lidt    [nothing]
        mov     ax, ABSENT
        jmp     ABSENT:0
other_gate:                             ; call gates do not belong into the IDT
        mov     byte [GATE(6) + 5], 0x8C
        mov     byte [GATE(13) + 5], 0x8C
        mov     byte [GATE(8) + 5], 0x80
        ud2
inner_dpl:                              ; SS0 names a segment of CPL 3
        mov     word [tss + 8], DATA3
        mov     eax, .user
        jmp     to_user
.user:  cli
reset_kbc:
        mov     al, 0xFE
        out     0x64, al
        jmp     halt
reset_92:
        mov     al, 3                   ; and A20 stays open
        out     0x92, al
        jmp     halt
reset_92_low:                           ; A20 is closed when the processor starts again
        mov     al, 1
        out     0x92, al
        jmp     halt
reset_cf9:
        mov     dx, 0xCF9
        mov     al, 2
        out     dx, al
        mov     al, 6
        out     dx, al
        jmp     halt
reset_jump:                             ; to real mode, and to FFFF:0000
        mov     eax, cr0
        and     eax, 0x7FFFFFFF
        mov     cr0, eax
        mov     esi, real
        mov     edi, 0x7C00
        mov     ecx, real_end - real
        rep movsb
        lidt    [real_idtr]
        jmp     0x58:0x7C00
        bits    16
real:   mov     eax, cr0
        and     al, 0xFE
        mov     cr0, eax
        jmp     0xFFFF:0
real_end:
        bits    32

nothing:
        dw      0
        dd      0
real_idtr:
        dw      0x3FF
        dd      0
idtr:   dw      256 * 8 - 1
        dd      idt
gdtr:   dw      gdt_end - gdt - 1
        dd      gdt

        align   4096, db 0
gdt:    dq      0
        dq      0x00CF9A000000FFFF
        dq      0x00CF92000000FFFF
        dw      0x67, tss - header, 0x8910, 0
        dq      0x00CFFA000000FFFF
        dq      0x00CFF2000000FFFF
        dw      0x67, task - header, 0x8910, 0
        dw      15, ldt - header, 0x8210, 0
        dq      0x00CF1A000000FFFF
        dq      0x004092000000001F
        dq      0x00409A000000001F
        dq      0x00009A000000FFFF      ; 58h: 16 bits, for the way back to real mode
gdt_end:
ldt:    dq      0x00CF92000000FFFF
        dw      0x67, tss - header, 0x8910, 0
        align   4096, db 0
tss:    dd      0, stack_end, DATA, 0, 0, 0, 0
        times 0x66 - ($ - tss) db 0
        dw      0x68
        align   4096, db 0
task:   dd      0, 0, 0, 0, 0, 0, 0, directory, handler, 2, 0, 0, 0, 0, stack_end, 0, 0, 0
        dd      DATA, CODE, DATA, DATA, DATA, DATA, 0, 0x680000
        align   4096, db 0
scratch:
        times 4096 db 0x90
data_end:
        absolute data_end
        alignb  4096
idt:    resb    4096
directory:
        resb    4096
pages:  resb    4096
        resb    4096
stack_end:
bss_end:
