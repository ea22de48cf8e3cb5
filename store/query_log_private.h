/* query_log_private — what appending to the query log and walking it share: the bytes of heads and
 * entries, and the state under the lock.
 * Format: docs/FORMAT.md, "Query log". */
#ifndef STORE_QUERY_LOG_PRIVATE_H
#define STORE_QUERY_LOG_PRIVATE_H

#include "lictor/query_log.h"
#include "store/case_private.h"

#define LOG_MAGIC "LICTORQL"
#define LOG_ID_SIZE 16
#define LOG_AD_SIZE (CASE_HEADER_SIZE + LOG_ID_SIZE)
#define LOG_HEAD_PAYLOAD (8 + 8 + 32)
#define LOG_HEAD_SIZE (LOG_HEAD_PAYLOAD + SEAL_UNIT_OVERHEAD)
#define LOG_START (LOG_AD_SIZE + 2 * LOG_HEAD_SIZE)
#define LOG_ENTRY_MAX ((size_t)4 << 20)

struct query_log {
    const struct casefile *c;
    int fd;
    bool append, own; /* own: that of the case */
    char *name;
    uint8_t start[LOG_START]; /* as last read or written */
};

/* One of the two heads. */
struct log_head {
    uint64_t entries;
    uint64_t bytes; /* length of the file */
    uint8_t hash[32];
};

/* The file as it stands, under the lock. */
struct log_state {
    struct log_head head; /* the newer one */
    bool good[2];         /* which heads open */
    struct log_head heads[2];
    uint64_t size;
};

MUST_USE enum status query_log_lock(struct query_log *l, struct err *err);
void query_log_unlock(struct query_log *l);
/* Reads both heads; ST_DAMAGED if neither opens. */
MUST_USE enum status query_log_state(struct query_log *l, struct log_state *st, struct err *err);

/* An entry as read; borrows `payload`. */
struct log_item {
    struct buf payload;
    struct query_log_entry entry;
    uint8_t previous[32], hash[32];
    uint64_t size; /* on disk */
};
void log_item_release(struct log_item *it);
/* Reads the entry at `at`, which must end at or before `end`; the chain is not looked at. */
MUST_USE enum status log_item_read(const struct query_log *l, uint64_t at, uint64_t end,
                                   struct log_item *it, struct err *err);
/* Entries in whose place zeros stand: first_missing to number - 1, from byte hole_at on (0: none).
 */
struct log_hole {
    uint64_t first_missing, number, hole_at;
};

/* Reads the entry at `pos` and moves `pos` behind it; the chain is checked. Where zeros stand
 * before `holes_end`, the next entry behind them, and *hole says what is gone; ST_END if there is
 * none. */
MUST_USE enum status log_item_next(struct query_log *l, uint64_t end, uint64_t holes_end,
                                   struct log_head *pos, struct log_item *it, struct log_hole *hole,
                                   struct err *err);
/* Do at least 16 zeros in a row, as no sealed entry has them, begin in [from, starts_to), in a file
 * that reaches to `to`? *past: the next other byte, or `to`. */
MUST_USE enum status log_zeros(const struct query_log *l, uint64_t from, uint64_t starts_to,
                               uint64_t to, bool *found, uint64_t *past, struct err *err);
/* Does it follow the entry where `pos` ends? Moves `pos` behind it if so. */
MUST_USE enum status log_item_follows(const struct log_item *it, struct log_head *pos,
                                      struct err *err);

#endif
