"""The boot cases. Each names what it shows; see boot.py for what a bench can do."""

import hashlib
import pathlib
import random
import re

CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def state_line(output):
    return next(line for line in output.splitlines() if line.startswith("icount"))


# --- Debian's installer ---

INSTALLER_SCREEN = """
wait screen "Choose the language" 600s
sleep 3s
print screen
type "{enter}"
wait screen "United Kingdom" 120s
state
quit 0
"""


def installer_options(bench):
    guest = bench.guest("netboot")
    return ["--memory", "512M", "--kernel", guest["kernel"], "--initrd", guest["initrd"]]


@case
def installer_screen(bench):
    """Debian's installer to its first dialogs, on the VGA text screen, typed through the 8042; and
    the same script gives the same state again."""
    options = [*installer_options(bench), "--append", "vga=normal fb=false nomodeset",
               "--serial", "none"]
    first = bench.run(*options, script=INSTALLER_SCREEN)
    bench.check("English" in first, "no language list on the screen:\n" + first)
    second = bench.run(*options, script=INSTALLER_SCREEN)
    bench.check(state_line(first) == state_line(second), "two runs differ in state")


@case
def installer_serial(bench):
    """The installer on the serial console."""
    bench.run(*installer_options(bench), "--append", "console=ttyS0,115200",
              "--serial", f"file:{bench.serial_file()}",
              script='wait serial "Choose the language" 600s\nsleep 3s\nserial "\\r"\n'
                     'wait serial "United Kingdom" 120s\nquit 0\n')


@case
def installer_cd(bench):
    """The installer from an ISOLINUX CD, by our firmware."""
    bench.run("--memory", "512M", "--cdrom", bench.guest("netboot-cd"), "--serial", "none",
              script='wait screen "Choose the language" 900s\nquit 0\n')


# --- a disk ---

LOGIN = 'wait serial "anachron login: " 300s\nserial "root\\r"\nwait serial "# " 60s\n'

DISK_WRITES = LOGIN + """
serial "dd if=/dev/urandom of=/root/data bs=64k count=16 && md5sum /root/data > /root/sum\\r"
wait serial "# " 60s
serial "echo written-$((6*7)) > /root/note; sync; poweroff\\r"
wait serial "Power down" 120s
state
sleep 60s
"""

DISK_READS = LOGIN + """
serial "cat /root/note; md5sum -c /root/sum && echo sum-$((40+2))\\r"
wait serial "written-42" 60s
wait serial "sum-42" 60s
serial "poweroff\\r"
wait serial "Power down" 120s
sleep 60s
"""


def boots_twice(bench, *options):
    disk = bench.copy(bench.guest("disk"))
    options = ["--memory", "128M", "--disk", disk, "--serial", f"file:{bench.serial_file()}",
               *options]
    bench.run(*options, script=DISK_WRITES)
    bench.run(*options, script=DISK_READS)
    text = bench.serial_text()
    bench.check("I/O error" not in text and "exception Emask" not in text,
                "the kernel complains about the disk:\n" + text[-3000:])


@case
def disk(bench):
    """An IDE disk: MBR, boot loader, kernel, ext4; log in, write, sync, power off through ACPI;
    boot again and find what was written."""
    boots_twice(bench)


@case
def disk_state(bench):
    """The same script on the same disk gives the same state, and so does a run with a trace."""
    disk_image = bench.guest("disk")
    options = ["--memory", "128M", "--disk", f"{disk_image},snapshot", "--serial",
               f"file:{bench.serial_file()}"]
    script = LOGIN + "state\nquit 0\n"
    first = state_line(bench.run(*options, script=script))
    second = state_line(bench.run(*options, script=script))
    bench.check(first == second, f"two runs differ in state: {first} / {second}")


@case
def disk_seabios(bench):
    """The same disk, with SeaBIOS."""
    roms = bench.guest("seabios")
    boots_twice(bench, "--bios", roms["bios"], "--vgabios", roms["vgabios"])


@case
def installer_cd_seabios(bench):
    """The installer CD, with SeaBIOS."""
    roms = bench.guest("seabios")
    bench.run("--memory", "512M", "--cdrom", bench.guest("netboot-cd"), "--serial", "none",
              "--bios", roms["bios"], "--vgabios", roms["vgabios"],
              script='wait screen "Choose the language" 900s\nquit 0\n')


# --- Linux's own drivers for the drives ---


def checksum_command(device, name, expected):
    return (f'serial "echo {expected} /dev/{device} | sed \'s/ /  /\' | md5sum -c && '
            f'echo {name}-$((6*7))\\r"\nwait serial "{name}-42" 200s\n')


