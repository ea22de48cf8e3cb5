/* xml — text as XML 1.0 holds it: markup escaped, and nothing in it that XML forbids or that would
 * act on a terminal or a reader of the file (cli_safe).
 * Owns: nothing.  Threads: any. */
#ifndef QUERY_XML_H
#define QUERY_XML_H

#include "lictor/bytes.h"

/* Appends `s` for an element or an attribute in double quotes; newlines become blanks. */
void xml_text(struct buf *out, struct slice s);

/* For HTML: words of ours on one line, in which evidence was made safe before (text_name and the
 * like): what they isolate by direction becomes <bdi>. Without `elements`, for <title>, it stays
 * between the signs. */
void html_words(struct buf *out, struct slice words, bool elements);

#endif
