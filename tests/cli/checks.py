"""How test programs call their checks: one after the other, each with an empty folder of its own. A module."""
import pathlib
import sys
import tempfile
import time
import traceback


def named(name, check, *arguments, **more):
    """The check under a name of its own, with arguments behind the folder."""
    def call(folder):
        check(folder, *arguments, **more)
    call.__name__ = name
    return call


def run_checks(checks, wanted=()):
    """Calls those that are wanted (by name; none: all) with a pathlib.Path, and ends the program."""
    failures = 0
    for check in checks:
        if wanted and check.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix='anachron-') as folder:
            begin = time.time()
            try:
                check(pathlib.Path(folder))
                print(f'ok {check.__name__} ({time.time() - begin:.1f} s)', flush=True)
            except Exception as problem:
                failures += 1
                traceback.print_exc()
                print(f'FAILED {check.__name__}: {problem!r}', flush=True)
    sys.exit(1 if failures else 0)
