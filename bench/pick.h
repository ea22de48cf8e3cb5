/* pick — queries of every class, taken from the messages of a case by chance (a seed): words that
 * stand in it, handles that wrote, days on which something was sent. So the same classes can be
 * measured on any case, and put to a peer that holds the same messages.
 * Owns: picks own their memory.  Threads: one. */
#ifndef BENCH_PICK_H
#define BENCH_PICK_H

#include "lictor/arena.h"
#include "query/view.h"

enum pick_class {
    PICK_FREQUENT, /* a word in 0.5 % of the messages or more */
    PICK_RARE,     /* a word in 10 messages or fewer */
    PICK_SENDER,   /* a word and who wrote it */
    PICK_AND,      /* two words, each in 0.1 to 4 % */
    PICK_PHRASE,
    PICK_PREFIX, /* of three letters */
    PICK_DAY,    /* the total alone */
    PICK_CONVERSATION,
    PICK_EXACT,
    PICK_LEADING, /* a wildcard first */
    PICK_REGEX,
    PICK_FUZZY,
    PICK_NEAR,
    PICK_THEN,
    PICK_NOT,
    PICK_CLASSES,
    PICK_START = PICK_CLASSES /* no class: the program from its start */
};
const char *pick_name(enum pick_class c);
const char *pick_key(enum pick_class c); /* of JSON */
/* The class with that key, or "start"; false if there is none. */
bool pick_by_key(const char *key, unsigned *c);
/* Whether one of `classes` (bits; 0: all) is it. */
static inline bool pick_wanted(unsigned classes, unsigned c)
{
    return classes == 0 || (classes >> c & 1);
}

struct pick {
    struct slice query; /* as lictor-query takes it */
    struct slice a, b;  /* its words, folded; the prefix */
    struct slice handle;
    int64_t from, to; /* PICK_DAY: [from, to) */
    uint8_t conversation[KEY_SIZE];
};

struct picks {
    struct arena arena;
    struct pick *of[PICK_CLASSES];
    size_t n[PICK_CLASSES];
};
/* Up to `n` different ones of each of `classes`; a class of which the case has none stays empty, as
 * do those not asked for. Which are drawn does not depend on what else is asked for. Where no word
 * is as frequent or as rare as said above, any word will do. */
MUST_USE enum status picks_make(struct view *v, uint64_t seed, size_t n, unsigned classes,
                                struct picks *p, struct err *err);
void picks_release(struct picks *p);

#endif
