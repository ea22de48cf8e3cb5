/* json_out — writes JSON into a buf: commas, escapes and UTF-8 are its business.
 * Output is pure UTF-8; malformed bytes become U+FFFD; control characters, U+2028/9 and characters
 * that could act on a terminal (see utf8_unsafe) are written as \u escapes.
 * Owns: nothing; latches out-of-memory in the buf.  Threads: one. */
#ifndef LICTOR_JSON_OUT_H
#define LICTOR_JSON_OUT_H

#include "lictor/bytes.h"

struct json_out {
    struct buf *buf;
    bool comma; /* a value stands before: the next one needs a comma */
};

static inline struct json_out json_out_to(struct buf *b) { return (struct json_out){.buf = b}; }

void json_begin_object(struct json_out *j);
void json_end_object(struct json_out *j);
void json_begin_array(struct json_out *j);
void json_end_array(struct json_out *j);
void json_key(struct json_out *j, const char *key);
void json_string(struct json_out *j, struct slice s);
void json_int(struct json_out *j, int64_t v);
void json_uint(struct json_out *j, uint64_t v);
void json_bool(struct json_out *j, bool v);
/* Already valid JSON. */
void json_raw(struct json_out *j, struct slice s);

/* Key and value at once. */
void json_key_str(struct json_out *j, const char *key, const char *v);
void json_key_slice(struct json_out *j, const char *key, struct slice v);
void json_key_uint(struct json_out *j, const char *key, uint64_t v);
void json_key_int(struct json_out *j, const char *key, int64_t v);
void json_key_bool(struct json_out *j, const char *key, bool v);
/* "2020-…Z" as time_text writes it. */
void json_key_time(struct json_out *j, const char *key, int64_t ms);

#endif
