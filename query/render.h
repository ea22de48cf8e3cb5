/* render — records as text for people and as jsonl, json, csv for machines.
 * Owns: a render owns nothing of what it shows; text for threads keeps its speakers (release).
 * Appends to a buf that the command writes out.  Threads: one.
 * Nothing from evidence reaches the output raw where it could act: text through cli_safe, JSON
 * through json_out or extra_safe, CSV quoted and formulas neutralised with a leading apostrophe. */
#ifndef QUERY_RENDER_H
#define QUERY_RENDER_H

#include "lictor/json_out.h"
#include "query/handles.h"
#include "query/search.h"
#include "query/thread.h"
#include "query/timeline.h"

enum render_format {
    RENDER_TEXT,
    RENDER_JSONL,
    RENDER_JSON,
    RENDER_CSV,
    RENDER_SVG,     /* timeline, gaps */
    RENDER_GRAPHML, /* contacts */
    RENDER_HTML,    /* thread, search: pages in a directory */
};

#define RENDER_ID_LEAST 8

/* Which record a service id of the conversation shown means. */
struct known_id {
    struct slice service_id;
    uint8_t id[KEY_SIZE];
    bool several; /* more than one: it means none of them */
};

/* Around a match where there is no colour. Where evidence has one of these signs, its number is
 * shown, so that no mark is a sender's. */
#define MARK_BEGIN "\xe2\x9f\xa6" /* U+27E6 */
#define MARK_END "\xe2\x9f\xa7"   /* U+27E7 */

/* How matches are marked in the text of hits. */
enum render_marking { MARKED_NOT, MARKED_COLOUR, MARKED_SIGNS };

struct score_term;

struct render {
    enum render_format format;
    bool colour;
    int columns; /* to fill */
    struct view *v;
    const struct query *query; /* whose words are marked in hits; NULL: none */
    enum render_marking marking;
    bool whole;       /* text: long texts of hits are shown whole */
    bool mark_hits;   /* text: they stand among other messages */
    int id_digits;    /* of shortened ids, RENDER_ID_LEAST .. 32 */
    uint64_t records; /* html: given so far */
    bool comma;       /* json: an element stands before */
    bool hits_open;   /* json: "hits":[ was written */
    /* text of threads */
    const struct known_id *known; /* sorted by service id */
    size_t n_known;
    int speaker_columns;
    int64_t day, day_offset; /* local day shown last, and the zone's offset then */
    bool day_shown;
    struct buf speakers; /* struct slice, in order of appearance, in `names` */
    struct arena names;
};
void render_init(struct render *r, struct view *v);
void render_release(struct render *r);

/* ---- ids that are short but differ (render_ids.c) ---- */

/* Gathers ids that will be shown together; then says how many digits tell them apart. */
struct id_set {
    struct buf prefixes; /* u64 */
    uint64_t more;       /* ids that were only counted */
};
void id_set_add(struct id_set *s, const uint8_t id[KEY_SIZE]);
/* Beyond this many they are only counted, and digits given by how likely a clash is. */
#define ID_SET_EXACT 20000
int id_set_digits(struct id_set *s);
void id_set_release(struct id_set *s);

/* ---- machines ---- */

struct summary {
    struct slice query;
    const char *method; /* "scan"; NULL: by the index, and left out */
    uint64_t read;      /* with a method: stored records that were read */
    uint64_t total, sealed, untimed;
    uint64_t conversations; /* UINT64_MAX: left out */
    const char *stamps;     /* --correct-clocks: whose clock stamps messages; NULL: left out */
    uint64_t unfinished;    /* dumps that are not wholly in the case; 0: left out */
    uint64_t pairs;         /* messages shown that may be the same as another; 0: left out */
    const char *log; /* "file", "none": where the query was logged; NULL: in the case, left out */
    const char *log_head; /* `log`: hash of its last entry; NULL: left out */
    char digest[65];
    uint64_t generation;
    const struct score_term *terms; /* query/score.h; NULL: left out */
    size_t n_terms;
    char next[2 * KEY_SIZE + 1]; /* the id after which the answer goes on; "": it is whole */
    /* thread --day: that day, and the nearest ones with records; "": left out. */
    char day[TIMELINE_LABEL_SIZE], day_before[TIMELINE_LABEL_SIZE], day_after[TIMELINE_LABEL_SIZE];
    struct slice counted;  /* html: what was counted, in words; data NULL: the total alone */
    struct summary_count { /* what a command counts besides, after the rest */
        const char *key;
        uint64_t n;
    } more[8];
    size_t n_more;
};
void summary_add(struct summary *s, const char *key, uint64_t n);
/* Begins and ends the whole output: json's wrapping, csv's header, jsonl's summary line. json has
 * the summary first if it is known by then (`s` not NULL), else behind the hits. */
