"""CDs that boot by GRUB, for emulators that cannot be given a kernel. Needs Debian's grub-pc-bin,
grub-common, xorriso and mtools."""

import pathlib
import shutil
import subprocess

PLATFORM = pathlib.Path("/usr/lib/grub/i386-pc")


def make_grub_cd(output, tree, config, files=None, options=("--fonts=",)):
    """Writes the CD output, with what is made in the folder tree: grub.cfg with the text config,
    and files, a dictionary from name (in /boot) to path."""
    tree = pathlib.Path(tree)
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(config)
    for name, path in (files or {}).items():
        shutil.copy(path, tree / "boot" / name)
    command = ["grub-mkrescue", "-d", PLATFORM, "-o", output, tree, "--locales=", "--themes=", *options]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"grub-mkrescue failed: {done.stdout[-500:]}{done.stderr[-500:]}")
