/* parts — one pass over the scan text that makes the words. A byte table decides for ASCII, the
 * code point cache for the rest. On the way it keeps the chain of parts joined without blanks and
 * asks wholes.c and phone.c at the few signs where a whole can begin. */
#include "text/splitter_private.h"

void source_range(const struct splitter *s, size_t from, size_t to, size_t *hint, struct token *t)
{
    if (s->identity) {
        t->from = (uint32_t)from;
        t->to = (uint32_t)to;
        return;
    }
    const struct map_run *runs = s->runs;
    size_t k = hint ? *hint : 0, end = s->n_runs;
    if (!hint)
        while (end - k > 1) {
            size_t mid = k + (end - k) / 2;
            if (runs[mid].fold <= from)
                k = mid;
            else
                end = mid;
        }
    while (k + 1 < s->n_runs && runs[k + 1].fold <= from)
        k++;
    t->from = runs[k].src_len ? runs[k].src : runs[k].src + (uint32_t)(from - runs[k].fold);
    if (hint)
        *hint = k;
    while (k + 1 < s->n_runs && runs[k + 1].fold < to)
        k++;
    t->to = runs[k].src + (runs[k].src_len ? runs[k].src_len : (uint32_t)(to - runs[k].fold));
}

static inline struct token *token_push(struct splitter *s)
{
    if (s->n_tokens == s->tokens_cap &&
        !splitter_grow(s, &s->tokens, &s->tokens_cap, s->n_tokens, sizeof *s->tokens))
        return &s->spill;
    return &s->tokens[s->n_tokens++];
}

static inline void part_put(struct splitter *s, size_t from, size_t to, enum token_kind kind)
{
    struct token *t = token_push(s);
    t->text = s->scan.data + from;
    t->len = (uint32_t)(to - from);
    t->pos = s->pos++;
    t->kind = (uint8_t)kind;
    t->same = false;
    t->from = (uint32_t)from;
    t->to = (uint32_t)to;
    if (!s->identity)
        source_range(s, from, to, &s->run_at, t);
}

void part_add(struct splitter *s, size_t from, size_t to, enum token_kind kind)
{
    part_put(s, from, to, kind);
}

/* A part stands at [from, to): does it go on with the chain? Parts that touch (of different
 * scripts) count as one. A colon does not join scripts written without blanks: a fullwidth one is
 * punctuation there and would make wholes of sentences. */
static inline void chain_step(struct splitter *s, size_t from, size_t to, bool solid)
{
    if (from != s->chain_to) {
        uint8_t joiner = from == s->chain_to + 1 ? s->scan.data[s->chain_to] : ' ';
        bool joins =
            byte_classes[joiner] == BYTE_JOIN || (joiner == ':' && !solid && !s->chain_solid);
        if (joins) {
            s->chain_parts++;
        } else {
            if (s->chain_parts > 1)
                chain_close(s);
            s->chain_from = from;
            s->chain_parts = 1;
        }
    }
    s->chain_to = to;
    s->chain_solid = solid;
    s->part_from = from;
}

/* End of the letters and digits of ASCII at `at`, eight bytes a step: the lengths of words cannot
 * be predicted, so a loop over bytes costs a misprediction a word (plain ASCII 18.3 ns a token
 * instead of 11.3, CPU time of one core). Carries cannot leave a byte, since the top bits are
 * cleared first. The padding stops it at the end. */
static inline size_t ascii_word_end(const uint8_t *t, size_t at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    for (;; at += 8) {
        uint64_t v = load_u64(t + at), low = v & ~tops;
        uint64_t letter = (low + ones * (0x80 - 'a')) & ~(low + ones * (0x80 - '{'));
        uint64_t digit = (low + ones * (0x80 - '0')) & ~(low + ones * (0x80 - ':'));
        uint64_t other = ~((letter | digit) & ~v) & tops;
        if (other)
            return at + (size_t)__builtin_ctzll(other) / 8;
    }
}

/* True at what folding makes of the vowel AM, Thai or Lao: a mark and a letter. The mark is no part
 * of a word of another script, which it would hide. */
static bool am_at(const uint8_t *t, size_t at)
{
    return memcmp(t + at, "\u0e4d\u0e32", 6) == 0 || memcmp(t + at, "\u0ecd\u0eb2", 6) == 0;
}

/* End of a word that goes on at `at` with an apostrophe or a longer code point. */
static size_t word_rest(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    for (;;) {
        size_t len;
        enum code_kind kind;
        switch (byte_classes[t[at]]) {
        case BYTE_LETTER:
        case BYTE_DIGIT:
            at++;
            break;
        case BYTE_APOS:
            if (kind_at(s, at + 1, &len) != KIND_WORD)
                return at;
            at += 1 + len;
            break;
        case BYTE_HIGH:
            kind = kind_at(s, at, &len);
            if ((kind != KIND_WORD && kind != KIND_MARK) || am_at(t, at))
                return at;
            at += len;
            break;
        default:
            return at;
        }
    }
}

/* Rare words: long ones, groups of four that end in a digit, numbers that go on with a point or a
 * degree sign. */
