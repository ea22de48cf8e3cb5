/* pattern_set — the patterns of one query, equal ones once: a query may have the same one thousands
 * of times, and each costs a walk through the words of the case. And what all of them may cost. */
#include "query/pattern_private.h"

#include "lictor/words.h"

#define SLOTS_MIN 16

/* FNV-1a. Whoever asks chooses the texts, and slows down nothing but the own query. */
static size_t hash_of(enum pattern_kind kind, struct slice text, bool exact, unsigned edits)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ ((uint64_t)kind << 16 | edits << 1 | exact);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.data[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

static bool is_same(const struct pattern *p, enum pattern_kind kind, struct slice text, bool exact,
                    unsigned edits)
{
    return p->kind == kind && p->exact == exact && p->fuzzy.edits == edits &&
           slice_eq(p->text, text);
}

/* Where a pattern stands or would stand. */
static struct pattern **slot_of(const struct pattern_set *set, enum pattern_kind kind,
                                struct slice text, bool exact, unsigned edits)
{
    size_t i = hash_of(kind, text, exact, edits) & (set->n_slots - 1);
    while (set->slots[i] && !is_same(set->slots[i], kind, text, exact, edits))
        i = (i + 1) & (set->n_slots - 1);
    return &set->slots[i];
}

static bool grow(const struct pattern_maker *m)
{
    struct pattern_set *set = m->set;
    if (set->n < set->n_slots / 2)
        return true;
    struct pattern_set wider = {.n_slots = set->n_slots ? 2 * set->n_slots : SLOTS_MIN};
    wider.slots = arena_array(m->arena, wider.n_slots, sizeof(struct pattern *));
    if (!wider.slots)
        return false;
    for (size_t i = 0; i < set->n_slots; i++) {
        struct pattern *p = set->slots[i];
        if (p)
            *slot_of(&wider, p->kind, p->text, p->exact, p->fuzzy.edits) = p;
    }
    set->slots = wider.slots;
    set->n_slots = wider.n_slots;
    return true;
}

struct pattern *pattern_find(const struct pattern_maker *m, enum pattern_kind kind,
                             struct slice text, bool exact, unsigned edits)
{
    if (m->set->n_slots == 0)
        return NULL;
    struct pattern *p = *slot_of(m->set, kind, text, exact, edits);
    if (p)
        p->again = true;
    return p;
}

struct pattern *pattern_new(const struct pattern_maker *m, enum pattern_kind kind,
                            struct slice text, bool exact, unsigned edits)
{
    struct pattern *p = arena_array(m->arena, 1, sizeof *p);
    if (!p || !grow(m))
        return NULL;
    p->kind = kind;
    p->exact = exact;
    p->fuzzy.edits = edits;
    p->text = text;
    p->number = m->set->n++;
    p->next = m->set->all;
    m->set->all = p;
    return p;
}

void pattern_found_good(const struct pattern_maker *m, struct pattern *p)
{
    *slot_of(m->set, p->kind, p->text, p->exact, p->fuzzy.edits) = p;
}

void pattern_free_all(struct pattern_set *set)
{
    for (struct pattern *p = set->all; p; p = p->next)
        regex_free(p->regex);
}

size_t pattern_number(const struct pattern *p) { return p->number; }

bool pattern_stands_again(const struct pattern *p) { return p->again; }

enum status pattern_charge(struct pattern_budget *b, uint64_t words, uint64_t slow, struct err *err)
{
    bool free = b->walks++ < PATTERN_FREE_WALKS * b->segments;
    b->spent += (free ? 0 : words) + slow;
    if (b->spent <= PATTERN_BUDGET)
        return ST_OK;
    return err_set(err, ST_LIMIT,
                   "the patterns of the query would be compared with more than %llu words of the "
                   "index; ask for fewer at once, or let them begin with letters",
                   (unsigned long long)PATTERN_BUDGET);
}
