#!/usr/bin/env python3
"""Recording and replaying from the command line: the same state in either engine, branches, torn and
damaged logs, and where an engine leaves the recorded way.

Run alone: tests/replay/logs.py build/anachron build/tests/replay/busy.bin
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from log_tests import (ANACHRON, ENGINES, damage, expect, frames, run, run_checks, start_replay, states,
                       wait_until_paused)

ROM = os.path.abspath(sys.argv[2])

SCRIPT = """
sleep 20ms
serial "some text for the first port"
serial2 "and for the second"
key down a
sleep 13ms
key up a
mouse 10 -4 left
nmi
rate 80
sleep 31ms
type "typed"
insert floppy {floppy}
reset
sleep 50ms
eject floppy
sleep 1ms
insert floppy {floppy},snapshot
serial "more"
sleep 40ms
eject floppy
sleep 60ms
state
quit 7
"""

MACHINE = ["--display", "none", "--memory", "2M", "--bios", ROM]


def state(text):
    """The first one."""
    return expect(text, r"^icount \d+ state [0-9a-f]{16}$").group(0)


def make_floppy(name):
    with open(name, "wb") as file:
        file.truncate(1440 << 10)


def record(name, *options, script=SCRIPT, status=7):
    with open("script", "w") as file:
        file.write(script.format(floppy=os.path.abspath("floppy.img")))
    make_floppy("floppy.img")
    if os.path.exists(name):
        os.remove(name)
    return state(run("run", *MACHINE, "--script", "script", "--record", name, *options,
                     status=status)[0])


def either_engine_replays_either():
    states = set()
    for recorder in ENGINES:
        recorded = record("log", "--engine", recorder)
        states.add(recorded)
        for player in ENGINES:
            text = run("replay", "log", "--engine", player)[0]
            expect(text, r"^\d\d events, \d+ check marks: all as recorded$")
            if state(text) != recorded:
                sys.exit(f"{recorder} {recorded}, replayed by {player}: {text}")
    if len(states) != 1:
        sys.exit(f"engines record different runs: {states}")
    # a recording does not change the run
    unrecorded = state(run("run", *MACHINE, "--script", "script", status=7)[0])
    if {unrecorded} != states:
        sys.exit(f"recorded {states}, else {unrecorded}")


def a_replay_stops_where_it_is_told():
    record("log")
    count = int(state(run("replay", "log")[0]).split()[1])
    for to in (1, count // 3, count // 2 + 1):
        texts = {state(run("replay", "log", "--to", to, "--engine", engine)[0])
                 for engine in ENGINES}
        if len(texts) != 1 or not texts.pop().startswith(f"icount {to} "):
            sys.exit(f"--to {to}: {texts}")


def a_branch_is_a_log_of_its_own():
    record("log")
    half = int(state(run("replay", "log")[0]).split()[1]) // 2
    with open("branch.script", "w") as file:
        file.write('type "another way"\nsleep 50ms\nstate\nquit 0\n')
    text = run("replay", "log", "--to", half, "--go-live", "--display", "none", "--script",
               "branch.script", "--record", "branch")[0]
    ended = text.splitlines()[0]
    if state(run("replay", "branch")[0]) != ended:
        sys.exit(f"a branch: {ended}, replayed: {run('replay', 'branch')[0]}")
    run("replay", "branch", "--go-live", "--display", "none", "--script", "branch.script",
        "--record", "twig")
    tree = run("log", "./branch")[0]
    expect(tree, r"^tree +\./log: \d+ instructions$")
    expect(tree, rf"^ +\./branch: \d+ instructions, branches off after {half} \(this\)$")
    expect(tree, r"^ +\./twig: \d+ instructions, branches off after \d+$")
    expect(run("log", "./log", "--events")[0], r'^ +\d+ +0\.\d+  serial1 "some text')
    expect(run("replay", "log", "--record", "x", status=2)[1], "--record goes with --go-live")


LIVE_IN_THE_PAST = """
sleep 30ms
type "one"
insert floppy {floppy}
sleep 40ms
eject floppy
sleep 1ms
insert floppy {floppy},snapshot
sleep 30ms
state
seek -50ms
live
type "two"
insert floppy {other}
sleep 40ms
state
seek -60ms
live
serial "three"
sleep 40ms
state
quit 7
"""


def live_in_the_past_makes_a_branch():
    """With media that were put in before and behind the moment; a name that is taken is passed over."""
    for engine in ENGINES:
        for name in ("log", "log.1", "log.2", "log.3"):
            if os.path.exists(name):
                os.remove(name)
        open("log.1", "w").write("in the way")
        with open("script", "w") as file:
            file.write(LIVE_IN_THE_PAST.format(floppy=os.path.abspath("floppy.img"),
                                               other=os.path.abspath("other.img")))
        for image in ("floppy.img", "other.img"):
            make_floppy(image)
        text = run("run", *MACHINE, "--script", "script", "--record", "log", "--engine", engine, status=7)[0]
        ended = states(text)
        for name, then in zip(("log", "log.2", "log.3"), ended):
            for player in ENGINES:
                found = run("replay", name, "--engine", player)[0]
                if state(found) != then:
                    sys.exit(f"{name} of {engine}: {then}, replayed by {player}: {found}")
        tree = run("log", "./log")[0]
        expect(tree, r"^end +left for a branch, status 0$")
        expect(tree, r"^tree +\./log: \d+ instructions \(this\)$")
        expect(tree, r"^ +\./log\.2: \d+ instructions, branches off after \d+$")
        expect(tree, r"^ +\./log\.3: \d+ instructions, branches off after \d+$")


def a_log_can_be_asked_for_afterwards():
    with open("script", "w") as file:
        file.write('sleep 30ms\ntype "before"\nrecord late\ntype "after"\nsleep 30ms\nstate\nquit 0\n')
    ended = state(run("run", *MACHINE, "--script", "script")[0])
    for engine in ENGINES:
        if state(run("replay", "late", "--engine", engine)[0]) != ended:
            sys.exit("a log that was asked for later is another run")
    expect(run("run", *MACHINE, "--script", "script", status=1)[1], "late: the file exists already")


def a_replay_can_be_steered():
    record("log")
    marks = expect(run("replay", "log")[0], r"^.* events, .*$").group(0)
    process = start_replay()
    end = int(state(run("ctl", "ctl", "state")[0]).split()[1])
    for count in (end // 2, 3, end - 1000, end // 3):
        run("ctl", "ctl", "seek", count)
        for step in (0, 10):
            if step:
                run("ctl", "ctl", "step", step)
            there = state(run("ctl", "ctl", "state")[0])
            if there != state(run("replay", "log", "--to", count + step)[0]):
                sys.exit(f"after seek {count} and step {step}: {there}")
    done = subprocess.run([ANACHRON, "ctl", "ctl", "type", "x"], capture_output=True, text=True)
    expect(done.stderr, "takes nothing from outside|is in the past")
    run("ctl", "ctl", "seek", end // 2)
    run("ctl", "ctl", "cont")
    wait_until_paused()
    run("ctl", "ctl", "quit")
    expect(process.communicate()[0], re.escape(marks))


def a_torn_log_replays_to_its_last_whole_frame():
    record("log")
    data = open("log", "rb").read()
    parts = [(at, size) for at, size, _ in frames(data)]
    ends = parts[:3] + parts[len(parts) // 2:][:1] + parts[-2:]
    cuts = {size for at, _ in ends for size in (at - 1, at, at + 1, at + 9, at + 17)}
    rng = random.Random(1)
    cuts |= {rng.randrange(len(data)) for _ in range(30)}
    first_end = parts[0][0] + parts[0][1]
    for size in sorted(cut for cut in cuts if 0 <= cut < len(data)):
        open("torn", "wb").write(data[:size])
        if size < first_end:
            text = run("replay", "torn", status=1)[1]
            expect(text, "is not a log|ends before its configuration")
            continue
        out, err = run("replay", "torn")
        state(out)
        whole = max(at + length for at, length in parts if at + length <= size)
        if whole != size:
            expect(err, f"log torn is cut off after {whole} of {size} bytes")


def a_killed_recorder_leaves_a_good_log():
    with open("script", "w") as file:
        file.write('sleep 100ms\nserial "x"\n' * 1000)
    for delay in (0.3, 0.7):
        if os.path.exists("log"):
            os.remove("log")
        process = subprocess.Popen([ANACHRON, "run", *MACHINE, "--clock", "paced", "--script",
                                    "script", "--record", "log"], stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        text = run("replay", "log")[0]
        if int(state(text).split()[1]) < 100000:
            sys.exit(f"killed after {delay} s, but the log has only {text}")
        expect(run("log", "./log")[0], "the recorder was killed|cut off")


def damage_is_found():
    record("log")
    data = bytearray(open("log", "rb").read())
    rng = random.Random(2)
    damage(data, [*range(48), *(rng.randrange(len(data)) for _ in range(150))], rng)


def what_is_missing_is_named():
    record("log")
    data = bytearray(open("log", "rb").read())
    data[12] = 99
    open("future", "wb").write(data)
    expect(run("replay", "future", status=1)[1], "log future is of version 99")
    expect(run("replay", "/dev/null", status=1)[1], "is not a log")
    expect(run("replay", ROM, status=1)[1], "is not a log")
    expect(run("replay", "nowhere", status=1)[1], "cannot open log nowhere")
    expect(run("replay", status=2)[1], "give a log")
    expect(run("replay", "log", "--to", "x", status=2)[1], "--to x: give an instruction count")
    expect(run("replay", "log", "--memory", "4M", status=2)[1], "--memory")
    expect(run("run", *MACHINE, "--record", "log", status=1)[1], "exists already")
    expect(run("run", *MACHINE, "--record", "no/where", status=1)[1], "cannot make the file")
    shutil.copy(ROM, "own.bin")
    os.remove("log")
    run("run", "--display", "none", "--bios", "own.bin", "--stop-after", "100000", "--record", "log")
    run("replay", "log")
    with open("own.bin", "r+b") as file:
        file.write(b"changed")
    expect(run("replay", "log", status=1)[1], "own.bin is not the file that it was then")
    os.remove("own.bin")
    expect(run("replay", "log", status=1)[1], "own.bin")


def a_directly_written_disk_is_had_back():
    """The guest is not needed for that: another image that was written afterwards is refused."""
    with open("disk.img", "wb") as file:
        file.write(os.urandom(64 << 10))
        file.truncate(8 << 20)
    os.path.exists("disklog") and os.remove("disklog")
    run("run", *MACHINE, "--disk", "disk.img", "--stop-after", "3000000", "--record", "disklog")
    run("replay", "disklog")
    with open("disk.img", "r+b") as file:
        file.seek(100000)
        file.write(b"!")
    expect(run("replay", "disklog", status=1)[1], "disk.img does not hold what it did then")


def diverge_finds_a_broken_lift():
    if "jit" not in ENGINES:
        return
    record("log")
    expect(run("diverge", "log")[0], "interp and jit do what was recorded")
    text = run("diverge", "log", "--translator", "warm=1,break=rol", status=1)[0]
    expect(text, r"^jit: check mark \d+ of the log differs|^jit: the m")
    expect(text, r"^-> *\d+  [0-9a-f]{8}  [0-9a-f]+ +rol ")
    # a record of the broken translator: both engines agree, but not with it
    os.remove("log")
    run("run", *MACHINE, "--script", "script", "--engine", "jit", "--translator", "warm=1,break=rol",
        "--record", "log", status=7)
    text = run("diverge", "log", status=1)[0]
    expect(text, "Both engines of this build do the same, but not what was recorded")


def diverge_compares_builds():
    if "jit" not in ENGINES:
        return
    record("log")
    for name, options in (("same", ""), ("broken", "--translator warm=1,break=rol")):
        with open(name, "w") as file:
            file.write(f'#!/bin/sh\nexec {ANACHRON} "$@" {options}\n')
        os.chmod(name, 0o755)
    expect(run("diverge", "log", "--against", "./same")[0], "do the same: [0-9]+ instructions")
    text = run("diverge", "log", "--against", "./broken", status=1)[0]
    after = int(expect(text, r"differ after (\d+) instructions. They were the same after").group(1))
    expect(text, r"^  cpu\.gpr = [0-9a-f ]+, other = [0-9a-f ]+")
    # the engines part where the builds do
    found = run("diverge", "log", "--translator", "warm=1,break=rol", status=1)[0]
    engines = int(expect(found, r"registers that differ after (\d+) instructions").group(1))
    if not engines <= after <= engines + 64:
        sys.exit(f"builds differ after {after}, engines after {engines}")
    expect(run("diverge", "log", "--against", "./nothing", status=1)[1], "cannot run")
    expect(run("diverge", "--against", "./same", status=2)[1], "--against compares two builds on a log")


run_checks([either_engine_replays_either, a_replay_stops_where_it_is_told, a_branch_is_a_log_of_its_own,
            live_in_the_past_makes_a_branch, a_log_can_be_asked_for_afterwards, a_replay_can_be_steered,
            a_torn_log_replays_to_its_last_whole_frame, a_killed_recorder_leaves_a_good_log, damage_is_found,
            what_is_missing_is_named, a_directly_written_disk_is_had_back, diverge_finds_a_broken_lift,
            diverge_compares_builds])
