#!/usr/bin/env python3
"""What it costs to record a run and to keep its past, how large the log is, and how fast it replays.

    tests/bench/record.py ANACHRON CACHE [REPLAYS [PAIRS]]    (or: ninja -C build bench-record)

The run: Debian boots from a disk that it writes to, somebody logs in on the serial line and works in
the shell for a minute of virtual time. PAIRS (7) of runs, right after each other, the first of them
in turns without and with --record; the log is replayed at once. A cost is the median of the ratios
of processor time (of the host, user and system), with the smallest and the largest, as a host that
does other things is slower now and faster then. The same for a boot to the login, with checkpoints
(which are kept by default, and are so above) and with --history none. Then REPLAYS replays (20),
each of which must end in the recorded state. Beside it, if it is there, QEMU's recording of the same boot up to the login
(-icount shift=auto,rr=record), with a log that QEMU keeps in its own way.
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "boot"))
from guests import Guests  # noqa: E402

BOOT = """
wait serial "login: " 300s
state
quit 0
"""

SCRIPT = """
wait serial "login: " 300s
serial "root\\r"
wait serial "# " 60s
serial "dd if=/dev/urandom of=/root/blob bs=1k count=300; gzip -k /root/blob; md5sum /root/blob*\\r"
wait serial "blob.gz" 60s
wait serial "# " 60s
sleep 10s
serial "ls -lR /etc | tail -50; sync\\r"
wait serial "# " 60s
sleep 20s
serial "for i in 1 2 3; do wc -c /etc/*.conf | tail -1; done\\r"
wait serial "# " 60s
sleep 30s
state
quit 0
"""


def timed(command, **options):
    """Output, processor time and wall time in seconds."""
    began = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    output, errors = child.stdout.read().decode(), child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"record.py: error: {command[:2]}: status {child.returncode}: {errors}")
    return output, usage.ru_utime + usage.ru_stime, time.monotonic() - began


def state(output):
    return re.search(r"icount (\d+) state ([0-9a-f]{16})", output).groups()


def row(name, value):
    print(f"| {name} | {value} |", flush=True)


class Work:
    """Runs of the one machine, each on a disk as it was at first."""

    def __init__(self, anachron, image, folder):
        self.anachron, self.image, self.folder = anachron, image, folder
        self.log, self.disk = folder / "log", folder / "disk.img"

    def run(self, script, *options):
        file = self.folder / "script"
        file.write_text(script)
        shutil.copy(self.image, self.disk)
        return timed([self.anachron, "run", "--display", "none", "--memory", "128M", "--disk", self.disk,
                      "--serial", f"file:{self.folder}/serial", "--script", file, *options])

    def record(self):
        self.log.unlink(missing_ok=True)
        return self.run(SCRIPT, "--record", self.log)

    def replay(self):
        return timed([self.anachron, "replay", self.log])


def in_pairs(pairs, plain, costly):
    """What both have measured, (plain, costly) of each pair; who begins takes turns."""
    found = []
    for turn in range(pairs):
        both = {}
        for which in ((plain, costly) if turn % 2 else (costly, plain)):
            both[which] = which()
        found.append((both[plain], both[costly]))
    return found


def cost(found, what=1):
    """The median of the ratios, and how far they reach."""
    ratios = sorted(costly[what] / plain[what] - 1 for plain, costly in found)
    return (f"{100 * statistics.median(ratios):+.1f} % (median of {len(ratios)} pairs, "
            f"{100 * ratios[0]:+.1f} to {100 * ratios[-1]:+.1f})")


def seconds(found, place):
    return statistics.median(pair[place][1] for pair in found)


def ours(anachron, image, folder, replays, pairs):
    work = Work(anachron, image, folder)
    replayed = []

    def record_and_replay():
        recorded = work.record()
        replayed.append((recorded, work.replay()))
        return recorded

    found = in_pairs(pairs, lambda: work.run(SCRIPT), record_and_replay)
    ended = state(found[-1][1][0])
    thousands = int(ended[0]) / 1000
    row("instructions", f"{int(ended[0]) / 1e6:.0f} million")
    row("not recorded", f"{seconds(found, 0):.2f} s of processor time")
    row("recorded", f"{seconds(found, 1):.2f} s, {cost(found)}")
    row("log", f"{work.log.stat().st_size} bytes, {work.log.stat().st_size / thousands:.3f} a thousand "
               "instructions")
    sectors = subprocess.run([anachron, "log", work.log], capture_output=True, text=True).stdout
    kept = re.search(r"^sectors +(\d+)", sectors, re.MULTILINE)
    row("of that, sectors as they were", f"{int(kept.group(1)) * 512 if kept else 0} bytes")
    row("a replay, wall time against its recording", cost(replayed, 2))
    row("a replay, processor time against its recording", cost(replayed))
    boots = in_pairs(pairs, lambda: work.run(BOOT, "--history", "none"), lambda: work.run(BOOT))
    row("a boot without checkpoints", f"{seconds(boots, 0):.2f} s of processor time")
    row("with checkpoints", f"{seconds(boots, 1):.2f} s, {cost(boots)}")
    # The log that is left is that of the last recording, whose disk is another copy.
    work.run(SCRIPT)
    results = [work.replay() for _ in range(replays)]
    same = sum(state(output) == ended for output, _, _ in results)
    row("replays that end in the recorded state", f"{same} of {replays}")
    return same == replays


def qemu(image, folder):
    if not shutil.which("qemu-system-i386"):
        row("QEMU", "not installed")
        return
    disk, log = folder / "qemu.img", folder / "qemu.rr"
    shutil.copy(image, disk)
    for mode in ("", "record", "replay"):
        serial = folder / "qemu.serial"
        serial.unlink(missing_ok=True)
        icount = f"shift=auto,rr={mode},rrfile={log}" if mode else "shift=auto"
        drive = (["-drive", f"file={disk},format=raw,if=none,snapshot=on,id=direct", "-drive",
                  "driver=blkreplay,if=none,image=direct,id=replay", "-device",
                  "ide-hd,drive=replay"] if mode
                 else ["-drive", f"file={disk},format=raw,snapshot=on"])
        began = time.monotonic()
        child = subprocess.Popen(["qemu-system-i386", "-accel", "tcg", "-cpu", "pentium3", "-m",
                                  "128", "-display", "none", "-net", "none", "-icount", icount,
                                  "-serial", f"file:{serial}", *drive],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        reached, usage = False, None
        while time.monotonic() - began < 600 and not reached and not usage:
            time.sleep(0.1)
            reached = serial.exists() and b"login:" in serial.read_bytes()
            ended, _, usage = os.wait4(child.pid, os.WNOHANG)
            usage = usage if ended else None
        if not usage:
            child.terminate()
            _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        name = f"QEMU, rr={mode}" if mode else "QEMU, icount"
        size = f", a log of {log.stat().st_size} bytes" if mode == "record" and log.exists() else ""
        row(name + ", boot to login", f"{usage.ru_utime + usage.ru_stime:.2f} s of processor time"
            f"{size}" if reached else "does not come to the login")


def main():
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    anachron, cache = sys.argv[1:3]
    replays = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    pairs = int(sys.argv[4]) if len(sys.argv) > 4 else 7
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    image = Guests(cache).build("disk")
    with tempfile.TemporaryDirectory() as folder:
        print("| a boot to login and a minute of shell work | |\n| --- | --- |")
        ok = ours(anachron, image, pathlib.Path(folder), replays, pairs)
        qemu(image, pathlib.Path(folder))
    sys.exit(not ok)


main()
