#!/usr/bin/env python3
"""Logs that begin with a saved state: of `run --load --record`, of the command record in a machine that
was loaded, and of a machine that is kept by name. Nothing but the log and the disks is needed for a
replay, in either engine; the disks may have been written to by the run, and saved.

Run alone: tests/replay/loaded.py BUILD/anachron IMAGE    (IMAGE: tests/cli/saved.asm, assembled)
"""

import os
import random
import shutil
import signal
import sys
import time

import log_tests
from log_tests import ENGINES, damage, expect, frames, run_checks, start_replay, states

IMAGE = os.path.abspath(sys.argv[2])

# The guest writes to both of its disks for ever.
MACHINE = ["--display", "none", "--memory", "4M", "--multiboot", "kernel", "--mips", "50", "--disk", "direct.img",
           "--disk", "base.img,snapshot", "--floppy", "floppy.img,readonly"]
SCRIPT = """state
sleep 200ms
key down a
key up a
sleep 100ms
insert floppy other.img,snapshot
sleep 200ms
state
quit 3
"""


def run(*words, status=0, script=None):
    """What it says: on standard error if it fails, else on standard output."""
    if script is not None:
        with open("script", "w") as file:
            file.write(script)
        words = (*words, "--script", "script")
    out, err = log_tests.run(*words, status=status)
    return err if status == 1 and words[0] != "diverge" else out


def make_images():
    for name, size in (("direct.img", 1 << 20), ("base.img", 2 << 20), ("floppy.img", 1440 << 10),
                       ("other.img", 1440 << 10)):
        with open(name, "wb") as file:
            file.write(random.Random(name).randbytes(size))
    shutil.copy(IMAGE, "kernel")


def remove(*names):
    for name in names:
        if os.path.exists(name):
            os.remove(name)


OVERLAYS = [word + ",snapshot" if word == "direct.img" else word for word in MACHINE]


def saved(machine=MACHINE):
    make_images()
    remove("log", "state.snap")
    return states(run("run", *machine, script="sleep 700ms\nsave state.snap\nstate\nquit 0\n"))[0]


def recorded(engine="interp", machine=MACHINE):
    """(State at the beginning, at the end); the log is all that is left of what it began with."""
    begun = saved(machine)
    text = run("run", "--display", "none", "--load", "state.snap", "--record", "log", "--engine", engine,
               script=SCRIPT, status=3)
    if states(text)[0] != begun:
        sys.exit(f"saved {begun}, loaded {states(text)[0]}")
    remove("state.snap", "kernel")
    return states(text)


def replays_to(ended, log="log"):
    for engine in ENGINES:
        text = run("replay", log, "--engine", engine)
        expect(text, r"events, \d+ check marks: all as recorded$")
        if states(text) != [ended]:
            sys.exit(f"recorded {ended}, replayed by {engine}: {text}")


def either_engine_replays_either():
    for recorder in ENGINES:
        _, ended = recorded(recorder)
        if open("direct.img", "rb").read() == random.Random("direct.img").randbytes(1 << 20):
            sys.exit("the guest has not written to its disk")
        replays_to(ended)
        # a recording does not change the run
        saved()
        text = run("run", "--display", "none", "--load", "state.snap", script=SCRIPT, status=3)
        if states(text)[1] != ended:
            sys.exit(f"recorded {ended}, else {text}")


def a_log_says_with_what_it_begins():
    recorded()
    text = run("log", "./log")
    expect(text, r"^begins with  a saved state, which is in the log \(\d+ bytes\)$")
    expect(text, r"^disk +/.*/direct.img \(written to\)$")
    expect(text, r"^disk +/.*/base.img$")


def a_replay_stops_seeks_and_branches():
    begun, ended = recorded()
    first, last = (int(text.split()[1]) for text in (begun, ended))
    middle = (first + last) // 2
    at = {states(run("replay", "log", "--to", middle, "--engine", engine))[0] for engine in ENGINES}
    if len(at) != 1 or not at.copy().pop().startswith(f"icount {middle} "):
        sys.exit(f"--to {middle}: {at}")
    expect(run("replay", "log", "--to", first - 1, status=1), rf"the log log begins at instruction {first}$")
    remove("branch")
    text = run("replay", "log", "--to", middle, "--go-live", "--display", "none", "--record", "branch",
               script="state\nsleep 100ms\nstate\nquit 0\n")
    if states(text)[0] != at.pop():
        sys.exit(f"--go-live at another state: {text}")
    replays_to(states(text)[1], "branch")
    expect(run("log", "./branch"), rf"branches off after {middle}")
    steered(middle, first)


