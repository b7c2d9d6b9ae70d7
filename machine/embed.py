#!/usr/bin/env python3
"""Makes a C source with a file's bytes: embed.py FILE SYMBOL OUTPUT."""
import sys

path, symbol, output = sys.argv[1:]
data = open(path, 'rb').read()
with open(output, 'w') as out:
    out.write('#include <stdint.h>\n')
    out.write(f'extern const uint8_t {symbol}[{max(len(data), 1)}];\n')
    out.write(f'extern const uint32_t {symbol}_size;\n')
    out.write(f'const uint32_t {symbol}_size = {len(data)};\n')
    out.write(f'const uint8_t {symbol}[{max(len(data), 1)}] = {{\n')
    for i in range(0, len(data), 24):
        out.write(','.join(map(str, data[i:i + 24])) + ',\n')
    out.write('};\n')
