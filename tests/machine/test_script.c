/* The script language's parser. Run alone: build/tests/machine/test_script */
#include "tests/harness/unit.h"

#include "bus/keys.h"
#include "machine/script_private.h"

#include <string.h>

static void parse(const char *text, struct script_program *program)
{
    struct error err = {""};
    if (!script_parse_program(text, strlen(text), "s", program, &err))
        fail_msg("%s", err.text);
}

static const struct command_value *value(const struct script_program *program, unsigned line,
                                         const char *name)
{
    return command_argument(&program->lines[line].call, name);
}

static void refuse(const char *text, const char *expected)
{
    struct script_program program;
    struct error err = {""};
    assert_false(script_parse_program(text, strlen(text), "s", &program, &err));
    if (!strstr(err.text, expected))
        fail_msg("expected \"%s\" in \"%s\"", expected, err.text);
}

static void the_commands_of_the_design(void **state)
{
    struct script_program program;
    parse(
        "wait screen \"A:\\>\" 30s      # text\n"
        "wait serial \"login: \" 120s\n"
        "type \"dir\\n\"\n"
        "serial \"ls\\n\"\n"
        "mouse 10 -4 left\n"
        "sleep 2s\n"
        "screenshot out.png\n"
        "print screen\n"
        "state\n"
        "regs\n"
        "memory 0x100000 0x2000 f.bin\n"
        "poke cr4 0x600\n"
        "quit 0\n",
        &program);
    assert_int_equal(program.count, 13);
    assert_string_equal(program.lines[0].call.command->name, "wait screen");
    assert_string_equal(value(&program, 0, "text")->text, "A:\\>");
    assert_int_equal(value(&program, 0, "duration")->number, 30000000000);
    assert_int_equal(value(&program, 2, "text")->key_count, 8);
    assert_int_equal(value(&program, 2, "text")->keys[0].code, 0x20);
    assert_true(value(&program, 2, "text")->keys[0].down);
    assert_int_equal(value(&program, 2, "text")->keys[7].code, KEY_ENTER);
    assert_false(value(&program, 2, "text")->keys[7].down);
    assert_string_equal(value(&program, 3, "text")->text, "ls\n");
    assert_int_equal(value(&program, 4, "dy")->integer, -4);
    assert_int_equal(value(&program, 4, "buttons")->number, 1);
    assert_false(value(&program, 4, "wheel")->given);
    assert_int_equal(value(&program, 10, "address")->number, 0x100000);
    assert_int_equal(value(&program, 10, "size")->number, 0x2000);
    assert_string_equal(value(&program, 10, "file")->text, "f.bin");
    assert_string_equal(value(&program, 11, "register")->text, "cr4");
    assert_int_equal(value(&program, 11, "value")->number, 0x600);
    assert_int_equal(program.lines[12].number, 13);
    assert_true(program.passes_time);
    script_free_program(&program);
}

static void durations(void **state)
{
    static const uint64_t expected[] = {1500000000, 20000000, 7000, 3, 120000000000, 3600000000000};
    struct script_program program;
    parse("sleep 1.5s\nsleep 20ms\nsleep 7us\nsleep 3ns\nsleep 2m\nsleep 1h\n", &program);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(value(&program, i, "duration")->number, expected[i]);
    script_free_program(&program);
    refuse("sleep 5\n", "duration");
    refuse("sleep s\n", "duration");
    refuse("sleep -1s\n", "duration");
}

static void chords_are_pressed_in_order_and_released_in_reverse(void **state)
{
    static const struct key_stroke expected[] = {
        {KEY_LEFT_CTRL,  true },
        {KEY_LEFT_ALT,   true },
        {KEY_DELETE,     true },
        {KEY_DELETE,     false},
        {KEY_LEFT_ALT,   false},
        {KEY_LEFT_CTRL,  false},
        {KEY_F12,        true },
        {KEY_F12,        false},
        {KEY_LEFT_SHIFT, true },
        {0x1E,           true },
        {0x1E,           false},
        {KEY_LEFT_SHIFT, false},
        {KEY_LEFT_SHIFT, true },
        {0x1A,           true },
        {0x1A,           false},
        {KEY_LEFT_SHIFT, false}
    };
    struct script_program program;
    parse("type \"{ctrl-alt-del}{f12}A{{\"\n", &program);
    assert_int_equal(value(&program, 0, "text")->key_count, 16);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(value(&program, 0, "text")->keys[i].code, expected[i].code);
        assert_int_equal(value(&program, 0, "text")->keys[i].down, expected[i].down);
    }
    script_free_program(&program);
}

static void strings_hold_any_byte(void **state)
{
    struct script_program program;
    parse("serial \"a\\x00\\xfF\\e#\"  # not \"this\"", &program);
    assert_int_equal(program.count, 1);
    assert_int_equal(value(&program, 0, "text")->size, 5);
    assert_memory_equal(value(&program, 0, "text")->text, "a\0\xff\033#", 5);
    assert_false(program.passes_time);
    script_free_program(&program);
}

static void errors_name_the_line(void **state)
{
    refuse("state\nfly away\n", "s:2: unknown command \"fly\"");
    refuse("type \"abc\n", "s:1: a string has no closing quote");
    refuse("\n\ntype \"\\x\"\n", "s:3: \\x wants");
    refuse("type \"\\xg0\"\n", "hexadecimal");
    refuse("type \"{nokey}\"\n", "{nokey}");
    refuse("type \"\xC3\xA9\"\n", "C3h");
    refuse("memory 1\n", "usage: memory ADDRESS SIZE [linear]... [FILE]");
    refuse("memory 0xffffffff 2 f\n", "addresses end");
    refuse("poke eax lots\n", "not a number");
    refuse("mouse 1 x\n", "not a number");
    refuse("mouse 1 1 thumb\n", "usage: mouse DX DY [left|right|middle]... [wheel WHEEL]");
    refuse("mouse 1 1 wheel 1 wheel 2\n", "usage: mouse");
    refuse("mouse 1 1 wheel 128\n", "127");
    refuse("insert tape x\n", "no drive");
    refuse("quit 256\n", "0 to 255");
    refuse("pause\n", "not for scripts");
    refuse("mouse down\n", "which button");
    refuse("wait moon \"x\"\n", "usage: wait");
    refuse("wait screen\n", "usage: wait");
    refuse("wait screen \"\"\n", "text is empty");
    refuse("print paper\n", "quotes");
    refuse("save\n", "usage: save FILE");
    refuse("a b c d e f g h i j k l m n o p q\n", "too many words");
}

static void an_empty_script_is_one(void **state)
{
    struct script_program program;
    parse("", &program);
    assert_int_equal(program.count, 0);
    script_free_program(&program);
    parse("\n  # nothing\n\t\n", &program);
    assert_int_equal(program.count, 0);
    script_free_program(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commands_of_the_design),
        cmocka_unit_test(durations),
        cmocka_unit_test(chords_are_pressed_in_order_and_released_in_reverse),
        cmocka_unit_test(strings_hold_any_byte),
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(an_empty_script_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
