/* The table of commands: what scripts, window keys and the control socket can ask for. The man page
 * (SCRIPTS) and docs/control.md describe them for people; `help` prints this table. */
#include "machine/commands.h"
#include "cpu/delivery.h"

enum { STACK_MOST = 4096, RANGES_MOST = 100000, SELECTOR_MOST = 0xFFFF };
enum { MOUSE_MOST = 32767, WHEEL_MOST = 127, POSITION_MOST = 65535, MIPS_MOST = 10000 };

#define ADDRESS_MOST UINT32_MAX
#define SIZE_MOST    (UINT64_C(1) << 32)

static const char *const button_names[] = {"left", "right", "middle", NULL};
static const char *const drive_names[] = {"floppy", "floppy2", "cdrom", NULL};
static const char *const keep_or_drop[] = {"keep", "drop", NULL};
static const char *const memory_flags[] = {"linear", NULL};
static const char *const code_sizes[] = {"16", "32", NULL};

#define OPTIONAL_DURATION                                                                          \
    {                                                                                              \
        "duration", PARAMETER_DURATION, PARAMETER_OPTIONAL, 0, 0, NULL                             \
    }
#define TEXT(name, least)                                                                          \
    {                                                                                              \
        name, PARAMETER_TEXT, 0, least, 0, NULL                                                    \
    }
#define FILE_NAME(flags)                                                                           \
    {                                                                                              \
        "file", PARAMETER_FILE, flags, 1, 0, NULL                                                  \
    }
#define NUMBER(name, flags, least, most)                                                           \
    {                                                                                              \
        name, PARAMETER_NUMBER, flags, least, most, NULL                                           \
    }
#define INTEGER(name, flags, most)                                                                 \
    {                                                                                              \
        name, PARAMETER_INTEGER, flags, 0, most, NULL                                              \
    }
#define CHOICE(name, choices)                                                                      \
    {                                                                                              \
        name, PARAMETER_CHOICE, 0, 0, 0, choices                                                   \
    }
#define FLAGS(name, choices)                                                                       \
    {                                                                                              \
        name, PARAMETER_FLAGS, PARAMETER_OPTIONAL, 0, 0, choices                                   \
    }
#define KEYS(name, kind)                                                                           \
    {                                                                                              \
        name, kind, 0, 0, 0, NULL                                                                  \
    }
#define WHEEL INTEGER("wheel", PARAMETER_OPTIONAL | PARAMETER_KEYWORD, WHEEL_MOST)

static const char *const split_flags[] = {"paused", NULL};
static const char *const twin_flags[] = {"paused", "discard", NULL};

static bool check_range(const struct command_call *call, struct error *err)
{
    uint64_t address = command_argument(call, "address")->number;
    uint64_t size = command_argument(call, "size")->number;
    return address + size <= SIZE_MOST || error_set(err, "addresses end at 0xFFFFFFFF");
}

static bool check_buttons(const struct command_call *call, struct error *err)
{
    return command_argument(call, "buttons")->number || error_set(err, "which button?");
}

