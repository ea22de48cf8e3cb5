/* wholes — what is found whole beside its parts:
 *   URL     scheme://… or www.…, up to white space, < > " ' or an emoji; . , ; : ! ? and closing
 *           brackets that were not opened inside are cut from its end; its host is a whole as well
 *   e-mail  local part of word characters and . _ % + - ', a host of two labels or more
 *   name    @handle and #tag, the sign kept: up to the first . - : and, where more parts follow
 *           those, once more with them
 *   chain   parts joined by one . _ - or : each ("foo.conf", "12:30")
 * Nearly every whole is a stretch of the scan text, so none is copied. Each byte is looked at a
 * bounded number of times: an e-mail's local part ends at the sign before, a URL is not looked for
 * inside a URL, and what is longer than WHOLE_MAX is dropped. */
#include "text/splitter_private.h"

static void whole_put(struct splitter *s, const struct whole *w)
{
    if (!splitter_grow(s, &s->wholes, &s->wholes_cap, s->n_wholes, sizeof *s->wholes))
        return;
    /* Kept in order of their beginning. They come nearly so: a chain is known at its end only, an
     * e-mail at its sign, so that few others (at most WHOLE_MAX / 4) stand in between. */
    size_t i = s->n_wholes;
    while (i > 0 && s->wholes[i - 1].from > w->from)
        i--;
    for (size_t k = i; k > 0 && s->wholes[k - 1].from == w->from; k--)
        if (s->wholes[k - 1].to == w->to && s->wholes[k - 1].phone_off == w->phone_off)
            return;
    memmove(&s->wholes[i + 1], &s->wholes[i], (s->n_wholes - i) * sizeof *w);
    s->wholes[i] = *w;
    s->n_wholes++;
}

void whole_add(struct splitter *s, size_t from, size_t to)
{
    struct whole w = {.from = (uint32_t)from, .to = (uint32_t)to, .phone_off = NO_PLACE};
    whole_put(s, &w);
}

void whole_add_phone(struct splitter *s, size_t from, size_t to, size_t off, size_t len)
{
    struct whole w = {
        .from = (uint32_t)from, .to = (uint32_t)to, .phone_off = off, .phone_len = (uint32_t)len};
    whole_put(s, &w);
}

void chain_close(struct splitter *s)
{
    if (s->chain_to - s->chain_from <= WHOLE_MAX)
        whole_add(s, s->chain_from, s->chain_to);
}

/* ---- URLs ---- */

struct brackets {
    size_t open[3], closed[3]; /* ( [ { */
};

static void brackets_count(struct brackets *b, uint8_t c)
{
    static const char signs[] = "([{)]}";
    const char *p = c ? strchr(signs, c) : NULL;
    if (!p)
        return;
    if (p - signs < 3)
        b->open[p - signs]++;
    else
        b->closed[p - signs - 3]++;
}

static bool url_ends(struct splitter *s, size_t at, size_t *len)
{
    uint8_t c = s->scan.data[at];
    *len = 1;
    if (c <= ' ' || c == 0x7F || sign_in(c, "<>\"'"))
        return true;
    if (byte_classes[c] == BYTE_MARK)
        return true;
    return byte_classes[c] == BYTE_HIGH && kind_at(s, at, len) == KIND_SPACE;
}

/* Cuts what belongs to the sentence around the URL rather than to it. */
static size_t url_trim(struct splitter *s, size_t from, size_t to, struct brackets *b)
{
    static const char closing[] = ")]}";
    while (to > from) {
        uint8_t c = s->scan.data[to - 1];
        const char *p = strchr(closing, c);
        size_t len;
        if (p && b->closed[p - closing] > b->open[p - closing])
            b->closed[p - closing]--;
        else if (c >= 0x80 && kind_before(s, to, &len) == KIND_NONE)
            to -= len - 1;
        else if (!sign_in(c, ".,;:!?"))
            break;
        to--;
    }
    return to;
}

/* The host in an authority and what follows it. */
static void url_host(struct splitter *s, size_t from, size_t to)
{
    const uint8_t *t = s->scan.data;
    size_t end = from;
    while (end < to && !sign_in(t[end], "/?#\\")) {
        if (t[end] == '@')
            from = end + 1;
        end++;
    }
    if (from < end && t[from] == '[') {
        const uint8_t *close = memchr(t + from, ']', end - from);
        end = close ? (size_t)(close - t) : end;
        from++;
    } else if (from < end) {
        const uint8_t *colon = memchr(t + from, ':', end - from);
        end = colon ? (size_t)(colon - t) : end;
    }
    while (end > from && t[end - 1] == '.')
        end--;
    size_t len;
    enum code_kind kind = kind_at(s, from, &len);
    if (from < end && end - from <= WHOLE_MAX && kind >= KIND_WORD)
        whole_add(s, from, end);
}

/* The URL from `from`, whose authority begins at `host`. */
static void url_add(struct splitter *s, size_t from, size_t host)
{
    struct brackets b = {0};
    size_t to = host, len;
    for (; to < s->len && !url_ends(s, to, &len); to += len)
        brackets_count(&b, s->scan.data[to]);
    s->url_to = to;
    to = url_trim(s, host, to, &b);
    if (to == host)
        return;
    seen_add(s, WORDS_LINK, from, to);
    coordinates_link(s, from, host, to);
    if (to - from <= URL_MAX)
        whole_add(s, from, to);
    url_host(s, host, to);
}