void render_begin(struct render *r, const struct summary *s, struct buf *out);
void render_end(struct render *r, const struct summary *s, bool summary_shown, struct buf *out);
/* Around an element that a command writes itself: the commas of json, the lines of jsonl. */
void render_element_begin(struct render *r, struct buf *out);
void render_element_end(struct render *r, struct buf *out);
/* One record; `order` only in threads, else NULL. `all_copies`: every copy and its provenance. */
void render_record(struct render *r, const struct message_view *m, bool all_copies,
                   const char *order, struct buf *out);
void render_gap(struct render *r, const struct thread_gap *g, struct buf *out);
void render_handle(struct render *r, const struct handle_row *h, struct buf *out);

/* The forms of each (render_json.c, render_csv.c). */
void json_record(const struct message_view *m, bool all_copies, const char *order, struct buf *out);
void json_gap(const struct thread_gap *g, struct buf *out);
void json_handle(const struct handle_row *h, struct buf *out);
/* "nicknames": whose they are is not said; nothing if there are none. */
void json_nicknames(struct json_out *j, const struct nickname *all, size_t n);
void json_summary_keys(struct json_out *j, const struct summary *s);
void json_all_copies(struct json_out *j, const struct message_view *m); /* render_json_copies.c */
void csv_header(bool handles, struct buf *out);
void csv_record(const struct message_view *m, const char *order, struct buf *out);
void csv_gap(const struct thread_gap *g, struct buf *out);
void csv_handle(const struct handle_row *h, struct buf *out);

/* Names of the flags of a message, in the order of commands.md; NULL behind the last one. */
const char *render_flag_name(unsigned i, uint16_t *flag);
/* The text that can be read: plain or opened; data NULL if none. */
struct slice render_text_of(const struct content *c);
/* Recipients: those of a set but the sender (a message to oneself goes to oneself), else those
 * given. Step with *i from 0; false behind the last one. */
bool render_recipient(const struct content *c, size_t *i, struct slice *to);
/* A copy that its holder says was deleted, or whose time to burn had run out (counted from when it
 * was read, else from when it was sent) before it was collected. */
struct copy_end {
    struct slice source;
    bool burnt;
    int64_t at; /* of the deletion, or when the time ran out; TIME_NONE: not known */
};
/* Step with *at from 0; false behind the last one. */
bool render_copy_end(const struct message_view *m, size_t *at, struct copy_end *out);
/* The instant that a raw JSON value gives; TIME_NONE if that cannot be told from it alone. */
int64_t render_instant(struct slice raw);
/* Raw JSON of the first copy that says something under `key`; false if none. */
bool render_extra(const struct message_view *m, const char *key, struct slice *raw);

/* ---- people: the pieces (render_text.c) ---- */

enum text_style {
    STYLE_NONE,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_HIT,
    STYLE_WARN,
    STYLE_SPEAKER, /* + 0 .. 5 */
};
#define STYLE_SPEAKERS 6

void text_style(const struct render *r, struct buf *out, int style);
/* A name on one line, at most `columns` wide (0: any), isolated if it runs from right to left.
 * Gives the columns taken. */
