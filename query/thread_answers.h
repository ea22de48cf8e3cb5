/* thread_answers — the proposals of query/answers.h for the messages of a thread as it is read.
 * Owns: the window and the ids that may be answered; constant memory.  Threads: one. */
#ifndef QUERY_THREAD_ANSWERS_H
#define QUERY_THREAD_ANSWERS_H

#include "query/answers.h"
#include "query/view.h"

struct thread_answers;
MUST_USE enum status thread_answers_new(struct thread_answers **out, struct err *err);
void thread_answers_free(struct thread_answers *t);
/* The proposal for the next message of the thread, in its order; *out borrows until the next call.
 */
MUST_USE enum status thread_answers_next(struct thread_answers *t, const struct message_view *m,
                                         struct answer_note *out, struct err *err);

#endif