def drives(bench, first_size, second_size):
    """Reads two diskettes and a CD whole, writes and reads back a diskette, and finds nothing in
    the kernel's log that speaks of trouble."""
    cd = pathlib.Path(bench.guest("grub-rescue-cd"))
    sums = {"sr0": hashlib.md5(cd.read_bytes()).hexdigest()}
    floppies = []
    for number, size in enumerate([first_size, second_size]):
        data = random.Random(size).randbytes(size * 1024)
        floppies.append(bench.folder / f"floppy{number}.img")
        floppies[-1].write_bytes(data)
        sums[f"fd{number}"] = hashlib.md5(data).hexdigest()
    script = LOGIN + 'serial "modprobe sr_mod; modprobe floppy\\r"\nwait serial "# " 60s\n'
    for device, expected in sums.items():
        script += checksum_command(device, f"read-{device}", expected)
    script += (
        'serial "dd if=/dev/urandom of=/tmp/x bs=512 count=50\\r"\nwait serial "50+0 records out" 60s\n'
        'serial "dd if=/tmp/x of=/dev/fd0 bs=512 seek=200 conv=fsync; '
        'echo 3 > /proc/sys/vm/drop_caches\\r"\nwait serial "drop_caches: 3" 200s\n'
        'serial "dd if=/dev/fd0 bs=512 skip=200 count=50 | cmp - /tmp/x && echo same-$((6*7))\\r"\n'
        'wait serial "same-42" 200s\n'
        'serial "dmesg; echo log-$((6*7))\\r"\nwait serial "log-42" 60s\nquit 0\n')
    bench.run("--memory", "128M", "--boot", "c", "--disk",
              f"{bench.guest('disk')},snapshot", "--cdrom", cd,
              "--floppy", floppies[0], "--floppy", floppies[1],
              "--serial", f"file:{bench.serial_file()}", script=script)
    text = bench.serial_text()
    for trouble in ["I/O error", "exception Emask", "failed command", "floppy0:", "lost interrupt",
                    "timeout", "unexpected interrupt", "soft reset"]:
        lines = [line for line in text.splitlines() if trouble in line]
        bench.check(not lines, f"the kernel complains: {lines[:5]}")
    bench.check("FDC 0 is a post-1991 82077" in text, "the floppy controller is not recognised")
    bench.check("max MWDMA2" in text, "the disk is not used by DMA")


@case
def linux_drives(bench):
    """Disk, CD-ROM and diskettes of 1.44M and 1.2M with Linux's drivers."""
    drives(bench, 1440, 1200)


@case
def linux_drives_old(bench):
    """The same with diskettes of 360K and 720K, whose formats the driver has to find out."""
    drives(bench, 360, 720)


# --- kernels with a static busybox ---


def busybox(bench, name):
    guest = bench.guest(name)
    bench.run("--memory", "128M", "--kernel", guest["kernel"], "--initrd", guest["initrd"],
              "--append", "console=ttyS0,115200", "--serial", f"file:{bench.serial_file()}",
              script='wait serial "guest: init runs" 300s\nwait serial "# " 60s\n'
                     'serial "echo sum $((6*7))\\r"\nwait serial "sum 42" 30s\n'
                     'serial "poweroff -f\\r"\nsleep 60s\n')


@case
def linux_6_1(bench):
    """Linux 6.1, 686 flavour, to a shell, and off through ACPI."""
    busybox(bench, "linux-6.1")


@case
def linux_6_1_pae(bench):
    """Linux 6.1, 686-pae flavour."""
    busybox(bench, "linux-6.1-pae")


@case
def linux_5_10(bench):
    """Linux 5.10 of the older suite."""
    busybox(bench, "linux-5.10")


# --- what can be seen of Linux's system structures, and of its end ---

SHELL = 'wait serial "guest: init runs" 300s\nwait serial "# " 60s\n'


def linux_reboots(bench, name, how, script, status, *options):
    """Boots name to its shell, carries out script, and reboots by a method of Linux's reboot=."""
    guest = bench.guest(name)
    return bench.run("--memory", "128M", "--kernel", guest["kernel"], "--initrd", guest["initrd"], "--append",
                     f"console=ttyS0,115200 reboot={how},force", "--serial", f"file:{bench.serial_file()}", *options,
                     script=SHELL + script + 'serial "reboot -f\\r"\nsleep 30s\n', status=status)


def in_lines(bench, text, *patterns):
    for pattern in patterns:
        bench.check(re.search(pattern, text, re.MULTILINE), f"{pattern} is not in:\n{text}")


