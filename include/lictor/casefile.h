/* casefile — a case on disk: CASE, MANIFEST, segments/, ledger, quarantine/.
 * A case is read at one generation, written by one process (flock).
 * Owns: an open case owns its key (locked memory, wiped), files and cache.
 * Threads: reading functions may be called from several threads; writing from one.
 * Trusts: nothing on disk.  Format: docs/FORMAT.md, "Case".
 * Crash: every commit is segment files (fsync, rename, directory fsync) → ledger entry carrying the
 * whole new MANIFEST (fsync) → MANIFEST (fsync, rename, directory fsync). */
#ifndef LICTOR_CASEFILE_H
#define LICTOR_CASEFILE_H

#include "lictor/segment.h"

struct casefile;

/* What opens a case: a key file, or a passphrase, from a file or as it was typed. All NULL: it is
 * not encrypted. Files that are open to others are refused. */
#define CASE_PASSPHRASE_MAX 1024
struct case_secret {
    const char *key_file;
    const char *passphrase_file; /* one line */
    const uint8_t *passphrase;
    size_t passphrase_len;
};
enum case_method { CASE_PLAIN, CASE_KEY_FILE, CASE_PASSPHRASE };
/* By which of them the case opens, so that a passphrase can be asked for. */
MUST_USE enum status casefile_method(const char *dir, enum case_method *out, struct err *err);

/* Completes what a command line gave for opening the case: where that opens by a passphrase and
 * none is given, it is asked for. `by_default`: s->key_file was not named but is what is used else
 * (an environment), and is left out where a passphrase opens. What is wrong with the case is left
 * to its opening. *asked: to be freed with the function beside `ask` once the case is open; NULL if
 * nothing was asked. */
typedef enum status case_ask(const char *prompt, bool twice, uint8_t **text, size_t *len,
                             struct err *err);
MUST_USE enum status casefile_ask(const char *dir, struct case_secret *s, bool by_default,
                                  case_ask *ask, uint8_t **asked, struct err *err);

/* Makes CASE (mode 0700; must not exist or be empty), locked by what is given; a key file is made
 * new (0600, text: one line "LICTOR-CASE-KEY-1" + base64 …; an existing file is refused,
 * ST_USAGE). */
MUST_USE enum status casefile_make(const char *dir, const struct case_secret *s,
                                   const char *words_version, struct err *err);
/* The same with a key file; NULL: no encryption. */
MUST_USE enum status casefile_create(const char *dir, const char *key_file,
                                     const char *words_version, struct err *err);

/* CASE_VERIFY reads like CASE_READ, but opens no segments (casefile_segments is 0) and lets a
 * damaged ledger pass, so that casefile_verify can name every damage. */
enum casefile_mode { CASE_READ, CASE_WRITE, CASE_VERIFY };
/* Errors: ST_NOT_FOUND not a case (exit 3), ST_DENIED wrong key, key missing or open to others,
 * ST_LOCKED another writer, ST_DAMAGED. key_file NULL for an unencrypted case. Rolls a ledger that
 * is one entry ahead forward (CASE_WRITE; a reader just reads that generation), cuts a torn last
 * entry off and says so in casefile_notes. Removes leftovers of killed writers (CASE_WRITE). */
MUST_USE enum status casefile_open(const char *dir, const char *key_file, enum casefile_mode mode,
                                   size_t cache_bytes, struct casefile **out, struct err *err);
/* The same, opened by any of the ways. */
MUST_USE enum status casefile_unlock(const char *dir, const struct case_secret *s,
                                     enum casefile_mode mode, size_t cache_bytes,
                                     struct casefile **out, struct err *err);
void casefile_close(struct casefile *c);

/* ---- the manifest: what is live ---- */

struct manifest_segment {
    struct file_seal base;
    struct file_seal *overlays; /* oldest first */
    size_t n_overlays;
    uint32_t docs;
};

/* The books of one dump (delivery.md, "The books balance"). */
struct books {
    uint64_t records, messages, copies, redelivered, other, quarantined, sealed, conflict;
};

/* As bytes: 8 varints. */
void books_put(struct buf *out, const struct books *b);
void books_get(struct cursor *c, struct books *b);

enum dump_state { DUMP_COMPLETE, DUMP_PARTIAL, DUMP_REFUSED, DUMP_ALREADY };
const char *dump_state_name(enum dump_state s);

