/* err — filling and prefixing error values.
 * Text is formatted aside first, since the arguments may point into the err being filled. */
#include "lictor/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang_analyzer__
#undef err_set
#undef err_reason
#undef err_errno
#undef err_no_memory
#endif

/* One sentence on one line: what the text quotes may hold anything. */
static void text_flatten(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

__attribute__((format(printf, 5, 0))) static void err_fill(struct err *err, enum status st,
                                                           const char *reason, uint64_t at,
                                                           const char *fmt, va_list ap)
{
    if (!err)
        return;
    char text[sizeof err->text];
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    text_flatten(text);
    err->status = st;
    err->reason = reason;
    err->at = at;
    memcpy(err->text, text, sizeof text);
}

enum status err_set(struct err *err, enum status st, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_fill(err, st, NULL, 0, fmt, ap);
    va_end(ap);
    return st;
}

enum status err_reason(struct err *err, enum status st, const char *reason, uint64_t at,
                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_fill(err, st, reason, at, fmt, ap);
    va_end(ap);
    return st;
}

enum status err_errno(struct err *err, int errno_value, const char *fmt, ...)
{
    if (!err)
        return ST_IO;
    char what[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(what, sizeof what, fmt, ap) < 0)
        what[0] = '\0';
    va_end(ap);
    char space[128];
    return err_set(err, ST_IO, "%s: %s", what, strerror_r(errno_value, space, sizeof space));
}

enum status err_no_memory(struct err *err)
{
    return err_set(err, ST_NO_MEMORY, "not enough memory");
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char prefix[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = strlen(prefix);
    if (len > sizeof err->text - 3)
        len = sizeof err->text - 3;
    size_t old = strlen(err->text);
    size_t room = sizeof err->text - 1 - len - 2;
    if (old > room)
        old = room;
    memmove(err->text + len + 2, err->text, old);
    memcpy(err->text, prefix, len);
    memcpy(err->text + len, ": ", 2);
    err->text[len + 2 + old] = '\0';
    text_flatten(err->text);
}

_Noreturn void must_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "lictor: cannot happen, but did: %s (%s:%d)\n", cond, file, line);
    abort();
}
