#!/usr/bin/env python3
"""What it costs to record a run, how large the log is, and how fast it replays.

    tests/bench/record.py ANACHRON CACHE [REPLAYS]    (or: ninja -C build bench-record)

The run: Debian boots from a disk that it writes to, somebody logs in on the serial line and works in
the shell for a minute of virtual time. Without and with --record in turns, the best of three; then
REPLAYS replays (20), each of which must end in the recorded state. Processor time is that of the
host, user and system. Beside it, if it is there, QEMU's recording of the same boot up to the login
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


def ours(anachron, image, folder, replays):
    script, log, disk = folder / "script", folder / "log", folder / "disk.img"
    script.write_text(SCRIPT)
    times = {False: [], True: []}
    for _ in range(3):
        for records in (False, True):
            shutil.copy(image, disk)
            log.unlink(missing_ok=True)
            output, processor, wall = timed(
                [anachron, "run", "--display", "none", "--memory", "128M", "--disk", disk,
                 "--serial", f"file:{folder}/serial", "--script", script,
                 *(["--record", log] if records else [])])
            times[records].append((processor, wall))
            ended = state(output)
    plain, recorded = (min(times[records])[0] for records in (False, True))
    wall = min(wall for _, wall in times[True])
    thousands = int(ended[0]) / 1000
    row("instructions", f"{int(ended[0]) / 1e6:.0f} million")
    row("not recorded", f"{plain:.2f} s of processor time")
    row("recorded", f"{recorded:.2f} s, {100 * (recorded / plain - 1):+.1f} %")
    row("log", f"{log.stat().st_size} bytes, {log.stat().st_size / thousands:.3f} a thousand "
               "instructions")
    sectors = subprocess.run([anachron, "log", log], capture_output=True, text=True).stdout
    kept = re.search(r"^sectors +(\d+)", sectors, re.MULTILINE)
    row("of that, sectors as they were", f"{int(kept.group(1)) * 512 if kept else 0} bytes")
    results = [timed([anachron, "replay", log]) for _ in range(replays)]
    same = sum(state(output) == ended for output, _, _ in results)
    row("replays that end in the recorded state", f"{same} of {replays}")
    row("a replay", f"{statistics.median(processor for _, processor, _ in results):.2f} s of "
                    f"processor time; best wall time {min(wall for _, _, wall in results):.2f} s, "
                    f"recorded in {wall:.2f} s")
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
        while time.monotonic() - began < 600 and child.poll() is None:
            if serial.exists() and b"login:" in serial.read_bytes():
                break
            time.sleep(0.1)
        reached = child.poll() is None and time.monotonic() - began < 600
        child.terminate()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        name = f"QEMU, rr={mode}" if mode else "QEMU, icount"
        size = f", a log of {log.stat().st_size} bytes" if mode == "record" and log.exists() else ""
        row(name + ", boot to login", f"{usage.ru_utime + usage.ru_stime:.2f} s of processor time"
            f"{size}" if reached else "does not come to the login")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    anachron, cache = sys.argv[1:3]
    replays = int(sys.argv[3]) if len(sys.argv) == 4 else 20
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    image = Guests(cache).build("disk")
    with tempfile.TemporaryDirectory() as folder:
        print("| a boot to login and a minute of shell work | |\n| --- | --- |")
        ok = ours(anachron, image, pathlib.Path(folder), replays)
        qemu(image, pathlib.Path(folder))
    sys.exit(not ok)


main()
