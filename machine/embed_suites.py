#!/usr/bin/env python3
"""Makes a C source with a table of files, struct vector_suite vector_suites[]:
embed_suites.py OUTPUT FILE..."""
import os
import sys

output, *paths = sys.argv[1:]
with open(output, 'w') as out:
    out.write('#include "machine/vectors.h"\n#include <stddef.h>\n')
    out.write('extern const struct vector_suite vector_suites[];\n')
    for number, path in enumerate(paths):
        data = open(path, 'rb').read()
        out.write(f'static const uint8_t bytes_{number}[] = {{\n')
        for i in range(0, len(data), 24):
            out.write(','.join(map(str, data[i:i + 24])) + ',\n')
        out.write('};\n')
    out.write('const struct vector_suite vector_suites[] = {\n')
    for number, path in enumerate(paths):
        out.write(f'    {{"{os.path.basename(path)}", bytes_{number}, sizeof bytes_{number}}},\n')
    out.write('    {NULL, NULL, 0},\n};\n')
