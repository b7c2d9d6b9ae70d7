# What is at C0000 when the card brings no ROM: the header of a video ROM. INT 10h itself is in the system ROM, as on
# boards with built-in video; but X.Org, Windows and others look for a video ROM before they call it. roms32.c copies
# this to C0000 and fills in the checksum.

    .section .rodata.video_rom, "a"
    .globl video_rom, video_rom_end
video_rom:
    .byte 0x55, 0xAA, (video_rom_end - video_rom) / 512
    lret # initialisation: POST does it
    .org video_rom + 0x18
    .word pci_data - video_rom
    .word 0 # no Plug and Play header
    .org video_rom + 0x1E
    .asciz "IBM VGA Compatible"
    .org video_rom + 0x38
    .asciz "Anachron VGA"
    .org video_rom + 0x48
pci_data: # PCI Firmware Specification, 5.1.2
    .ascii "PCIR"
    .word 0x1234, 0x1111
    .word 0
    .word 0x18
    .byte 0
    .byte 0x00, 0x00, 0x03
    .word (video_rom_end - video_rom) / 512
    .word 1
    .byte 0, 0x80
    .word 0
    .org video_rom + 2048
video_rom_end:
