#!/usr/bin/env python3
"""Runs the same guest programs in Anachron and its peers, one after another, and prints a table.

    tests/bench/bench.py ANACHRON IMAGES CACHE [--rounds N] [--only NAME,...] [--engines NAME,...]

Each program is put on a CD with GRUB, so that every emulator boots the same image by its own
firmware. The figure is the processor time that the emulator uses between two marks which the guest
writes to its serial port (other load on the host counts less in it than in wall time); the table
shows medians over the rounds and ratios, and the checksums must agree.
"""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from guests import Guests, run  # noqa: E402

PROGRAMS = ["integer", "x87", "memory"]
MARKS = {name: ("BENCH begin", "BENCH end") for name in PROGRAMS}
MARKS["linux-boot"] = ("Linux version", "guest: init runs")
TIME_LIMIT = 300


def make_cd(guests, images, name):
    """A GRUB CD that starts the program at once."""
    def maker(output):
        tree = guests.cache / "trees" / f"bench-{name}"
        if tree.exists():
            shutil.rmtree(tree)
        (tree / "boot/grub").mkdir(parents=True)
        if name == "linux-boot":
            kernel = guests.build("linux-6.1")
            shutil.copy(kernel["kernel"], tree / "boot/vmlinuz")
            shutil.copy(kernel["initrd"], tree / "boot/initrd.gz")
            boot = ("linux /boot/vmlinuz console=ttyS0,115200 nomodeset\n"
                    "initrd /boot/initrd.gz\nboot\n")
        else:
            shutil.copy(images / f"{name}.elf", tree / "boot/program")
            boot = "multiboot /boot/program\nboot\n"
        (tree / "boot/grub/grub.cfg").write_text("set timeout=0\n" + boot)
        run("grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", output, tree, "--fonts=",
            "--locales=", "--themes=")
    image = guests.images / f"bench-{name}.iso"
    program = images / f"{name}.elf"
    if image.exists() and program.exists() and program.stat().st_mtime > image.stat().st_mtime:
        image.unlink()
    return guests.make(image.name, maker)


def anachron_command(anachron, cd, serial, folder, *options):
    return [anachron, "run", "--memory", "128M", "--cdrom", cd, "--display", "none", "--serial",
            f"file:{serial}", "--clock", "virtual", *options]


def qemu_command(cd, serial, folder):
    return ["qemu-system-i386", "-m", "128", "-accel", "tcg", "-cpu", "max", "-cdrom", cd,
            "-display", "none", "-serial", f"file:{serial}", "-net", "none"]


def bochs_command(cd, serial, folder):
    config = folder / "bochsrc"
    config.write_text(
        "display_library: rfb, options=\"timeout=0\"\nmegs: 128\nromimage: file=/usr/share/bochs/BIOS-bochs-latest\n"
        "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest\n"
        f"ata0-master: type=cdrom, path={cd}, status=inserted\nboot: cdrom\n"
        f"com1: enabled=1, mode=file, dev={serial}\nlog: {folder}/bochs.log\n"
        "cpu: ips=100000000\nclock: sync=none\n")
    return ["bochs", "-q", "-f", config]


def session_cpu_seconds(leader):
    """User and system time of all processes of a session, from /proc (proc(5))."""
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_for(process, serial, mark, deadline):
    """Processor time used until mark appears in the file, or None."""
    while time.monotonic() < deadline:
        text = serial.read_bytes() if serial.exists() else b""
        if mark.encode() in text:
            return session_cpu_seconds(process.pid)
        if process.poll() is not None:
            return None
        time.sleep(0.005)
    return None


def measure(command_for, cd, marks):
    """Seconds between the marks, and the checksum; None when it failed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="anachron-bench-"))
    serial = folder / "serial"
    command = [str(word) for word in command_for(cd, serial, folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    if command[0] == "bochs":  # it starts in its debugger's prompt
        process.stdin.write(b"c\n")
        process.stdin.flush()
    try:
        deadline = time.monotonic() + TIME_LIMIT
        begin = wait_for(process, serial, marks[0], deadline)
        end = begin is not None and wait_for(process, serial, marks[1], deadline)
        if not end:
            return None
        time.sleep(0.05)
        after = serial.read_bytes().decode(errors="replace").split(marks[1])[-1].split()
        return end - begin, after[0] if after else ""
    finally:
        # bochs is a shell script around its program: end the whole session
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anachron")
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(MARKS))
    parser.add_argument("--engines", default="anachron,bochs,qemu")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    guests = Guests(options.cache)
    engines = {
        "anachron": lambda *a: anachron_command(options.anachron, *a),
        "bochs": bochs_command,
        "qemu": qemu_command,
    }
    chosen = options.engines.split(",")
    print(f"{'program':12}" + "".join(f"{name + ' s':>12}" for name in chosen) +
          "".join(f"{'vs ' + name:>12}" for name in chosen[1:]))
    status = 0
    for name in options.only.split(","):
        cd = make_cd(guests, options.images, name)
        results = {engine: [] for engine in chosen}
        for _ in range(options.rounds):
            for engine in chosen:
                results[engine].append(measure(engines[engine], cd, MARKS[name]))
        if any(None in rows for rows in results.values()):
            print(f"{name:12} failed in " +
                  ", ".join(engine for engine in chosen if None in results[engine]))
            status = 1
            continue
        seconds = {e: statistics.median(row[0] for row in results[e]) for e in chosen}
        sums = {row[1] for rows in results.values() for row in rows}
        agree = name == "linux-boot" or len(sums) == 1
        print(f"{name:12}" + "".join(f"{seconds[e]:12.2f}" for e in chosen) +
              "".join(f"{seconds[e] / seconds[chosen[0]]:11.2f}x" for e in chosen[1:]) +
              ("" if agree else "  CHECKSUMS DIFFER: " + " ".join(sorted(sums))), flush=True)
        status |= not agree
    return status


if __name__ == "__main__":
    sys.exit(main())
