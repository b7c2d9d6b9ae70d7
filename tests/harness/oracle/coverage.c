#include "tests/harness/oracle/coverage.h"

#include "base/memory.h"
#include "machine/isa.h"
#include "tests/harness/oracle/guest.h"
#include "tests/harness/oracle/host.h"

#include <jansson.h>

void coverage_init(struct coverage *coverage)
{
    *coverage = (struct coverage){.rows = mem_new(insn_row_count() * sizeof *coverage->rows)};
}

void coverage_free(struct coverage *coverage)
{
    mem_free(coverage->rows);
}

static json_t *form_to_json(unsigned index, const struct coverage_row *row)
{
    const struct insn_row *form = insn_row(index);
    const char *excluded = differences_not_run(form);
    char opcode[ISA_TEXT_SIZE];
    isa_opcode_text(form, opcode);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "opcode", opcode, "mnemonic",
                  form->mnemonic, "operands", form->operands, "tested", (json_int_t)row->tested,
                  "passed", (json_int_t)(row->tested - row->failed), "failed",
                  (json_int_t)row->failed, "masked", (json_int_t)row->masked);
    if (excluded)
        json_object_set_new(object, "excluded", json_string(excluded));
    return object;
}

bool coverage_write(const struct coverage *coverage, const char *engine, const char *path,
                    struct error *err)
{
    json_t *forms = json_array();
    for (unsigned i = 0; i < insn_row_count(); i++)
        json_array_append_new(forms, form_to_json(i, &coverage->rows[i]));
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "program", "oracle",
                             "engine", engine, "model", guest_model(), "host", host_name(), "seed",
                             (json_int_t)coverage->seed, "cases", (json_int_t)coverage->cases,
                             "instances", (json_int_t)coverage->instances, "failures",
                             (json_int_t)coverage->failures, "forms", forms);
    bool written = json_dump_file(root, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER) == 0;
    json_decref(root);
    return written || error_set_errno(err, "%s: cannot be written", path);
}