def steered(middle, first):
    process = start_replay()
    for count in (middle, first + 1000, middle + 5000):
        run("ctl", "ctl", "seek", count)
        if states(run("ctl", "ctl", "state")) != states(run("replay", "log", "--to", count)):
            sys.exit(f"seek {count} is another state")
    run("ctl", "ctl", "quit")
    process.communicate()


def a_log_can_be_asked_for_afterwards():
    """Also after the guest has written to disks with overlays, of a loaded machine and another one."""
    late = "sleep 100ms\nkey down a\nrecord log\nkey up a\nsleep 300ms\nstate\nquit 0\n"
    make_images()
    remove("log", "state.snap")
    text = run("run", *OVERLAYS, script=late)
    replays_to(states(text)[0])
    run("run", *OVERLAYS, script="sleep 700ms\nsave state.snap\nquit 0\n")
    remove("log")
    text = run("run", "--display", "none", "--load", "state.snap", script=late)
    remove("state.snap", "kernel")
    replays_to(states(text)[0])
    expect(run("log", "./log", "--events"), r"^ +\d+ +0\.\d+  key 0x")
    # once a disk has been written to directly, of which nothing was kept, it begins with that moment
    saved()
    remove("log")
    text = run("run", "--display", "none", "--load", "state.snap",
               script="sleep 300ms\nrecord log\nkey down a\nsleep 300ms\nkey up a\nsleep 1s\nstate\nquit 0\n")
    remove("state.snap", "kernel")
    replays_to(states(text)[0])
    expect(run("log", "./log"), "begins with +a saved state, which is in the log")
    if os.path.exists("log.state"):
        sys.exit("the saved state is left beside the log")


def torn_and_damaged_logs():
    """Without a disk that is written directly: what a killed recorder has written to that is in its log,
    but not in one that is cut off later."""
    begun, _ = recorded(machine=OVERLAYS)
    data = bytearray(open("log", "rb").read())
    parts = list(frames(data))
    if [kind for *_, kind in parts[:2]] != [1, 4]:
        sys.exit("the saved state does not follow the configuration")
    state_ends = parts[1][0] + parts[1][1]
    rng = random.Random(3)
    cuts = {state_ends - 1, state_ends, state_ends + 1, len(data) - 1, parts[0][0] + parts[0][1]}
    for size in sorted(cuts | {rng.randrange(len(data)) for _ in range(25)}):
        open("torn", "wb").write(data[:size])
        if size >= state_ends:
            text = run("replay", "torn")
            if int(states(text)[0].split()[1]) < int(begun.split()[1]):
                sys.exit(f"torn at {size}: {text}")
        else:
            expect(run("replay", "torn", status=1), "is not a log|ends before ")
    places = [*range(parts[1][0], parts[1][0] + 80), *(rng.randrange(state_ends) for _ in range(60)),
              *(rng.randrange(len(data)) for _ in range(60))]
    damage(data, places, rng, cut_from=state_ends)


def disks_must_be_what_they_were():
    recorded()
    for name in ("direct.img", "base.img", "floppy.img"):
        data = open(name, "rb").read()
        with open(name, "r+b") as file:
            file.seek(len(data) - 100)
            file.write(bytes([data[-100] ^ 1]))
        expect(run("replay", "log", status=1), f"{name} does not hold what it did then")
        os.rename(name, "away")
        expect(run("replay", "log", status=1), name)
        os.rename("away", name)
        open(name, "wb").write(data)
    run("replay", "log")


def diverge_finds_a_broken_lift():
    if "jit" not in ENGINES:
        return
    recorded()
    expect(run("diverge", "log"), "interp and jit do what was recorded")
    text = run("diverge", "log", "--translator", "warm=1,break=inc", status=1)
    expect(text, r"^jit: check mark \d+ of the log differs|^jit: the m")
    expect(text, r"^-> *\d+  [0-9a-f]{8}  [0-9a-f]+ +inc ")


