/* lang_error — what is wrong with a query and where: a caret is worth more than a sentence. */
#include <stdio.h>

#include "lictor/cli.h"
#include "query/lang.h"

/* Bytes drawn before and after the error's beginning; a query may be a megabyte long. */
#define SHOWN_BEFORE 60
#define SHOWN_AFTER 60
#define SHOWN_VALUE 60

enum status query_fail(struct query_error *qe, struct err *err, size_t from, size_t to,
                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    qe->from = from;
    qe->to = to;
    (void)vsnprintf(qe->text, sizeof qe->text, fmt, ap);
    va_end(ap);
    return err_reason(err, ST_BAD_INPUT, "query", from, "%s", qe->text);
}

bool query_refusal(const struct query *q, const struct err *err, struct query_error *qe)
{
    struct slice at = q->spans->refused;
    if (!at.data)
        return false;
    qe->from = (size_t)(at.data - q->text.data);
    qe->to = qe->from + at.len;
    (void)snprintf(qe->text, sizeof qe->text, "%s", err->text);
    return true;
}

static bool is_continuation(struct slice s, size_t i)
{
    return i < s.len && (s.data[i] & 0xC0) == 0x80;
}

int lang_show(struct slice s)
{
    if (s.len <= SHOWN_VALUE)
        return (int)s.len;
    size_t n = SHOWN_VALUE;
    while (n > 0 && is_continuation(s, n))
        n--;
    return (int)n;
}

static struct slice part(struct slice s, size_t from, size_t to)
{
    return slice_of(s.data ? s.data + from : NULL, to - from);
}

void query_error_print(struct slice text, const struct query_error *qe, struct buf *out)
{
    size_t from = qe->from < text.len ? qe->from : text.len;
    size_t to = qe->to < text.len ? qe->to : text.len;
    size_t first = from > SHOWN_BEFORE ? from - SHOWN_BEFORE : 0;
    size_t last = text.len - from > SHOWN_AFTER ? from + SHOWN_AFTER : text.len;
    while (first > 0 && first < from && is_continuation(text, first))
        first++;
    while (last < text.len && is_continuation(text, last))
        last++;
    if (to < from)
        to = from;
    if (to > last)
        to = last;
    const char *cut = "...";
    buf_put_str(out, "  ");
    if (first > 0)
        buf_put_str(out, cut);
    cli_safe(out, part(text, first, last), false);
    if (last < text.len)
        buf_put_str(out, cut);
    buf_put_str(out, "\n  ");
    int blanks = cli_width(part(text, first, from)) + (first > 0 ? (int)strlen(cut) : 0);
    int carets = cli_width(part(text, from, to));
    for (int i = 0; i < blanks; i++)
        buf_put_u8(out, ' ');
    for (int i = 0; i < (carets > 1 ? carets : 1); i++)
        buf_put_u8(out, '^');
    buf_put_u8(out, '\n');
}