static void word_look(struct splitter *s, size_t from, size_t to)
{
    const uint8_t *t = s->scan.data;
    size_t n = to - from;
    if (n >= CRYPTO_MIN)
        crypto_try(s, from, to);
    if (n >= IBAN_MIN || n == 4)
        iban_try(s, from, to);
    if (n <= 4 && (t[to] == '.' || t[to] == 0xC2) && byte_classes[t[from + n - 1]] == BYTE_DIGIT)
        coordinates_try(s, from);
}

/* The word that begins at `from` with a letter or number of `first` bytes. */
static inline size_t word_add(struct splitter *s, size_t from, size_t first)
{
    const uint8_t *t = s->scan.data;
    size_t to = ascii_word_end(t, from + first);
    if (byte_classes[t[to]] <= BYTE_HIGH)
        to = word_rest(s, to);
    if (t[from] <= '9' && from >= s->phone_to)
        phone_try(s, from);
    if (to - from >= CRYPTO_MIN || (to - from <= 4 && t[to - 1] <= '9'))
        word_look(s, from, to);
    if (t[from] == 'w' && to - from == 3 && t[to] == '.')
        url_www(s, from);
    part_put(s, from, to, TOKEN_WORD);
    chain_step(s, from, to, false);
    return to;
}

static size_t marks_end(struct splitter *s, size_t at)
{
    size_t len;
    while (kind_at(s, at, &len) == KIND_MARK)
        at += len;
    return at;
}

/* A run of CJK characters, each with its marks. */
static size_t cjk_add(struct splitter *s, size_t from, size_t first)
{
    size_t begin = from, before = NO_PLACE, to = from + first, len;
    for (;;) {
        to = marks_end(s, to);
        if (before != NO_PLACE) {
            struct token *pair = token_push(s);
            size_t run = s->run_at;
            pair->text = s->scan.data + before;
            pair->len = (uint32_t)(to - before);
            pair->pos = s->pos - 1;
            pair->kind = TOKEN_CJK_PAIR;
            pair->same = true;
            source_range(s, before, to, &run, pair);
        }
        part_add(s, from, to, TOKEN_CJK);
        if (kind_at(s, to, &len) != KIND_CJK)
            break;
        before = from;
        from = to;
        to += len;
    }
    chain_step(s, begin, to, true);
    return to;
}

static size_t sea_run_add(struct splitter *s, size_t from, size_t first)
{
    size_t to = from + first, len;
    for (;;) {
        enum code_kind kind = kind_at(s, to, &len);
        if (kind != KIND_SEA && kind != KIND_MARK)
            break;
        to += len;
    }
    sea_add(s, from, to);
    chain_step(s, from, to, true);
    return to;
}

static size_t high_add(struct splitter *s, size_t at)
{
    size_t len;
    switch (kind_at(s, at, &len)) {
    case KIND_WORD:
        return word_add(s, at, len);
    case KIND_CJK:
        return cjk_add(s, at, len);
    case KIND_SEA:
        return sea_run_add(s, at, len);
    case KIND_MARK: /* on nothing: as UAX #29 has it, a word does not begin with a mark */
    case KIND_SPACE:
    case KIND_NONE:
        break;
    }
    return at + len;
}

/* An emoji stands for one byte of the scan text; its bytes lie apart. */
static void emoji_add(struct splitter *s, size_t at)
{
    const struct emoji *e = &s->emoji[s->emoji_at++];
    part_add(s, at, at + 1, TOKEN_EMOJI);
    if (s->failed)
        return;
    struct token *t = &s->tokens[s->n_tokens - 1];
    t->text = s->emoji_bytes.data + e->off;
    t->len = e->len;
    seen_add(s, WORDS_EMOJI, at, at + 1);
    if (e->base_len == 0)
        return;
    struct token copy = *t, *base = token_push(s);
    *base = copy;
    base->len = e->base_len;
    base->kind = TOKEN_EMOJI_BASE;
    base->same = true;
}

static void sign_look(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    switch (t[at]) {
    case ':':
        if (t[at + 1] == '/' && t[at + 2] == '/')
            url_scheme(s, at);
        else if (at > 2 && t[at - 1] == 'o')
            coordinates_geo(s, at);
        break;
    case '@':
        email_try(s, at);
        name_try(s, at);
        break;
    case '#':
        name_try(s, at);
        break;
    default: /* + ( */
        if (at >= s->phone_to && byte_classes[t[at + 1]] == BYTE_DIGIT)
            phone_try(s, at);
        else if (t[at] == '+' && t[at + 1] == '(' && at >= s->phone_to)
            phone_try(s, at);
    }
}

void parts_scan(struct splitter *s)
{
    const uint8_t *t = s->scan.data;
    size_t at = 0;
    while (at < s->len) {
        switch (byte_classes[t[at]]) {
        case BYTE_LETTER:
        case BYTE_DIGIT:
            at = word_add(s, at, 1);
            break;
        case BYTE_HIGH:
            at = high_add(s, at);
            break;
        case BYTE_MARK:
            if (t[at] == MARK_EMOJI && s->emoji_at < s->n_emoji)
                emoji_add(s, at);
            at++;
            break;
        case BYTE_SIGN:
            sign_look(s, at++);
            break;
        default:
            at++;
        }
    }
    if (s->chain_parts > 1)
        chain_close(s);
}