int text_name(struct buf *out, struct slice name, int columns);
void text_id(const struct render *r, struct buf *out, const uint8_t id[KEY_SIZE]);
/* "2020-04-02 20:23:11 +02:00 (18:23:11 UTC)". */
void text_when(const struct render *r, struct buf *out, int64_t ms);
/* "20:23:11" in the zone. */
void text_clock(const struct render *r, struct buf *out, int64_t ms);
/* "UTC" or "UTC+02:00": what holds at `ms`. */
void text_offset(const struct render *r, struct buf *out, int64_t ms);
/* Up to `indent`, with the sign in its last columns that stands before every line that begins with
 * evidence, and before none of ours: a text of several lines cannot print a remark, a contradiction
 * or a hole. */
#define TEXT_MARGIN 2
void text_margin(const struct render *r, struct buf *out, int indent);
/* Evidence, wrapped to the columns, never inside a character, continuation lines behind
 * text_margin; `used` columns of the first line are taken. The `n` ranges of `marks` are in colour.
 * Ends with a newline. */
void text_wrap(struct render *r, struct buf *out, struct slice text, int indent, int used,
               const struct text_range *marks, size_t n);
/* The same for the text of a hit, the margin before its first line as well; `head` are words of
 * ours in front of it. Every match of the query is marked, in colour or by signs, and of a long
 * text only the passages around them are shown, with what is left out counted. */
MUST_USE enum status text_snippet(struct render *r, struct buf *out, struct slice head,
                                  struct slice text, int indent, struct err *err);
/* The same for words of ours, in which all evidence is safe already. */
void text_wrap_words(struct render *r, struct buf *out, struct slice words, int indent);
void text_pad(struct buf *out, int columns);
/* What may not be overlooked about a message, in words: "2 copies · only the sender's side · …".
 * Nothing if there is nothing to say. `copies`: also where their number is all there is to say. */
void text_marks(const struct render *r, const struct message_view *m, bool copies, struct buf *out);
/* On what the place of a record in a thread rests, where that is not its own time as it is: "sent
 * 2020-… by a clock 2.0 s ahead", "placed by when it was delivered, …". Else nothing. */
void text_place(const struct render *r, const struct message_view *m, struct buf *out);
/* "bert is called Big B in the address book of anna"; names at most `columns` wide (0: any). */
void text_nickname(const struct nickname *n, int columns, struct buf *out);
/* "photo van.jpg, image/jpeg, 1.2 MB" for each attachment, one line each. */
void text_attachments(struct render *r, const struct message_view *m, int indent, struct buf *out);
/* What stands where no text can: "(sealed under key K1)", what an event or a call says. */
void text_body_words(const struct render *r, const struct message_view *m, struct buf *out);
/* The same up to where the text of an event or contact begins; nothing for other kinds. */
void text_body_head(const struct render *r, const struct message_view *m, struct buf *out);
/* The id of the record meant, if it is known, else the service id, in quotes and said to be one. */
void text_service_id(const struct render *r, struct slice service_id, struct buf *out);
/* Too long for a sentence: text_body_words leaves the value of an event out then. */
bool text_is_long(struct slice text);
void text_gap_words(const struct thread_gap *g, struct buf *out);

/* ---- people: the whole ---- */

MUST_USE enum status text_hit(struct render *r, const struct message_view *m, struct buf *out,
                              struct err *err);
/* What stands around a hit: indented and dim. */
MUST_USE enum status text_context(struct render *r, const struct message_view *m, struct buf *out,
                                  struct err *err);
void text_context_gap(struct render *r, const struct thread_gap *g, struct buf *out);
void text_message(struct render *r, const struct message_view *m, struct buf *out);
MUST_USE enum status text_thread_record(struct render *r, const struct message_view *m,
                                        struct buf *out, struct err *err);
void text_thread_gap(struct render *r, const struct thread_gap *g, struct buf *out);
void text_handle(struct render *r, const struct handle_row *h, struct buf *out);
/* A name for the shell: 'part 1.age', or $'…' where bytes would act. */
void text_shell_name(struct slice name, struct buf *out);

#endif
