#include "machine/vectors_run.h"

#include "base/memory.h"
#include "machine/isa.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { GAP_NAMES = 12 };

void vector_report_init(struct vector_report *report)
{
    *report = (struct vector_report){0};
    report->forms = mem_new((insn_row_count() + 1) * sizeof *report->forms);
}

void vector_report_free(struct vector_report *report)
{
    mem_free(report->forms);
    for (unsigned i = 0; i < report->source_count; i++)
        mem_free(report->sources[i].forms);
    mem_free(report->sources);
    *report = (struct vector_report){0};
}

unsigned vector_report_source(struct vector_report *report, const char *name)
{
    for (unsigned i = 0; i < report->source_count; i++)
        if (strcmp(report->sources[i].name, name) == 0)
            return i;
    report->sources =
        mem_resize(report->sources, (report->source_count + 1) * sizeof *report->sources);
    struct vector_source *source = &report->sources[report->source_count];
    *source = (struct vector_source){.forms = mem_new(insn_row_count() + 1)};
    snprintf(source->name, sizeof source->name, "%s", name);
    return report->source_count++;
}

static void count(struct vector_counts *counts, enum vector_verdict verdict)
{
    if (verdict == VECTOR_SKIPPED) {
        counts->skipped++;
        return;
    }
    counts->tested++;
    counts->failed += verdict == VECTOR_FAILED;
    counts->passed += verdict != VECTOR_FAILED;
    counts->masked += verdict == VECTOR_MASKED;
}

void vector_report_form(struct vector_report *report, unsigned source, unsigned row,
                        enum vector_verdict verdict)
{
    unsigned undefined = insn_row_count(), form = row < undefined ? row : undefined;
    count(&report->forms[form], verdict);
    if (verdict != VECTOR_SKIPPED)
        report->sources[source].forms[form] = 1;
}

void vector_report_count(struct vector_report *report, unsigned source, unsigned row,
                         enum vector_verdict verdict)
{
    count(&report->sources[source].counts, verdict);
    vector_report_form(report, source, row, verdict);
}

struct vector_counts vector_report_total(const struct vector_report *report)
{
    struct vector_counts total = {0};
    for (unsigned i = 0; i < report->source_count; i++) {
        const struct vector_counts *counts = &report->sources[i].counts;
        total.tested += counts->tested;
        total.passed += counts->passed;
        total.failed += counts->failed;
        total.masked += counts->masked;
        total.skipped += counts->skipped;
    }
    return total;
}

static bool is_absent(const struct vector_report *report, unsigned row)
{
    return report->model && !model_has(report->model, insn_row(row)->feature);
}

static bool is_gap(const struct vector_report *report, unsigned row)
{
    return report->forms[row].tested == 0 && !is_absent(report, row);
}

unsigned vector_report_gaps(const struct vector_report *report, bool user)
{
    unsigned gaps = 0;
    for (unsigned i = 0; i < insn_row_count(); i++)
        gaps += is_gap(report, i) && isa_is_user(insn_row(i)) == user;
    return gaps;
}

/* --- JSON --- */

static json_t *counts_to_json(const struct vector_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "tested", (json_int_t)counts->tested, "passed",
                     (json_int_t)counts->passed, "failed", (json_int_t)counts->failed, "masked",
                     (json_int_t)counts->masked, "skipped", (json_int_t)counts->skipped);
}

static json_t *form_to_json(const struct vector_report *report, unsigned row)
{
    const struct insn_row *insn = insn_row(row);
    char opcode[ISA_TEXT_SIZE];
    isa_opcode_text(insn, opcode);
    json_t *form = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "opcode", opcode, "mnemonic",
                             insn->mnemonic, "operands", insn->operands, "user", isa_is_user(insn),
                             "gap", is_gap(report, row), "absent", is_absent(report, row));
    json_t *counts = counts_to_json(&report->forms[row]), *suites = json_array();
    json_object_update(form, counts);
    for (unsigned i = 0; i < report->source_count; i++)
        if (report->sources[i].forms[row])
            json_array_append_new(suites, json_string(report->sources[i].name));
    json_object_set_new(form, "suites", suites);
    json_decref(counts);
    return form;
}

