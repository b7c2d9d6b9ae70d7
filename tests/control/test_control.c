/* The queue of requests: order, answers, the end, threads. Run alone:
 * build/tests/control/test_control */
#include "tests/harness/unit.h"

#include "control/control.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static enum command_outcome nothing(struct machine *machine, struct job *job)
{
    return COMMAND_DONE;
}

static const struct command rows[] = {
    {.name = "look",  .help = "", .run = nothing},
    {.name = "say",
     .help = "",
     .run = nothing,
     .output = OUTPUT_LINE,
     .parameter = {{"text", PARAMETER_TEXT, 0, 1, 0, NULL}}},
    {.name = NULL  },
};
static const struct command_table table = {rows};

struct heard {
    unsigned answers, failures;
    char text[512];
};

static void on_answer(void *opaque, const struct control_outcome *outcome)
{
    struct heard *heard = opaque;
    heard->answers++;
    heard->failures += outcome->result == NULL;
    snprintf(heard->text, sizeof heard->text, "%s",
             outcome->result ? json_string_value(json_object_get(outcome->result, "said"))
                             : outcome->err->text);
}

/* The machine's part: says what it was told to. False: there is no request. */
static bool carry_out(struct control *control)
{
    struct control_request request;
    if (!control_take(control, &request))
        return false;
    json_t *result = json_pack("{s:s}", "said", command_argument(&request.call, "text")->text);
    control_finish(&request, result, NULL, 0);
    json_decref(result);
    return true;
}

static void requests_are_answered_in_order(void **state)
{
    struct gate *gate = gate_new();
    struct control *control = control_new(&table, gate);
    struct heard heard = {0};
    struct error err;
    assert_false(control_pending(control));
    assert_true(control_post_line(control, "say one", on_answer, &heard, &err));
    assert_true(control_post_line(control, "say \"two words\"", on_answer, &heard, &err));
    assert_true(control_pending(control));
    assert_int_equal(heard.answers, 0);
    assert_true(carry_out(control));
    assert_string_equal(heard.text, "one");
    assert_true(control_pending(control));
    assert_true(carry_out(control));
    assert_string_equal(heard.text, "two words");
    assert_false(control_pending(control));
    assert_false(carry_out(control));
    assert_false(control_post_line(control, "sing", on_answer, &heard, &err));
    assert_false(control_post_line(control, "say", on_answer, &heard, &err));
    assert_false(control_post_line(control, "# nothing", on_answer, &heard, &err));
    assert_int_equal(heard.answers, 2);
    control_free(control);
    gate_free(gate);
}

static void the_end_answers_everybody(void **state)
{
    struct gate *gate = gate_new();
    struct control *control = control_new(&table, gate);
    struct heard before = {0}, after = {0};
    struct error err;
    control_post_line(control, "say one", on_answer, &before, &err);
    control_post_line(control, "say two", on_answer, &before, &err);
    control_close(control, "over");
    assert_int_equal(before.failures, 2);
    assert_string_equal(before.text, "over");
    assert_true(control_post_line(control, "say three", on_answer, &after, &err));
    assert_int_equal(after.failures, 1);
    control_free(control);
    gate_free(gate);
}

static void on_event(void *opaque, const char *name, json_t *details)
{
    struct heard *heard = opaque;
    heard->answers++;
    snprintf(heard->text, sizeof heard->text, "%s", name);
}

static void listeners_come_and_go(void **state)
{
    struct gate *gate = gate_new();
    struct control *control = control_new(&table, gate);
    struct heard one = {0}, other = {0};
    control_listen(control, on_event, &one);
    control_listen(control, on_event, &other);
    control_announce(control, "paused", NULL);
    control_unlisten(control, on_event, &one);
    control_announce(control, "reset", NULL);
    assert_int_equal(one.answers, 1);
    assert_int_equal(other.answers, 2);
    assert_string_equal(one.text, "paused");
    assert_string_equal(other.text, "reset");
    control_free(control);
    gate_free(gate);
}

static void count(void *opaque, const struct control_outcome *outcome)
{
    atomic_fetch_add((atomic_uint *)opaque, 1);
}

struct poster {
    struct control *control;
    atomic_uint *answers;
};

enum { POSTERS = 4, POSTS = 2000 };

static void *post(void *argument)
{
    struct poster *poster = argument;
    struct error err;
    for (unsigned i = 0; i < POSTS; i++)
        control_post_line(poster->control, "say x", count, poster->answers, &err);
    return NULL;
}

/* Every request is answered once, whether it came before the end or after. */
static void from_any_thread(void **state)
{
    struct gate *gate = gate_new();
    struct control *control = control_new(&table, gate);
    atomic_uint answers = 0;
    struct poster poster = {control, &answers};
    pthread_t thread[POSTERS];
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, post, &poster), 0);
    while (atomic_load(&answers) < POSTERS * POSTS / 2) {
        if (!carry_out(control))
            gate_wait(gate, 1000000);
    }
    control_close(control, "over");
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(answers, POSTERS * POSTS);
    control_free(control);
    gate_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_in_order),
        cmocka_unit_test(the_end_answers_everybody),
        cmocka_unit_test(listeners_come_and_go),
        cmocka_unit_test(from_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