/* clang-format off */
static const struct command rows[] = {
    {.name = "status", .help = "what the machine is, and what it is doing",
     .output = OUTPUT_FIELDS, .run = command_status},
    {.name = "stats", .help = "counters of the run",
     .output = OUTPUT_FIELDS, .run = command_stats},
    {.name = "pause", .help = "stop at the next instruction boundary; time stands still",
     .flags = COMMAND_LIVE_ONLY, .output = OUTPUT_LINE, .run = command_pause},
    {.name = "cont", .help = "go on",
     .flags = COMMAND_LIVE_ONLY, .output = OUTPUT_LINE, .run = command_cont},
    {.name = "step", .help = "execute some instructions (1), and pause",
     .flags = COMMAND_LIVE_ONLY | COMMAND_WAITS, .output = OUTPUT_LINE, .run = command_step,
     .parameter = {NUMBER("count", PARAMETER_OPTIONAL, 1, UINT32_MAX)}},
    {.name = "seek",
     .help = "go to a moment of the past: an instruction count, 12.5s, or from here -1s, +1000",
     .output = OUTPUT_LINE, .run = command_seek, .check = command_check_seek,
     .parameter = {TEXT("where", 1)}},
    {.name = "live", .help = "forget what came after this moment of the past, and go on from it",
     .output = OUTPUT_LINE, .run = command_live},
    {.name = "checkpoint", .help = "keep this moment, so that a seek to it is quick",
     .output = OUTPUT_LINE, .run = command_checkpoint},
    {.name = "split",
     .help = "make the machine two: the copy takes commands at SOCKET, running or paused",
     .output = OUTPUT_LINE, .run = command_split,
     .parameter = {{"socket", PARAMETER_FILE, 0, 1, 0, NULL}, FLAGS("how", split_flags)}},
    {.name = "history", .help = "which past is kept, and what it costs",
     .output = OUTPUT_FIELDS, .run = command_history},
    {.name = "wait screen", .help = "wait until the text screen contains TEXT",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_SCREEN,
     .parameter = {TEXT("text", 1), OPTIONAL_DURATION}},
    {.name = "wait serial", .help = "wait until COM1 has sent TEXT since the last match",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_SERIAL,
     .parameter = {TEXT("text", 1), OPTIONAL_DURATION}},
    {.name = "wait serial2", .help = "the same for COM2",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_SERIAL2,
     .parameter = {TEXT("text", 1), OPTIONAL_DURATION}},
    {.name = "wait debugcon", .help = "the same for the debug console",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_DEBUGCON,
     .parameter = {TEXT("text", 1), OPTIONAL_DURATION}},
    {.name = "wait post", .help = "wait until the last POST code (port 80h) is CODE",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_POST,
     .parameter = {NUMBER("code", 0, 0, 255), OPTIONAL_DURATION}},
    {.name = "wait halt", .help = "wait until the processor halts with interrupts off",
     .flags = COMMAND_WAITS, .run = command_wait, .variant = WAIT_HALT,
     .parameter = {OPTIONAL_DURATION}},
    {.name = "sleep", .help = "let virtual time pass",
     .flags = COMMAND_WAITS, .run = command_sleep,
     .parameter = {{"duration", PARAMETER_DURATION, 0, 0, 0, NULL}}},
    {.name = "type", .help = "type on the keyboard; {f1} and {ctrl-alt-del} are keys",
     .flags = COMMAND_CHANGES_GUEST, .run = command_type,
     .parameter = {KEYS("text", PARAMETER_KEYS)}},
    {.name = "key down", .help = "press a key, or several (ctrl-alt)",
     .flags = COMMAND_CHANGES_GUEST, .run = command_key, .variant = KEY_GOES_DOWN,
     .parameter = {KEYS("name", PARAMETER_CHORD)}},
    {.name = "key up", .help = "release it",
     .flags = COMMAND_CHANGES_GUEST, .run = command_key, .variant = KEY_GOES_UP,
     .parameter = {KEYS("name", PARAMETER_CHORD)}},
    {.name = "mouse", .help = "move the mouse right and down; click; turn the wheel towards you",
     .flags = COMMAND_CHANGES_GUEST, .run = command_mouse,
     .parameter = {INTEGER("dx", 0, MOUSE_MOST), INTEGER("dy", 0, MOUSE_MOST),
                   FLAGS("buttons", button_names), WHEEL}},
    {.name = "mouse down", .help = "press mouse buttons",
     .flags = COMMAND_CHANGES_GUEST, .run = command_mouse_button, .variant = KEY_GOES_DOWN,
     .check = check_buttons, .parameter = {FLAGS("buttons", button_names)}},
    {.name = "mouse up", .help = "release them",
     .flags = COMMAND_CHANGES_GUEST, .run = command_mouse_button, .variant = KEY_GOES_UP,
     .check = check_buttons, .parameter = {FLAGS("buttons", button_names)}},
    {.name = "mouse to", .help = "move the pointer to a pixel, if the guest has a driver for that",
     .flags = COMMAND_CHANGES_GUEST, .run = command_pointer,
     .parameter = {NUMBER("x", 0, 0, POSITION_MOST), NUMBER("y", 0, 0, POSITION_MOST),
                   FLAGS("buttons", button_names), WHEEL}},
    {.name = "serial", .help = "send TEXT into COM1",
     .flags = COMMAND_CHANGES_GUEST, .run = command_serial, .variant = 0,
     .parameter = {TEXT("text", 0)}},
    {.name = "serial2", .help = "send TEXT into COM2",
     .flags = COMMAND_CHANGES_GUEST, .run = command_serial, .variant = 1,
     .parameter = {TEXT("text", 0)}},
    {.name = "insert", .help = "put a medium into a drive; FILE may carry ,readonly ,snapshot",
     .flags = COMMAND_CHANGES_GUEST, .run = command_media, .variant = MEDIA_INSERT,
     .parameter = {CHOICE("drive", drive_names), FILE_NAME(0)}},
    {.name = "eject", .help = "take it out",
     .flags = COMMAND_CHANGES_GUEST, .run = command_media, .variant = MEDIA_EJECT,
     .parameter = {CHOICE("drive", drive_names)}},
    {.name = "change", .help = "eject, and a second later insert: some guests must see both",
     .flags = COMMAND_CHANGES_GUEST, .run = command_change,
     .parameter = {CHOICE("drive", drive_names), FILE_NAME(0)}},
    {.name = "power-button", .help = "press the power button (ACPI)",
     .flags = COMMAND_CHANGES_GUEST, .run = command_button, .variant = BUTTON_POWER},
    {.name = "reset", .help = "press the reset button",
     .flags = COMMAND_CHANGES_GUEST, .run = command_button, .variant = BUTTON_RESET},
    {.name = "nmi", .help = "a non-maskable interrupt",
     .flags = COMMAND_CHANGES_GUEST, .run = command_button, .variant = BUTTON_NMI},
    {.name = "rate", .help = "million instructions that make a second of virtual time",
     .flags = COMMAND_CHANGES_GUEST, .run = command_rate,
     .parameter = {NUMBER("mips", 0, 1, MIPS_MOST)}},
    {.name = "screenshot", .help = "write the screen as a PNG picture",
     .output = OUTPUT_LINE, .run = command_screenshot, .parameter = {FILE_NAME(0)}},
    {.name = "frame", .help = "size and hash of the picture on the screen",
     .output = OUTPUT_TEXT, .run = command_frame},
    {.name = "print screen", .help = "the text screen",
     .output = OUTPUT_TEXT, .run = command_print_screen},
    {.name = "print", .help = "TEXT itself", .output = OUTPUT_TEXT, .run = command_print_text,
     .parameter = {{"text", PARAMETER_TEXT, PARAMETER_QUOTED, 0, 0, NULL}}},
    {.name = "regs", .help = "every register of the processor",
     .output = OUTPUT_JSON, .run = command_regs},
    {.name = "memory", .help = "physical (or linear) memory, to a file or as a dump",
     .output = OUTPUT_DUMP, .run = command_memory, .check = check_range,
     .parameter = {NUMBER("address", 0, 0, ADDRESS_MOST), NUMBER("size", 0, 0, SIZE_MOST),
                   FLAGS("space", memory_flags), FILE_NAME(PARAMETER_OPTIONAL)}},
    {.name = "disassemble", .help = "code at a linear address (cs:eip), so many instructions (10)",
     .output = OUTPUT_CODE, .run = command_disassemble,
     .parameter = {NUMBER("address", PARAMETER_OPTIONAL, 0, ADDRESS_MOST),
                   NUMBER("count", PARAMETER_OPTIONAL, 1, 1000),
                   {"bits", PARAMETER_CHOICE, PARAMETER_OPTIONAL | PARAMETER_KEYWORD, 0, 0,
                    code_sizes}}},
    {.name = "registers", .help = "the registers of programs and of the system, decoded",
     .output = OUTPUT_TOLD, .run = command_registers},
    {.name = "stack", .help = "words on the stack (16), from SS:ESP on",
     .output = OUTPUT_TOLD, .run = command_stack,
     .parameter = {NUMBER("count", PARAMETER_OPTIONAL, 1, STACK_MOST)}},
    {.name = "pages", .help = "the page walk of a linear address; without one, what is mapped",
     .output = OUTPUT_TOLD, .run = command_pages,
     .parameter = {NUMBER("address", PARAMETER_OPTIONAL, 0, ADDRESS_MOST),
                   NUMBER("from", PARAMETER_OPTIONAL | PARAMETER_KEYWORD, 0, ADDRESS_MOST),
                   NUMBER("count", PARAMETER_OPTIONAL | PARAMETER_KEYWORD, 1, RANGES_MOST)}},
    {.name = "gdt", .help = "the global descriptor table, or the descriptor of a selector",
     .output = OUTPUT_TOLD, .run = command_table, .variant = TABLE_GDT,
     .parameter = {NUMBER("selector", PARAMETER_OPTIONAL, 0, SELECTOR_MOST)}},
    {.name = "ldt", .help = "the local descriptor table, or the descriptor of a selector",
     .output = OUTPUT_TOLD, .run = command_table, .variant = TABLE_LDT,
     .parameter = {NUMBER("selector", PARAMETER_OPTIONAL, 0, SELECTOR_MOST)}},
    {.name = "idt", .help = "the interrupt descriptor (or vector) table, or one entry",
     .output = OUTPUT_TOLD, .run = command_table, .variant = TABLE_IDT,
     .parameter = {NUMBER("vector", PARAMETER_OPTIONAL, 0, 255)}},
    {.name = "tss", .help = "the task state segment, or that of a selector",
     .output = OUTPUT_TOLD, .run = command_table, .variant = TABLE_TSS,
     .parameter = {NUMBER("selector", PARAMETER_OPTIONAL, 0, SELECTOR_MOST)}},
    {.name = "devices", .help = "what has a state: chips, processor, clock, memory",
     .output = OUTPUT_TOLD, .run = command_devices},
    {.name = "device", .help = "the state of one of them, field by field",
     .output = OUTPUT_TOLD, .run = command_device, .parameter = {TEXT("name", 1)}},
    {.name = "interrupts", .help = "the last interrupts and exceptions (32), at most 256",
     .output = OUTPUT_TOLD, .run = command_interrupts,
     .parameter = {NUMBER("count", PARAMETER_OPTIONAL, 1, DELIVERIES)}},
    {.name = "crash", .help = "why the guest crashed, or how it last reset the machine",
     .output = OUTPUT_TOLD, .run = command_crash},
    {.name = "poke", .help = "set a register; in a script, at the kernel's first instruction or later",
     .flags = COMMAND_CHANGES_GUEST, .run = command_poke,
     .parameter = {TEXT("register", 1), {"value", PARAMETER_WIDE, 0, 0, 0, NULL}}},
    {.name = "state", .help = "instruction count, and a hash of the whole machine",
     .output = OUTPUT_LINE, .run = command_state},
    {.name = "dump", .help = "the whole state as text, a line a field",
     .run = command_dump, .parameter = {FILE_NAME(0)}},
    {.name = "record", .help = "write a log for `anachron replay`, if possible from power-on, to the end of the run",
     .run = command_record, .parameter = {FILE_NAME(0)}},
    {.name = "save", .help = "save the whole machine to a file, for --load",
     .output = OUTPUT_LINE, .run = command_save_state, .parameter = {FILE_NAME(0)}},
    {.name = "keep", .help = "save disk and state of a machine that is kept by name",
     .output = OUTPUT_LINE, .run = command_keep},
    {.name = "fork", .help = "for `anachron fork`: become two, or write to a folder what the second starts from",
     .flags = COMMAND_LIVE_ONLY, .output = OUTPUT_LINE, .run = command_fork,
     .parameter = {FILE_NAME(0), {"name", PARAMETER_TEXT, PARAMETER_OPTIONAL, 1, 0, NULL},
                   FLAGS("how", twin_flags)}},
    {.name = "stop", .help = "end a machine that is kept by name: disk and state are kept, or dropped",
     .output = OUTPUT_LINE, .run = command_stop, .parameter = {CHOICE("state", keep_or_drop)}},
    {.name = "quit", .help = "end the machine, with an exit status (0)",
     .run = command_quit, .parameter = {NUMBER("status", PARAMETER_OPTIONAL, 0, 255)}},
    {.name = "subscribe", .help = "hear of events on this connection",
     .flags = COMMAND_LIVE_ONLY | COMMAND_SESSION, .output = OUTPUT_LINE, .run = command_session,
     .parameter = {FLAGS("events", control_event_names)}},
    {.name = "unsubscribe", .help = "hear no more of them",
     .flags = COMMAND_LIVE_ONLY | COMMAND_SESSION, .output = OUTPUT_LINE, .run = command_session,
     .variant = 1, .parameter = {FLAGS("events", control_event_names)}},
    {.name = "help", .help = "this list, or one command",
     .output = OUTPUT_HELP, .run = command_help,
     .parameter = {{"command", PARAMETER_TEXT, PARAMETER_OPTIONAL, 0, 0, NULL}}},
    {.name = "version", .help = "of the protocol and the program",
     .output = OUTPUT_LINE, .run = command_version},
    {.name = NULL},
};
/* clang-format on */

const struct command_table *machine_commands(void)
{
    static const struct command_table table = {rows};
    return &table;
}
