/* See jit/translation.h. */
#include "jit/translation.h"

#include "cpu/block_cache.h"
#include "jit/thunks.h"
#include "jit/x64.h"

#include <string.h>

enum { EXIT_SIZE = 10 };

static void set_count(struct edge *edge, unsigned count)
{
    *edge->count = (uint8_t)(count - edge->left);
}

static void set_guard(struct edge *edge, uint32_t physical)
{
    uint32_t guard = (physical & ~(uint32_t)PAGE_MASK) | TLB_CODE;
    memcpy(edge->guard, &guard, sizeof guard);
}

void edge_emit_exit(struct x64 *as, const struct edge *edge)
{
    const struct translation *from = edge->from;
    x64_byte(as, 0x68); /* push */
    x64_dword(as, translation_edge_id(from, (unsigned)(edge - from->edges)));
    x64_jmp_to(as, from->thunks->stub_exit_edge[edge->place]);
}

static void set_exit(struct edge *edge)
{
    struct x64 as = {.at = edge->exit, .end = edge->exit + EXIT_SIZE};
    edge_emit_exit(&as, edge);
}

/* In the same room. */
static void set_exit_jump(struct edge *edge, const uint8_t *target)
{
    struct x64 as = {.at = edge->exit, .end = edge->exit + EXIT_SIZE};
    if (edge->place != FLAGS_HOME)
        x64_call_to(&as, edge->from->thunks->save_flags[edge->place]);
    x64_jmp_to(&as, target);
}

void edge_link(struct edge *edge, struct translation *target)
{
    if (edge->guard) {
        set_guard(edge, block_physical(target->block));
        x64_patch(edge->miss, edge->count ? edge->missed : edge->from->thunks->jump);
    }
    edge->to = target;
    edge->next_incoming = target->incoming;
    target->incoming = edge;
    if (!edge->count) {
        x64_patch(edge->jump, target->entry);
    } else if (target->kills_flags || target->is_variant) {
        set_count(edge, target->count);
        x64_patch(edge->jump, target->body);
    } else {
        set_exit_jump(edge, target->entry);
    }
}

void edge_lead_out(struct edge *edge)
{
    const uint8_t *way_out = edge->count ? edge->cold : edge->exit;
    if (edge->guard)
        x64_patch(edge->miss, way_out);
    x64_patch(edge->jump, way_out);
    if (edge->count) {
        set_count(edge, 0);
        set_exit(edge);
    }
}

void edge_unlink(struct edge *edge)
{
    struct edge **link = &edge->to->incoming;
    while (*link != edge)
        link = &(*link)->next_incoming;
    *link = edge->next_incoming;
    edge->to = NULL;
    edge_lead_out(edge);
}

bool edge_can_carry(const struct edge *edge, const struct translation *target)
{
    const struct flag_recipe *recipe = &edge->flags.recipe;
    bool is_loop = (int32_t)edge->distance <= 0;
    return is_loop && edge->count && !target->kills_flags && !block_crosses_page(target->block) &&
           edge->flags.has_recipe && recipe->dst != IR_T0 && recipe->src != IR_T0;
}

static void isolate(struct translation *translation)
{
    for (unsigned i = 0; i < translation->edge_count; i++)
        if (translation->edges[i].to)
            edge_unlink(&translation->edges[i]);
    while (translation->incoming)
        edge_unlink(translation->incoming);
}

void translation_isolate(struct translation *translation)
{
    isolate(translation);
    for (struct translation *v = translation->variants; v; v = v->next_variant)
        isolate(v);
}

static void redirect(struct translation *translation, const uint8_t *target)
{
    struct x64 as = {.at = translation->entry, .end = translation->entry + TRANSLATION_REDIRECT};
    memcpy(translation->first_bytes, translation->entry, TRANSLATION_REDIRECT);
    x64_jmp_to(&as, target);
}

void translation_redirect(struct translation *translation, const uint8_t *look_up,
                          const uint8_t *leave)
{
    redirect(translation, translation->probes_alone ? leave : look_up);
    for (struct translation *v = translation->variants; v; v = v->next_variant)
        if (v->probes_alone)
            redirect(v, leave);
}

static void restore(const struct translation *translation)
{
    memcpy(translation->entry, translation->first_bytes, TRANSLATION_REDIRECT);
}

void translation_restore(struct translation *translation)
{
    restore(translation);
    for (struct translation *v = translation->variants; v; v = v->next_variant)
        if (v->probes_alone)
            restore(v);
}
