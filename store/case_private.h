/* case_private — what the files of casefile.h share: the open case, CASE and key file, MANIFEST and
 * ledger as bytes. Order of work in a case: case_create | case_open → read, or commit … → close.
 * Format: docs/FORMAT.md, "Case" to "Quarantine". */
#ifndef STORE_CASE_PRIVATE_H
#define STORE_CASE_PRIVATE_H

#include "lictor/casefile.h"
#include "store/seal.h"

#define CASE_ID_SIZE 16
#define CASE_FORMAT_VERSION 2 /* of CASE alone */
#define CASE_FORMAT_OLD 1     /* no passphrase, no query log from the beginning */
#define CASE_SALT_SIZE 16
#define CASE_HEADER_SIZE 32
#define CASE_FILE_MAX ((size_t)64 << 10)
#define CASE_KEY_FILE_MAX ((size_t)64 << 10)
#define CASE_WORDS_VERSION_MAX 256
#define MANIFEST_FILE_MAX ((size_t)512 << 20)
#define LEDGER_ENTRY_MAX ((size_t)512 << 20)
#define QUARANTINE_ENTRY_MAX ((size_t)1 << 30)

#define CASE_MAGIC "LICTORCA"
#define MANIFEST_MAGIC "LICTORMA"
#define LEDGER_MAGIC "LICTORLE"

/* How CASE is locked. */
struct case_way {
    uint8_t method;               /* enum case_method */
    uint8_t salt[CASE_SALT_SIZE]; /* of a passphrase, and the cost of Argon2id; else zero */
    uint32_t passes, kib;
    uint64_t generation; /* whose commit locked it so; 1: as it was made */
};
/* What CASE says in clear. */
struct case_head {
    unsigned version;
    uint8_t id[CASE_ID_SIZE];
    struct case_way way;
    size_t unit; /* where its unit begins */
};

struct casefile {
    enum casefile_mode mode;
    int dir, segments_dir, quarantine_dir, lock;
    struct case_key key;
    uint8_t id[CASE_ID_SIZE];
    char *words_version;
    uint8_t *case_bytes; /* CASE as it was when opened */
    size_t case_len;
    uint8_t *next_bytes; /* CASE.next, where there is one: a rekey that was interrupted */
    size_t next_len;
    bool by_next;          /* CASE.next was opened by what was given, and CASE is not */
    struct case_head head; /* of the one that was opened */
    struct manifest *manifest;
    struct manifest *staged; /* whose segments are open, if not those of `manifest` */
    struct block_cache *cache;
    struct segment **segments; /* n_open of them */
    size_t n_open;
    /* Readers only, since nobody takes files away from a writer: n_quarantine_open of them; NULL:
     * could not be opened. */
    struct section_file **quarantine;
    size_t n_quarantine_open;
    char notes[512];       /* "" if opening repaired nothing */
    bool broken;           /* a commit failed: nothing more may be written through this handle */
    struct buf damage;     /* ids of damaged files */
    bool damage_elsewhere; /* there is damage that no dump makes good */
    struct buf aside;      /* ids of files that were set aside */
};

/* ---- case_key.c: what locks a case ---- */

/* A new way to lock it, and its key in locked memory (NULL: plain). */
struct case_lock {
    struct case_way way;
    uint8_t *key;
    const char *made; /* the key file that was made for it */
};
/* 32 bytes of a key file's text. */
MUST_USE enum status case_key_file_parse(struct slice text, uint8_t out[SEAL_KEY_SIZE],
                                         struct err *err);
/* 32 bytes in locked memory, to be freed with sodium_free. */
MUST_USE enum status case_key_new(uint8_t **out, struct err *err);
/* The key for a case that is locked so, from what was given; NULL if it is plain. ST_DENIED if that
 * is not what opens it. */
MUST_USE enum status case_lock_key(const struct case_secret *s, const struct case_way *way,
                                   uint8_t **out, struct err *err);
/* A new lock: makes the key file (synced), or stretches the passphrase with a new salt. Its
 * generation is left to the caller. */
MUST_USE enum status case_lock_make(const struct case_secret *s, const uint8_t id[CASE_ID_SIZE],
                                    struct case_lock *l, struct err *err);
/* `undo`: removes the key file, too. */
void case_lock_release(struct case_lock *l, bool undo);
MUST_USE enum status case_parent_sync(const char *path, struct err *err);

/* ---- case_file.c: CASE ---- */

/* First 32 bytes of MANIFEST, and the additional data of every sealed unit but that of CASE. */
void case_header_make(const char *magic, bool plain, const uint8_t id[CASE_ID_SIZE],
                      uint8_t out[CASE_HEADER_SIZE]);
MUST_USE enum status case_encode(const struct case_lock *lock, const struct case_key *key,
                                 const uint8_t id[CASE_ID_SIZE], const char *words_version,
                                 struct buf *out, struct err *err);
/* Whether CASE is whole by its checksum. */
MUST_USE enum status case_peek(struct slice bytes, struct case_head *out, struct err *err);
/* Sets key->key (new, unless plain) and *words_version (malloc). lock_key NULL: plain, as case_peek
 * says it is. */
MUST_USE enum status case_decode(struct slice bytes, const uint8_t *lock_key, struct case_key *key,
                                 char **words_version, struct err *err);

/* ---- case_rekey.c ---- */

/* CASE with a new lock, while its commit is not known to have happened. */
#define CASE_NEXT_NAME "CASE.next"
/* What opening a case makes of a CASE.next: `committed` if its generation is (or is before) that of
 * the manifest. For writers: puts it in the place of CASE, or removes it. */
MUST_USE enum status case_next_settle(struct casefile *c, struct err *err);

