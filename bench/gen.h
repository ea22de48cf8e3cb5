/* gen — the parts of `lictor-bench generate`: a world of holders and conversations, a plan that
 * says of every message who holds it, texts, records, and the truth a correct reader must find.
 *
 * Everything about message i of conversation c is a function of the seed, c and i, and whether a
 * holder has a copy is a function of the holder and the time. So every holder's dumps can be
 * written alone, in bounded memory, and the holder whose stream is the first to have a content (its
 * owner) counts it for the truth.
 * Owns: a world owns its tables.  Threads: a world is read-only once made; a tally belongs to one.
 */
#ifndef BENCH_GEN_H
#define BENCH_GEN_H

#include "bench/rng.h"
#include "lictor/cli.h"
#include "lictor/copies.h"

#define GEN_BEGIN_MS INT64_C(1585699200000) /* 2020-04-01T00:00:00Z */
#define GEN_DAYS 74
#define DAY_MS INT64_C(86400000)
#define HANDLE_LEN 6
#define HOLDERS_MAX 8 /* captured members of one conversation */
#define GEN_SERVICE "veilnet"
#define STORY_MESSAGES 62 /* of the one conversation that can be followed */
#define STORY_LEAST 1000  /* messages of a delivery that has it */
#define DOUBT_MESSAGES 240

struct gen_options {
    const char *dir;
    const char *key, *body_keys, *truth; /* NULL: in dir */
    char **texts; /* files whose lines are the messages; none: invented words */
    int n_texts;
    uint64_t messages, seed;
    uint32_t dumps;
    bool sender_clocks; /* senders stamp by their own clocks, some of which jump */
    bool ascii, server, zstd, age;
    bool doubts; /* one conversation more, of messages that may be one another (gen_doubt.c) */
    int level;
    unsigned threads;
    enum cli_progress_mode progress;
};

enum gen_script {
    SCRIPT_LATIN, /* with diacritics; the first in ASCII mode too, without */
    SCRIPT_CYRILLIC,
    SCRIPT_GREEK,
    SCRIPT_ARABIC,
    SCRIPT_HEBREW,
    SCRIPT_HAN,
    SCRIPT_HIRAGANA,
    SCRIPT_THAI,
    SCRIPTS
};

/* ---- people (gen_people.c): who talks to whom ---- */

enum { STAGE_STORED, STAGE_LIVE, STAGES };

struct gen_stream { /* what the run of its holder found out */
    uint64_t first_seq, last_seq, written, missing;
    uint64_t lost;    /* numbers since the last record that was delivered */
    struct buf holes; /* struct gen_hole */
};

struct gen_hole { /* between two records of a stream */
    uint64_t after_seq, before_seq;
};

struct holder { /* a handset, or a server */
    uint64_t key;
    int64_t stored_to, live_from; /* stored holds t < stored_to, live t >= live_from */
    int64_t part_at;              /* live goes on in a second dump from here; INT64_MAX never */
    int64_t skew_ms;              /* of the holder's own clock */
    int64_t jump_at, jump_ms;     /* from then on it is so much further ahead; INT64_MAX never */
    uint64_t weight;              /* records, about */
    uint32_t first_dump, n_dumps;
    uint8_t time_form; /* 0, 1: integers; 2: RFC 3339 with offset; 3: without, zone in the dump */
    bool escapes;      /* writes \u escapes */
    struct gen_stream streams[STAGES];
};

enum conv_seal { SEAL_NONE, SEAL_KEY, SEAL_NO_KEY };

struct conv_holder {
    uint32_t holder;
    uint8_t member; /* index among the members; 255: a server */
};

struct conv {
    uint64_t key;
    uint32_t messages;
    uint32_t members;  /* first in world.members */
    uint32_t holders;  /* first in world.conv_holders */
    uint32_t from_day; /* begins to talk on this day */
    uint8_t n_members, n_holders;
    uint8_t script;
    uint8_t seal; /* enum conv_seal */
    bool group, ids;
    bool story; /* gen_story.c says what is said */
    bool doubts;
};

