/* gen_text — invented words. The word of rank r is r written in syllables, so there is no table of
 * words to miss the cache in, two ranks never share a folded form, and frequent words are short.
 * Ranks are drawn by octave: as many words from [2^k, 2^(k+1)) for every k, which is Zipf's law in
 * steps. */
#include "bench/gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "bench/lexis.h"

#define OCTAVES 18 /* 262,143 words a script */

static void put(struct text *t, const void *s, size_t len)
{
    MUST(len <= TEXT_MAX - t->len);
    memcpy(t->bytes + t->len, s, len);
    t->len += len;
}

void text_put(struct text *t, const char *s) { put(t, s, strlen(s)); }

static void mark_slot(struct text *t, unsigned slot)
{
    t->slots[slot / 64] |= UINT64_C(1) << slot % 64;
}

static int slot_find(const struct lexis *l, uint32_t key)
{
    for (uint32_t i = key * 2654435761u >> 24;; i = (i + 1) & (LEXIS_TABLE - 1)) {
        if (l->table[i].key == key)
            return l->table[i].slot;
        if (l->table[i].key == 0)
            return -1;
    }
}

static int phrase_find(const struct lexis *l, int a, int b)
{
    for (unsigned i = 0; i < l->n_phrases; i++)
        if (l->phrases[i][0] == a && l->phrases[i][1] == b)
            return (int)i;
    return -1;
}

void lexis_word(const struct lexis *l, unsigned script, uint32_t rank, struct text *t)
{
    const struct syllables *s = &l->scripts[script];
    bool marked = s->marked && rng_mix(rank) % 4 == 0;
    uint32_t base = s->n;

    for (uint32_t r = rank;; r = r / base - 1) {
        const struct syllable *y = marked ? &s->marked[r % base] : &s->plain[r % base];
        put(t, y->bytes, y->len);
        if (r < base)
            return;
    }
}

static uint32_t draw_rank(struct rng *r)
{
    uint64_t x = rng_next(r);
    unsigned octave = (unsigned)((x >> 32) * OCTAVES >> 32);
    return (1u << octave | ((uint32_t)x & ((1u << octave) - 1))) - 1;
}

static void put_separator(struct text *t, const struct syllables *s, uint64_t r, bool bare)
{
    if (!s->spaces && (r & 7) != 0)
        return; /* Han, Hiragana and Thai run on */
    if (bare || (r >> 3) % 16 != 0) {
        put(t, " ", 1);
        return;
    }
    static const char *const between[8] = {", ", ". ", " - ", "! ", "? ", ", ", "\n", " \""};
    text_put(t, between[(r >> 8) % 8]);
}

void text_words(const struct lexis *l, struct text *t, unsigned script, struct rng *r,
                unsigned words, bool bare)
{
    const struct syllables *s = &l->scripts[script];
    int before = -1;

    for (unsigned i = 0; i < words; i++) {
        uint32_t rank = draw_rank(r);
        size_t at = t->len;
        if (i > 0) {
            put_separator(t, s, rng_next(r), bare);
            at = t->len;
        }
        lexis_word(l, script, rank, t);
        if (s->cased && i == 0)
            t->bytes[at] = (uint8_t)(t->bytes[at] & ~0x20);
        int slot = slot_find(l, lexis_key(script, rank));
        if (slot >= 0) {
            mark_slot(t, (unsigned)slot);
            int phrase = before >= 0 ? phrase_find(l, before, slot) : -1;
            if (phrase >= 0)
                t->phrases |= 1u << phrase;
        }
        before = slot;
    }
}

