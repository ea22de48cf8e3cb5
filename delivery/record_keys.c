/* record_keys — the words of delivery.md: kinds, keys, which key belongs to which kind, and the
 * names of what may be wrong with a line. A new key is a new line here and in lictor/record.h. */
#include "delivery/record_private.h"

#include <pthread.h>

#define STR(k) KEY_BIT((int)KEY_STRINGS + (int)RS_##k)
#define TIME(k) KEY_BIT((int)KEY_TIMES + (int)RT_##k)
#define INT(k) KEY_BIT((int)KEY_INTS + (int)RI_##k)
#define LIST(k) KEY_BIT((int)KEY_LISTS + (int)RL_##k)
#define OTHER(k) KEY_BIT(KEY_##k)

#define AT_STR(k) [(int)KEY_STRINGS + (int)RS_##k]
#define AT_TIME(k) [(int)KEY_TIMES + (int)RT_##k]
#define AT_INT(k) [(int)KEY_INTS + (int)RI_##k]
#define AT_LIST(k) [(int)KEY_LISTS + (int)RL_##k]

static const char *const key_names[KEY_COUNT] = {
    AT_STR(FORMAT) = "format",
    AT_STR(SOURCE) = "source",
    AT_STR(STAGE) = "stage",
    AT_STR(EPOCH) = "epoch",
    AT_STR(ACCOUNT) = "account",
    AT_STR(SERVICE) = "service",
    AT_STR(AUTHORITY) = "authority",
    AT_STR(WARRANT) = "warrant",
    AT_STR(LIID) = "liid",
    AT_STR(CIN) = "cin",
    AT_STR(DIRECTION) = "direction",
    AT_STR(POINT) = "point",
    AT_STR(ZONE) = "zone",
    AT_STR(SELECTION) = "selection",
    AT_STR(FROM) = "from",
    AT_STR(GROUP) = "group",
    AT_STR(GROUP_NAME) = "group_name",
    AT_STR(ID) = "id",
    AT_STR(TEXT) = "text",
    AT_STR(REPLY_TO) = "reply_to",
    AT_STR(WHAT) = "what",
    AT_STR(BY) = "by",
    AT_STR(OF) = "of",
    AT_STR(VALUE) = "value",
    AT_STR(OWNER) = "owner",
    AT_STR(HANDLE) = "handle",
    AT_STR(NICKNAME) = "nickname",
    AT_TIME(SENT) = "sent",
    AT_TIME(DELIVERED) = "delivered",
    AT_TIME(READ) = "read",
    AT_TIME(COLLECTED) = "collected",
    AT_TIME(TIME) = "time",
    AT_TIME(STARTED) = "started",
    AT_TIME(ENDED) = "ended",
    AT_TIME(DELETED) = "deleted",
    AT_TIME(COLLECTED_FROM) = "collected_from",
    AT_TIME(COLLECTED_TO) = "collected_to",
    AT_INT(SEQ) = "seq",
    AT_INT(BURN) = "burn",
    AT_INT(RECORDS) = "records",
    AT_INT(LAST_SEQ) = "last_seq",
    AT_INT(INTERVAL_S) = "interval_s",
    AT_LIST(TO) = "to",
    AT_LIST(WHO) = "who",
    [KEY_KIND] = "kind",
    [KEY_SEALED] = "sealed",
    [KEY_ATTACHMENTS] = "attachments",
    [KEY_LOCATION] = "location",
    [KEY_LAT] = "lat",
    [KEY_LON] = "lon",
    [KEY_ACCURACY_M] = "accuracy_m",
    [KEY_CELL] = "cell",
    [KEY_SERIAL] = "serial",
};

/* On every kind but `dump`. */
#define ON_COPY                                                                                    \
    (STR(ACCOUNT) | STR(WARRANT) | STR(LIID) | STR(CIN) | STR(DIRECTION) | STR(POINT) |            \
     STR(SERVICE) | OTHER(KIND))

static const struct kind_row {
    const char *name;
    uint64_t known, required;
} kinds[RECORD_KINDS] = {
    [RECORD_DUMP] = {"dump",
                     OTHER(KIND) | STR(FORMAT) | STR(SOURCE) | STR(STAGE) | STR(EPOCH) |
                         STR(ACCOUNT) | STR(SERVICE) | STR(AUTHORITY) | STR(WARRANT) | STR(LIID) |
                         OTHER(SERIAL) | TIME(COLLECTED_FROM) | TIME(COLLECTED_TO) | STR(ZONE) |
                         STR(SELECTION),
                     STR(FORMAT) | STR(SOURCE) | STR(STAGE)},
    [RECORD_MESSAGE] = {"message",
                        ON_COPY | INT(SEQ) | STR(FROM) | LIST(TO) | STR(GROUP) | STR(GROUP_NAME) |
                            TIME(SENT) | TIME(DELIVERED) | TIME(READ) | TIME(COLLECTED) | STR(ID) |
                            STR(TEXT) | OTHER(SEALED) | INT(BURN) | STR(REPLY_TO) | TIME(DELETED) |
                            OTHER(LOCATION) | OTHER(ATTACHMENTS),
                        0},
    [RECORD_EVENT] = {"event",
                      ON_COPY | INT(SEQ) | STR(WHAT) | STR(BY) | TIME(TIME) | STR(GROUP) |
                          LIST(TO) | STR(OF) | LIST(WHO) | STR(VALUE),
                      STR(WHAT)},
    [RECORD_CONTACT] = {"contact",
                        ON_COPY | INT(SEQ) | STR(OWNER) | STR(HANDLE) | STR(NICKNAME) | TIME(TIME) |
                            TIME(DELETED),
                        STR(OWNER) | STR(HANDLE) | STR(NICKNAME)},
    [RECORD_NOTE] = {"note", ON_COPY | INT(SEQ) | STR(OWNER) | TIME(TIME) | STR(TEXT),
                     STR(OWNER) | STR(TEXT)},
    /* lat and lon, or cell: record_read.c asks for these. The account may be the dump line's. */
    [RECORD_LOCATION] = {"location",
                         ON_COPY | INT(SEQ) | TIME(TIME) | OTHER(LAT) | OTHER(LON) |
                             OTHER(ACCURACY_M) | OTHER(CELL),
                         TIME(TIME)},
    [RECORD_CALL] = {"call",
                     ON_COPY | INT(SEQ) | STR(FROM) | LIST(TO) | TIME(STARTED) | TIME(ENDED),
                     STR(FROM) | LIST(TO) | TIME(STARTED)},
    [RECORD_KEEPALIVE] = {"keepalive", ON_COPY | INT(SEQ) | TIME(TIME) | INT(INTERVAL_S),
                          TIME(TIME)},
    [RECORD_END] = {"end", ON_COPY | INT(RECORDS) | INT(LAST_SEQ), INT(RECORDS)},
};