/* ---- manifest.c ---- */

/* Sorted ids of the files in segments/ or quarantine/; *ids is malloc. ST_DAMAGED if one stands
 * twice. */
MUST_USE enum status manifest_ids(const struct manifest *m, bool quarantine, uint8_t **ids,
                                  size_t *n, struct err *err);
bool manifest_ids_have(const uint8_t *ids, size_t n, const uint8_t id[FILE_ID_SIZE]);
MUST_USE enum status manifest_new(struct manifest **out, struct err *err);

/* ---- manifest_io.c ---- */

/* What the ledger carries of a manifest: all but its ledger position. */
void manifest_encode_body(const struct manifest *m, struct buf *out);
MUST_USE enum status manifest_decode_body(struct slice body, struct manifest **out,
                                          struct err *err);
MUST_USE enum status manifest_encode(const struct manifest *m, struct buf *out, struct err *err);
MUST_USE enum status manifest_decode(struct slice payload, struct manifest **out, struct err *err);
MUST_USE enum status manifest_read(const struct casefile *c, struct manifest **out,
                                   struct err *err);
/* Temporary name, fsync, rename, fsync of the directory. */
MUST_USE enum status manifest_write(const struct casefile *c, const struct manifest *m,
                                    struct err *err);

/* ---- ledger.c ---- */

struct ledger_pos {
    uint64_t entries, bytes;
    uint8_t head[32];
};
/* An entry as read; entry and body borrow `payload`. */
struct ledger_item {
    struct buf payload;
    struct ledger_entry entry;
    struct slice body; /* manifest_encode_body */
};
void ledger_item_release(struct ledger_item *it);
void ledger_entry_encode(const struct ledger_entry *e, const uint8_t case_id[CASE_ID_SIZE],
                         struct slice body, struct buf *out);
/* Fills entry (dumps are malloc) and body from it->payload. */
MUST_USE enum status ledger_entry_decode(const uint8_t case_id[CASE_ID_SIZE],
                                         struct ledger_item *it, struct err *err);
/* Reads the entry at *pos, which must end at or before `end`, checks that it follows, and moves
 * *pos behind it. `it` must be zeroed or released; release it also after failure. */
MUST_USE enum status ledger_read(const struct casefile *c, int fd, uint64_t end,
                                 struct ledger_pos *pos, struct ledger_item *it, struct err *err);
/* Appends and syncs an entry that carries `next`, and sets next's ledger position. */
MUST_USE enum status ledger_append(const struct casefile *c, const struct ledger_pos *pos,
                                   enum ledger_kind kind, const struct ledger_dump *dumps,
                                   size_t n_dumps, struct manifest *next, struct err *err);
enum ledger_tail { LEDGER_TAIL_NONE, LEDGER_TAIL_TORN, LEDGER_TAIL_ENTRY };
/* What stands behind the position of `m`; for LEDGER_TAIL_ENTRY *next is the manifest it carries.
 */
MUST_USE enum status ledger_look_ahead(const struct casefile *c, const struct manifest *m,
                                       enum ledger_tail *tail, struct manifest **next,
                                       struct err *err);
/* Cuts off what stands behind the position of `m`, and syncs. */
MUST_USE enum status ledger_cut(const struct casefile *c, const struct manifest *m,
                                struct err *err);
/* Writes the entry between the positions of `m` and `next` once more, and syncs: whoever wrote it
 * may have died of a failed fsync, after which the kernel may hold it as clean yet never write it.
 */
MUST_USE enum status ledger_renew(const struct casefile *c, const struct manifest *m,
                                  const struct manifest *next, struct err *err);
struct ledger_pos ledger_pos_of(const struct manifest *m);
/* The whole ledger of `m`, checked; last entry's body in *body if not NULL. */
MUST_USE enum status ledger_check(const struct casefile *c, struct buf *body, struct err *err);

/* The same for whoever needs the manifests: items borrow memory until `visit` returns. */
MUST_USE enum status ledger_walk_items(const struct casefile *c,
                                       enum status (*visit)(void *ctx, struct ledger_item *it,
                                                            struct err *err),
                                       void *ctx, struct err *err);

/* ---- case_open.c ---- */

/* The writer's way in: lock, repair of what a killed writer left; opens no segments. */
MUST_USE enum status case_load_writing(struct casefile *c, struct err *err);

/* ---- case_files.c ---- */

/* Opens the segments of `m`; those of `c` that did not change are taken over. On failure nothing of
 * `c` is touched. *out has m->n_segments. */
MUST_USE enum status case_segments_open(const struct casefile *c, const struct manifest *m,
                                        struct segment ***out, struct err *err);
/* Closes those in `list` that `keep` does not hold. */
void case_segments_close(struct segment **list, size_t n, struct segment *const *keep,
                         size_t n_keep);
/* ST_NOT_FOUND or ST_DAMAGED if a file of `m` is missing or has another size. */
MUST_USE enum status case_files_exist(const struct casefile *c, const struct manifest *m,
                                      struct err *err);
/* Removes files of ours in segments/ and quarantine/ that `m` does not name, temporary ones too. */
MUST_USE enum status case_files_sweep(const struct casefile *c, const struct manifest *m,
                                      struct err *err);
/* Unlinks what `old` names and `next` does not; what cannot be removed is left to the next sweep.
 */
void case_files_retire(const struct casefile *c, const struct manifest *old,
                       const struct manifest *next);
/* As section_file_open, for the quarantine files of c->manifest; one that does not open is NULL and
 * says why when it is walked. A missing one is ST_NOT_FOUND. */
MUST_USE enum status case_quarantine_open(struct casefile *c, struct err *err);
void case_quarantine_close(struct casefile *c);

#endif
