/* answers — which message does each message of a channel answer, where several talks are held at
 * once? Proposals of a small model, with a confidence; never more than that.
 * Model: for each candidate (the message itself, which starts a talk, and those of a window behind
 * it) some features, one hidden layer, one score; the greatest score is proposed. After Kummerfeld
 * et al., "A Large-Scale Corpus for Conversation Disentanglement" (ACL 2019), with features and
 * weights of our own: answers_weights.h, made by `lictor-bench disentangle train`.
 * All in whole numbers: the same proposals on every machine.
 * Owns: a window; constant memory however long the channel.  Threads: one.  Trusts: nothing. */
#ifndef QUERY_ANSWERS_H
#define QUERY_ANSWERS_H

#include "lictor/bytes.h"

#define ANSWERS_WINDOW 64 /* messages that may be answered */
#define ANSWERS_FEATURES 112
#define ANSWERS_HIDDEN 32
#define ANSWERS_ONE 16 /* a feature that holds */

struct answers_line {
    struct slice sender; /* may be absent */
    int64_t sent;        /* ms; TIME_NONE if not known */
    struct slice text;   /* may be absent */
};

struct answers_model {
    int16_t weight[ANSWERS_FEATURES][ANSWERS_HIDDEN]; /* units of 1/256 */
    int16_t bias[ANSWERS_HIDDEN];                     /* units of ANSWERS_ONE/256 */
    int16_t out[ANSWERS_HIDDEN];                      /* units of 1/256 */
};
extern const struct answers_model answers_trained;

struct answers;
MUST_USE enum status answers_new(const struct answers_model *m, struct answers **out,
                                 struct err *err);
void answers_free(struct answers *a);
struct answers_proposal {
    uint32_t back;    /* it answers the message that many before it; 0: it starts a talk */
    unsigned percent; /* how sure, 0 to 100 */
    uint64_t talk;    /* from 1 on, in the order of their first messages */
};
/* The next message, in the order of the channel. */
void answers_next(struct answers *a, const struct answers_line *line, struct answers_proposal *out);

/* For training: features of every candidate of the next message, nearest last; features[0] is the
 * message itself, features[k] the one k before it. Then answers_settle says which was right. */
size_t answers_candidates(struct answers *a, const struct answers_line *line,
                          int8_t features[][ANSWERS_FEATURES]);
void answers_settle(struct answers *a, uint32_t back);

#endif
