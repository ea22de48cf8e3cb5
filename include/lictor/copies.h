/* copies — who held a content: streams, origins, dumps, and the copies of each document.
 * Shapes shared by the indexer (which makes them) and the readers.
 * Owns: nothing, slices are borrowed.  Format: docs/FORMAT.md, "Copy rows". */
#ifndef LICTOR_COPIES_H
#define LICTOR_COPIES_H

#include "lictor/content.h"

/* How a dump's bytes hold its lines: what the stock command needs that shows one. Flags. */
enum dump_form {
    DUMP_AGE = 1,
    DUMP_PASSPHRASE = 2, /* age under a passphrase */
    DUMP_ZSTD = 4,       /* inside age, if there */
    DUMP_STDIN = 8,      /* came on standard input: there is no file of its name */
    DUMP_FORMS = 15,
};

/* One dump, as a segment's own table has it. */
struct dump_ref {
    uint8_t sha256[SHA256_SIZE];
    uint8_t form;      /* enum dump_form */
    struct slice name; /* as given, for people */
};

/* A stream: the counter that numbers records. Streams are equal if all fields are. */
struct stream_ref {
    struct slice source;
    uint8_t stage;      /* 0 stored, 1 live */
    struct slice epoch; /* data NULL if absent */
    bool numbered;      /* records carry seq; else the stream is one dump's, seq = line number */
    uint8_t dump_sha256[SHA256_SIZE]; /* of an unnumbered stream, else zero */
};
/* Total order of streams: source, stage, epoch (absent first), numbered before not, dump hash. */
int stream_cmp(const struct stream_ref *a, const struct stream_ref *b);

/* What a dump line or a record says about where it was taken: belongs to the copy. */
struct origin_ref {
    uint32_t stream; /* index into the stream table */
    struct slice account, authority, warrant, liid, cin, point, serial, selection;
    uint8_t direction; /* 0 absent, 1 from, 2 to, 3 unknown */
};

struct sighting {  /* a record, in a dump */
    uint32_t dump; /* index into the dump table */
    uint64_t line;
};

/* The copy fields as one reading of the copy gave them. */
struct copy_version {
    uint32_t origin;
    int64_t delivered, read, collected; /* ms or TIME_NONE */
    struct slice extra; /* canonical JSON object of everything else; empty if nothing */
    const struct sighting *sightings;
    size_t
        n_sightings; /* the first is the record that brought the version; the rest re-deliveries */
};

struct copy {
    uint32_t stream; /* index into the stream table */
    uint64_t seq;
    const struct copy_version *versions; /* ordered by their bytes, never by arrival */
    size_t n_versions;
};

/* Which side of the message a copy stands on. */
enum side { SIDE_UNKNOWN, SIDE_FROM, SIDE_TO, SIDE_SERVER };
const char *side_name(enum side s);
/* Of two readings of one copy: the sender's if either says so, else a recipient's, else the
 * server's: whichever came first. */
enum side side_of_both(enum side a, enum side b);
enum side copy_side(const struct content *c, struct slice source, struct slice account);

/* State of a document that depends on all its copies and on other records. */
enum doc_flag {
    DOC_REPEATED = 1,
    DOC_ONE_SIDED = 2,
    DOC_CONFLICT = 4,
    DOC_RELATED = 8, /* stands in a same-id or same-seq relation, conflict or not */
    DOC_SEALED = 16, /* sealed and not opened */
    DOC_SEAL_BROKEN = 32,
    DOC_UNTIMED = 64,
    DOC_INCOMPLETE = 128,
    DOC_DAMAGED_TEXT = 256,
    DOC_HIDDEN = 512,   /* not in the range of words, * and NOT (only with kind:) */
    DOC_DELETED = 1024, /* some copy says that it was deleted */
    /* Great ones, since segment_flagged passes over blocks by the greatest flags: */
    DOC_COPY_TO = 2048, /* message: some copy names recipients that are not of the content */
    DOC_LOCATED = 4096, /* message: some copy says where it was sent */
    DOC_FLAGS = 8191,   /* all of them */
};
struct doc_state {
    uint32_t messages; /* how many messages this content is; 1 for other kinds */
    uint32_t copies;   /* distinct (stream, seq) */
    uint16_t flags;    /* enum doc_flag; for messages > 1, ONE_SIDED says "at least one of them" */
};

void copies_encode(const struct copy *copies, size_t n, struct buf *out);
/* Arrays and slices live in `a` or borrow `row`. */
MUST_USE enum status copies_decode(struct slice row, struct arena *a, struct copy **out, size_t *n,
                                   struct err *err);

/* The k-th message of a content with these copies (k from 1): its copies are the k-th by seq of
 * each stream, or all of them if `has_id`. Copies must be sorted by (stream, seq). Writes indices
 * to `pick` (room for n), returns how many. */
size_t copies_pick(const struct copy *copies, size_t n, bool has_id, uint32_t k, uint32_t *pick);
/* How many messages: 1 if has_id, else the most seqs of one stream. */
uint32_t copies_messages(const struct copy *copies, size_t n, bool has_id);

/* Two contents that claim to be one (equal service id, or equal stream and seq): do they contradict
 * each other? Not where one is sealed (unopened, or opened to the same text) and the other plain,
 * nor where one is a deleted record without a body. Flags: enum doc_flag. */
bool contents_conflict(const struct content *a, uint16_t a_flags, const struct content *b,
                       uint16_t b_flags);

#endif