static int slot_of_word(const struct lexis *l, const char *word, size_t len)
{
    for (unsigned i = 0; i < l->n_slots; i++)
        if (strlen(l->slots[i].query) == len && strncasecmp(l->slots[i].query, word, len) == 0)
            return (int)i;
    return -1;
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

void text_put_prose(const struct lexis *l, struct text *t, const char *s)
{
    int before = -1;

    text_put(t, s);
    while (*s) {
        size_t n = 0;
        while (is_word_byte(s[n]))
            n++;
        if (n == 0) {
            s++;
            continue;
        }
        int slot = slot_of_word(l, s, n);
        if (slot >= 0)
            mark_slot(t, (unsigned)slot);
        int phrase = before >= 0 && slot >= 0 ? phrase_find(l, before, slot) : -1;
        if (phrase >= 0)
            t->phrases |= 1u << phrase;
        before = slot;
        s += n;
    }
}

void text_put_needle(const struct lexis *l, struct text *t, unsigned n)
{
    unsigned slot = l->first_needle + n;

    text_put(t, t->len ? " " : "");
    text_put(t, l->slots[slot].query);
    text_put(t, " ");
    mark_slot(t, slot);
    t->emoji |= strcmp(l->slots[slot].script, "emoji") == 0;
}

static void put_emoji(const struct lexis *l, struct text *t, struct rng *r)
{
    uint32_t n = rng_below(r, LEXIS_EMOJI);

    text_put(t, " ");
    text_put(t, lexis_emoji[n]);
    if (n < LEXIS_EMOJI_COUNTED)
        mark_slot(t, l->first_emoji + n);
    t->emoji = true;
}

/* Numbers, times, links, mail, handles: none of it is made of words that are counted. */
static void put_extra(struct text *t, struct rng *r)
{
    char s[96];
    uint32_t n = rng_below(r, 1000000);
    char handle[HANDLE_LEN + 1] = {0};

    handle_name(n, handle);
    switch (rng_below(r, 12)) {
    case 0:
        snprintf(s, sizeof(s), " https://example.test/%u/%s?q=%u", n % 977, handle, n);
        t->link = true;
        break;
    case 1:
        snprintf(s, sizeof(s), " @%s", handle);
        break;
    case 2:
        snprintf(s, sizeof(s), " +99 6%07u", n);
        break;
    case 3:
        snprintf(s, sizeof(s), " %s@example.test", handle);
        break;
    case 4:
    case 5:
        snprintf(s, sizeof(s), " %u:%02u", n % 24, n % 60);
        break;
    default:
        snprintf(s, sizeof(s), " %u", n % 5 ? n % 1000 : n);
    }
    text_put(t, s);
}

/* Words of a message: a tail of short answers, a middle, a few long ones. */
static unsigned draw_words(struct rng *r)
{
    uint32_t x = rng_below(r, 1000);

    if (x < 180)
        return 1 + x % 3;
    if (x < 960)
        return 4 + rng_below(r, 12) + rng_below(r, 17);
    if (x < 997)
        return 40 + rng_below(r, 40);
    return 100 + rng_below(r, 100);
}

void text_make(const struct lexis *l, struct text *t, unsigned script, struct rng *r)
{
    /* Letters of two and three bytes: as many bytes a message, so fewer words. In 1/8. */
    static const uint8_t scale[SCRIPTS] = {8, 5, 5, 5, 5, 7, 4, 2};
    unsigned words = 1 + (draw_words(r) - 1) * scale[script] / 8;

    text_words(l, t, script, r, words, false);
    uint64_t x = rng_next(r);
    if (x % 16 == 0)
        put_extra(t, r);
    if ((x >> 8) % 4 == 0)
        text_put(t, (x >> 16) % 3 ? "." : "?");
    if (!l->ascii && (x >> 24) % 9 == 0)
        put_emoji(l, t, r);
}

unsigned lexis_needles(const struct lexis *l) { return l->n_needles; }

unsigned lexis_slots(const struct lexis *l) { return l->n_slots; }

const char *lexis_slot_query(const struct lexis *l, unsigned slot, const char **script,
                             bool *needle)
{
    *script = l->slots[slot].script;
    *needle = slot >= l->first_needle;
    return l->slots[slot].query;
}

bool lexis_pair(const struct lexis *l, unsigned pair, unsigned *a, unsigned *b)
{
    if (pair >= l->n_pairs)
        return false;
    *a = (unsigned)l->pairs[pair][0];
    *b = (unsigned)l->pairs[pair][1];
    return true;
}

bool lexis_phrase(const struct lexis *l, unsigned phrase, unsigned *a, unsigned *b)
{
    if (phrase >= l->n_phrases)
        return false;
    *a = (unsigned)l->phrases[phrase][0];
    *b = (unsigned)l->phrases[phrase][1];
    return true;
}