def linux_structures(bench, text, paging):
    in_lines(bench, text,
             r"^  0060  00CF9B000000FFFF  code, 32-bit, base 00000000h, limit FFFFFFFFh, DPL 0",
             r"^  0073? .*code, 32-bit, .*DPL 3|^  0070  00CFFB000000FFFF  code, .*DPL 3",
             r"^   14  .*32-bit interrupt gate to 0060:C[0-9A-F]{7}, DPL 0$",
             r"^  128  .*gate to 0060:C[0-9A-F]{7}, DPL 3$",
             r"^TSS 0080, 32-bit, at F[0-9A-F]{7}h", r"^  ss0      0068$",
             r"^linear C1000000h is physical 0[0-9A-F]{7}h, page of \d+ KiB, user -, supervisor r",
             r"^" + paging + " paging, CR3 ", r"^[ ]+[0-9A-F]{8}-[0-9A-F]{8}  .* user -   supervisor r",
             r"software interrupt 80h|interrupt [0-9A-F]+h", r"^  cr0    8005003[3b]  PE MP ET NE WP AM PG$")
    # The kernel maps nothing that programs can write and run, and its code is not writable
    bench.check("there is more" not in text, text)


LOOKS = "gdt\nidt\ntss\npages 0xC1000000\npages\nregisters\ninterrupts 60\nstack\ndevice i8259\n"


@case
def linux_triple_fault(bench):
    """Linux 6.1 to a shell, its tables looked at, and rebooted by a triple fault: status 4, and what
    Linux did to get there (an IDT of length 0, and INT3) is told. Looking changes nothing."""
    state = "sleep 1s\nstate\n"
    text = linux_reboots(bench, "linux-6.1", "triple", LOOKS + state, 4)
    linux_structures(bench, text, "32-bit")
    in_lines(bench, text, r"^anachron: the guest crashed: triple fault after \d+ instructions",
             r"^  first: vector 13 \(#GP general protection\), error code 001Ah, at cs:eip 0060:C[0-9A-F]{7}",
             r"^    while software interrupt 03h was delivered:", r"^    -> the IDT ends before entry 3: ",
             r"^    -> the IDT ends before entry 8: ", r"^    0060:C[0-9A-F]{7}  CC +int3$")
    unseen = linux_reboots(bench, "linux-6.1", "triple", state, 4)
    bench.check(state_line(text) == state_line(unseen), "looking has changed the state")


@case
def linux_triple_fault_pae(bench):
    """The same with PAE; and when a triple fault resets, Linux boots again."""
    text = linux_reboots(bench, "linux-6.1-pae", "triple", LOOKS, 0, "--on-triple-fault", "reset")
    linux_structures(bench, text, "PAE")
    in_lines(bench, text, r"^  PDPTE\[3\]: ", r"the guest crashed: triple fault",
             r"^    -> the IDT ends before entry 8: ")
    bench.check(bench.serial_text().count("Linux version") == 2, "Linux has not started again")


@case
def linux_keyboard_reset(bench):
    """Rebooted by the keyboard controller: one line says so."""
    text = linux_reboots(bench, "linux-6.1", "kbd", "", 0)
    in_lines(bench, text, r"^anachron: the guest's machine was reset by the keyboard controller .* at cs:eip 0060:C")
    bench.check(text.count("was reset by") == 1, text)


# --- boot loaders and their tools ---


def grub_finds(bench, *options, drives):
    """GRUB's prompt, and that `ls` names the drives."""
    script = ('wait screen "GNU GRUB" 120s\nsleep 1s\ntype "c"\nwait screen "grub>" 30s\n'
              'type "ls\\n"\nsleep 8s\nprint screen\nquit 0\n')
    output = bench.run("--memory", "64M", "--serial", "none", *options, script=script)
    for drive in drives:
        bench.check(f"({drive}" in output, f"ls does not show {drive}:\n{output}")


@case
def grub_floppy(bench):
    """GRUB's rescue floppy finds floppy, disk and CD."""
    grub_finds(bench, "--floppy", f"{bench.guest('grub-rescue-floppy')},readonly", "--disk",
               f"{bench.guest('disk')},snapshot", "--cdrom", bench.guest("grub-rescue-cd"),
               "--boot", "a", drives=["fd0", "hd0"])


@case
def grub_cd(bench):
    """GRUB's rescue CD finds floppy, disk and CD."""
    grub_finds(bench, "--floppy", f"{bench.guest('grub-rescue-floppy')},readonly", "--disk",
               f"{bench.guest('disk')},snapshot", "--cdrom", bench.guest("grub-rescue-cd"),
               "--boot", "d", drives=["fd0", "hd0", "cd"])