static const struct {
    const char *name, *text;
} faults[RF_COUNT] = {
    [RF_NONE] = {"none", "the line is a record"},
    [RF_EMPTY] = {"empty-line", "the line is empty"},
    [RF_TOO_LONG] = {"too-long", "the line is longer than 1 MiB"},
    [RF_JSON] = {"not-json", "the line is not one JSON object"},
    [RF_NESTING] = {"nesting", "the line is nested deeper than 32"},
    [RF_NO_KIND] = {"no-kind", "the record says no kind"},
    [RF_KIND] = {"unknown-kind", "the record is of an unknown kind"},
    [RF_NAME_TWICE] = {"name-twice", "a name stands twice in the record"},
    [RF_TYPE] = {"wrong-type", "a value is missing or of the wrong type"},
    [RF_TWO_BODIES] = {"two-bodies", "the message has both a text and a sealed body"},
    [RF_AFTER_END] = {"after-end", "the line comes after the end of the dump"},
    [RF_KILLS] = {"kills", "reading the line kills this program: please report it"},
    [RF_SECOND_DUMP] = {"second-dump", "the line is a second dump line or comes after one"},
};

const char *record_kind_name(enum record_kind k)
{
    MUST((unsigned)k < RECORD_KINDS);
    return kinds[k].name;
}

const char *record_fault_name(enum record_fault f)
{
    MUST((unsigned)f < RF_COUNT);
    return faults[f].name;
}

const char *record_fault_text(enum record_fault f)
{
    MUST((unsigned)f < RF_COUNT);
    return faults[f].text;
}

bool record_kind_find(struct slice name, enum record_kind *out)
{
    for (unsigned k = 0; k < RECORD_KINDS; k++) {
        if (slice_eq_str(name, kinds[k].name)) {
            *out = (enum record_kind)k;
            return true;
        }
    }
    return false;
}

uint64_t record_keys_known(enum record_kind k) { return kinds[k].known; }

uint64_t record_keys_required(enum record_kind k) { return kinds[k].required; }

struct slice record_key_name(unsigned id)
{
    return id < KEY_COUNT ? slice_str(key_names[id]) : (struct slice){0};
}

/* Up to 16 bytes as two words, zeros behind them; without a call for so few. */
static struct record_key_word bytes_of(const uint8_t *p, size_t len)
{
    struct record_key_word w = {0};
    if (len > 8) {
        w.low = load_u64(p);
        w.high = load_u64(p + len - 8) >> (8 * (16 - len));
    } else {
        for (size_t i = len; i > 0; i--)
            w.low = w.low << 8 | p[i - 1];
    }
    return w;
}

static struct record_key_word word_of(struct slice name)
{
    struct record_key_word w = bytes_of(name.data, name.len);
    return record_key_word(w.low, w.high, name.len);
}

static void spell(struct record_key_spelling *s, struct slice name)
{
    uint8_t bytes[16] = {0}, mask[16] = {0};
    s->len = name.len + 2;
    MUST(s->len <= sizeof bytes);
    memcpy(bytes, name.data, name.len);
    bytes[name.len] = '"';
    bytes[name.len + 1] = ':';
    memset(mask, 0xff, s->len);
    s->bytes = bytes_of(bytes, sizeof bytes);
    s->mask = bytes_of(mask, sizeof mask);
}

static struct record_key_table table;

static void table_fill(void)
{
    struct record_key_table *t = &table;
    memset(t->ids, KEY_UNKNOWN, sizeof t->ids);
    for (unsigned id = 0; id < KEY_COUNT; id++) {
        struct slice name = slice_str(key_names[id]);
        MUST(name.len <= RECORD_KEY_LONGEST);
        struct record_key_word w = word_of(name);
        unsigned slot = record_key_slot(w);
        while (t->ids[slot] != KEY_UNKNOWN)
            slot = (slot + 1) % (1u << RECORD_KEY_SLOT_BITS);
        t->words[slot] = w;
        t->ids[slot] = (uint8_t)id;
        spell(&t->spelled[id], name);
    }
}

const struct record_key_table *record_key_table(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MUST(pthread_once(&once, table_fill) == 0);
    return &table;
}

unsigned record_key_find(const struct record_key_table *t, struct slice name)
{
    if (name.len == 0 || name.len > RECORD_KEY_LONGEST)
        return KEY_UNKNOWN;
    return record_key_word_find(t, word_of(name));
}
