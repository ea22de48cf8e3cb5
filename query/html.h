/* html — records as pages of HTML: files of a new directory, each of at most HTML_PAGE_RECORDS
 * records, complete in itself, linked to the one before and the one behind it; no script, nothing
 * fetched. Nothing of evidence becomes an element or an attribute: it passes xml_text, and every
 * piece of it is isolated by direction (bdi, dir="auto").
 * Owns: a struct html owns the directory and the open page.  Threads: one.
 * Memory: what is given to html_put; pages are written as they grow. */
#ifndef QUERY_HTML_H
#define QUERY_HTML_H

#include "query/render.h"

#define HTML_PAGE_RECORDS 2000

struct html;
/* Makes `path`, which must not exist or be an empty directory. */
MUST_USE enum status html_open(const char *path, struct html **out, struct err *err);
/* What stands above the records from here on, in words of ours in which all evidence is safe
 * (a line each, the first one the title). A page that is begun is ended. */
MUST_USE enum status html_title(struct html *h, struct slice words, struct err *err);
/* Writes what render_record and render_gap made, and empties it. `records` have been given in all;
 * the next page begins where they would be too many. */
MUST_USE enum status html_put(struct html *h, struct buf *made, uint64_t records, struct err *err);
/* Ends the last page and says on stdout where the first one is. */
MUST_USE enum status html_finish(struct html *h, struct buf *made, struct err *err);
void html_free(struct html *h);

/* The pieces (html_record.c). */
void html_record(struct render *r, const struct message_view *m, const char *order,
                 struct buf *out);
void html_gap(const struct thread_gap *g, struct buf *out);
void html_end(const struct summary *s, struct buf *out);

#endif
