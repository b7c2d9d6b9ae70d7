#!/usr/bin/env python3
"""Runs the same guest programs in Anachron, its peers and natively, and prints a table of times.

    tests/bench/bench.py [--build FOLDER] [--classes NAME,...] [--repeat N] [--scale X] [--quick]
                         [--engines NAME,...] [--bochs] [--json FILE] [--pin CPU] [--goals]

docs/benchmark.md says how to read the table and how to add to it. Ends with status 1 when a result
differs between engines, a program fails, or (--goals) a class is slower than its goal.
"""

import argparse
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from workloads import STARTS, WORKLOADS, Start  # noqa: E402
from engines import APPEND, Anachron, Bochs, Failed, Native, Qemu  # noqa: E402
from guests import Guests  # noqa: E402
from image import Image  # noqa: E402
from packages import Unavailable  # noqa: E402
from report import Results, Table  # noqa: E402

ANACHRONS = ["interp", "jit"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default="build", help="the build folder")
    parser.add_argument("--classes", default="", help="only these classes or workloads, by commas")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each engine")
    parser.add_argument("--scale", type=float, default=1.0, help="of the work")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once")
    parser.add_argument("--engines", default="native,interp,jit,qemu")
    parser.add_argument("--bochs", action="store_true", help="bochs too")
    parser.add_argument("--old", type=pathlib.Path, metavar="ANACHRON",
                        help="an older program, whose jit is the engine `old`")
    parser.add_argument("--json", type=pathlib.Path, help="writes every sample to this file")
    parser.add_argument("--pin", type=int, help="keeps what is measured on this processor")
    parser.add_argument("--goals", action="store_true", help="a class below its goal is a failure")
    parser.add_argument("--limit", type=float, default=600,
                        help="seconds that one workload may take")
    parser.add_argument("--option", action="append", default=[], help="for `anachron run`")
    options = parser.parse_args()
    if options.quick:
        options.repeat, options.scale = 1, options.scale / 10
    if options.bochs:
        options.engines += ",bochs"
    if options.old:
        options.engines += ",old"
    return options


def usage_error(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: error: {text}", file=sys.stderr)
    sys.exit(2)


def check_build(folder):
    for file in ["anachron", "tests/bench/guest/runner"]:
        if not (folder / file).exists():
            usage_error(f"{folder / file} is missing: is --build a build folder, and built "
                        "(ninja -C build bench builds what is needed)?")


def choose(wanted):
    """The cases of the classes or names in wanted, all when it is empty."""
    names = [name for name in wanted.split(",") if name]
    cases = [*WORKLOADS, *STARTS]
    for name in names:
        if not any(name in (case.name, case.kind) for case in cases):
            usage_error(f"no class or workload is called '{name}'; there are: " +
                        ", ".join(case.name for case in cases))
    return [case for case in cases if not names or case.name in names or case.kind in names]


def make_engine(name, options, guests, image):
    if name in ANACHRONS:
        return Anachron(options.build / "anachron", name, options.pin, options.option)
    if name == "old" and options.old:
        return Anachron(options.old.resolve(), "jit", options.pin, options.option, name)
    if name == "qemu":
        return Qemu(name, options.pin)
    if name == "bochs":
        return Bochs(name, options.pin, guests)
    if name == "native":
        return Native(name, options.pin, image.tree)
    usage_error(f"no engine is called '{name}'; there are: native, interp, jit, qemu, bochs")


def usable_engines(options, guests, image):
    """The engines that run here; says loudly which do not."""
    found = []
    for name in options.engines.split(","):
        engine = make_engine(name, options, guests, image)
        reason = engine.refusal()
        if reason:
            print(f"SKIPPED: engine {name}: {reason}", flush=True)
        else:
            found.append(engine)
    return found


def run_workloads(engine, machine, results, statistics=False):
    """Reads the runner's marks until it is done. statistics: shows what the emulator says then."""
    begun = None
    try:
        for line, seconds in machine.lines():
            words = line.split()
            if line.startswith("@begin "):
                begun = seconds
            elif line.startswith("@end "):
                name, result, status, microseconds = words[1:5]
                if status != "0":
                    results.failures.append(
                        f"{name} in {engine.name}: status {status}: {machine.tail()}")
                spent = int(microseconds) / 1e6 if engine.native else seconds - begun
                results.add(name, engine.name, spent, result)
                print(f"{engine.name}: {name} {spent:.4f} s", file=sys.stderr, flush=True)
            elif line == "@done":
                if not engine.native:
                    results.resident[engine.name] = max(results.resident[engine.name],
                                                        machine.resident())
                    results.beside[engine.name] = max(results.beside[engine.name],
                                                      machine.beside_guest())
                if statistics:
                    print(machine.wait_for_end(30), file=sys.stderr, flush=True)
                return
    except Failed as failure:
        results.failures.append(f"{engine.name}: {failure}")
    finally:
        machine.close()


def run_start(engine, machine, case, results):
    try:
        for line, seconds in machine.lines():
            if case.mark in line:
                results.add(case.name, engine.name, seconds, case.mark)
                return
    except Failed as failure:
        results.failures.append(f"{case.name} in {engine.name}: {failure}")
    finally:
        machine.close()


def run_round(engine, options, cases, guests, boot, results):
    names = ",".join(case.name for case in cases if not isinstance(case, Start))
    scale = str(max(1, round(options.scale * 100)))
    if names and engine.native:
        run_workloads(engine, engine.start_list(scale, names, options.limit), results)
    elif names:
        append = APPEND.format(scale=scale, names=names)
        run_workloads(engine, engine.start(*boot, append, options.limit), results,
                      engine.name in ANACHRONS and "--stats" in options.option)
    for case in cases:
        if isinstance(case, Start) and not engine.native:
            guest = guests.build(case.guest)
            machine = engine.start(guest["kernel"], guest["initrd"], case.append, options.limit)
            run_start(engine, machine, case, results)


def end_tidily():
    """Being told to end ends the machines too, and shows what there is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def watch_closely():
    """Marks are to be seen when they come, whatever else runs. Without the right to it, a busy host
    adds some noise."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        pass


def main():
    options = arguments()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    check_build(options.build)
    cases = choose(options.classes)
    guests = Guests(options.build / "guests")
    image = Image(guests, options.build / "tests/bench/guest")
    try:
        boot = image.build()
    except Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return 77
    engines = usable_engines(options, guests, image)
    end_tidily()
    watch_closely()
    results = Results(cases, [engine.name for engine in engines])
    try:
        for turn in range(options.repeat):
            for engine in engines:
                print(f"round {turn + 1} of {options.repeat}: {engine.name}", file=sys.stderr,
                      flush=True)
                run_round(engine, options, cases, guests, boot, results)
                save(results, options)
    except KeyboardInterrupt:
        results.failures.append("interrupted: the table has what was measured until then")
    finally:
        for engine in engines:
            engine.close()
    return show(results, options)


def save(results, options):
    if options.json:
        options.json.write_text(json.dumps(results.as_json(), indent=1) + "\n")


def show(results, options):
    table = Table(results, ANACHRONS)
    print(table.heading())
    for case in results.cases:
        print(table.row(case))
    print("\n".join(table.summary()))
    misses = table.misses("jit") if "jit" in results.engines else []
    problems = [f"RESULTS DIFFER: {line}" for line in results.disagreements()]
    problems += [f"FAILED: {line}" for line in results.failures]
    print("\n".join(misses + problems))
    save(results, options)
    return 1 if problems or (options.goals and misses) else 0


if __name__ == "__main__":
    sys.exit(main())