/* A dump that is not finished: goes on at its committed line. */
struct dump_progress {
    uint8_t sha256[32];
    uint64_t lines; /* lines committed, the dump line included */
    struct books books;
    struct slice state; /* what the indexer must know to go on (opaque) */
};

#define DIGEST_SUM_SIZE 256
struct manifest {
    uint64_t generation;
    struct manifest_segment *segments;
    size_t n_segments;
    struct file_seal *quarantine;
    size_t n_quarantine;
    uint64_t quarantined; /* lines */
    struct dump_progress *progress;
    size_t n_progress;
    uint64_t ledger_entries, ledger_bytes;
    uint8_t ledger_head[32];
    uint8_t digest_sum[DIGEST_SUM_SIZE]; /* see store/digest.c: order-independent sum */
    uint64_t dumps[3];                   /* by state: complete, partial, refused */
};
const struct manifest *casefile_manifest(const struct casefile *c);
/* Deep copy that a writer changes and gives to commit. Every array, and every
 * progress[].state.data, is a malloc of its own (NULL if empty): grow it with realloc, free what
 * you drop. */
MUST_USE enum status manifest_copy(const struct manifest *m, struct manifest **out,
                                   struct err *err);
void manifest_free(struct manifest *m);

/* Open segments of this generation; same order as the manifest. */
size_t casefile_segments(const struct casefile *c);
struct segment *casefile_segment(const struct casefile *c, size_t i);
const struct case_key *casefile_key(const struct casefile *c);
const uint8_t *casefile_id(const struct casefile *c); /* 16 bytes */
int casefile_segments_dir(const struct casefile *c);
int casefile_quarantine_dir(const struct casefile *c);
const char *casefile_words_version(const struct casefile *c);
bool casefile_is_plain(const struct casefile *c);
/* What opening repaired, for people; "" if nothing. */
const char *casefile_notes(const struct casefile *c);
/* SHA-256 over the digest sum: the content digest, hex. */
void casefile_digest(const struct casefile *c, char out[65]);
/* Sum arithmetic: adds one contribution, whose SHA-256 is `hash`. */
void digest_add(uint8_t sum[DIGEST_SUM_SIZE], const uint8_t hash[32]);
/* The same for many, several times as fast: gathered first (zeroed at the beginning), then settled
 * into a sum. At most 2^32 - 1 hashes before it is settled.  Threads: one a gathering. */
#define DIGEST_MANY_KEYS 4
struct digest_many {
    uint64_t words[64]; /* 32-bit words of the sum with room for carries, by word and block */
    uint8_t waiting[DIGEST_MANY_KEYS][32];
    unsigned n_waiting;
};
void digest_many_add(struct digest_many *m, const uint8_t hash[32]);
void digest_many_settle(struct digest_many *m, uint8_t sum[DIGEST_SUM_SIZE]);

/* ---- the ledger ---- */

enum ledger_kind {
    LEDGER_INIT = 1,
    LEDGER_ADD,
    LEDGER_COMPACT,
    LEDGER_UNSEAL,
    LEDGER_REKEY,
    LEDGER_REOPEN
};

struct ledger_dump { /* one dump of an `add` */
    struct slice name;
    uint8_t sha256[32]; /* zero if the dump could not be read at all */
    uint64_t bytes;
    uint8_t state;   /* enum dump_state, never ALREADY */
    bool superseded; /* only on reading: the same bytes or unit came complete later */
    struct slice reason_code, reason_text; /* empty if none */
    uint64_t reason_at;
    struct books books;
    struct slice authority, serial, source, stage, epoch, signer; /* unit; empty if none */
    struct slice account, service; /* of the dump line; empty if none, and in older entries */
    int64_t collected_from, collected_to; /* the same; TIME_NONE if none */
};
struct ledger_entry {
    uint64_t number; /* from 0 */
    uint8_t kind;
    int64_t time_ms; /* this machine's clock */
    uint64_t generation;
    uint8_t previous[32], hash[32];
    struct ledger_dump *dumps;
    size_t n_dumps;
    struct slice version; /* program version */
};
/* Walks all entries up to the manifest's position, checking the chain. `visit` may stop with any
 * status other than ST_OK. Entries borrow memory until visit returns. */
MUST_USE enum status ledger_walk(struct casefile *c,
                                 enum status (*visit)(void *ctx, const struct ledger_entry *e,
                                                      struct err *err),
                                 void *ctx, struct err *err);

/* ---- commit ---- */

