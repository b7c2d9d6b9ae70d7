"""Medians, ratios and the table."""

import math
import statistics

from workloads import COMPUTE


MEMORY_GOAL = 300  # MiB that may be resident beside what the guest uses of its own memory


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


class Results:
    """Seconds and results of every run: samples[case][engine] is a list."""

    def __init__(self, cases, engines):
        self.cases = cases
        self.engines = engines
        self.seconds = {case.name: {engine: [] for engine in engines} for case in cases}
        self.results = {case.name: {} for case in cases}
        self.resident = {engine: 0.0 for engine in engines}  # MiB
        self.beside = dict(self.resident)  # the same without the guest's memory in use
        self.failures = []

    def add(self, name, engine, seconds, result):
        self.seconds[name][engine].append(seconds)
        self.results[name].setdefault(result, set()).add(engine)

    def median(self, case, engine):
        """None when there is no figure."""
        samples = self.seconds[case.name].get(engine)
        return statistics.median(samples) if samples else None

    def ratio(self, case, above, below):
        """How many times longer the case takes in one engine than in another."""
        a, b = self.median(case, above), self.median(case, below)
        return a / b if a and b else None

    def spread(self, case):
        """The widest range of any engine's samples, relative to their median; None when there is
        but one of each."""
        return max(((max(s) - min(s)) / statistics.median(s)
                    for s in self.seconds[case.name].values() if len(s) > 1), default=None)

    def disagreements(self):
        return [f"{name}: " + "; ".join(f"{result} in {', '.join(sorted(engines))}"
                                        for result, engines in found.items())
                for name, found in self.results.items() if len(found) > 1]

    def class_means(self, above, below, group=None):
        """{class: ratio}; the workloads of a class count once, by their geometric mean."""
        found = {}
        for case in self.cases:
            ratio = self.ratio(case, above, below)
            if ratio and (group is None or case.group == group):
                found.setdefault(case.kind, []).append(ratio)
        return {kind: geometric_mean(ratios) for kind, ratios in found.items()}

    def wants(self):
        """{class: how many times QEMU's speed the translator must reach}."""
        return {case.kind: case.want for case in self.cases}

    def as_json(self):
        return {"seconds": self.seconds, "failures": self.failures, "resident_mib": self.resident,
                "beside_guest_mib": self.beside,
                "results": {name: {result: sorted(engines) for result, engines in found.items()}
                            for name, found in self.results.items()},
                "classes": {case.name: case.kind for case in self.cases}}


def cell(value, form):
    return form.format(value) if value is not None else " " * (len(form.format(0.0)) - 1) + "-"


class Table:
    """Columns: seconds of every engine; emulated time as a multiple of native time; Anachron's
    speed as a multiple of QEMU's; the spread of the samples."""

    def __init__(self, results, anachrons):
        self.results = results
        self.emulators = [engine for engine in results.engines if engine != "native"]
        self.anachrons = [engine for engine in anachrons if engine in results.engines]
        self.against = [peer for peer in ("qemu", "bochs", "old") if peer in results.engines]

    def heading(self):
        words = [f"{'workload':14}{'class':26}"]
        words += [f"{engine + ' s':>10}" for engine in self.results.engines]
        if "native" in self.results.engines:
            words += [f"{engine + '/native':>14}" for engine in self.emulators]
        words += [f"{engine + ' v ' + peer:>15}"
                  for peer in self.against for engine in self.anachrons]
        return "".join(words) + f"{'spread':>8}"

    def row(self, case):
        results = self.results
        words = [f"{case.name:14}{case.kind:26}"]
        words += [cell(results.median(case, engine), "{:10.3f}") for engine in results.engines]
        if "native" in results.engines:
            words += [cell(results.ratio(case, engine, "native"), "{:13.1f}x")
                      for engine in self.emulators]
        words += [cell(results.ratio(case, peer, engine), "{:14.2f}x")
                  for peer in self.against for engine in self.anachrons]
        return "".join(words) + cell(results.spread(case), "{:8.0%}")

    def mean_line(self, what, form, above, below):
        """Geometric means of above / below, or None when nothing was measured in both."""
        everything = self.results.class_means(above, below)
        compute = self.results.class_means(above, below, COMPUTE)
        if not everything:
            return None
        mean = form.format(geometric_mean(everything.values()))
        line = f"{what} over {len(everything)} classes: {mean}"
        if compute:
            mean = form.format(geometric_mean(compute.values()))
            line += f"; over {len(compute)} compute classes: {mean}"
        return line

    def summary(self):
        """Lines with the means; each says what it is a mean of."""
        lines = []
        for peer in self.against:
            for engine in self.anachrons:
                line = self.mean_line(f"{engine}, speed against {peer}", "{:.2f}x", peer, engine)
                if line:
                    means = self.results.class_means(peer, engine)
                    worst = min(means, key=means.get)
                    lines.append(f"{line}; least: {means[worst]:.2f}x, {worst}")
        if "native" in self.results.engines:
            lines += [self.mean_line(f"{engine}, time against native", "{:.1f}x", engine, "native")
                      for engine in self.emulators]
        lines += [f"{engine}, resident at most: {size:.0f} MiB; beside the guest's memory in use: "
                  f"{self.results.beside[engine]:.0f} MiB"
                  for engine, size in self.results.resident.items() if size]
        return [line for line in lines if line]

    def misses(self, engine):
        """Classes in which an engine is slower than its goal against QEMU, and memory."""
        wants = self.results.wants()
        beside = self.results.beside[engine]
        memory = [f"{engine} misses its goal in memory: {beside:.0f} MiB resident beside the "
                  f"guest's, not {MEMORY_GOAL}"] if beside > MEMORY_GOAL else []
        return memory + [f"{engine} misses its goal in {kind}: {ratio:.2f} times QEMU's speed, "
                f"not {wants[kind]:g}"
                for kind, ratio in self.results.class_means("qemu", engine).items()
                if ratio < wants[kind]]


