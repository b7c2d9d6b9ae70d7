"""Bare-metal images on another emulator, and what they report there. A module."""
import os
import sys


def report(run, is_known):
    """Runs the images of the command line and prints what each says. run(name, image): its lines; is_known(name, line):
    the failure is the emulator's. The exit status: 1 if there are others, or if an image has not finished."""
    good = True
    for image in sys.argv[1:]:
        name = os.path.splitext(os.path.basename(image))[0]
        lines = run(name, image)
        unknown = [line for line in lines if "FAIL" in line and not is_known(name, line)]
        finished = bool(lines) and "passed," in lines[-1]
        good = good and finished and not unknown
        for line in unknown:
            print(f"{name}: {line}")
        print(f"{name}: {lines[-1] if finished else 'did not finish'}")
    return 0 if good else 1
