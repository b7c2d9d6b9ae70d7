#!/usr/bin/python3
"""Runs the guest that shows every video mode and effect, and compares what is on the screen with hashes.txt.

    tests/video/run.py build/tests/video/video.img build/anachron [--bios F --vgabios F]
    tests/video/run.py ... --pictures FOLDER    keeps a PNG of each picture, and sheet.png of all of them
    tests/video/run.py ... --update             writes hashes.txt anew: look at the sheet before you commit it

hashes.txt has a line a picture: number, name, size and shape, and the hashes that may be seen; more than one where
something blinks. FIRMWARE names what other firmware than ours shows otherwise.
Exit status 0: all pictures are as they should be.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HASHES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'hashes.txt')
MOST = 250
# Blinking is looked at for longer than its period.
BLINKS = re.compile(r'blink|text: (block )?cursor$|cursor skew')
LOOKS = 12
# With SeaBIOS's VGA BIOS, and why.
FIRMWARE = {
    r'200 lines|350 lines': 'it knows only 400 lines',
    r'BIOS mode 07h': 'it makes intensity alone gray; IBM makes it black',
    r'BIOS mode 0Fh': 'it enables plane 0 only',
    r'VBE text': 'its firmware has no text modes of VBE',
    r'VBE palette': 'it has no function 09h',
}


def make_script(folder, names):
    """Looks at each picture; the guest itself ends the run. names: what is known to come, by number."""
    lines = []
    for number in range(1, MOST):
        lines.append(f'wait debugcon "show {number:03}\\n" 120s')
        blinks = BLINKS.search(names.get(number, ''))
        for look in range(LOOKS if blinks else 1):
            lines.append('frame')
            lines.append(f'screenshot "{folder}/{number:03}{"abcdefghijklmn"[look] if look else ""}.png"')
            if blinks:
                lines.append('sleep 60ms')
        lines.append('type " "')
    return '\n'.join(lines) + '\n'


def read_hashes():
    """Number: (name, shape, set of hashes)."""
    known = {}
    if os.path.exists(HASHES):
        for line in open(HASHES):
            fields = line.rstrip('\n').split(' | ')
            if len(fields) == 4:
                known[int(fields[0])] = (fields[1], fields[2], set(fields[3].split()))
    return known


def run(options, folder, names):
    """What was seen: number: (name, shape, set of hashes)."""
    script = os.path.join(folder, 'script')
    with open(script, 'w') as file:
        file.write(make_script(folder, names))
    command = [options.emulator, 'run', '--memory', '16M', '--floppy', options.image + ',snapshot', '--boot', 'a',
               '--debugcon', 'stdio', '--display', 'none', '--serial', 'none', '--script', script]
    if options.bios:
        command += ['--bios', options.bios, '--vgabios', options.vgabios]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace',
                            timeout=options.timeout)
    seen, number, name = {}, 0, ''
    for line in result.stdout.splitlines():
        show = re.match(r'show (\d+)$', line)
        frame = re.match(r'frame (\S+) (\S+)(.*)', line)
        if show:
            number = int(show[1])
            seen[number] = (name, None, set())
        elif line.startswith('picture '):
            name = line.removeprefix('picture ')
        elif frame and number:
            seen[number] = (seen[number][0], frame[1] + frame[3], seen[number][2] | {frame[2]})
        elif line.startswith('#') or line.startswith('not ok'):
            print(f'picture {number}: {line}')
    # The script waits for more than the guest shows, so the status does not matter.
    if not re.search(r'^passed 1 failed 0', result.stdout, re.M):
        print(f'the guest did not end well, status {result.returncode}, after picture {number}\n{result.stderr}')
        seen['end'] = False
    return seen


def compare(seen, known, exceptions):
    """Prints what differs; how many pictures do."""
    bad = 0
    for number in sorted(set(known) | set(seen)):
        name = known[number][0] if number in known else seen[number][0]
        reason = next((reason for pattern, reason in exceptions.items() if re.search(pattern, name)), None)
        if reason and number in known and number in seen:
            same = seen[number] == known[number]
            print(f'{number:03} {name}: {"is the same after all, although" if same else "differs:"} {reason}')
            bad += same
            continue
        if number not in seen:
            print(f'{number:03} {known[number][0]}: not shown')
        elif number not in known:
            print(f'{number:03} {seen[number][0]}: not in hashes.txt')
        elif seen[number] != known[number]:
            print(f'{number:03} {seen[number][0]}: {seen[number][1]} {" ".join(sorted(seen[number][2]))}, '
                  f'expected {known[number][0]}: {known[number][1]} {" ".join(sorted(known[number][2]))}')
        else:
            continue
        bad += 1
    return bad


def make_sheets(folder, seen, prefix='sheet'):
    """Contact sheets of 30 pictures each."""
    from PIL import Image, ImageDraw
    numbers = sorted(number for number in seen if isinstance(number, int))
    for first in range(0, len(numbers), 30):
        sheet = Image.new('RGB', (5 * 330, 6 * 270), (64, 64, 64))
        draw = ImageDraw.Draw(sheet)
        for place, number in enumerate(numbers[first:first + 30]):
            x, y = place % 5 * 330 + 5, place // 5 * 270 + 5
            picture = Image.open(f'{folder}/{number:03}.png').convert('RGB').resize((320, 240), Image.LANCZOS)
            sheet.paste(picture, (x, y + 14))
            draw.text((x, y), f'{number:03} {seen[number][0]} {seen[number][1].split()[0]}', fill=(255, 255, 255))
        sheet.save(f'{folder}/{prefix}-{first // 30 + 1}.png')


def write_hashes(seen):
    with open(HASHES, 'w') as file:
        for number in sorted(number for number in seen if isinstance(number, int)):
            name, shape, hashes = seen[number]
            file.write(f'{number:03} | {name} | {shape} | {" ".join(sorted(hashes))}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('image')
    parser.add_argument('emulator')
    parser.add_argument('--bios')
    parser.add_argument('--vgabios')
    parser.add_argument('--pictures')
    parser.add_argument('--update', action='store_true')
    parser.add_argument('--timeout', type=int, default=600)
    options = parser.parse_args()
    known = read_hashes()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.pictures or temporary
        os.makedirs(folder, exist_ok=True)
        seen = run(options, folder, {number: entry[0] for number, entry in known.items()})
        ended = seen.pop('end', True)
        if options.pictures:
            make_sheets(folder, seen)
    if options.update:
        write_hashes(seen)
        print(f'{len(seen)} pictures written to {HASHES}; run again so that what blinks is looked at for long enough')
        sys.exit(0)
    bad = compare(seen, known, FIRMWARE if options.bios else {})
    print(f'{len(seen) - bad} of {len(known)} pictures as they should be')
    sys.exit(0 if ended and bad == 0 and seen else 1)


if __name__ == '__main__':
    main()
