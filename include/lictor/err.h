/* err — how every function of Lictor says that it failed.
 * A function that can fail returns `enum status` (must be used) and takes a `struct err *` last.
 * Out-parameters are set only on ST_OK. Text is added once, by the layer that knows file, line or
 * offset. Libraries never print and never exit.
 * Owns: nothing.  Threads: a struct err belongs to one thread. */
#ifndef LICTOR_ERR_H
#define LICTOR_ERR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

enum status {
    ST_OK = 0,
    ST_END,         /* iterator or input is finished; not an error */
    ST_BAD_INPUT,   /* a dump, a record, a key file or a query says something it may not say */
    ST_DAMAGED,     /* bytes of a case do not pass their check */
    ST_NOT_FOUND,   /* what was named does not exist */
    ST_DENIED,      /* wrong key, or a file that is open to others */
    ST_USAGE,       /* the command line is wrong */
    ST_IO,          /* the system refused: disk full, EIO, no handles */
    ST_NO_MEMORY,   /* an allocation failed */
    ST_LIMIT,       /* a named limit was passed */
    ST_LOCKED,      /* another writer has the case */
    ST_INTERRUPTED, /* the user asked to stop */
    ST_CLOSED,      /* the other side of a channel is gone */
};

struct err {
    enum status status;
    const char *reason; /* static reason code of delivery.md ("chunk", "no-key", …), or NULL */
    uint64_t at;        /* byte offset or line the reason is about, 0 if none */
    char text[512];     /* one sentence, no newline */
};

/* Fills *err (may be NULL) with `st` and the formatted text; returns `st`. errno is not read. */
enum status err_set(struct err *err, enum status st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with a reason code (static string) and the place it is about. */
enum status err_reason(struct err *err, enum status st, const char *reason, uint64_t at,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ST_IO with "what: strerror(errno_value)". */
enum status err_errno(struct err *err, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ST_NO_MEMORY with a fixed text. */
enum status err_no_memory(struct err *err);

/* Puts "prefix: " before the text that stands in *err; for the layer that knows the file. */
void err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Return at once on failure. Only where nothing is held. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum status try_status_ = (call);                                                          \
        if (try_status_ != ST_OK)                                                                  \
            return try_status_;                                                                    \
    } while (0)

/* "Cannot happen": aborts, also in release. No input byte may ever reach one. */
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            must_failed(#cond, __FILE__, __LINE__);                                                \
    } while (0)

_Noreturn void must_failed(const char *cond, const char *file, int line);

/* The analyzer of clang-tidy does not look into err.c; so it learns what these return. */
#ifdef __clang_analyzer__
#define err_set(err, st, ...) (err_set(err, st, __VA_ARGS__), (st))
#define err_reason(err, st, ...) (err_reason(err, st, __VA_ARGS__), (st))
#define err_errno(...) (err_errno(__VA_ARGS__), ST_IO)
#define err_no_memory(err) (err_no_memory(err), ST_NO_MEMORY)
#endif

#endif
