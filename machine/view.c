#include "machine/view.h"

#include "cpu/block_cache.h"
#include "jit/ir.h"
#include "machine/inspect.h"

#include <inttypes.h>

void view_print_head(const struct view_printer *printer, const struct jit_view *view)
{
    static const struct {
        uint32_t mode;
        const char *set, *clear;
    } modes[] = {
        {CODE_32,  "32-bit", "16-bit"},
        {STACK_32, "",       " SS16" },
        {FLAT_CS,  "",       " CS"   },
        {FLAT_SS,  "",       " SS"   },
        {FLAT_DS,  "",       " DS"   },
        {FLAT_ES,  "",       " ES"   },
    };
    fprintf(printer->stream, "%s %08x, physical %08x: %u instructions, %u bytes to %zu, ",
            view->is_variant ? "variant" : "block", view->linear, block_physical(view->block),
            view->block->count, view->block->bytes, view->hot.size + view->cold.size);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (i == 2 && (view->mode & (FLAT_CS | FLAT_SS | FLAT_DS | FLAT_ES)) !=
                          (FLAT_CS | FLAT_SS | FLAT_DS | FLAT_ES))
            fputs(", not flat:", printer->stream);
        fputs(view->mode & modes[i].mode ? modes[i].set : modes[i].clear, printer->stream);
    }
    fputc('\n', printer->stream);
}

static void print_insn(const struct view_printer *printer, const struct jit_view *view, unsigned i)
{
    const struct insn *insn = &view->block->insns[i];
    uint8_t bytes[15];
    char text[DISASSEMBLY_SIZE], hex[2 * sizeof bytes + 1] = "";
    inspect_physical(printer->machine, block_physical(view->block) + insn->offset, bytes,
                     insn->length);
    disassemble(printer->disassembler, bytes, insn->length, view->linear + insn->offset,
                view->mode & CODE_32, text);
    for (unsigned byte = 0; byte < insn->length; byte++)
        snprintf(hex + 2 * byte, 3, "%02x", bytes[byte]);
    fprintf(printer->stream, "%2u  %08x  %-16s  %s\n", i, view->linear + insn->offset, hex, text);
}

void view_print_guest(const struct view_printer *printer, const struct jit_view *view,
                      unsigned marked)
{
    for (unsigned i = 0; i < view->block->count; i++) {
        fputs(i == marked ? "->" : "  ", printer->stream);
        print_insn(printer, view, i);
    }
}

void view_print_ir(const struct view_printer *printer, const struct jit_view *view)
{
    ir_print(view->ir, printer->stream);
}

static const uint8_t *print_host_insn(const struct view_printer *printer,
                                      const struct jit_code *code, const uint8_t *at)
{
    char text[DISASSEMBLY_SIZE];
    uint64_t address = (uint64_t)(uintptr_t)(code->run + (at - code->host));
    size_t left = (size_t)(code->host + code->size - at);
    unsigned length = disassemble_host(printer->disassembler, at, left, address, text);
    fprintf(printer->stream, "      %012" PRIx64 "  %s\n", address, text);
    return at + length;
}

void view_print_host(const struct view_printer *printer, const struct jit_view *view)
{
    const struct jit_code *hot = &view->hot, *cold = &view->cold;
    unsigned next = 0;
    for (const uint8_t *at = hot->host; at < hot->host + hot->size;) {
        for (; view->begin && next <= view->block->count && view->begin[next] <= at; next++) {
            if (view->begin[next] < at)
                continue;
            fputs("  ", printer->stream);
            if (next < view->block->count)
                print_insn(printer, view, next);
            else
                fputs("    edges\n", printer->stream);
        }
        at = print_host_insn(printer, hot, at);
    }
    if (cold->size)
        fputs("      cold part\n", printer->stream);
    for (const uint8_t *at = cold->host; at < cold->host + cold->size;)
        at = print_host_insn(printer, cold, at);
}
