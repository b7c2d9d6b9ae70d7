"""Firmware of a few instructions, for tests of what is around the machine. A module."""


def rom(code):
    image = bytearray(b'\xf4' * 65536)
    image[:len(code)] = code
    image[0xFFF0:0xFFF5] = b'\xea\x00\x00\x00\xf0'  # jmp F000:0000
    return bytes(image)


# mov ax, 1234h; mov [1000h], ax; cli; hlt
HALTS = rom(b'\xb8\x34\x12\xa3\x00\x10\xfa\xf4')
# Sends what COM1 receives back, one more. Divisor 1, 8 bits: mov dx, 3FBh; mov al, 80h; out dx, al;
# mov dl, F8h; mov al, 1; out dx, al; mov dl, FBh; mov al, 3; out dx, al. Then mov dl, FDh; in al, dx;
# test al, 1; jz; mov dl, F8h; in al, dx; inc ax; out dx, al; jmp
ECHO = rom(b'\xba\xfb\x03\xb0\x80\xee\xb2\xf8\xb0\x01\xee\xb2\xfb\xb0\x03\xee'
           b'\xb2\xfd\xec\xa8\x01\x74\xf9\xb2\xf8\xec\x40\xee\xeb\xf2')
