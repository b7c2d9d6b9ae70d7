#!/usr/bin/env python3
"""Builds the guests of the boot tests from Debian packages.

    tests/boot/guests.py CACHE [NAME...]     builds the named guests (all by default)

Each function named guest_NAME returns the file (or a dictionary of files) that it makes in the cache
folder; it does nothing when the file is there already.
"""

import gzip
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import xorg
from grub_cd import make_grub_cd
from packages import Archive, Lock, Unavailable

IMAGES = pathlib.Path("/usr/lib/debian-installer/images/12/i386")
NETBOOT = IMAGES / "text/debian-installer/i386"
NETBOOT_GTK = IMAGES / "gtk/debian-installer/i386"
ISOLINUX = pathlib.Path("/usr/lib/ISOLINUX")
SYSLINUX = pathlib.Path("/usr/lib/syslinux")
MIB = 1 << 20

KERNELS = {
    "linux-6.1": r"linux-image-6\.1\.0-\d+-686",
    "linux-6.1-pae": r"linux-image-6\.1\.0-\d+-686-pae",
    "linux-5.10": r"linux-image-5\.10\.0-\d+-686",
}


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout


def host_file(path):
    """A file of a package that ./setup installs on the host."""
    if not pathlib.Path(path).exists():
        raise Unavailable(f"{path} is missing: run ./setup")
    return pathlib.Path(path)


class Guests:
    def __init__(self, cache):
        self.cache = pathlib.Path(cache).resolve()
        self.archive = Archive(cache)
        self.images = self.cache / "images"
        self.images.mkdir(parents=True, exist_ok=True)

    def build(self, name):
        with Lock(self.cache):
            return getattr(self, "guest_" + name.replace("-", "_").replace(".", "_"))()

    def names(self):
        return [name[6:] for name in dir(self) if name.startswith("guest_")]

    def make(self, name, maker):
        """The image of that name; maker(partial path) is called when it is not there yet."""
        image = self.images / name
        if not image.exists():
            partial = self.images / (name + ".partial")
            if partial.exists():
                partial.unlink()
            maker(partial)
            partial.rename(image)
        return image

    # --- kernels ---

    def kernel(self, name):
        """Unpacked folder and image file of one of KERNELS."""
        folder = self.archive.unpack(self.archive.newest(KERNELS[name]))
        return folder, next((folder / "boot").glob("vmlinuz-*"))

    def busybox(self):
        return self.archive.unpack("busybox-static") / "bin/busybox"

    def kernel_guest(self, name):
        return {"kernel": self.kernel(name)[1], "initrd": self.guest_busybox_initrd()}

    def guest_linux_6_1(self):
        return self.kernel_guest("linux-6.1")

    def guest_linux_6_1_pae(self):
        return self.kernel_guest("linux-6.1-pae")

    def guest_linux_5_10(self):
        return self.kernel_guest("linux-5.10")

    def guest_netboot(self):
        return {"kernel": host_file(NETBOOT / "linux"), "initrd": host_file(NETBOOT / "initrd.gz")}

    def guest_netboot_gtk(self):
        """The graphical installer; a second archive in its initrd sends its log to COM1."""
        initrd = host_file(NETBOOT_GTK / "initrd.gz")

        def maker(output):
            tree = self.cache / "trees/netboot-gtk"
            script = tree / "lib/debian-installer-startup.d/S99log"
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text("(while ! [ -e /var/log/syslog ]; do sleep 1; done\n"
                              "exec tail -f /var/log/syslog >/dev/ttyS0) </dev/null >/dev/null 2>&1 &\n")
            script.chmod(0o755)
            self.pack_initrd(tree, output)
            more = output.read_bytes()
            shutil.copy(initrd, output)
            with open(output, "ab") as file:
                file.write(more)
        return {"kernel": host_file(NETBOOT_GTK / "linux"),
                "initrd": self.make("netboot-gtk.cpio.gz", maker)}

    # --- initial RAM disks ---

    def archive_tree(self, tree):
        """The tree in the format of initial RAM disks, not compressed."""
        listing = subprocess.run(["find", ".", "-print0"], cwd=tree, capture_output=True,
                                 check=True).stdout
        return subprocess.run(["cpio", "--null", "-o", "-H", "newc", "-R", "0:0", "--quiet"],
                              cwd=tree, input=listing, capture_output=True, check=True).stdout

    def pack_initrd(self, tree, output):
        packed = self.archive_tree(tree)
        with gzip.GzipFile(output, "wb", 6, mtime=0) as file:
            file.write(packed)

    def busybox_tree(self, name, init):
        tree = self.cache / "trees" / name
        if tree.exists():
            shutil.rmtree(tree)
        for folder in ["bin", "sbin", "dev", "proc", "sys", "tmp", "etc", "root", "mnt"]:
            (tree / folder).mkdir(parents=True)
        shutil.copy(self.busybox(), tree / "bin/busybox")
        (tree / "bin/sh").symlink_to("busybox")
        (tree / "sbin/modprobe").symlink_to("../bin/busybox")
        (tree / "init").write_text(init)
        (tree / "init").chmod(0o755)
        return tree

    def guest_busybox_initrd(self):
        init = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "guest: init runs on $(uname -r)"
