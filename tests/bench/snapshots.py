#!/usr/bin/env python3
"""How long it takes to save a machine with 512 MB of used memory, and to load it, beside QEMU's savevm
and loadvm.

    tests/bench/snapshots.py BUILD [RUNS]              (or: ninja -C build bench-snapshots)

A Linux guest fills a RAM disk: 64 MB of random bytes, which stand for what is compressed already, and a
program at many offsets, so that pages are different. Prints medians over RUNS runs (5). Saving
counts until the file is safe on the disk (QEMU's: until the monitor answers). Loading counts from the
start of the process until a million instructions have run (QEMU: until the monitor says that it runs).
On a machine that has other things to do, look at the processor time.
"""

import os
import pathlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from guests import Guests  # noqa: E402

FILL = ("mkdir /t; mount -t tmpfs -o size=600M t /t; dd if=/dev/urandom of=/t/r bs=1M count=64; i=0; "
        "while [ $i -lt 215 ]; do (head -c $((i*13+1)) /dev/zero; cat /bin/busybox) > /t/f$i; "
        "i=$((i+1)); done; free -m; echo filled-$((6*7))")
APPEND = "console=ttyS0,115200"


def anachron(build, folder, *options, script):
    (folder / "script").write_text(script)
    before = time.monotonic()
    done = subprocess.run([build / "anachron", "run", "--display", "none", "--script",
                           folder / "script", *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"snapshots.py: error: {done.stderr}")
    return time.monotonic() - before, done.stdout


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_anachron(build, folder, guest, runs):
    file = folder / "state"
    anachron(build, folder, "--memory", "640M", "--kernel", guest["kernel"], "--initrd",
             guest["initrd"], "--append", APPEND, "--serial", f"file:{folder}/serial", script=
             f'wait serial "guest: init runs" 300s\nwait serial "# " 60s\nserial "{FILL}\\r"\n'
             f'wait serial "filled-42" 900s\nsave {file}\nstate\nquit 0\n')
    print(next(line for line in (folder / "serial").read_text(errors="replace").splitlines()
               if line.startswith("Mem:")))
    count = anachron(build, folder, "--load", file, script="state\nquit 0\n")[1].split()[1]
    saves, loads, busy = [], [], []
    for _ in range(runs):
        begin = processor_time()
        without = anachron(build, folder, "--load", file, script="state\nquit 0\n")[0]
        middle = processor_time()
        with_save = anachron(build, folder, "--load", file,
                             script=f"state\nsave {folder}/again\nquit 0\n")[0]
        saves.append(with_save - without)
        busy.append(processor_time() - middle - (middle - begin))
        loads.append(anachron(build, folder, "--load", file, "--stop-after",
                              str(int(count) + 1000000), script="sleep 60s\n")[0])
    print(f"processor time to save: {statistics.median(busy):.2f} s, of {os.cpu_count()} processors")
    return saves, loads, file.stat().st_size


class Qemu:
    def __init__(self, folder, guest, *options):
        path = folder / "monitor"
        path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-m", "640", "-nodefaults", "-display",
             "none", "-serial", "stdio", "-kernel", guest["kernel"], "-initrd", guest["initrd"],
             "-append", APPEND, "-drive", f"file={folder}/disk.qcow2,if=ide", "-monitor",
             f"unix:{path},server=on,wait=off", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.text = b""
        self.monitor = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.monitor.connect(str(path))
                break
            except OSError:
                time.sleep(0.002)
        self.answer()

    def answer(self):
        text = b""
        while b"(qemu) " not in text:
            text += self.monitor.recv(65536)
        return text

    def ask(self, command):
        self.monitor.sendall(command.encode() + b"\n")
        return self.answer()

    def wait(self, text, seconds):
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        while text not in self.text:
            if not selector.select(end - time.monotonic()):
                sys.exit(f"snapshots.py: error: QEMU's guest does not say {text!r}")
            self.text += os.read(self.process.stdout.fileno(), 65536)

    def end(self):
        self.process.kill()
        self.process.wait()


def measure_qemu(folder, guest, runs):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "disk.qcow2", "64M"],
                   check=True)
    saves, loads = [], []
    qemu = Qemu(folder, guest)
    qemu.wait(b"guest: init runs", 300)
    qemu.wait(b"# ", 60)
    qemu.process.stdin.write(FILL.encode() + b"\r")
    qemu.process.stdin.flush()
    qemu.wait(b"filled-42", 900)
    for _ in range(runs):
        before = time.monotonic()
        qemu.ask("savevm state")
        saves.append(time.monotonic() - before)
    qemu.end()
    for _ in range(runs):
        before = time.monotonic()
        qemu = Qemu(folder, guest, "-loadvm", "state")
        while b"running" not in qemu.ask("info status"):
            time.sleep(0.002)
        loads.append(time.monotonic() - before)
        qemu.end()
    return saves, loads, (folder / "disk.qcow2").stat().st_size


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) == 3 else 5
    guest = Guests(build / "guests").build("linux-6.1")
    with tempfile.TemporaryDirectory(dir=build) as name:
        folder = pathlib.Path(name)
        rows = {"Anachron": measure_anachron(build, folder, guest, runs)}
        try:
            rows["QEMU"] = measure_qemu(folder, guest, runs)
        except FileNotFoundError:
            print("there is no QEMU here")
    print(f"{'':10} {'save s':>8} {'load s':>8} {'file MB':>8}")
    for name, (saves, loads, size) in rows.items():
        print(f"{name:10} {statistics.median(saves):8.2f} {statistics.median(loads):8.2f} "
              f"{size / 1e6:8.0f}")


main()
