/* record_private — what the record_*.c files share: the table of key names, the reader's scratch
 * and the typed readers of values.
 * Threads: one reader a thread.  Trusts: nothing. */
#ifndef DELIVERY_RECORD_PRIVATE_H
#define DELIVERY_RECORD_PRIVATE_H

#include "delivery/json_scan.h"

/* The numbers of keys (lictor/record.h), and those nobody else needs. */
enum {
    KEY_STRINGS = RECORD_KEY_STRINGS,
    KEY_TIMES = RECORD_KEY_TIMES,
    KEY_INTS = RECORD_KEY_INTS,
    KEY_LISTS = RECORD_KEY_LISTS,
    KEY_KIND = RECORD_KEY_KIND,
    KEY_SEALED = RECORD_KEY_SEALED,
    KEY_ATTACHMENTS,
    KEY_LOCATION,
    KEY_LAT,
    KEY_LON,
    KEY_ACCURACY_M,
    KEY_CELL,
    KEY_SERIAL,
    KEY_COUNT,
    KEY_UNKNOWN = KEY_COUNT
};
_Static_assert(KEY_COUNT <= 64, "sets of keys are uint64_t");

#define KEY_BIT(id) (UINT64_C(1) << (id))
#define RECORD_KEY_SLOT_BITS 8 /* sparse: a lookup mostly compares one name */
#define RECORD_KEY_LONGEST 15

/* A name as two words, so that it is compared in one step: its bytes, zeros, and last its length,
 * which tells it from one that ends in NULs. */
struct record_key_word {
    uint64_t low, high;
};
/* A name with the quote and the colon behind it, to see whether it stands somewhere before its end
 * is looked for: the bits of these bytes are set in `mask`. */
struct record_key_spelling {
    struct record_key_word bytes, mask;
    size_t len;
};
_Static_assert(RECORD_KEY_LONGEST == 15, "a name has room for its length in 16 bytes");
struct record_key_table {
    struct record_key_word words[1 << RECORD_KEY_SLOT_BITS];
    uint8_t ids[1 << RECORD_KEY_SLOT_BITS]; /* KEY_UNKNOWN is free */
    struct record_key_spelling spelled[KEY_COUNT];
};
/* The one table there is, made at the first call. */
const struct record_key_table *record_key_table(void);
/* `low` and `high` hold the `len` bytes, at most RECORD_KEY_LONGEST, and zeros. */
static inline struct record_key_word record_key_word(uint64_t low, uint64_t high, size_t len)
{
    return (struct record_key_word){.low = low, .high = high | (uint64_t)len << 56};
}
/* With these factors no two of the names share a slot; a new name may, and then the next free slot
 * is taken. A hostile name costs a few comparisons at most. */
static inline unsigned record_key_slot(struct record_key_word w)
{
    return (
        unsigned)((w.low * UINT64_C(0x9e3779b97f4a7c15) ^ w.high * UINT64_C(0xc2b2ae3d27d4eb4f)) >>
                  (64 - RECORD_KEY_SLOT_BITS));
}
/* Number of the key of that name, KEY_UNKNOWN if delivery.md does not name it. */
static inline unsigned record_key_word_find(const struct record_key_table *t,
                                            struct record_key_word w)
{
    unsigned slot = record_key_slot(w);
    while (t->ids[slot] != KEY_UNKNOWN &&
           ((t->words[slot].low ^ w.low) | (t->words[slot].high ^ w.high)))
        slot = (slot + 1) % (1u << RECORD_KEY_SLOT_BITS);
    return t->ids[slot];
}
unsigned record_key_find(const struct record_key_table *t, struct slice name);
struct slice record_key_name(unsigned id);
/* Keys that are known on a record of that kind, and those that must be there. */
uint64_t record_keys_known(enum record_kind k);
uint64_t record_keys_required(enum record_kind k);
/* False if no kind has that name. */
bool record_kind_find(struct slice name, enum record_kind *out);

struct record_mark { /* beside each record_pair */
    uint8_t id;      /* KEY_… */
    uint8_t marks;   /* JSON_… of a string value */
};

struct canon_member {        /* one written member of an object that is still open */
    size_t key_off, key_len; /* decoded name in reader->canon_keys */
    size_t off, len;         /* `"name":value` in the output */
};

struct record_reader {
    const struct record_key_table *keys;
    /* Decoded bytes of the line at hand. Reserved once a line, so that slices never move: a byte of
     * the line is decoded at most once and its result copied at most once more (base64, hex in
     * lower case), and decoding never lengthens. */
    uint8_t *bytes;
    size_t bytes_cap, bytes_used;
    struct record_pair *pairs;
    size_t pairs_cap, n_pairs;
    struct record_mark *marks;
    size_t marks_cap;
    struct slice *names; /* unknown names, sorted to find a name that is there twice */
    size_t names_cap;
    struct slice *items[RL_COUNT];
    size_t items_cap[RL_COUNT];
    struct record_attachment *attachments;
    size_t attachments_cap;
    struct canon_member *members;
    size_t members_cap, n_members;
    struct buf canon_keys, canon_spare;
    uint8_t
        next_key[KEY_COUNT + 1]; /* which key came last behind each; of the first: KEY_UNKNOWN */
    enum record_kind last_kind;  /* what record_fast.c takes a line for until it says its kind */
    bool general_only;           /* record_fast.c is left out: for comparing the two */
    bool no_memory;              /* latched for one parse */
};

/* Reads a usual line as record_read.c would. False: it is not for this way to judge, or
 * r->no_memory is set; `out` and the scratch are then to be begun anew. */
bool record_fast_read(struct record_reader *r, struct slice line, struct record *out);

/* What the two ways through a line share (record_read.c). */
bool record_string_allowed(unsigned key, struct slice s); /* strings that say certain words only */
/* The value of a key that the kind knows. False: wrong type, or r->no_memory. */
bool record_value_read(struct record_reader *r, unsigned id, struct slice raw, unsigned marks,
                       struct record *out);
/* No unknown name is there twice; false also with r->no_memory. */
bool record_names_differ(struct record_reader *r);
/* Every key that the kind must have is among those present. */
bool record_keys_enough(enum record_kind kind, uint64_t present);

/* Makes *data hold at least `need` elements; false (and r->no_memory) without memory. */
#define RECORD_GROW(r, data, cap, need)                                                            \
    ((need) <= (cap) || record_grow((r), (void **)&(data), &(cap), (need), sizeof *(data)))
bool record_grow(struct record_reader *r, void **data, size_t *cap, size_t need, size_t size);

/* `n` bytes of decoding scratch; never fails within the reserve named above. */
uint8_t *record_bytes_take(struct record_reader *r, size_t n);
/* The inside of a string (or its raw form with the quotes off), decoded. */
struct slice record_string_decode(struct record_reader *r, struct slice body, unsigned marks);

/* Typed values. False: the value has the wrong type, or r->no_memory is set. `raw` is JSON that
 * json_value_end accepted, `marks` what it said of it. */
bool record_value_string(struct record_reader *r, struct slice raw, unsigned marks,
                         struct record_text *out);
bool record_value_when(struct record_reader *r, struct slice raw, unsigned marks, bool or_bool,
                       struct record_when *out);
bool record_value_int(struct slice raw, uint64_t *out);
bool record_value_list(struct record_reader *r, struct slice raw, enum record_list which,
                       struct record_items *out);
bool record_value_attachments(struct record_reader *r, struct slice raw, struct record *out);
bool record_value_sealed(struct record_reader *r, struct slice raw, struct record *out);

#endif
