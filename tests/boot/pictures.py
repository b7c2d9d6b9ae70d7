#!/usr/bin/env python3
"""Makes the pictures of the README anew, from the boot cases that take them.

    tests/boot/pictures.py ANACHRON CACHE FOLDER
"""

import os
import pathlib
import shutil
import sys

import boot
import cases

# Case, screenshot of it, name of the picture.
PICTURES = [
    ("installer-gtk", "language.png", "installer.png"),
    ("xorg-pointer", "menu.png", "xorg.png"),
    ("grub-graphical", "menu.png", "grub.png"),
]


def main():
    anachron, cache, folder = sys.argv[1:]
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for case, screenshot, name in PICTURES:
        bench = boot.Bench(anachron, cache, ["--engine", "jit"])
        try:
            cases.CASES[case](bench)
            shutil.copy(bench.folder / screenshot, target / name)
            print(f"{target / name}: {(target / name).stat().st_size} bytes")
        finally:
            bench.close()


if __name__ == "__main__":
    sys.exit(main())
