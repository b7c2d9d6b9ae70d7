"""Cases with graphical guests: what is on the screen, checked in screenshots; what the guest has
understood of keys and mouse, checked in what it says on the serial port."""

from cases import case
from png import Picture

# --- Debian's graphical installer ---

# The pointer is moved to the corner, where X holds it, and from there onto "Continue".
TO_CORNER = "mouse 200 200\nsleep 100ms\n" * 8
CLICK_CONTINUE = TO_CORNER + "mouse -2 -1\nsleep 50ms\n" * 10 + "mouse 0 0 left\n"

INSTALLER = f"""
wait serial "INPUT critical localechooser/languagelist" 600s
sleep 30s
screenshot language.png
type "{{up}}{{up}}{{down}}{{down}}"
sleep 3s
{CLICK_CONTINUE}
wait serial "INPUT critical localechooser/shortlist" 120s
sleep 15s
screenshot location.png
type "{{home}}{{down}}{{enter}}"
wait serial "INPUT critical keyboard-configuration/xkb-keymap" 120s
sleep 15s
screenshot keyboard.png
{CLICK_CONTINUE}
wait serial "<-- 0 Detect network hardware" 120s
sleep 10s
quit 0
"""


def pictures(bench, *names):
    return [Picture(bench.folder / f"{name}.png") for name in names]


@case
def installer_gtk(bench):
    """Debian's graphical installer in VBE mode 114h: from page to page with mouse and keys."""
    guest = bench.guest("netboot-gtk")
    bench.run("--memory", "768M", "--kernel", guest["kernel"], "--initrd", guest["initrd"],
              "--append", "vga=788 nomodeset DEBCONF_DEBUG=developer", "--serial",
              f"file:{bench.serial_file()}", script=bench.in_folder(INSTALLER))
    log = bench.serial_text()
    bench.check("GET debian-installer/language" in log, "no language was chosen")
    bench.check("SET debian-installer/country AU" in log or "<-- 0 AU" in log,
                "the second country of the list was not chosen")
    language, location, keyboard = pictures(bench, "language", "location", "keyboard")
    for picture in language, location, keyboard:
        bench.check(picture.size() == (800, 600), f"the screen is {picture.size()}")
        bench.check(picture.colours(200, 10, 300, 55) > 80, "the banner is not on the screen")
        bench.check(picture.region(0, 0, 800, 70) == language.region(0, 0, 800, 70),
                    "the banner differs from page to page")
    titles = {picture.region(10, 85, 500, 20) for picture in (language, location, keyboard)}
    bench.check(len(titles) == 3, "three pages do not have three titles")


# --- GRUB's graphical menu ---

GRUB_THEME = """
sleep 28s
screenshot first.png
type "{down}"
sleep 4s
screenshot second.png
type "{down}{up}{up}"
sleep 4s
screenshot again.png
type "{down}{enter}"
wait serial "chosen: second" 30s
quit 0
"""


@case
def grub_theme(bench):
    """GRUB's menu with a theme, a background picture and fonts, by VBE; the same with SeaBIOS."""
    options = ["--memory", "128M", "--cdrom", bench.guest("grub-theme-cd"), "--boot", "d",
               "--serial", f"file:{bench.serial_file()}"]
    roms = bench.guest("seabios")
    seen = []
    for more in [], ["--bios", roms["bios"], "--vgabios", roms["vgabios"]]:
        bench.run(*options, *more, script=bench.in_folder(GRUB_THEME))
        seen.append(pictures(bench, "first", "second", "again"))
    first, second, again = seen[0]
    bench.check(first.size() == (640, 480), f"the screen is {first.size()}")
    bench.check(first.colours(0, 0, 640, 480) > 1000, "there is no background picture")
    lines = [y for y in range(480) if first.lines[y] != second.lines[y]]
    bench.check(lines and 20 <= lines[-1] - lines[0] <= 120,
                f"the highlight moves in lines {lines[:1]} to {lines[-1:]}")
    bench.check(again.hash() == first.hash(), "up again is not where it was")
    bench.check([picture.hash() for picture in seen[1]] == [picture.hash() for picture in seen[0]],
                "SeaBIOS's VBE shows something else")


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


# --- the absolute pointer ---

# twm's menu comes up around the pointer, with its title under it; entries are 17 lines apart.
POINTER = """
wait serial "guest: the terminal runs" 300s
sleep 10s
mouse to 700 600
sleep 1s
screenshot there.png
mouse to 700 600 wheel -1
wait serial "guest: wheel up" 30s
mouse to 701 600 right
wait serial "guest: button 3" 30s
mouse down left
sleep 1s
mouse to 700 634
sleep 1s
screenshot menu.png
mouse up left
wait serial "guest: second entry" 30s
mouse to 300 100
mouse down left
sleep 1s
mouse to 620 360
sleep 1s
mouse up left
sleep 2s
screenshot moved.png
mouse to 400 500
sleep 1s
type "echo typed-$((6*7)) > /dev/ttyS0\\n"
wait serial "typed-42" 30s
quit 0
"""


@case
def xorg_pointer(bench):
    """Linux's driver for the VMware pointer, in X.Org: positions are exact, to the pixel."""
    bench.run("--mouse", "vmware", *xorg_options(bench, "vesa", 24),
              script=bench.in_folder(POINTER))
    bench.check("VMware VMMouse" in bench.serial_text(), "Linux has not found the pointer")
    there, menu, moved = pictures(bench, "there", "menu", "moved")
    title = (0x46, 0x82, 0xB4)  # steelblue
    bench.check(there.pixel(62, 93) == title, "the window is not where it was put")
    bench.check(moved.pixel(62 + 320, 93 + 260) == title and moved.pixel(62, 93) != title,
                "the window has not moved as the pointer did")
    bench.check(menu.colours(650, 590, 100, 60) > there.colours(650, 590, 100, 60),
                "there is no menu")


# --- GRUB ---

GRUB_ENTRIES = """
wait serial "Third entry" 200s
sleep 3s
screenshot menu.png
type "{down}"
sleep 2s
screenshot second.png
type "{enter}"
wait serial "chosen: Second" 60s
sleep 1s
screenshot chosen.png
quit 0
"""


@case
def grub_graphical(bench):
    """GRUB's menu in graphics, 800 x 600 with 32 bits a pixel, through VBE; an entry by the keys."""
    bench.run("--memory", "64M", "--cdrom", bench.guest("grub-graphical-cd"), "--boot", "d",
              "--serial", f"file:{bench.serial_file()}", script=bench.in_folder(GRUB_ENTRIES))
    menu, second, chosen = pictures(bench, "menu", "second", "chosen")
    for picture in menu, second, chosen:
        bench.check(picture.size() == (800, 600), f"the screen is {picture.size()}")
    # The bar has moved by a line: two bands of lines differ, and nothing else.
    differ = [y for y in range(600) if menu.lines[y] != second.lines[y]]
    bench.check(differ and differ[-1] - differ[0] < 60, f"lines {differ[:1]} to {differ[-1:]} differ")
    blue, bar = (0x00, 0x00, 0xA8), (0xA8, 0xA8, 0xA8)
    at = differ[0] + 2 if differ else 0
    bench.check(menu.pixel(600, at) == bar and second.pixel(600, at) == blue,
                f"the bar is not where it was: {menu.pixel(600, at)}, {second.pixel(600, at)}")
