/* snippet — the passages of a long text in which a query's words stand.
 * Owns: nothing; results are in the caller's arena.  Threads: any.  Trusts: ranges are sorted,
 * apart, and end at characters (query_highlight). */
#ifndef QUERY_SNIPPET_H
#define QUERY_SNIPPET_H

#include "lictor/arena.h"
#include "query/search.h"

#define SNIPPET_WHOLE 1200 /* characters of a text that is shown whole */
#define SNIPPET_AROUND 160 /* characters shown on each side of a match */
#define SNIPPET_FIRST 400  /* of a text without a match: from its beginning */
#define SNIPPET_JOIN 60    /* fewer are not worth leaving out */

struct passage {
    uint32_t from, to;
    uint64_t before; /* characters left out before it */
};
/* All matches are in one of the passages; none begins or ends inside a character. *after:
 * characters left out behind the last one. A text of up to SNIPPET_WHOLE characters is one passage.
 * Linear in the text. */
MUST_USE enum status snippet_cut(struct slice text, const struct text_range *matches, size_t n,
                                 struct arena *a, struct passage **out, size_t *n_out,
                                 uint64_t *after, struct err *err);

#endif