/* Publishes `next` (generation is set to the present one + 1, ledger fields are filled) together
 * with a ledger entry of `kind` that names `dumps`. New files of `next` must be finished in the
 * segments or quarantine directory; files no longer named are unlinked after the rename. On success
 * the case shows the new generation (segments reopened); `next` is freed in any case. */
MUST_USE enum status casefile_commit(struct casefile *c, struct manifest *next,
                                     enum ledger_kind kind, const struct ledger_dump *dumps,
                                     size_t n_dumps, struct err *err);

/* Shows the segments of `next` through this handle and publishes nothing: for a commit of several
 * segments, each of which must see those before it. Their files are leftovers until the commit; a
 * handle that is closed before has changed nothing. casefile_manifest stays the published one. */
MUST_USE enum status casefile_stage(struct casefile *c, const struct manifest *next,
                                    struct err *err);

/* ---- rekey ---- */

/* Locks the case by `to` from now on: what opened it before does not any more. The case key stays,
 * so nothing but CASE is written anew; the ledger has an entry (LEDGER_REKEY). Killed at any
 * instant, it opens by the old or by the new way, never by neither, and by the new one alone once
 * the ledger has the entry. A key file is made here, where `to` names one. */
MUST_USE enum status casefile_rekey(struct casefile *c, const struct case_secret *to,
                                    struct err *err);

/* ---- quarantine ---- */

struct quarantine_line {
    uint8_t dump_sha256[32];
    struct slice dump_name;
    uint64_t line;
    struct slice fault; /* record_fault_name */
    struct slice bytes; /* the line, byte for byte (over-long ones: all of it that came) */
};
struct quarantine_writer;
MUST_USE enum status quarantine_writer_open(struct casefile *c, struct quarantine_writer **out,
                                            struct err *err);
MUST_USE enum status quarantine_add(struct quarantine_writer *w, const struct quarantine_line *l,
                                    struct err *err);
/* Frees w always. */
MUST_USE enum status quarantine_writer_finish(struct quarantine_writer *w, struct file_seal *seal,
                                              struct err *err);
void quarantine_writer_abort(struct quarantine_writer *w);
MUST_USE enum status
quarantine_walk(struct casefile *c,
                enum status (*visit)(void *ctx, const struct quarantine_line *l, struct err *err),
                void *ctx, struct err *err);

/* ---- verify ---- */

/* Reads every byte of the case; calls `found` for each damage (file, what) and goes on. ST_OK also
 * with damage; *damaged counts. */
MUST_USE enum status casefile_verify(struct casefile *c,
                                     void (*found)(void *ctx, const char *file, const char *what),
                                     void *ctx, uint64_t *damaged, struct err *err);

/* ---- healing ----
 * Damage to segments and quarantine files costs what stands in them, until the dumps that it came
 * from are read again. In this order, with a case that was opened to verify: casefile_verify (or
 * casefile_damage_note) → casefile_set_aside → casefile_concerned → commit of LEDGER_REOPEN →
 * casefile_keep_aside. */

/* One more damaged file of segments/ or quarantine/; NULL: damage that no dump makes good. */
MUST_USE enum status casefile_damage_note(struct casefile *c, const uint8_t id[FILE_ID_SIZE],
                                          struct err *err);
/* Is all damage that was found of the kind that reading dumps again makes good? Not that of CASE,
 * MANIFEST or ledger, and not what could not be read for a reason that may pass (EIO, rights). */
bool casefile_damage_heals(const struct casefile *c);
/* Makes a writer of it, as CASE_WRITE does, that no longer has the damaged segments (a base with
 * all its overlays, whichever is damaged) and quarantine files: not in its manifest, not among its
 * open segments. On the disk nothing changes before a commit. ST_LOCKED if another one writes,
 * ST_USAGE if a commit happened since it was opened. */
MUST_USE enum status casefile_set_aside(struct casefile *c, struct err *err);
/* The dumps of which records stand in what was set aside, by the history in the ledger: it needs
 * not one byte of the damaged files. `visit` gets each once. */
MUST_USE enum status casefile_concerned(struct casefile *c,
                                        enum status (*visit)(void *ctx, const uint8_t sha256[32],
                                                             struct err *err),
                                        void *ctx, struct err *err);
/* After the commit: what was set aside stays in the case as hex(id).damaged, for whoever wants to
 * look at it. A file that cannot be renamed is left to the next sweep. */
void casefile_keep_aside(const struct casefile *c);

#endif
