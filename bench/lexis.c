/* lexis — syllables are built from letters that fold one to one, so that no two words meet after
 * folding. Letters with a second form or a decomposition (й, ё, final sigma and kaf, alef with
 * madda) are left out. Needles use letters or combinations that no syllable has. */
#include "bench/lexis.h"

#include <stdlib.h>

#include "lictor/utf8.h"

const char *const lexis_emoji[LEXIS_EMOJI] = {"🚚",
                                              "🌵",
                                              "🧊",
                                              "😀",
                                              "😂",
                                              "🙏",
                                              "👍",
                                              "👍🏽",
                                              "🔥",
                                              "💰",
                                              "🍀",
                                              "👀",
                                              "✅",
                                              "🚗",
                                              "📦",
                                              "🤝",
                                              "😡",
                                              "🎉",
                                              "👨‍👩‍👧",
                                              "🇳🇱",
                                              "❤️",
                                              "🏴‍☠️",
                                              "😴",
                                              "🤷🏻‍♀️"};

static const char *const script_names[SCRIPTS] = {"latin",  "cyrillic", "greek",    "arabic",
                                                  "hebrew", "han",      "hiragana", "thai"};

static const struct {
    const char *text;
    uint8_t script;
} needles[NEEDLES] = {
    {"zwyrnfeld", SCRIPT_LATIN}, {"krzvloth", SCRIPT_LATIN},    {"qwaxmund", SCRIPT_LATIN},
    {"xylophqut", SCRIPT_LATIN}, {"bjørkhöfn", SCRIPT_LATIN},   {"щыцхэюб", SCRIPT_CYRILLIC},
    {"ξψυρξως", SCRIPT_GREEK},   {"ظغطخذض", SCRIPT_ARABIC},     {"אהכאהכ", SCRIPT_HEBREW},
    {"龘靐齉", SCRIPT_HAN},      {"ゑゐぢゑ", SCRIPT_HIRAGANA}, {"🪐", SCRIPTS},
};
#define NEEDLES_ASCII 4

/* The parts of a string of UTF-8 letters. */
struct letters {
    char s[40][4];
    unsigned n;
};

static struct letters letters_of(const char *text)
{
    struct letters l = {.n = 0};
    size_t len = strlen(text);

    for (size_t pos = 0; pos < len && l.n < 40; l.n++) {
        size_t from = pos;
        (void)utf8_next((const uint8_t *)text, len, &pos);
        memcpy(l.s[l.n], text + from, pos - from < 4 ? pos - from : 3);
    }
    return l;
}

static void syllable_make(struct syllable *y, const char *a, const char *b)
{
    size_t n = strnlen(a, 4), m = strnlen(b, 4);

    memcpy(y->bytes, a, n);
    memcpy(y->bytes + n, b, m);
    y->len = (uint8_t)(n + m);
}

/* Every first letter with every second one. */
static enum status fill(struct syllables *s, const char *first, const char *second,
                        const char *marked, struct err *err)
{
    struct letters a = letters_of(first), b = letters_of(second), m = letters_of(marked);

    if (m.n == b.n) {
        s->marked = calloc(SYLLABLES_MAX, sizeof(*s->marked));
        if (!s->marked)
            return err_no_memory(err);
    }
    for (unsigned i = 0; i < a.n; i++)
        for (unsigned k = 0; k < b.n && s->n < SYLLABLES_MAX; k++) {
            /* Neighbours in frequency shall not look alike. */
            unsigned x = (i + k * 3) % a.n;
            syllable_make(&s->plain[s->n], a.s[x], b.s[k]);
            if (s->marked)
                syllable_make(&s->marked[s->n], a.s[x], m.s[k]);
            s->n++;
        }
    s->spaces = true;
    return ST_OK;
}

/* One character a syllable, n of them `step` apart. */
static void fill_range(struct syllables *s, uint32_t from, uint32_t step, uint32_t n)
{
    for (; s->n < n; s->n++) {
        uint8_t bytes[4];
        s->plain[s->n].len = (uint8_t)utf8_put(from + step * s->n, bytes);
        memcpy(s->plain[s->n].bytes, bytes, s->plain[s->n].len);
    }
}

static enum status scripts_fill(struct lexis *l, struct err *err)
{
    struct syllables *s = l->scripts;

