/* query — the classes of query measured on an open case, for `query` and beside `peers`.
 * Owns: a bench_case owns case and view.  Threads: one. */
#ifndef BENCH_QUERY_H
#define BENCH_QUERY_H

#include "bench/measure.h"
#include "bench/pick.h"

struct latency {
    size_t n; /* measured; 0: nothing else holds */
    double p50_ms, p99_ms, max_ms;
};
/* Sorts `us`. */
void latency_of(int64_t *us, size_t n, struct latency *l);

struct class_result {
    bool refused; /* this build does not have it */
    uint64_t total;
    struct latency latency;
};
/* Every class within --seconds; fewer queries where that is short. Writes --list. */
MUST_USE enum status queries_run(const struct measure_options *o, struct view *v,
                                 const struct picks *picks, struct class_result out[PICK_CLASSES],
                                 struct err *err);
void figure_classes_begin(struct figures *f, const char *key, const char *says);
void figure_class(struct figures *f, enum pick_class c, const struct class_result *r);
void figure_classes_end(struct figures *f);

struct bench_case {
    struct casefile *cf;
    struct view v;
};
/* On failure nothing is open. */
MUST_USE enum status bench_case_open(const char *dir, const char *key_file, struct bench_case *b,
                                     struct err *err);
void bench_case_close(struct bench_case *b);
uint64_t bench_case_messages(const struct bench_case *b);

#endif