struct gen_dump { /* filled by the run of its holder */
    uint8_t sha256[32];
    uint64_t bytes, records, quarantined, redelivered;
    uint8_t stage;
};

struct world {
    const struct gen_options *o;
    struct holder *holders;
    struct conv *convs;
    uint32_t *members; /* handle numbers */
    struct conv_holder *conv_holders;
    uint32_t *of_holder; /* conversations of holder h: [of_start[h], of_start[h + 1]) */
    uint32_t *of_start;
    struct gen_dump *dumps;
    uint32_t n_holders, n_convs, n_dumps, n_members, n_conv_holders, first_group, n_outside;
    uint32_t story, doubts; /* UINT32_MAX: no such conversation */
    uint64_t key;
};

MUST_USE enum status world_new(const struct gen_options *o, struct world **out, struct err *err);
void world_free(struct world *w);
/* Six characters; different for different numbers below 4,096,000. */
void handle_name(uint32_t handle, char out[HANDLE_LEN]);
/* "imei:350000000000017" or "server:1"; returns the length. */
size_t holder_source(const struct world *w, uint32_t holder, char out[32]);

/* How far the clock of a holder is ahead at `t`. */
int64_t holder_ahead(const struct world *w, uint32_t holder, int64_t t);

/* ---- plan (gen_plan.c): what each message is ---- */

enum special {
    SP_NONE,
    SP_REPEAT,     /* the content of the message before, once more */
    SP_CONFLICT,   /* one holder has another text under the same id */
    SP_CLASH,      /* the owner has another text under the same seq */
    SP_UNTIMED,    /* no sent, sent 0, or an unreadable one */
    SP_INCOMPLETE, /* one holder lost the recipients */
    SP_DAMAGED,
    SP_DELETED,
    SP_NEEDLE,
};

enum doubt { /* of a message of the conversation of doubts: how the second copy differs */
             DOUBT_NONE,
             DOUBT_TEXT,   /* another text */
             DOUBT_TIME,   /* another time */
             DOUBT_SEALED, /* a sealed body, whose key is there */
             DOUBT_GONE,   /* there is none, and no number tells of it */
};

struct message {
    const struct conv *conv;
    uint32_t conv_no, i;
    int64_t t;
    uint64_t key; /* of its content: equal for a repeat and what it repeats */
    enum special special;
    bool talk;      /* begins one: its time does not follow from the message before */
    bool repeated;  /* it or the next is a repeat of the other */
    uint8_t doubt;  /* enum doubt */
    uint8_t sender; /* index among the members */
};

/* Walks the messages of a conversation in time. */
struct conv_walk {
    const struct world *w;
    uint32_t conv_no, i;
    int64_t t;
};
/* false: no more. */
bool conv_walk_next(struct conv_walk *k, struct message *m);

/* What its sender's clock shows, or the service's, by which it is stamped. */
int64_t message_stamp(const struct world *w, const struct message *m);

/* The copies of a message that are delivered. */
struct presence {
    struct {
        uint32_t holder;
        uint8_t stages; /* bit a stage */
        uint8_t side;   /* enum side */
    } at[HOLDERS_MAX];
    unsigned n;
    uint32_t variant; /* the holder with a content of its own; UINT32_MAX none */
};
/* Bit a stage whose counter moves at `t`; *delivered: those not lost. */
unsigned holder_stages(const struct holder *h, int64_t t, unsigned *delivered);
/* The same for a message of one of its holders. */
unsigned message_stages(const struct world *w, const struct message *m, uint32_t holder,
                        unsigned *delivered);
void message_presence(const struct world *w, const struct message *m, struct presence *p);

/* ---- story (gen_story.c): what the one small conversation says ---- */

