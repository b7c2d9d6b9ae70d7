#!/usr/bin/env python3
"""numbered_image.py SECTORS FILE: a disk image for the storage tests. Each sector of 512 bytes begins
with its number (32 bits, little-endian) and is filled with the number's low byte."""

import struct
import sys

sectors = int(sys.argv[1])
with open(sys.argv[2], "wb") as image:
    for number in range(sectors):
        image.write(struct.pack("<I", number) + bytes([number & 0xFF]) * 508)
