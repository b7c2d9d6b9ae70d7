#!/usr/bin/env python3
"""Runs the benchmark's workloads in two engines of Anachron, which must agree: in what each program
prints, in every byte on the serial port, and in the instruction count and hash of the whole machine
after each workload.

    tests/bench/check.py [--build FOLDER] [--engines FIRST,SECOND] [--classes NAME,...] [--scale X]
                         [--option O]... [--second-option O]...

An engine that this build does not have is named, and the first is then compared with itself (runs
must repeat). Ends with status 1 at the first workload after which the machines differ.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from bench import ANACHRONS, Guests, Image, Unavailable, check_build, choose, usage_error
from engines import APPEND, Anachron
from workloads import Workload

TIME_LIMIT = 3600


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default="build", help="the build folder")
    parser.add_argument("--engines", default="interp,jit", help="two of " + ", ".join(ANACHRONS))
    parser.add_argument("--classes", default="", help="only these classes or workloads, by commas")
    parser.add_argument("--scale", type=float, default=0.1, help="of the work")
    parser.add_argument("--option", action="append", default=[], help="for `anachron run`")
    parser.add_argument("--second-option", action="append", default=[], help="for the second run")
    options = parser.parse_args()
    options.names = options.engines.split(",")
    if len(options.names) != 2 or not set(options.names) <= set(ANACHRONS):
        parser.error(f"--engines {options.engines}: two of {', '.join(ANACHRONS)} are needed")
    return options


def pick_engines(options):
    """The two engines; the first twice when the second cannot run."""
    anachron = options.build / "anachron"
    first = Anachron(anachron, options.names[0], None, options.option)
    second = Anachron(anachron, options.names[1], None, [*options.option, *options.second_option])
    if first.refusal():
        sys.exit(f"check.py: error: engine {first.name}: {first.refusal()}")
    if second.refusal():
        print(f"SKIPPED: engine {second.name}: {second.refusal()}\n"
              f"comparing {first.name} with itself", flush=True)
        second = first
    return first, second


def script(cases):
    """Waits for the end of every workload, and prints the machine's state there."""
    lines = []
    for case in cases:
        lines += [f'wait serial "@end {case.name} " 100000s', "state"]
    return "\n".join([*lines, 'wait serial "@done" 100s', "state", "quit 0", ""])


def run_engine(engine, options, cases, boot, folder):
    """What came out of the serial port, and the states."""
    file, serial = folder / "script", folder / "serial"
    file.write_text(script(cases))
    names = ",".join(case.name for case in cases)
    scale = max(1, round(options.scale * 100))
    command = engine.command(*boot, APPEND.format(scale=scale, names=names))
    command[command.index("stdio")] = f"file:{serial}"
    done = subprocess.run([*map(str, command), "--script", str(file)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIME_LIMIT)
    if done.returncode:
        sys.exit(f"check.py: error: {engine.name}: status {done.returncode}\n" +
                 done.stderr[-2000:] + serial.read_bytes().decode(errors="replace")[-2000:])
    states = [line for line in done.stdout.splitlines() if line.startswith("icount")]
    return serial.read_bytes(), states


def failed_workloads(serial):
    """Names of the workloads that ended with a status other than 0."""
    ends = [line.split() for line in serial.decode(errors="replace").splitlines()
            if line.startswith("@end ")]
    return [words[1] for words in ends if words[3] != "0"]


def compare(engines, cases, outcomes):
    """Prints what was found; the exit status."""
    (serial, states), (other_serial, other_states) = outcomes
    places = [*(case.name for case in cases), "the end"]
    if len(states) != len(places) or len(other_states) != len(places):
        print(f"{len(states)} and {len(other_states)} states instead of {len(places)}")
        return 1
    for place, state, other in zip(places, states, other_states):
        if state != other:
            print(f"DIFFERENT first at {place}:\n  {engines[0].name}: {state}\n"
                  f"  {engines[1].name}: {other}")
            return 1
    if serial != other_serial:
        print("DIFFERENT: the serial port, with equal states")
        return 1
    failures = failed_workloads(serial)
    if failures:
        print("FAILED: " + ", ".join(failures))
        return 1
    print(f"{engines[0].name} and {engines[1].name} agree after each of {len(cases)} workloads: "
          f"{states[-1]}")
    return 0


def main():
    options = arguments()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    check_build(options.build)
    cases = [case for case in choose(options.classes) if isinstance(case, Workload)]
    if not cases:
        usage_error(f"--classes {options.classes}: no workload of the RAM disk among them")
    guests = Guests(options.build / "guests")
    try:
        boot = Image(guests, options.build / "tests/bench/guest").build()
    except Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    engines = pick_engines(options)
    with tempfile.TemporaryDirectory(prefix="anachron-check-") as folder:
        outcomes = [run_engine(engine, options, cases, boot, pathlib.Path(folder))
                    for engine in engines]
    return compare(engines, cases, outcomes)


if __name__ == "__main__":
    sys.exit(main())