setsid sh -c 'exec sh </dev/console >/dev/console 2>&1'
"""
        return self.make("busybox.cpio.gz", lambda out: self.pack_initrd(
            self.busybox_tree("busybox", init), out))

    def copy_modules(self, folder, tree, wanted):
        """Copies modules with what they depend on, and their index, into tree."""
        source = next((folder / "lib/modules").iterdir())
        version = source.name
        run("depmod", "-b", folder, version)
        depends = {}
        for line in (source / "modules.dep").read_text().splitlines():
            module, needs = line.split(":")
            depends[pathlib.Path(module).name.removesuffix(".ko")] = [module, *needs.split()]
        target = tree / "lib/modules" / version
        for module in wanted:
            for file in depends.get(module, []):
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source / file, target / file)
        for index in ["modules.order", "modules.builtin"]:
            shutil.copy(source / index, target / index)
        run("depmod", "-b", tree, version)

    # --- a disk with a boot loader, a kernel and a root file system ---

    def disk_initrd(self, folder):
        """Mounts root= of the command line, an ext4 file system on an IDE disk."""
        init = r"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in crc32c_generic ata_piix sd_mod ext4; do modprobe $module; done
root=$(sed 's/.*root=\([^ ]*\).*/\1/' /proc/cmdline)
for i in $(seq 50); do [ -b $root ] && break; sleep 0.1; done
mount -t ext4 $root /mnt || exec sh
umount /proc /sys
mount --move /dev /mnt/dev
exec switch_root /mnt /sbin/init
"""
        tree = self.busybox_tree("root-initrd", init)
        self.copy_modules(folder, tree, ["ata_piix", "sd_mod", "ext4", "crc32c_generic"])
        return self.make("root-initrd.cpio.gz", lambda out: self.pack_initrd(tree, out))

    def disk_root(self, folder):
        tree = self.busybox_tree("disk-root", "")
        (tree / "init").unlink()
        self.copy_modules(folder, tree, ["ata_piix", "sr_mod", "isofs", "floppy", "vfat",
                                         "button", "evdev", "psmouse", "parport_pc"])
        (tree / "sbin/init").symlink_to("../bin/busybox")
        (tree / "etc/inittab").write_text(
            "::sysinit:/etc/rc\n"
            "ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100\n"
            "tty1::respawn:/bin/getty 38400 tty1 linux\n"
            "::shutdown:/bin/umount -a -r\n")
        (tree / "etc/rc").write_text(
            "#!/bin/sh\n/bin/busybox --install -s /bin\n"
            "mount -t proc proc /proc\nmount -t sysfs sys /sys\n"
            "mount -t tmpfs tmp /tmp\nmount -o remount,rw /\nhostname anachron\n")
        (tree / "etc/rc").chmod(0o755)
        (tree / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
        (tree / "etc/group").write_text("root:x:0:\n")
        (tree / "etc/fstab").write_text("/dev/sda2 / ext4 rw 0 1\n")
        (tree / "etc/issue").write_text("Anachron test disk \\n \\l\n\n")
        return tree

    def make_disk(self, output):
        folder, kernel = self.kernel("linux-6.1")
        initrd = self.disk_initrd(folder)
        root = self.disk_root(folder)
        boot_start, boot_size, root_start, root_size = 1 * MIB, 63 * MIB, 64 * MIB, 192 * MIB
        with open(output, "wb") as image:
            image.truncate(root_start + root_size)
        run("sfdisk", output, input=f"label: dos\nlabel-id: 0x0A1B2C3D\n"
            f"start={boot_start // 512}, size={boot_size // 512}, type=6, bootable\n"
            f"start={root_start // 512}, size={root_size // 512}, type=83\n")
        boot = self.images / "disk-boot.partial"
        with open(boot, "wb") as image:
            image.truncate(boot_size)
        run("mkfs.fat", "-F", "16", "-h", boot_start // 512, "-n", "BOOT", "-i", "A1B2C3D4", boot)
        config = self.cache / "trees/syslinux.cfg"
        config.write_text(
            "SERIAL 0 115200\nDEFAULT linux\nPROMPT 0\nLABEL linux\n  LINUX vmlinuz\n"
            "  INITRD initrd.gz\n  APPEND root=/dev/sda2 console=tty0 console=ttyS0,115200\n")
        for source, name in [(kernel, "vmlinuz"), (initrd, "initrd.gz"), (config, "syslinux.cfg")]:
            run("mcopy", "-i", boot, source, "::" + name)
        with open(output, "r+b") as image:
            image.write(host_file(SYSLINUX / "mbr/mbr.bin").read_bytes()[:440])
            image.seek(boot_start)
            image.write(boot.read_bytes())
        boot.unlink()
        run("syslinux", "--offset", boot_start, "--install", output)
        run("mke2fs", "-q", "-t", "ext4", "-d", root, "-E", f"offset={root_start},root_owner=0:0",
            "-U", "01020304-0506-0708-090a-0b0c0d0e0f10", output, f"{root_size // 1024}k")

    def guest_disk(self):
        host_file("/usr/bin/syslinux")
        return self.make("disk.img", self.make_disk)

    def guest_xorg(self):
        return xorg.make(self, run)

    # --- CD images ---

    def make_isolinux(self, output, name, files, config):
        tree = self.cache / "trees" / name
        if tree.exists():
            shutil.rmtree(tree)
        (tree / "isolinux").mkdir(parents=True)
        modules = SYSLINUX / "modules/bios"
        for source in [host_file(ISOLINUX / "isolinux.bin"), modules / "ldlinux.c32",
                       modules / "libcom32.c32", modules / "libutil.c32", *files]:
            shutil.copy(source, tree / "isolinux")
        (tree / "isolinux/isolinux.cfg").write_text(config)
        run("xorriso", "-as", "mkisofs", "-quiet", "-o", output, "-b", "isolinux/isolinux.bin",
            "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
            "-V", "ANACHRON", tree)

    def guest_netboot_cd(self):
        files = list(self.guest_netboot().values())
        config = ("SERIAL 0 115200\nDEFAULT install\nPROMPT 0\nLABEL install\n  LINUX linux\n"
                  "  INITRD initrd.gz\n  APPEND vga=normal fb=false nomodeset\n")
        return self.make("netboot.iso", lambda out: self.make_isolinux(
            out, "netboot-cd", files, config))

    def guest_hdt_cd(self):
        modules = SYSLINUX / "modules/bios"
        files = [host_file(modules / name) for name in
                 ["hdt.c32", "libgpl.c32", "libmenu.c32"]]
        config = "SERIAL 0 115200\nDEFAULT hdt\nPROMPT 0\nLABEL hdt\n  COM32 hdt.c32\n"
        return self.make("hdt.iso", lambda out: self.make_isolinux(out, "hdt-cd", files, config))

    def guest_grub_tests_cd(self):
        """GRUB with its functional tests, on the serial port; all but the two whose checksums of a
        drawn page hold for upstream's version text only, not for Debian's (they fail on any PC)."""
        modules = [path.stem for path in host_file("/usr/lib/grub/i386-pc").glob("*.mod")
                   if path.stem not in ("cmdline_cat_test", "gfxterm_menu")]
        def maker(output):
            make_grub_cd(output, self.cache / "trees/grub-tests",
                         "serial --unit=0 --speed=115200\nterminal_output serial console\n"
                         "insmod all_functional_test\nall_functional_test\n",
                         options=["--fonts=unicode",
                                  "--install-modules=" + " ".join(sorted(modules))])
        return self.make("grub-tests.iso", maker)

    def guest_grub_theme_cd(self):
        """GRUB with a graphical menu: Debian's starfield theme, in 640 x 480. Entries say on the
        serial port that they were chosen."""
        config = ("serial --unit=0 --speed=115200\nset gfxmode=640x480x32\ninsmod all_video\n"
                  "insmod gfxterm\ninsmod gfxmenu\ninsmod png\nloadfont unicode\n"
                  "for font in /boot/grub/themes/starfield/*.pf2; do loadfont $font; done\n"
                  "terminal_output gfxterm\nset theme=/boot/grub/themes/starfield/theme.txt\n"
                  "set timeout=-1\n")
        for name in ["first", "second", "third"]:
            config += (f"menuentry 'The {name} entry, dolor sit \u00e4met' {{\n"
                       f"terminal_output serial\necho chosen: {name}\nsleep 100\n}}\n")
        def maker(output):
            theme = self.archive.unpack("grub-theme-starfield")
            tree = self.cache / "trees/grub-theme"
            shutil.rmtree(tree, ignore_errors=True)
            (tree / "boot/grub/themes").mkdir(parents=True)
            (tree / "boot/grub/grub.cfg").write_text(config)
            shutil.copytree(next(theme.rglob("starfield/theme.txt")).parent,
                            tree / "boot/grub/themes/starfield")
            run("grub-mkrescue", "-d", host_file("/usr/lib/grub/i386-pc"), "-o", output, tree,
                "--fonts=unicode", "--locales=", "--themes=")
        return self.make("grub-theme.iso", maker)

    def guest_grub_graphical_cd(self):
        """GRUB with its menu in VBE graphics; the entries speak on the serial port."""
        def maker(output):
            tree = self.cache / "trees/grub-graphical"
            (tree / "boot/grub").mkdir(parents=True, exist_ok=True)
            entries = "".join(f'menuentry "{name} entry" {{ echo "chosen: {name}"; sleep 60; }}\n'
                              for name in ["First", "Second", "Third"])
            (tree / "boot/grub/grub.cfg").write_text(
                "serial --unit=0 --speed=115200\nloadfont unicode\nset gfxmode=800x600x32\n"
                "insmod all_video\ninsmod gfxterm\nterminal_output gfxterm serial\n"
                "set timeout=-1\nset menu_color_normal=white/blue\n"
                "set menu_color_highlight=black/light-gray\n" + entries)
            run("grub-mkrescue", "-d", host_file("/usr/lib/grub/i386-pc"), "-o", output, tree,
                "--fonts=unicode", "--locales=", "--themes=")
        return self.make("grub-graphical.iso", maker)

    def guest_grub_rescue_floppy(self):
        return host_file("/usr/lib/grub-rescue/grub-rescue-floppy.img")

    def guest_grub_rescue_cd(self):
        return host_file("/usr/lib/grub-rescue/grub-rescue-cdrom.iso")

    def guest_ipxe_cd(self):
        return host_file("/usr/lib/ipxe/ipxe.iso")

    def guest_ipxe_kernel(self):
        return host_file("/usr/lib/ipxe/ipxe.lkrn")

    def guest_memtest_cd(self):
        return host_file("/usr/lib/memtest86+/memtest86+ia32.iso")

    def guest_memtest_kernel(self):
        return host_file("/boot/memtest86+ia32.bin")

    # --- floppies ---

    def guest_syslinux_floppy(self):
        """A 1.44 MB FAT floppy: SYSLINUX shows a message, and boots iPXE when asked to."""
        def maker(output):
            with open(output, "wb") as image:
                image.truncate(1440 * 1024)
            run("mkfs.fat", "-F", "12", "-n", "SYSLINUX", "-i", "12345678", output)
            config = self.cache / "trees/floppy.cfg"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(
                "SAY floppy: SYSLINUX has read its configuration\nDEFAULT memtest\nPROMPT 1\n"
                "TIMEOUT 0\nLABEL memtest\n  LINUX memtest\n")
            for source, name in [(config, "syslinux.cfg"), (self.guest_memtest_kernel(), "memtest")]:
                run("mcopy", "-i", output, source, "::" + name)
            run("syslinux", "--install", output)
        return self.make("syslinux-floppy.img", maker)

    def format_floppy(self, cylinders, heads, sectors):
        """A FAT floppy of that format, with SYSLINUX at its prompt."""
        def maker(output):
            run("mformat", "-C", "-t", cylinders, "-h", heads, "-s", sectors, "-i", output, "::")
            config = self.cache / "trees/format.cfg"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text("SAY this format boots\nDEFAULT none\nPROMPT 1\nTIMEOUT 0\n")
            run("syslinux", "--install", output)
            run("mcopy", "-i", output, config, "::syslinux.cfg")
        host_file("/usr/bin/syslinux")
        with Lock(self.cache):
            return self.make(f"format-{cylinders}-{heads}-{sectors}.img", maker)

    def chs_disk(self, cylinders, heads, sectors):
        """A hard disk partitioned for that geometry, one FAT partition, SYSLINUX at its prompt."""
        first, end = sectors, cylinders * heads * sectors

        def chs(block):
            cylinder, rest = divmod(block, heads * sectors)
            return bytes([rest // sectors, rest % sectors + 1 | cylinder >> 8 << 6, cylinder & 255])

        def maker(output):
            kind = 6 if end - first > 65535 else 4
            entry = (b"\x80" + chs(first) + bytes([kind]) + chs(end - 1) +
                     struct.pack("<II", first, end - first))
            with open(output, "wb") as image:
                image.write(host_file(SYSLINUX / "mbr/mbr.bin").read_bytes()[:440].ljust(446, b"\0"))
                image.write(entry.ljust(64, b"\0") + b"\x55\xAA")
                image.truncate(end * 512)
            partition = f"{output}@@{first * 512}"
            run("mformat", "-i", partition, "-T", end - first, "-h", heads, "-s", sectors,
                "-H", first, "::")
            config = self.cache / "trees/format.cfg"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text("SAY this format boots\nDEFAULT none\nPROMPT 1\nTIMEOUT 0\n")
            run("mcopy", "-i", partition, config, "::syslinux.cfg")
            run("syslinux", "--offset", first * 512, "--install", output)
        host_file("/usr/bin/syslinux")
        with Lock(self.cache):
            return self.make(f"disk-{cylinders}-{heads}-{sectors}.img", maker)

    # --- multiboot kernels and firmware ---

    def guest_invaders(self):
        folder = self.archive.unpack("grub-invaders")
        return next(file for file in folder.rglob("*invaders*") if file.is_file()
                    and "boot" in file.parts)

    def guest_gnumach(self):
        folder = self.archive.unpack("gnumach-image-1.8-486")
        packed = next((folder / "boot").glob("gnumach-*.gz"))
        def maker(output):
            output.write_bytes(gzip.decompress(packed.read_bytes()))
        return self.make("gnumach", maker)

    def guest_uboot(self):
        return host_file("/usr/lib/u-boot/qemu-x86/u-boot.rom")

    def guest_seabios(self):
        return {"bios": host_file("/usr/share/seabios/bios-256k.bin"),
                "vgabios": host_file("/usr/share/seabios/vgabios-stdvga.bin")}


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    guests = Guests(sys.argv[1])
    status = 0
    for name in sys.argv[2:] or guests.names():
        try:
            print(name, guests.build(name))
        except Unavailable as reason:
            print(name, "SKIPPED:", reason)
            status = 77
    return status


if __name__ == "__main__":
    sys.exit(main())
