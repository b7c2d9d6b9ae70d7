"""What tests of logs share: a folder for all of them, the program's commands and what they say, the frames of a
log, and damage to it. A module."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ANACHRON = os.path.abspath(sys.argv[1])
ENGINES = ["interp", "jit"] if os.uname().machine == "x86_64" else ["interp"]


def run(*words, status=0, timeout=120):
    """Runs a command to its end; its standard output and error."""
    done = subprocess.run([ANACHRON, *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout)
    if done.returncode != status:
        sys.exit(f"{words}: status {done.returncode} instead of {status}\n"
                 f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if status == 1 and words[0] != "diverge" and done.stderr.count("\n") != 1:
        sys.exit(f"{words}: not one line:\n{done.stderr}")
    return done.stdout, done.stderr


def expect(text, pattern):
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        sys.exit(f"nothing like {pattern!r} in:\n{text[-3000:]}")
    return match


def states(text):
    """What the script command state has printed."""
    return re.findall(r"^icount \d+ state [0-9a-f]{16}$", text, re.MULTILINE)


def wait_until_paused():
    while "paused" not in run("ctl", "ctl", "status")[0]:
        time.sleep(0.05)


def start_replay():
    """Replays the log with the control socket ctl, on which it is paused at the end."""
    process = subprocess.Popen([ANACHRON, "replay", "log", "--control", "ctl"], stdout=subprocess.PIPE, text=True)
    while subprocess.run([ANACHRON, "ctl", "ctl", "version"], capture_output=True).returncode:
        time.sleep(0.05)
    wait_until_paused()
    return process


def frames(data):
    """(place, size, kind) of each."""
    at = 16
    while at < len(data):
        size = int.from_bytes(data[at + 4:at + 8], "little")
        yield at, 16 + size, int.from_bytes(data[at:at + 4], "little")
        at += 16 + size


def damage(data, places, random, cut_from=0):
    """A bit of each place is wrong in a log of its own: a replay must find that. From cut_from on, a size that is
    too large now may look like a frame that has been cut off."""
    for place in places:
        bit = 1 << random.randrange(8)
        data[place] ^= bit
        open("damaged", "wb").write(data)
        data[place] ^= bit
        done = subprocess.run([ANACHRON, "replay", "damaged"], capture_output=True, text=True, timeout=60)
        torn = done.returncode == 0 and "is cut off after" in done.stderr and place >= cut_from
        if not torn and (done.returncode != 1 or done.stderr.count("\n") != 1):
            sys.exit(f"bit {bit:#x} of byte {place} of {len(data)}: status {done.returncode}\n"
                     f"{done.stdout}{done.stderr}")


def run_checks(checks):
    """One after the other, in one folder, which they find as the last one has left it."""
    folder = tempfile.mkdtemp(prefix="anachron-logs-")
    os.chdir(folder)
    try:
        for check in checks:
            start = time.time()
            check()
            print(f"{check.__name__}: {time.time() - start:.1f} s", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
