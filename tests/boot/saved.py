"""Saved states of a real Linux: saved in the middle of work, loaded on the other engine."""

import shutil

from cases import LOGIN, case

WORK = LOGIN + """
serial "dd if=/dev/urandom of=/root/data bs=64k count=32 && echo made-$((6*7))\\r"
wait serial "made-42" 60s
serial "for i in 1 2 3 4; do gzip -c /root/data > /root/data.gz; gunzip -c /root/data.gz | md5sum; "
serial "md5sum < /root/data; sync; done; cat /proc/interrupts; date; echo done-$((5*5))\\r"
sleep 80ms
state
"""

REST = """
wait serial "done-25" 300s
sleep 1s
state
serial "echo 3 > /proc/sys/vm/drop_caches; md5sum /root/data; ls -l /root; dmesg | tail; poweroff\\r"
wait serial "Power down" 120s
state
sleep 60s
"""


def states(output):
    return [line for line in output.splitlines() if line.startswith("icount")]


def is_saved(bench, saver, loader, specification, restore):
    """The run without saving, and one that is saved and loaded."""
    serial = bench.serial_file()
    options = ["--memory", "128M", "--disk", specification, "--serial", f"file:{serial}"]
    whole = states(bench.run(*options, "--engine", saver, script=WORK + REST))
    text = bench.serial_text()
    restore()
    saved = bench.run(*options, "--engine", saver,
                      script=WORK + f"save {bench.folder}/state.snap\nstate\nquit 0\n")
    said = len(bench.serial_text())
    bench.check(states(saved) == [whole[0]] * 2, f"another run, or saving changes it: {saved}")
    loaded = states(bench.run("--load", bench.folder / "state.snap", "--engine", loader,
                              "--serial", f"file:{serial}", script="state\n" + REST))
    bench.check(loaded == whole, f"{saver} to {loader}: {loaded}, not {whole}")
    bench.check(bench.serial_text() == text[said:], "the loaded guest says something else")
    sums = [line.split()[0] for line in text.splitlines() if line.endswith("  -")]
    bench.check(len(sums) == 8 and len(set(sums)) == 1, f"the guest's own sums differ: {sums}")


@case
def saved_overlay(bench):
    """Saved by the translator, loaded by the interpreter; the disk's sectors are in the file."""
    image = bench.guest("disk")
    is_saved(bench, "jit", "interp", f"{image},snapshot", lambda: None)


@case
def saved_goes_on(bench):
    """A machine that was saved in the middle of work goes on as one that was not."""
    options = ["--memory", "128M", "--disk", f"{bench.guest('disk')},snapshot", "--serial",
               f"file:{bench.serial_file()}"]
    whole = states(bench.run(*options, script=WORK + REST))
    text = bench.serial_text()
    saving = states(bench.run(*options, script=WORK + f"save {bench.folder}/state.snap\n" + REST))
    bench.check(saving == whole, f"saving changes the machine: {saving} {whole}")
    bench.check(bench.serial_text() == text, "saving changes what the guest says")


@case
def saved_disk(bench):
    """Saved by the interpreter, loaded by the translator; the guest writes to the image itself."""
    image = bench.guest("disk")
    disk = bench.copy(image)
    is_saved(bench, "interp", "jit", disk, lambda: shutil.copy(image, disk))