def machines_that_are_kept():
    """From power-on, and from a state; saved at the end or while it runs, which changes disk and state."""
    os.environ["ANACHRON_MACHINES"] = os.path.abspath("machines")
    for save in ("save", "discard"):
        make_images()
        shutil.rmtree("machines", ignore_errors=True)
        remove("cold", "log", "second")
        shutil.copy(IMAGE, "kernel")
        run("new", "m", "--disk", "direct.img", "--memory", "4M", "--multiboot", os.path.abspath("kernel"),
            "--mips", "50")
        disk = "machines/m/disk.img"
        original = open(disk, "rb").read()
        other = ["--display", "none", "--disk", os.path.abspath("base.img")]
        ends = []
        for log in ("cold", "log", "second"):
            text = run("start", "m", *(other if log == "cold" else other[:2]), "--at-end",
                       save if log != "cold" else "save", "--record", log,
                       script="state\nsleep 300ms\nkey down a\nsleep 300ms\nstate\nquit 0\n")
            ends.append(states(text)[1])
        if open(disk, "rb").read() == original:
            sys.exit("the guest has not written to its disk")
        remove("kernel.away")
        replays_to(ends[0], "cold")
        os.rename("kernel", "kernel.away")
        os.remove("machines/m/state")
        replays_to(ends[1])
        replays_to(ends[2], "second")
        if (ends[1] == ends[2]) != (save == "discard"):
            sys.exit(f"--at-end {save}: {ends}")


def saved_while_it_runs():
    """Then disk.img changes under the record; and of a fork, the disk is more than its image."""
    os.environ["ANACHRON_MACHINES"] = os.path.abspath("more")
    make_images()
    remove("kept", "forked")
    run("new", "m", "--disk", "direct.img", "--memory", "4M", "--multiboot", os.path.abspath("kernel"),
        "--mips", "50")
    other = ["--display", "none", "--disk", os.path.abspath("base.img")]
    text = run("start", "m", *other, "--record", "kept",
               script="sleep 200ms\nkeep\nsleep 200ms\nkeep\nsleep 200ms\nstate\nquit 0\n")
    replays_to(states(text)[0], "kept")
    run("start", "m", "--display", "none", "--detach")
    time.sleep(0.5)
    control = os.path.join("more", "m", "running", "control")
    run("ctl", control, "pause")
    here = int(states(run("ctl", control, "state"))[0].split()[1])
    run("fork", "m", "n", "--record", "forked", "--stop-after", here + 20_000_000, "--clock", "virtual",
        "--at-end", "save")
    run("stop", "m", "--discard")
    for _ in range(200):
        if "running" not in run("ls"):
            break
        time.sleep(0.1)
    text = run("replay", "forked")
    if int(states(text)[0].split()[1]) != here + 20_000_000:
        sys.exit(f"a fork from {here} on: {text}")
    replays_to(states(text)[0], "forked")


def killed_and_copied():
    """A machine that is kept, from its state: its copy does not write to the log, and it is killed."""
    os.environ["ANACHRON_MACHINES"] = os.path.abspath("killed")
    make_images()
    remove("log")
    run("new", "m", "--disk", "direct.img", "--memory", "4M", "--multiboot", os.path.abspath("kernel"),
        "--mips", "50")
    run("start", "m", "--display", "none", script="sleep 300ms\nquit 0\n")
    run("start", "m", "--display", "none", "--detach", "--record", "log")
    control = os.path.join("killed", "m", "running", "control")
    run("ctl", control, "split", "copy", "paused")
    run("ctl", "copy", "cont")
    time.sleep(0.5)
    remove("other")
    run("ctl", "copy", "record", "other")
    time.sleep(0.3)
    run("ctl", "copy", "pause")
    other = states(run("ctl", "copy", "state"))[0]
    run("ctl", "copy", "quit")
    os.kill(int(open(os.path.join("killed", "m", "running", "pid")).read()), signal.SIGKILL)
    while "running" in run("ls"):
        time.sleep(0.05)
    ended = states(run("replay", "log"))[0]
    if int(ended.split()[1]) < 16_000_000:
        sys.exit(f"killed after half a second, but the log ends at {ended}")
    replays_to(ended)
    replays_to(other, "other")


run_checks([either_engine_replays_either, a_log_says_with_what_it_begins, a_replay_stops_seeks_and_branches,
            a_log_can_be_asked_for_afterwards, torn_and_damaged_logs, disks_must_be_what_they_were,
            diverge_finds_a_broken_lift, machines_that_are_kept, saved_while_it_runs, killed_and_copied])
