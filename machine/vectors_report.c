#include "machine/vectors_run.h"

#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct vector_row *vector_report_row(struct vector_report *report, const char *name,
                                     const char *mnemonic)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->rows[i].name, name) == 0)
            return &report->rows[i];
    report->rows = mem_resize(report->rows, (report->count + 1) * sizeof *report->rows);
    struct vector_row *row = &report->rows[report->count++];
    *row = (struct vector_row){0};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->mnemonic, sizeof row->mnemonic, "%s", mnemonic);
    return row;
}

static struct vector_row report_total(const struct vector_report *report)
{
    struct vector_row total = {.name = "total"};
    for (size_t i = 0; i < report->count; i++) {
        total.tested += report->rows[i].tested;
        total.passed += report->rows[i].passed;
        total.failed += report->rows[i].failed;
        total.masked += report->rows[i].masked;
        total.skipped += report->rows[i].skipped;
    }
    return total;
}

static json_t *row_to_json(const struct vector_row *row)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "form", row->name, "mnemonic",
                     row->mnemonic, "tested", (json_int_t)row->tested, "passed",
                     (json_int_t)row->passed, "failed", (json_int_t)row->failed, "masked",
                     (json_int_t)row->masked, "skipped", (json_int_t)row->skipped);
}

static void print_json(const struct vector_report *report, const char *title)
{
    struct vector_row total = report_total(report);
    json_t *rows = json_array();
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(rows, row_to_json(&report->rows[i]));
    json_t *root = json_pack("{s:s, s:o, s:o, s:i}", "engine", title, "forms", rows, "total",
                             row_to_json(&total), "files_unread", (int)report->files_unread);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(root);
}

static void print_row(const struct vector_row *row)
{
    printf("%-34s %-10s %9lu %9lu %8lu %8lu %8lu%s\n", row->name, row->mnemonic, row->tested,
           row->passed, row->failed, row->masked, row->skipped, row->failed ? "  FAILED" : "");
}

void vector_report_print(const struct vector_report *report, const char *title, bool json)
{
    if (json) {
        print_json(report, title);
        return;
    }
    printf("%-34s %-10s %9s %9s %8s %8s %8s\n", "form", "mnemonic", "tested", "passed", "failed",
           "masked", "skipped");
    for (size_t i = 0; i < report->count; i++)
        print_row(&report->rows[i]);
    struct vector_row total = report_total(report);
    print_row(&total);
    if (report->files_unread)
        printf("%u file(s) could not be read\n", report->files_unread);
}

void vector_report_free(struct vector_report *report)
{
    mem_free(report->rows);
    *report = (struct vector_report){0};
}
