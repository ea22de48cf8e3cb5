/* peers — what people would use instead, on the messages of a case: an SQLite FTS5 table, and zstd
 * piped into grep.
 * Owns: see each.  Threads: one. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "bench/query.h"

/* One message in the file of rows, oldest first (untimed ones last); from, to and text follow. Read
 * by the program that wrote it. */
struct peer_row {
    int64_t sent; /* TIME_NONE: untimed */
    uint32_t from, to, text;
    uint8_t conversation[KEY_SIZE];
};

struct peer_rows {
    uint64_t messages, text_bytes;
};
/* All that words range over, as rows into a new file `path` and as lines of text, compressed by
 * zstd as level 1 does, into `lines`. */
MUST_USE enum status peer_rows_write(struct view *v, const char *path, const char *lines,
                                     struct peer_rows *r, struct err *err);

struct fts5_result {
    double load_s, finish_s; /* insert and commit; indexes and optimize */
    uint64_t peak, bytes;
    struct class_result classes[PICK_CLASSES]; /* refused: it cannot do this */
};
/* Loads the rows in a process of its own, so that the peak is its own. */
MUST_USE enum status fts5_load(const char *rows, const char *db, struct fts5_result *r,
                               struct err *err);
MUST_USE enum status fts5_queries(const struct measure_options *o, const char *db,
                                  const struct picks *picks, struct fts5_result *r,
                                  struct err *err);

struct scan_result {
    uint64_t bytes; /* of the compressed lines */
    struct class_result classes[PICK_CLASSES];
};
/* `zstd -dc | grep -ciwF`, for single words. */
MUST_USE enum status scan_queries(const struct measure_options *o, const char *lines,
                                  const struct picks *picks, struct scan_result *r,
                                  struct err *err);

#endif
