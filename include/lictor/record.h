/* record — one NDJSON line of a delivery as delivery.md defines it: our own reader, one pass, no
 * allocation per record once its buffers have grown.
 * Owns: a record_reader owns scratch; a parsed record borrows the line and the scratch until the
 * next parse.  Threads: one reader a thread.  Trusts: nothing. */
#ifndef LICTOR_RECORD_H
#define LICTOR_RECORD_H

#include "lictor/timestamp.h"

#define RECORD_LINE_MAX ((size_t)1 << 20)
#define RECORD_NESTING_MAX 32

enum record_kind {
    RECORD_DUMP,
    RECORD_MESSAGE,
    RECORD_EVENT,
    RECORD_CONTACT,
    RECORD_NOTE,
    RECORD_LOCATION,
    RECORD_CALL,
    RECORD_KEEPALIVE,
    RECORD_END,
    RECORD_KINDS
};
const char *record_kind_name(enum record_kind k);

/* String keys. */
enum record_string {
    RS_FORMAT,
    RS_SOURCE,
    RS_STAGE,
    RS_EPOCH,
    RS_ACCOUNT,
    RS_SERVICE,
    RS_AUTHORITY,
    RS_WARRANT,
    RS_LIID,
    RS_CIN,
    RS_DIRECTION,
    RS_POINT,
    RS_ZONE,
    RS_SELECTION,
    RS_FROM,
    RS_GROUP,
    RS_GROUP_NAME,
    RS_ID,
    RS_TEXT,
    RS_REPLY_TO,
    RS_WHAT,
    RS_BY,
    RS_OF,
    RS_VALUE,
    RS_OWNER,
    RS_HANDLE,
    RS_NICKNAME,
    RS_COUNT
};
/* Keys that are times: an integer (ms) or an RFC 3339 string. `deleted` may also be true/false. */
enum record_time {
    RT_SENT,
    RT_DELIVERED,
    RT_READ,
    RT_COLLECTED,
    RT_TIME,
    RT_STARTED,
    RT_ENDED,
    RT_DELETED,
    RT_COLLECTED_FROM,
    RT_COLLECTED_TO,
    RT_COUNT
};
/* Keys that are integers from 0 to 2^63-1. */
enum record_int { RI_SEQ, RI_BURN, RI_RECORDS, RI_LAST_SEQ, RI_INTERVAL_S, RI_COUNT };
/* Keys that are arrays of strings. */
enum record_list { RL_TO, RL_WHO, RL_COUNT };

struct record_text {
    struct slice s; /* decoded bytes; lone surrogates as their three bytes, bad UTF-8 kept */
    bool present;
    bool damaged; /* has malformed UTF-8 or lone surrogates */
};

enum record_time_state {
    RTS_ABSENT,
    RTS_INSTANT, /* ms is a UTC instant (may be <= 0 or beyond year 9999) */
    RTS_LOCAL,   /* ms is a wall time without offset: needs the dump's zone */
    RTS_BAD,     /* unreadable: a fraction, too large, no RFC 3339 */
    RTS_BOOL,    /* only `deleted`: ms is 1 for true, 0 for false */
};
struct record_when {
    enum record_time_state state;
    int64_t ms;
    bool is_text; /* was written as a string */
    bool has_offset;
    int offset_minutes; /* as written */
    struct slice raw;   /* the raw JSON value */
};

struct record_items { /* decoded strings in the order given */
    const struct slice *items;
    size_t n;
    bool present;
};

struct record_attachment {
    struct slice name, mime, sha256, type, caption; /* data NULL where absent */
    struct slice size;                              /* raw JSON digits, data NULL where absent */
    bool damaged;
};

/* Every key that delivery.md names has a number: the typed ones first, in the order of their enums,
 * so that RECORD_KEY_TIMES + RT_SENT is `sent`; then the others. Below 64. */
enum {
    RECORD_KEY_STRINGS = 0,
    RECORD_KEY_TIMES = RS_COUNT,
    RECORD_KEY_INTS = (int)RECORD_KEY_TIMES + (int)RT_COUNT,
    RECORD_KEY_LISTS = (int)RECORD_KEY_INTS + (int)RI_COUNT,
    RECORD_KEY_KIND = (int)RECORD_KEY_LISTS + (int)RL_COUNT,
    RECORD_KEY_SEALED,
};

/* Every top-level name of the line, in the order given. */
struct record_pair {
    struct slice key;   /* decoded */
    struct slice value; /* raw JSON, borrowed from the line */
    bool known;         /* a key that delivery.md names for this kind (or for every kind) */
    uint8_t number;     /* RECORD_KEY_…, if it is known */
};

struct record {
    enum record_kind kind;
    struct record_text str[RS_COUNT];
    struct record_when time[RT_COUNT];
    uint64_t num[RI_COUNT];
    uint32_t num_present; /* bit per record_int */
    struct record_items list[RL_COUNT];
    bool sealed;                                 /* a `sealed` object was there: */
    struct slice seal_key, seal_nonce, seal_box; /* box and nonce decoded from base64 */
    const struct record_attachment *attachments;
    size_t n_attachments;
    bool attachments_present;
    const struct record_pair *pairs;
    size_t n_pairs;
};

static inline bool record_has(const struct record *r, enum record_int k)
{
    return (r->num_present >> k & 1) != 0;
}

/* Why a line goes into quarantine (delivery.md, "What cannot be read"). */
enum record_fault {
    RF_NONE,
    RF_EMPTY,    /* empty line */
    RF_TOO_LONG, /* over 1 MiB */
    RF_JSON,     /* not a JSON object (RFC 8259), or bytes after it */
    RF_NESTING,  /* deeper than 32 */
    RF_NO_KIND,  /* no `kind` */
    RF_KIND,     /* unknown kind */
    RF_NAME_TWICE,
    RF_TYPE,        /* a known key of the wrong type */
    RF_TWO_BODIES,  /* text and sealed */
    RF_AFTER_END,   /* set by the indexer */
    RF_SECOND_DUMP, /* set by the indexer */
    RF_KILLS,       /* set by the indexer */
    RF_COUNT
};
const char *record_fault_name(enum record_fault f); /* "not-json", "empty-line", … stable */
const char *record_fault_text(enum record_fault f); /* a sentence for people */

struct record_reader;
MUST_USE enum status record_reader_new(struct record_reader **out, struct err *err);
void record_reader_free(struct record_reader *r);

/* Parses one line (without LF; a CR before it is white space). A BOM before the first line is
 * accepted only when `first` is set. *fault says whether the line is a record; *key (may be NULL)
 * names the offending key where there is one. Malformed UTF-8 inside strings is no fault.
 * Only ST_NO_MEMORY can fail. Cost: linear; no allocation once scratch has grown. */
MUST_USE enum status record_parse(struct record_reader *r, struct slice line, bool first,
                                  struct record *out, enum record_fault *fault, struct slice *key,
                                  struct err *err);

/* Canonical form of a raw JSON value that record_parse accepted: no white space, names sorted by
 * decoded bytes (equal names: the last one stays), shortest escapes, numbers as written; malformed
 * bytes kept, lone surrogates as \udxxx. Two spellings of the same value give the same bytes.
 * Appends to out. Latches in out. Recursion is at most RECORD_NESTING_MAX deep. */
void record_canon(struct record_reader *r, struct slice raw, struct buf *out);
/* The canonical object of the pairs for which keep(ctx, pair) is true; "{}" if none. */
void record_canon_pairs(struct record_reader *r, const struct record *rec,
                        bool (*keep)(void *ctx, const struct record_pair *p), void *ctx,
                        struct buf *out);

#endif
