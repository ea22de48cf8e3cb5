/* fuzz_output — what must hold of every output, whatever evidence is in it. Each ends the process
 * where it does not. For fuzz_output.c. */
#ifndef TESTS_FUZZ_OUTPUT_H
#define TESTS_FUZZ_OUTPUT_H

#include "lictor/bytes.h"
#include "lictor/utf8.h"
#include "tests/unit/jansson_apart.h"

/* Well-formed, and nothing in it that acts on a terminal or reorders, but for line ends and, where
 * `styled`, our styles; our isolates are closed on the line they open. */
static inline void output_safe(struct slice s, bool styled, bool isolates)
{
    size_t open = 0;
    for (size_t at = 0; at < s.len;) {
        uint32_t cp = utf8_next(s.data, s.len, &at);
        MUST(cp != UTF8_BAD);
        if (cp == 0x2068 || cp == 0x2069) {
            MUST(isolates && (cp == 0x2068 ? open++ == 0 : open-- == 1));
            continue;
        }
        if (cp == '\n')
            MUST(open == 0);
        if (cp == 0x1b) { /* ESC [ digits and ; m */
            MUST(styled && at < s.len && s.data[at] == '[');
            for (at++;
                 at < s.len && (s.data[at] == ';' || (s.data[at] >= '0' && s.data[at] <= '9'));)
                at++;
            MUST(at < s.len && s.data[at++] == 'm');
            continue;
        }
        MUST(cp == '\n' || !utf8_unsafe(cp));
    }
    MUST(open == 0);
}

/* Rows of RFC 4180, each of `columns` fields but the header, all quoted; none is a formula. */
static inline void output_csv(struct slice s, size_t columns)
{
    size_t at = 0;
    while (at < s.len) {
        size_t n = 0;
        do {
            MUST(at < s.len && s.data[at++] == '"');
            size_t cp_at = at;
            uint32_t first = at < s.len ? utf8_next(s.data, s.len, &cp_at) : 0;
            MUST(first != '=' && first != '+' && first != '-' && first != '@' && first != '\t' &&
                 first != '\r' && first != 0xff1d && first != 0xff0b && first != 0xff0d &&
                 first != 0xff20);
            size_t from = at;
            while (at < s.len && (s.data[at] != '"' || (at + 1 < s.len && s.data[at + 1] == '"')))
                at += s.data[at] == '"' ? 2 : 1;
            output_safe(slice_of(s.data + from, at - from), false, false);
            MUST(at < s.len && s.data[at++] == '"' && at < s.len);
            n++;
        } while (s.data[at++] == ',');
        MUST(s.data[at - 1] == '\r' && at < s.len && s.data[at++] == '\n' && n == columns);
    }
}

static inline bool output_begins(struct slice s, size_t at, const char *with)
{
    size_t n = strlen(with);
    return s.len - at >= n && memcmp(s.data + at, with, n) == 0;
}

/* Elements nest, and each is one of ours with the attributes we give it: so none is a script, a
 * link or an image. Text has no raw markup. `allowed`: beginnings of tags, NULL behind the last. */
static inline void output_markup(struct slice s, const char *const *allowed)
{
    struct {
        const uint8_t *name;
        size_t len;
    } stack[16];
    size_t depth = 0;
    for (size_t at = 0; at < s.len;) {
        if (s.data[at] == '&') {
            MUST(output_begins(s, at, "&amp;") || output_begins(s, at, "&lt;") ||
                 output_begins(s, at, "&gt;") || output_begins(s, at, "&quot;") ||
                 output_begins(s, at, "&#39;"));
        }
        MUST(s.data[at] != '>');
        if (s.data[at++] != '<')
            continue;
        const uint8_t *end = memchr(s.data + at, '>', s.len - at);
        MUST(end);
        const uint8_t *name = s.data + at + (s.data[at] == '/');
        size_t len = 0;
        while (name + len < end && name[len] >= 'a' && name[len] <= 'z')
            len++;
        if (s.data[at] == '/') {
            MUST(depth && stack[depth - 1].len == len && name + len == end);
            MUST(memcmp(stack[--depth].name, name, len) == 0);
        } else {
            size_t i = 0;
            while (allowed[i] && !output_begins(s, at, allowed[i]))
                i++;
            MUST(allowed[i] && depth < 16);
            if (end[-1] != '/') {
                stack[depth].name = name;
                stack[depth++].len = len;
            }
        }
        at = (size_t)(end - s.data) + 1;
    }
    MUST(depth == 0);
}

/* One JSON value, and nothing else. */
static inline void output_json(struct slice s)
{
    json_error_t e;
    json_t *value = json_loadb((const char *)s.data, s.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &e);
    MUST(value);
    json_decref(value);
}

#endif
