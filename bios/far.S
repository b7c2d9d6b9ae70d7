# Block moves between segments of a caller's.

    .text
    .code16

# Arguments: EAX segment, EDX offset of the destination; ECX segment of the source; on the stack its offset, and
# the count.
.macro FAR_MOVE name, prepare, move
    .globl \name
\name:
    pushl %esi
    pushl %edi
    pushw %es
    pushw %ds
    movzwl %dx, %edi
    movl 16(%esp), %esi
    movzwl %si, %esi
    movl 20(%esp), %edx
    movw %ax, %es
    movw %cx, %ds
    movzwl %dx, %ecx
    \prepare
    rep \move
    cld
    popw %ds
    popw %es
    popl %edi
    popl %esi
    retl
.endm

    FAR_MOVE far_copy, cld, movsb
    FAR_MOVE far_copy_words, cld, movsw
    FAR_MOVE far_copy_down_words, std, movsw

.macro FAR_FILL name, store
    .globl \name
\name:
    pushl %edi
    pushw %es
    movw %ax, %es
    movzwl %dx, %edi
    movl %ecx, %eax
    movl 10(%esp), %ecx
    movzwl %cx, %ecx
    rep \store
    popw %es
    popl %edi
    retl
.endm

    FAR_FILL far_fill, stosb
    FAR_FILL far_fill_words, stosw