void url_scheme(struct splitter *s, size_t colon)
{
    const uint8_t *t = s->scan.data;
    if (s->chain_to != colon || s->part_from < s->url_to || byte_classes[t[s->part_from]])
        return;
    for (size_t i = s->part_from; i < colon; i++)
        if (byte_classes[t[i]] > BYTE_DIGIT)
            return;
    url_add(s, s->part_from, colon + 3);
}

void url_www(struct splitter *s, size_t from)
{
    size_t len;
    if (from >= s->url_to && kind_at(s, from + 4, &len) >= KIND_WORD)
        url_add(s, from, from);
}

/* ---- e-mail addresses ---- */

static bool plain_word(enum code_kind kind) { return kind == KIND_WORD || kind == KIND_MARK; }

/* Beginning of the local part that ends at `at`; `at` if there is none. */
static size_t email_local(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    size_t from = at, len;
    while (from > 0 && at - from <= WHOLE_MAX) {
        if (!plain_word(kind_before(s, from, &len)) && !sign_in(t[from - 1], "._%+-'"))
            break;
        from -= len;
    }
    if (at - from > WHOLE_MAX)
        return at;
    /* It begins with a word, as a position needs. */
    while (from < at && kind_at(s, from, &len) != KIND_WORD)
        from += len;
    return from;
}

/* End of a host of two labels or more that begins at `at`; `at` if there is none. */
static size_t email_host(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    size_t end = at, label = at, len;
    int labels = 0;
    while (kind_at(s, label, &len) == KIND_WORD) {
        size_t to = label, sure = label;
        for (;;) {
            enum code_kind kind = kind_at(s, to, &len);
            if (!plain_word(kind) && t[to] != '-')
                break;
            to += len;
            if (plain_word(kind))
                sure = to;
        }
        labels++;
        /* The last label of a name is no number, so that "5@3.50" is none. */
        if (labels > 1 && sure - label > 1 && byte_classes[t[label]] != BYTE_DIGIT)
            end = sure;
        if (sure != to || t[to] != '.')
            break;
        label = to + 1;
    }
    return end;
}

void email_try(struct splitter *s, size_t at)
{
    size_t from = email_local(s, at);
    if (from == at)
        return;
    size_t to = email_host(s, at + 1);
    if (to == at + 1)
        return;
    seen_add(s, WORDS_EMAIL, from, to);
    if (to - from <= WHOLE_MAX)
        whole_add(s, from, to);
}

/* ---- handles and tags ---- */

/* End of word characters and underscores. */
static size_t name_end(struct splitter *s, size_t at)
{
    size_t len;
    while (kind_at(s, at, &len) >= KIND_MARK || s->scan.data[at] == '_')
        at += len;
    return at;
}

static bool name_has_word(struct splitter *s, size_t from, size_t to)
{
    size_t len;
    for (; from < to; from += len)
        if (kind_at(s, from, &len) >= KIND_WORD)
            return true;
    return false;
}

void name_try(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    size_t len;
    /* Not behind a letter ("C#a", "a@b"); scripts without blanks cannot be told from a sentence. */
    if (plain_word(kind_before(s, at, &len)))
        return;
    size_t first = name_end(s, at + 1), to = first;
    if (!name_has_word(s, at + 1, first) || first - at > WHOLE_MAX)
        return;
    whole_add(s, at, first);
    while (t[to] == '.' || t[to] == '-' || t[to] == ':') {
        if (kind_at(s, to + 1, &len) < KIND_WORD)
            break;
        to = name_end(s, to + 1);
    }
    if (to > first && to - at <= WHOLE_MAX)
        whole_add(s, at, to);
}

/* ---- merging ---- */

static struct token whole_token(const struct splitter *s, const struct whole *w, uint32_t pos)
{
    struct token t = {.pos = pos, .kind = TOKEN_WHOLE, .same = true};
    source_range(s, w->from, w->to, NULL, &t);
    if (w->phone_off == NO_PLACE) {
        t.text = s->scan.data + w->from;
        t.len = w->to - w->from;
    } else {
        t.text = s->phone_bytes.data + w->phone_off;
        t.len = w->phone_len;
    }
    return t;
}

/* Moves parts to the end of the array from behind and puts each whole behind the first part that
 * begins with it or after it; then closes the gap that dropped wholes left. */
void wholes_merge(struct splitter *s)
{
    size_t parts = s->n_tokens, wholes = s->n_wholes;
    if (wholes == 0 || parts == 0 || s->failed)
        return;
    while (s->tokens_cap < parts + wholes)
        if (!splitter_grow(s, &s->tokens, &s->tokens_cap, s->tokens_cap, sizeof *s->tokens))
            return;
    struct token *t = s->tokens;
    size_t to = parts + wholes;
    while (parts > 0 && wholes > 0) {
        size_t first = parts - 1;
        while (t[first].same)
            first--;
        /* Those that begin behind the part before belong to this one. */
        while (wholes > 0) {
            struct token w = whole_token(s, &s->wholes[wholes - 1], t[first].pos);
            if (first > 0 && w.from <= t[first - 1].from)
                break;
            wholes--;
            if (w.len != t[first].len || memcmp(w.text, t[first].text, w.len) != 0)
                t[--to] = w;
        }
        to -= parts - first;
        memmove(&t[to], &t[first], (parts - first) * sizeof *t);
        parts = first;
    }
    size_t all = s->n_tokens + s->n_wholes;
    memmove(&t[parts], &t[to], (all - to) * sizeof *t);
    s->n_tokens = parts + (all - to);
}