@case
def grub_tests(bench):
    """GRUB's functional tests."""
    bench.run("--memory", "512M", "--cdrom", bench.guest("grub-tests-cd"), "--serial",
              f"file:{bench.serial_file()}", script='wait serial "ALL TESTS PASSED" 3600s\nquit 0\n')


@case
def syslinux_floppy(bench):
    """SYSLINUX from a FAT floppy reads its configuration and loads a program."""
    bench.run("--memory", "32M", "--floppy", f"{bench.guest('syslinux-floppy')},readonly",
              "--serial", "none",
              script='wait screen "floppy: SYSLINUX has read its configuration" 120s\n'
                     'type "{enter}"\nwait screen "Memtest86+" 120s\nquit 0\n')


@case
def floppy_formats(bench):
    """SYSLINUX from floppies of all formats, 180K to 2.88M, odd ones among them."""
    for cylinders, heads, sectors in [(40, 1, 9), (40, 2, 8), (40, 2, 9), (80, 2, 9), (80, 2, 10),
                                      (80, 2, 15), (80, 2, 18), (83, 2, 18), (80, 2, 20),
                                      (80, 2, 21), (82, 2, 21), (80, 2, 36)]:
        image = bench.guests.format_floppy(cylinders, heads, sectors)
        bench.run("--memory", "16M", "--floppy", f"{image},readonly", "--serial", "none",
                  script='wait screen "this format boots" 120s\nquit 0\n')


@case
def disk_geometries(bench):
    """SYSLINUX from disks of old geometries, guessed from the partition table and given, with
    processors of their time; and with SeaBIOS."""
    roms = bench.guest("seabios")
    for cylinders, heads, sectors in [(306, 4, 17), (615, 4, 17), (977, 5, 17), (1000, 16, 63)]:
        image = bench.guests.chs_disk(cylinders, heads, sectors)
        given = f"{image},snapshot,geometry={cylinders}/{heads}/{sectors}"
        for options in [["--cpu", "386", "--disk", f"{image},snapshot"],
                        ["--cpu", "486", "--disk", given],
                        ["--bios", roms["bios"], "--vgabios", roms["vgabios"], "--disk", given]]:
            bench.run("--memory", "8M", "--boot", "c", "--serial", "none", *options,
                      script='wait screen "this format boots" 120s\nquit 0\n')


@case
def hdt(bench):
    """ISOLINUX runs the Hardware Detection Tool."""
    bench.run("--memory", "64M", "--cdrom", bench.guest("hdt-cd"), "--serial", "none",
              script='wait screen "Hardware Detection Tool" 120s\nsleep 1s\ntype "{down}{down}{enter}"\n'
                     'wait screen "Vendor" 30s\nprint screen\nquit 0\n')


@case
def ipxe(bench):
    """iPXE from its CD, to the point where it looks for network devices."""
    bench.run("--memory", "64M", "--cdrom", bench.guest("ipxe-cd"), "--serial", "none",
              script='wait screen "iPXE" 120s\nwait screen "No more network devices" 120s\nquit 0\n')


# --- memtest86+ ---

MEMTEST = 'wait screen "Pass:  1 " 3600s\nprint screen\nquit 0\n'


def memtest(bench, *options):
    output = bench.run("--memory", "16M", "--serial", "none", *options, script=MEMTEST)
    bench.check("Pass:  1        Errors: 0" in output, "memtest86+ found errors:\n" + output)


@case
def memtest_cd(bench):
    """memtest86+ from CD: a full pass over 16 MB without an error."""
    memtest(bench, "--cdrom", bench.guest("memtest-cd"))


@case
def memtest_kernel(bench):
    """memtest86+ as a kernel."""
    memtest(bench, "--kernel", bench.guest("memtest-kernel"))


# --- multiboot, and other firmware ---


@case
def invaders(bench):
    """grub-invaders by multiboot draws its screen."""
    bench.run("--memory", "32M", "--serial", "none", "--multiboot", bench.guest("invaders"),
              script='wait screen "-*-    -*-    -*-" 60s\nquit 0\n')


@case
def gnumach(bench):
    """GNU Mach by multiboot stops where it must: it has been given no bootstrap server."""
    bench.run("--memory", "64M", "--serial", "none", "--multiboot", bench.guest("gnumach"),
              script='wait screen "No bootstrap code loaded" 120s\nquit 0\n')


@case
def uboot(bench):
    """U-Boot's ROM as firmware, to its prompt on the serial port."""
    bench.run("--memory", "128M", "--cpu", "pentium4", "--bios", bench.guest("uboot"),
              "--serial", f"file:{bench.serial_file()}",
              script='wait serial "Hit any key" 120s\nserial " "\nwait serial "=> " 60s\nquit 0\n')
