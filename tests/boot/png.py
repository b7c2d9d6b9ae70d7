"""Reads screenshots: PNG files with 8 bits a channel, red, green, blue and perhaps opacity."""

import hashlib
import pathlib
import struct
import zlib


def unfilter(data, width, height, depth):
    """Undoes the line filters (PNG specification, 9.2)."""
    pitch = width * depth
    above = bytearray(pitch)
    lines = []
    for y in range(height):
        at = y * (pitch + 1)
        kind, line = data[at], bytearray(data[at + 1:at + 1 + pitch])
        if kind == 2:
            line = bytearray((value + up) & 255 for value, up in zip(line, above))
        elif kind:
            for x in range(pitch):
                left = line[x - depth] if x >= depth else 0
                corner = above[x - depth] if x >= depth else 0
                up = above[x]
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + up) // 2
                else:
                    away = [(abs(up - corner), 0, left), (abs(left - corner), 1, up),
                            (abs(left + up - 2 * corner), 2, corner)]
                    guess = min(away)[2]
                line[x] = (line[x] + guess) & 255
        lines.append(bytes(line))
        above = line
    return lines


def without_opacity(line):
    kept = bytearray(len(line) // 4 * 3)
    for channel in range(3):
        kept[channel::3] = line[channel::4]
    return bytes(kept)


class Picture:
    """lines[y][3 * x] is the red of a pixel."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG file"
        packed, at = b"", 8
        while at < len(data):
            size, kind = struct.unpack_from(">I4s", data, at)
            body = data[at + 8:at + 8 + size]
            if kind == b"IHDR":
                self.width, self.height, bits, colour, *rest = struct.unpack(">IIBBBBB", body)
                assert (bits, rest[2]) == (8, 0) and colour in (2, 6), f"{path}: another kind of PNG"
            elif kind == b"IDAT":
                packed += body
            at += 12 + size
        depth = 4 if colour == 6 else 3
        self.lines = unfilter(zlib.decompress(packed), self.width, self.height, depth)
        if depth == 4:
            self.lines = [without_opacity(line) for line in self.lines]

    def size(self):
        return self.width, self.height

    def pixel(self, x, y):
        return tuple(self.lines[y][3 * x:3 * x + 3])

    def region(self, x, y, width, height):
        """The bytes of a rectangle."""
        return b"".join(line[3 * x:3 * (x + width)] for line in self.lines[y:y + height])

    def colours(self, x, y, width, height):
        data = self.region(x, y, width, height)
        return len({data[at:at + 3] for at in range(0, len(data), 3)})

    def hash(self):
        return hashlib.sha256(b"".join(self.lines)).hexdigest()[:16]