static void print_json(const struct vector_report *report, const char *engine, FILE *stream)
{
    json_t *forms = json_array(), *sources = json_array();
    for (unsigned i = 0; i < insn_row_count(); i++)
        json_array_append_new(forms, form_to_json(report, i));
    for (unsigned i = 0; i < report->source_count; i++) {
        json_t *source = counts_to_json(&report->sources[i].counts);
        json_object_set_new(source, "name", json_string(report->sources[i].name));
        json_array_append_new(sources, source);
    }
    struct vector_counts total = vector_report_total(report);
    json_t *root = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:{s:i, s:i}, s:i}", "engine", engine, "forms", forms,
        "undefined_encodings", counts_to_json(&report->forms[insn_row_count()]), "suites", sources,
        "total", counts_to_json(&total), "gaps", "user", (int)vector_report_gaps(report, true),
        "system", (int)vector_report_gaps(report, false), "files_unread",
        (int)report->files_unread);
    json_dumpf(root, stream, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    fputc('\n', stream);
    json_decref(root);
}

/* --- text --- */

static void print_counts(const struct vector_counts *counts, FILE *stream)
{
    fprintf(stream, " %9lu %9lu %8lu %8lu %8lu%s\n", counts->tested, counts->passed, counts->failed,
            counts->masked, counts->skipped, counts->failed ? "  FAILED" : "");
}

static void print_forms(const struct vector_report *report, FILE *stream)
{
    fprintf(stream, "%-14s %-11s %-13s %-6s %9s %9s %8s %8s %8s\n", "opcode", "mnemonic",
            "operands", "mode", "tested", "passed", "failed", "masked", "skipped");
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        char opcode[ISA_TEXT_SIZE];
        isa_opcode_text(row, opcode);
        fprintf(stream, "%-14s %-11s %-13s %-6s", opcode, row->mnemonic, row->operands,
                isa_is_user(row) ? "user" : "system");
        if (is_gap(report, i) || is_absent(report, i))
            fprintf(stream, " %9s\n", is_gap(report, i) ? "GAP" : "absent");
        else
            print_counts(&report->forms[i], stream);
    }
    const struct vector_counts *undefined = &report->forms[insn_row_count()];
    if (undefined->tested) {
        fprintf(stream, "%-47s", "encodings that are no instruction");
        print_counts(undefined, stream);
    }
}

static void print_gaps(const struct vector_report *report, bool user, FILE *stream)
{
    unsigned gaps = vector_report_gaps(report, user), named = 0;
    fprintf(stream, "gaps: %u %s-mode form%s without a test%s", gaps, user ? "user" : "system",
            gaps == 1 ? "" : "s", gaps ? ":" : "");
    for (unsigned i = 0; i < insn_row_count() && named < GAP_NAMES; i++) {
        char opcode[ISA_TEXT_SIZE];
        if (!is_gap(report, i) || isa_is_user(insn_row(i)) != user)
            continue;
        isa_opcode_text(insn_row(i), opcode);
        fprintf(stream, "%s %s (%s)", named++ ? "," : "", insn_row(i)->mnemonic, opcode);
    }
    fprintf(stream, "%s\n", gaps > named ? ", ..." : "");
}

void vector_report_print(const struct vector_report *report, const char *engine, bool json,
                         FILE *stream)
{
    if (json) {
        print_json(report, engine, stream);
        return;
    }
    print_forms(report, stream);
    fprintf(stream, "\n%-47s %9s %9s %8s %8s %8s\n", "suite or file", "tested", "passed", "failed",
            "masked", "skipped");
    for (unsigned i = 0; i < report->source_count; i++) {
        fprintf(stream, "%-47s", report->sources[i].name);
        print_counts(&report->sources[i].counts, stream);
    }
    struct vector_counts total = vector_report_total(report);
    fprintf(stream, "%-47s", "total");
    print_counts(&total, stream);
    print_gaps(report, true, stream);
    print_gaps(report, false, stream);
    fprintf(stream, "engine: %s\n", engine);
    if (report->files_unread)
        fprintf(stream, "%u file%s could not be read\n", report->files_unread,
                report->files_unread == 1 ? "" : "s");
}
