#!/usr/bin/env python3
"""Makes the pictures of the README anew, from the boot cases that take them, and from the guest that
shows every video mode.

    tests/boot/pictures.py ANACHRON CACHE VIDEO-IMAGE FOLDER
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import boot
import cases

# Case, screenshot of it, name of the picture.
PICTURES = [
    ("installer-gtk", "language.png", "installer.png"),
    ("xorg-pointer", "menu.png", "xorg.png"),
    ("grub-graphical", "menu.png", "grub.png"),
]


VIDEO_TEST = pathlib.Path(__file__).resolve().parent.parent / "video/run.py"
PYTHON = "/usr/bin/python3"  # has python3-pil, which the sheet is made with
SHRINK = """
import sys
from PIL import Image
sheet = Image.open(sys.argv[1]).convert("RGB")
small = sheet.resize((800, sheet.height * 800 // sheet.width))
small.quantize(32).save(sys.argv[2], optimize=True)
"""


def video_modes(anachron, image, target):
    """The first sheet of pictures of the guest with every mode, small."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([PYTHON, VIDEO_TEST, image, anachron, "--pictures", folder], check=True)
        subprocess.run([PYTHON, "-c", SHRINK, f"{folder}/sheet-1.png", target], check=True)
    print(f"{target}: {target.stat().st_size} bytes")


def main():
    anachron, cache, video_image, folder = sys.argv[1:]
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for case, screenshot, name in PICTURES:
        bench = boot.Bench(anachron, cache, [])
        try:
            cases.CASES[case](bench)
            shutil.copy(bench.folder / screenshot, target / name)
            print(f"{target / name}: {(target / name).stat().st_size} bytes")
        finally:
            bench.close()
    video_modes(anachron, video_image, target / "video.png")


if __name__ == "__main__":
    sys.exit(main())
