/* dump_ctx — life of one dump within an `add`: begun, opened by its first line, finished, judged.
 * Threads: the core's own. */
#ifndef INDEXER_DUMP_CTX_H
#define INDEXER_DUMP_CTX_H

#include "indexer/run.h"

MUST_USE enum status dump_ctx_new(uint32_t number, struct slice name,
                                  const uint8_t sha256[SHA256_SIZE], uint64_t bytes,
                                  struct dump_ctx **out, struct err *err);
void dump_ctx_free(struct dump_ctx *d);
/* What the first line says; `rec` NULL if it is no dump line. */
MUST_USE enum status dump_ctx_open(struct dump_ctx *d, struct run_tables *t,
                                   const struct record *rec, struct err *err);
/* Partial or refused, with the reason. */
void dump_ctx_damage(struct dump_ctx *d, const struct err *why, bool refused);
/* The final state of a finished dump once all its lines are in: end missing or disagreeing; notes
 * end and loss with its stream. Sets books.records. */
/* The tables are emptied after a commit; this dump, if it is not finished, takes its place in them
 * again. */
MUST_USE enum status dump_ctx_retable(struct dump_ctx *d, struct run_tables *t, struct err *err);
/* Up to which line the books of a dump that is read again (--again) stand already; 0 if it is not.
 */
uint64_t dump_ctx_lines_before(const struct dump_ctx *d);
void dump_ctx_judge(struct dump_ctx *d, struct run_tables *t);
bool books_balance(const struct books *b);
/* What `records` must be. */
uint64_t books_lines(const struct books *b);
void books_sum(struct books *sum, const struct books *b);

#endif
