/* The translator: the engine that rewrites the guest's blocks into code of the host.
 *
 * It stands on the interpreter: blocks come from cpu/code.h, decoded; one that has been run often
 * enough is lifted to micro-operations, and these become host code, which is then entered instead.
 * Whatever the translator has no code for is executed by the row's exec function, from inside the
 * block.
 *
 * Both engines give the same state at every instruction boundary. */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include "base/error.h"
#include "cpu/cpu.h"

#include <stdio.h>

struct jit;
struct block;
struct ir;

struct jit_options {
    unsigned warm;     /* a block is translated when it is entered for the warm-th time; 0: 16 */
    size_t cache_size; /* bytes; 0: 44 MiB */
    bool plain;        /* no superblocks */
    bool unlinked;     /* blocks are always looked up */
    bool flush;        /* the TLB is emptied whenever translated code is entered from outside */
    const char *spoil; /* instructions of this mnemonic are translated wrongly; NULL: none */
    /* Host time in nanoseconds, for statistics only; NULL: no times. */
    uint64_t (*host_time)(void);
};

/* Host code: where it can be read, and where it runs. */
struct jit_code {
    const uint8_t *host, *run;
    size_t size; /* bytes */
};

/* A translated block, for looking at. */
struct jit_view {
    const struct block *block;
    const struct ir *ir;
    uint32_t mode;   /* enum code_mode */
    uint32_t linear; /* of the block, now */
    bool is_variant;
    struct jit_code hot, cold; /* what it nearly always does, and the rest */
    /* In hot.host: where each guest instruction begins, and behind them the edges. NULL: not known
     * any more. */
    uint8_t *const *begin;
};
enum { JIT_LISTENERS = 2 };
typedef void jit_visitor(void *opaque, const struct jit_view *view);

/* Makes the translator cpu's engine. NULL: err says why it cannot be (another host). The caller
 * owns it, and frees it before cpu. */
struct jit *jit_new(struct cpu *cpu, const struct jit_options *options, struct error *err);
void jit_free(struct jit *jit);

/* visit sees every block that is translated from now on. False: there are JIT_LISTENERS already. */
bool jit_add_listener(struct jit *jit, jit_visitor *visit, void *opaque);
/* The translation of the block that begins at CS:EIP, and of its variants. False: there is none. */
bool jit_visit_next(struct jit *jit, jit_visitor *visit, void *opaque);
/* Forgets all translations; from now on every block is translated at once. */
void jit_start_anew(struct jit *jit);
/* After fork: the code of this process no longer is that of the other one. False: err says why. */
bool jit_unshare(struct jit *jit, struct error *err);

/* --stats */
void jit_print_stats(const struct jit *jit, FILE *stream);

#endif