/* Whether handles a and b have the story between them, alone. */
bool story_is_pair(const struct world *w, uint32_t a, uint32_t b);
int64_t story_begin(void);
unsigned story_sender(uint32_t i);
int64_t story_time(uint32_t i, int64_t before, uint64_t key);
const char *story_text(uint32_t i, bool other);
uint32_t story_conflict(void);
/* holder: 0 or 1, the first or the second of the conversation. */
bool story_lost(uint32_t i, unsigned holder);

/* ---- doubts (gen_doubt.c): messages without service ids whose copies differ ---- */

enum doubt doubt_of(uint32_t i);
int64_t doubt_time(uint32_t i, int64_t before, uint64_t key);
/* The message as the holder with a content of its own has it. */
void doubt_variant(const struct message *m, struct message *out);
/* Which of the two holders (0, 1) differs, or has none. */
unsigned doubt_holder(const struct message *m);
struct json_out;
/* "doubts" of truth.json: what is to be found. */
void doubt_truth(const struct world *w, struct json_out *j);

/* ---- text (gen_text.c) ---- */

#define TEXT_MAX 8192
#define SLOTS 128 /* words whose documents are counted */
#define PAIRS 16
#define PHRASES 8
#define NEEDLES 12

struct text {
    uint8_t bytes[TEXT_MAX];
    size_t len;
    uint64_t slots[SLOTS / 64]; /* counted words that are in it */
    uint32_t phrases;           /* counted phrases that are in it */
    bool link, emoji;
};

struct lexis; /* syllables, counted words and needles */
MUST_USE enum status lexis_new(bool ascii, struct lexis **out, struct err *err);
void lexis_free(struct lexis *l);
/* Adds about `words` words; bare: words and spaces alone. */
void text_words(const struct lexis *l, struct text *t, unsigned script, struct rng *r,
                unsigned words, bool bare);
/* A whole message text. */
void text_make(const struct lexis *l, struct text *t, unsigned script, struct rng *r);
void text_put(struct text *t, const char *s);
/* Prose in ASCII: words that happen to be counted ones are counted; it must hold none that only
 * folds to one (`do` to `dö`), which tests/cli/generate_truth.py would find. */
void text_put_prose(const struct lexis *l, struct text *t, const char *s);
void text_put_needle(const struct lexis *l, struct text *t, unsigned n);
unsigned lexis_needles(const struct lexis *l);
unsigned lexis_slots(const struct lexis *l);
/* How a counted word is asked for, and its script. */
const char *lexis_slot_query(const struct lexis *l, unsigned slot, const char **script,
                             bool *needle);
/* Slots of a counted pair (both in the document) or phrase (one after the other). */
bool lexis_pair(const struct lexis *l, unsigned pair, unsigned *a, unsigned *b);
bool lexis_phrase(const struct lexis *l, unsigned phrase, unsigned *a, unsigned *b);

/* ---- truth (gen_truth.c) ---- */

#define SAMPLE_HANDLES 30
#define SAMPLE_GROUPS 10

enum gen_flag {
    GF_REPEATED,
    GF_ONE_SIDED,
    GF_CONFLICT,
    GF_SEALED,
    GF_UNTIMED,
    GF_INCOMPLETE,
    GF_DAMAGED,
    GF_FLAGS
};
enum gen_has { GH_ATTACHMENT, GH_LINK, GH_EMOJI, GH_REPLY, GH_COPIES, GH_HAS };

struct tally {
    uint64_t records, messages, copies, redelivered, other, quarantined;
    uint64_t slots[SLOTS], pairs[PAIRS], phrases[PHRASES];
    uint64_t from[SAMPLE_HANDLES], with[SAMPLE_HANDLES], groups[SAMPLE_GROUPS];
    uint64_t days[GEN_DAYS + 2];
    uint64_t flags[GF_FLAGS], has[GH_HAS], kinds[DOC_KINDS];
    uint64_t edits, sealed_no_key, seal_broken, demo_pair, demo_group, demo_story;
};

