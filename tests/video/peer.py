"""Comparing the pictures that another emulator shows of the video guest with ours."""
import glob
import os
import re
import sys
import tempfile

from PIL import Image, ImageChops

# A level of five or six bits becomes one of eight in slightly different ways.
TOLERANCE = 8


def fit(picture, size):
    return picture if picture.size == size else picture.resize(size, Image.NEAREST)


def difference(ours, theirs):
    """How many pixels differ, at the size of the larger of the two."""
    size = (max(ours.width, theirs.width), max(ours.height, theirs.height))
    bands = ImageChops.difference(fit(ours, size), fit(theirs, size)).split()
    worst = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return sum(worst.histogram()[TOLERANCE:])


def shown(path, number):
    """The name of picture number, once the guest has said that it is there."""
    text = open(path, errors='replace').read() if os.path.exists(path) else ''
    match = re.search(rf'^picture (.*)\nshow {number:03}$', text, re.M)
    return match[1] if match else None


def reason_for(known, name):
    return next((reason for pattern, reason in known.items() if re.search(pattern, name)), None)


def report(folder, peer, names, known):
    """Compares NNN.PEER.png with NNN.png in folder, for all numbers in names, and prints what differs. known: why
    pictures may differ, by regular expressions for their names. True: just those differ."""
    good, same = bool(names), 0
    for number, name in names.items():
        theirs = Image.open(f'{folder}/{number:03}.{peer}.png').convert('RGB')
        ours = [Image.open(path).convert('RGB') for path in glob.glob(f'{folder}/{number:03}*.png')
                if re.fullmatch(r'\d+[a-z]?\.png', os.path.basename(path))]
        pixels = min(difference(picture, theirs) for picture in ours)
        reason = reason_for(known, name)
        if pixels or reason:
            print(f'{number:03} {name}: {pixels} pixels differ: {reason or "NO REASON KNOWN"}')
        good = good and bool(pixels) == bool(reason)
        same += not pixels
    print(f'{same} of {len(names)} pictures are the same')
    return good


def count_pictures(folder):
    return len(glob.glob(f'{folder}/[0-9][0-9][0-9].png'))


def compare(usage, peer, run, known):
    """The program: run(image, folder of our pictures, folder to work in) makes those of the peer, and returns their
    names by number. Its exit status."""
    if len(sys.argv) != 3:
        sys.exit(usage)
    image, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        names = run(image, folder, work)
    return 0 if report(folder, peer, names, known) else 1
