"""Cases with graphical guests: what is on the screen, checked in screenshots; what the guest has
understood of keys and mouse, checked in what it says on the serial port."""

from cases import case
from png import Picture

def pictures(bench, *names):
    return [Picture(bench.folder / f"{name}.png") for name in names]


# --- X.Org ---

def xorg_options(bench, driver, depth, *more):
    guest = bench.guest("xorg")
    return ["--memory", "256M", "--disk", f"{guest['disk']},snapshot", "--kernel", guest["kernel"],
            "--initrd", guest["initrd"], "--append",
            " ".join(["root=/dev/sda console=ttyS0,115200", f"xdriver={driver}",
                      f"xdepth={depth}", *more]),
            "--serial", f"file:{bench.serial_file()}"]


# Into the terminal: a command whose output goes to the screen and to the serial port. Out of it, on
# the root window: wheel and third button.
XORG = """
wait serial "guest: the terminal runs" 300s
sleep 10s
mouse -100 -50
sleep 1s
screenshot before.png
type "echo $((6*7)) from the terminal | tee /dev/ttyS0\\n"
wait serial "42 from the terminal" 60s
sleep 2s
screenshot after.png
mouse 150 150
sleep 1s
mouse 0 0 wheel -1
wait serial "guest: wheel up" 30s
mouse 0 0 wheel 1
wait serial "guest: wheel down" 30s
mouse 0 0 right
wait serial "guest: button 3" 30s
quit 0
"""


def changed_lines(before, after):
    """First and last line in which two pictures differ, left of where the pointer is."""
    lines = [y for y in range(before.height) if before.lines[y][:900] != after.lines[y][:900]]
    return (lines[0], lines[-1]) if lines else (0, 0)


def xorg(bench, size, *options):
    bench.run(*options, script=bench.in_folder(XORG))
    before, after = pictures(bench, "before", "after")
    bench.check(before.size() == size, f"the screen is {before.size()}")
    bench.check(all(abs(a - b) < 8 for a, b in zip(before.pixel(5, 5), (0x30, 0x50, 0x70))), "the background has another colour")
    first, last = changed_lines(before, after)
    # The command's line, its output and the next prompt, 13 lines of pixels each.
    bench.check(110 < first and 20 < last - first < 60 and last < 420,
                f"the terminal shows a command and its output in lines {first} to {last}")
    bench.check("X ended" not in bench.serial_text(), "X has ended:\n" + bench.serial_text()[-3000:])


@case
def xorg_vesa(bench):
    """X.Org with the vesa driver, which calls our VBE firmware in its own emulator; a window
    manager, and a command typed into a terminal."""
    xorg(bench, (1024, 768), *xorg_options(bench, "vesa", 24))


@case
def xorg_fbdev(bench):
    """X.Org with the fbdev driver on vesafb in VBE mode 114h, 64 thousand colours."""
    xorg(bench, (800, 600), *xorg_options(bench, "fbdev", 16, "vga=788"))