/* One document that words, * and NOT range over, at its owner. */
struct tally_doc {
    const struct text *text; /* NULL: none or sealed */
    const uint32_t *handles; /* the sender first, then who else `with:` finds */
    unsigned n_handles;
    uint32_t group; /* UINT32_MAX none */
    int64_t t;      /* TIME_NONE: untimed */
};
void tally_count(struct tally *y, const struct world *w, const struct lexis *l,
                 const struct tally_doc *d);
void tally_add(struct tally *sum, const struct tally *y);
/* truth.json; ST_BAD_INPUT would mean that the generator's own books do not balance. */
MUST_USE enum status truth_write(const struct world *w, const struct lexis *l,
                                 const struct tally *sum, const char *path, struct err *err);

/* ---- records (gen_write.c): lines ---- */

struct line {
    uint8_t *p; /* end of what is written */
    uint8_t bytes[32768];
};

struct record_plan { /* a message as one holder writes it */
    const struct message *m;
    const struct text *text;  /* without it: sealed */
    const struct buf *sealed; /* the JSON object of a sealed body */
    uint64_t seq;
    uint32_t holder;
    uint8_t side;
    bool incomplete;
};
void line_begin(struct line *l);
void line_put(struct line *l, const void *data, size_t len);
void line_str(struct line *l, const char *s);
void line_uint(struct line *l, uint64_t v);
void line_int(struct line *l, int64_t v);
void line_json(struct line *l, const uint8_t *s, size_t len, bool escapes);
void line_handle(struct line *l, uint32_t handle);
void line_message(struct line *l, const struct world *w, const struct record_plan *r);
void line_dump(struct line *l, const struct world *w, uint32_t holder, uint32_t dump,
               unsigned stage);
/* The service id of message i. */
size_t message_service_id(uint32_t conv_no, uint32_t i, char out[32]);
/* A line that belongs into quarantine, without LF. */
void line_malformed(struct line *l, uint64_t n);

/* ---- the rest (gen_other.c, gen_seal.c, gen_run.c, generate.c) ---- */

/* A record that is no message, beside `m`; says which kind it became, whether it is an edit, and
 * its time; `text` holds its words where it has some. */
enum doc_kind line_other(struct line *l, const struct world *w, const struct lexis *x,
                         const struct message *m, uint32_t holder, uint64_t seq, uint64_t what,
                         struct text *text, bool *edit, int64_t *t);
void line_contact(struct line *l, const struct world *w, const struct lexis *x, uint32_t holder,
                  uint32_t conv_no, uint64_t seq);

/* The `sealed` object of a message; *broken: it will not open. */
void seal_make(const struct world *w, const struct message *m, const struct text *text,
               struct buf *out, bool *broken);
/* The key file of the sealed conversations whose key is there. */
MUST_USE enum status seal_keys_write(const struct world *w, const char *path, struct err *err);

struct age_recipients;
struct chan;
struct gen_run_env {
    struct world *w;
    const struct lexis *l;
    const struct age_recipients *to;
    struct chan *progress; /* gets numbers of records as pointers; may be NULL */
};
/* Writes all dumps of one holder. */
MUST_USE enum status holder_run(const struct gen_run_env *env, uint32_t holder, struct tally *y,
                                struct err *err);
/* Path of a dump, relative to the directory `dumps` in dir. */
void dump_name(const struct gen_options *o, uint32_t dump, char out[48]);

/* Dumps and truth of o->texts, into a directory that is there (gen_lines.c). */
MUST_USE enum status generate_lines(const struct gen_options *o, const struct age_recipients *to,
                                    const char *truth, struct tally *sum, struct err *err);

/* The whole command: makes dir, writes everything. *sum may be NULL. */
MUST_USE enum status generate(const struct gen_options *o, struct tally *sum, struct err *err);

#endif
