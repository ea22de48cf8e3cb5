/* render — messages as text for people and as jsonl, json, csv for machines.
 * Owns: nothing; appends to a buf that the command writes out.  Threads: one.
 * Nothing from evidence reaches the output raw where it could act: text through cli_safe, JSON
 * through json_out, CSV quoted and formulas neutralised with a leading apostrophe. */
#ifndef QUERY_RENDER_H
#define QUERY_RENDER_H

#include "query/search.h"

enum render_format { RENDER_TEXT, RENDER_JSONL, RENDER_JSON, RENDER_CSV };

struct render {
    enum render_format format;
    bool colour;
    int columns; /* of the terminal, 0 if none: then 100 */
    struct zone *zone;
    bool first; /* json: no comma yet */
};

/* One message (or note, event, …) as a line of jsonl / an element of json; with all_copies for the
 * `message` command; `order` ("sent", "seq", "delivered") only for threads, else NULL. */
void render_json_message(const struct message_view *m, bool all_copies, const char *order,
                         struct buf *out);
void render_csv_header(struct buf *out);
void render_csv_message(const struct message_view *m, struct buf *out);

struct summary {
    struct slice query;
    uint64_t total, conversations, sealed, untimed;
    const char *digest;
    uint64_t generation;
};
/* The keys of the summary without braces and type; the caller wraps. */
void render_summary_keys(const struct summary *s, struct buf *out);

#endif