    TRY(fill(&s[SCRIPT_LATIN], "bdfgklmnprstvz", "aeiou", l->ascii ? "" : "áèîöü", err));
    s[SCRIPT_LATIN].cased = true;
    TRY(fill(&s[SCRIPT_CYRILLIC], "бвгдзклмнпрст", "аеиоу", "", err));
    TRY(fill(&s[SCRIPT_GREEK], "βγδζθκλμνπρτφ", "αεηιο", "άέήίό", err));
    TRY(fill(&s[SCRIPT_ARABIC], "بتجدرسعفقكلمن", "ويهصش", "", err));
    TRY(fill(&s[SCRIPT_HEBREW], "בגדזחטלמנספצ", "ויקרש", "", err));
    fill_range(&s[SCRIPT_HAN], 0x4e00, 7, 96);
    fill_range(&s[SCRIPT_HIRAGANA], 0x304b, 1, 20);
    TRY(fill(&s[SCRIPT_THAI], "กขคงจชดตทนบปพมยรลวสห", "าีู", "", err));
    s[SCRIPT_THAI].spaces = false;
    return ST_OK;
}

static unsigned slot_put(struct lexis *l, const char *query, size_t len, const char *script)
{
    MUST(l->n_slots < SLOTS && len < sizeof(l->slots[0].query));
    memcpy(l->slots[l->n_slots].query, query, len);
    l->slots[l->n_slots].script = script;
    return l->n_slots++;
}

static void count_word(struct lexis *l, unsigned script, uint32_t rank)
{
    struct text t = {.len = 0};
    uint32_t key = lexis_key(script, rank);
    uint32_t i = key * 2654435761u >> 24;

    lexis_word(l, script, rank, &t);
    while (l->table[i].key)
        i = (i + 1) & (LEXIS_TABLE - 1);
    l->table[i].key = key;
    l->table[i].slot = (uint8_t)slot_put(l, (const char *)t.bytes, t.len, script_names[script]);
}

static void counted_fill(struct lexis *l)
{
    static const uint32_t ranks[] = {0,     1,     2,     3,     4,      6,     9,    14,
                                     21,    33,    50,    77,    120,    180,   270,  400,
                                     620,   950,   1400,  2200,  3300,   5000,  7700, 12000,
                                     18000, 30000, 50000, 90000, 150000, 250000};
    for (unsigned i = 0; i < sizeof(ranks) / sizeof(*ranks); i++)
        count_word(l, SCRIPT_LATIN, ranks[i]);
    for (unsigned s = SCRIPT_CYRILLIC; s <= SCRIPT_HEBREW && !l->ascii; s++)
        for (unsigned i = 0; i < 12; i++)
            count_word(l, s, ranks[i * 2 + 1]);
    for (l->n_pairs = 0; l->n_pairs < PAIRS; l->n_pairs++) {
        l->pairs[l->n_pairs][0] = (int)(l->n_pairs / 3);
        l->pairs[l->n_pairs][1] = (int)(l->n_pairs + 3);
    }
    for (l->n_phrases = 0; l->n_phrases < PHRASES; l->n_phrases++) {
        l->phrases[l->n_phrases][0] = (int)(l->n_phrases / 2);
        l->phrases[l->n_phrases][1] = (int)(l->n_phrases % 4);
    }
    l->first_emoji = l->n_slots;
    for (unsigned i = 0; i < LEXIS_EMOJI_COUNTED && !l->ascii; i++)
        slot_put(l, lexis_emoji[i], strlen(lexis_emoji[i]), "emoji");
    l->first_needle = l->n_slots;
    l->n_needles = l->ascii ? NEEDLES_ASCII : NEEDLES;
    for (unsigned i = 0; i < l->n_needles; i++)
        slot_put(l, needles[i].text, strlen(needles[i].text),
                 needles[i].script < SCRIPTS ? script_names[needles[i].script] : "emoji");
}

enum status lexis_new(bool ascii, struct lexis **out, struct err *err)
{
    struct lexis *l = calloc(1, sizeof(*l));

    if (!l)
        return err_no_memory(err);
    l->ascii = ascii;
    enum status st = scripts_fill(l, err);
    if (st != ST_OK) {
        lexis_free(l);
        return st;
    }
    counted_fill(l);
    *out = l;
    return ST_OK;
}

void lexis_free(struct lexis *l)
{
    if (!l)
        return;
    for (unsigned s = 0; s < SCRIPTS; s++)
        free(l->scripts[s].marked);
    free(l);
}
