#!/usr/bin/env python3
"""The benchmark's arithmetic and its runner: medians, ratios, means over classes, results that
differ, and what the runner says of programs that end well and badly.

Run alone: tests/bench/test_report.py BUILD/tests/bench/guest
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from bench import choose, run_workloads  # noqa: E402
from engines import Machine, Native  # noqa: E402
from report import Results, Table  # noqa: E402
from workloads import COMPUTE, STARTS, SYSTEM, WORKLOADS, Workload  # noqa: E402

failures = 0


def check(what, condition):
    global failures
    if not condition:
        print("FAILED:", what)
        failures += 1


def near(a, b):
    return a is not None and abs(a - b) < 1e-9


def made_up():
    cases = [Workload("a", "one", COMPUTE, 2.0, "/a"), Workload("b", "one", COMPUTE, 2.0, "/b"),
             Workload("c", "two", SYSTEM, 0.9, "/c"), Workload("d", "three", SYSTEM, 0.9, "/d")]
    results = Results(cases, ["native", "jit", "qemu"])
    samples = {"a": {"native": [1], "jit": [2, 9, 3], "qemu": [3, 3, 12]},
               "b": {"native": [1], "jit": [1, 1, 1], "qemu": [4, 4, 4]},
               "c": {"native": [2], "jit": [2, 2, 2], "qemu": [1, 1, 1]}}
    for name, engines in samples.items():
        for engine, figures in engines.items():
            for seconds in figures:
                results.add(name, engine, seconds, "same")
    return cases, results


def test_report():
    cases, results = made_up()
    check("the median", results.median(cases[0], "jit") == 3)
    check("the ratio of medians", near(results.ratio(cases[0], "qemu", "jit"), 1.0))
    check("a class counts once", near(results.class_means("qemu", "jit")["one"], 2.0))
    check("classes without figures do not count",
          set(results.class_means("qemu", "jit")) == {"one", "two"})
    check("the compute classes", set(results.class_means("qemu", "jit", COMPUTE)) == {"one"})
    check("the spread", near(results.spread(cases[0]), 3.0))
    table = Table(results, ["interp", "jit"])
    check("misses", table.misses("jit") ==
          ["jit misses its goal in two: 0.50 times QEMU's speed, not 0.9"])
    results.resident["jit"], results.beside["jit"] = 700.0, 301.0
    check("too much memory is a miss",
          table.misses("jit")[0] == "jit misses its goal in memory: 301 MiB resident beside the "
          "guest's, not 300")
    results.beside["jit"] = 300.0
    check("just enough is none", len(table.misses("jit")) == 1)
    summary = "\n".join(table.summary())
    check("the memory", "jit, resident at most: 700 MiB; beside the guest's memory in use: 300 MiB"
          in summary)
    check("the mean over classes",
          "over 2 classes: 1.00x; over 1 compute classes: 2.00x" in summary)
    check("the least", "least: 0.50x, two" in summary)
    check("native", "jit, time against native over 2 classes: 1.3x" in summary)
    check("rows as wide as the heading", len({len(table.row(case)) for case in cases} |
                                             {len(table.heading())}) == 1)
    check("results agree", not results.disagreements())
    results.add("a", "qemu", 3, "other")
    check("results differ", results.disagreements() ==
          ["a: same in jit, native, qemu; other in qemu"])


def test_table_of_workloads():
    names = [case.name for case in [*WORKLOADS, *STARTS]]
    check("names are unique", len(set(names)) == len(names))
    check("a class chooses its workloads",
          [case.name for case in choose("x87")] == ["x87", "x87-functions"])
    check("a name chooses one", [case.name for case in choose("xz,boot")] == ["xz", "boot"])


def run_list(programs, text, names):
    """What bench.py makes of a list that the runner runs on the host."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        cases = [Workload(name, name, COMPUTE, 1, "")
                 for name in ["good", "bad", "missing", "goods"]]
        results = Results(cases, ["native"])
        machine = Machine([programs / "runner", file.name, "200", names], 60)
        run_workloads(Native("native", None, None), machine, results)
    return results


def test_runner(programs):
    text = (f"good /bin/echo {{3}} x\nbad /bin/false\nmissing {programs}/no-such-program\n"
            f"goods {programs}/integer {{1}}\n")
    results = run_list(programs, text, "")
    check("every program ran", all(samples["native"] for samples in results.seconds.values()))
    check("two failed", len(results.failures) == 2 and
          "bad in native: status 1" in results.failures[0] and
          "missing in native: status 127" in results.failures[1])
    hashed = 14695981039346656037
    for byte in b"6 x\n":  # 3 at twice the work
        hashed = (hashed ^ byte) * 1099511628211 % 2 ** 64
    check("the result is a hash of the output", list(results.results["good"]) == [f"{hashed:016x}"])
    check("processor time", 0 < results.seconds["goods"]["native"][0] < 30)
    chosen = run_list(programs, text, "good,missing")
    ran = [name for name, samples in chosen.seconds.items() if samples["native"]]
    check("only what was asked for ran", ran == ["good", "missing"])


def main():
    test_report()
    test_table_of_workloads()
    test_runner(pathlib.Path(sys.argv[1]).resolve())
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
