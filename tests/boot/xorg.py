"""The X.Org guest: Debian's X server with a window manager and a terminal on a small root file
system, started without a login. What a person would see on the screen is also told on the serial
port, so that a script can wait for it."""

import pathlib
import shutil

PACKAGES = ["xserver-xorg-core", "xserver-xorg-video-vesa", "xserver-xorg-video-fbdev",
            "xserver-xorg-input-evdev", "twm", "xterm", "x11-xserver-utils"]

# What these depend on only for three-dimensional drawing, or to be installed and configured.
WITHOUT = (r"libgl1.*|libglx.*|libegl.*|libgbm.*|libllvm.*|libicu.*|libz3.*|mesa.*|libdrm-.*|"
           r"libxml2|libwayland.*|libsensors.*|libelf1|libepoxy.*|libxcb-.*|libdb5.*|"
           r"adduser|debconf|dpkg|keyboard-configuration|perl.*|liblocale.*|passwd|menu|tar|udev|"
           r"lsb-base|sysvinit-utils|libpam.*|libsemanage.*|libsepol.*|xfonts-.*|gcc-.*")

MODULES = ["evdev", "psmouse"]


# Started by the kernel. "xdriver=" and "xdepth=" of the command line choose the driver and its colours. Input devices get their
# sections by hand: there is no udev.
INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
for module in evdev psmouse; do modprobe $module; done
for i in $(seq 100); do grep -q mouse /proc/bus/input/devices && break; sleep 0.1; done
sleep 1
driver=$(sed 's/.*xdriver=\([^ ]*\).*/\1/' /proc/cmdline)
depth=$(sed 's/.*xdepth=\([^ ]*\).*/\1/' /proc/cmdline)
layout='  Screen "screen"'
sections=
for event in $(sed -n 's/^H: Handlers=.*\(kbd\|mouse\).*\(event[0-9]*\).*/\1:\2/p' /proc/bus/input/devices); do
  name=${event#*:}
  case $event in kbd:*) core=CoreKeyboard;; *) core=SendCoreEvents;; esac
  [ $core = SendCoreEvents ] && [ -z "$pointer" ] && core=CorePointer && pointer=$name
  layout="$layout
  InputDevice \"$name\" \"$core\""
  sections="$sections
Section \"InputDevice\"
  Identifier \"$name\"
  Driver \"evdev\"
  Option \"Device\" \"/dev/input/$name\"
EndSection"
done
cat > /tmp/xorg.conf <<END
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoEnableDevices" "true"
  Option "AutoAddGPU" "false"
  Option "DontVTSwitch" "true"
  Option "BlankTime" "0"
EndSection
Section "Module"
  Disable "glx"
  Disable "dri"
  Disable "dri2"
  Disable "dri3"
  Disable "glamoregl"
EndSection
Section "Device"
  Identifier "card"
  Driver "$driver"
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  DefaultDepth $depth
  SubSection "Display"
    Depth 24
    Modes "1024x768"
  EndSubSection
  SubSection "Display"
    Depth 16
    Modes "1024x768"
  EndSubSection
EndSection
Section "ServerLayout"
  Identifier "layout"
$layout
EndSection
$sections
END
cat /proc/bus/input/devices > /dev/ttyS0
Xorg :0 -noreset -config /tmp/xorg.conf -logfile /tmp/Xorg.log -nolisten tcp vt2 > /tmp/Xorg.out 2>&1 &
export DISPLAY=:0 HOME=/root
for i in $(seq 600); do [ -S /tmp/.X11-unix/X0 ] && break; sleep 0.1; done
grep -E '\(EE\)|Driver|Virtual size|VESA VBE' /tmp/Xorg.log > /dev/ttyS0
xsetroot -solid "#305070" -cursor_name left_ptr
twm -f /etc/twmrc > /dev/ttyS0 2>&1 &
xterm -fn fixed -geometry 80x24+60+90 -title terminal -e /bin/sh -c 'echo "guest: the terminal runs" > /dev/ttyS0; PS1="xterm# " exec /bin/sh' > /dev/ttyS0 2>&1 &
wait
echo "guest: X ended" > /dev/ttyS0
cat /tmp/Xorg.log > /dev/ttyS0
sleep 1000
"""

# Menu, buttons and wheel are answered on the serial port.
TWMRC = """NoGrabServer
RandomPlacement
TitleFont "fixed"
MenuFont "fixed"
IconFont "fixed"
Color { DefaultBackground "gray85" TitleBackground "steelblue" TitleForeground "white"
        MenuBackground "gray90" BorderColor "steelblue" }
Button1 = : root : f.menu "main"
Button3 = : root : f.exec "echo guest: button 3 > /dev/ttyS0 &"
Button4 = : root : f.exec "echo guest: wheel up > /dev/ttyS0 &"
Button5 = : root : f.exec "echo guest: wheel down > /dev/ttyS0 &"
Button1 = : title : f.move
menu "main" {
"Anachron" f.title
"first entry" f.exec "echo guest: first entry > /dev/ttyS0 &"
"second entry" f.exec "echo guest: second entry > /dev/ttyS0 &"
"third entry" f.exec "echo guest: third entry > /dev/ttyS0 &"
}
"""


def merge(source, tree):
    """Copies a package's files; what is there already stays."""
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if relative.parts[:3] in (("usr", "share", "doc"), ("usr", "share", "man"),
                                  ("usr", "share", "locale")):
            continue
        target = tree / relative
        if path.is_dir() and not path.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
        elif not target.exists() and not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)


def root_tree(guests, kernel_folder):
    tree = guests.busybox_tree("xorg-root", "")
    (tree / "init").unlink()
    for package in guests.archive.closure(PACKAGES, WITHOUT):
        merge(guests.archive.unpack(package), tree)
    guests.copy_modules(kernel_folder, tree, MODULES)
    for folder in ["run", "var/log", "var/lib/xkb"]:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "sbin/init").unlink(missing_ok=True)
    (tree / "sbin/init").write_text(INIT)
    (tree / "sbin/init").chmod(0o755)
    (tree / "etc/twmrc").write_text(TWMRC)
    (tree / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\ntty:x:5:\n")
    return tree


def make(guests, run):
    """Kernel, initrd and disk image of the guest; run(command...) runs a tool."""
    kernel_folder, kernel = guests.kernel("linux-6.1")
    size = 192 << 20

    def maker(output):
        tree = root_tree(guests, kernel_folder)
        with open(output, "wb") as image:
            image.truncate(size)
        run("mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", "root_owner=0:0", "-U",
            "01020304-0506-0708-090a-0b0c0d0e0f11", output, f"{size // 1024}k")

    return {"kernel": kernel, "initrd": guests.disk_initrd(kernel_folder),
            "disk": guests.make("xorg.img", maker)}
