/* thread_answers — keeps the ids of the messages in the window beside the model's own ring. */
#include "query/thread_answers.h"

#include <stdlib.h>

#include "query/render.h"

struct kept {
    uint8_t id[KEY_SIZE];
    struct buf service_id;
    bool has_service_id;
};

struct thread_answers {
    struct answers *model;
    uint64_t n;
    struct kept ring[ANSWERS_WINDOW];
};

enum status thread_answers_new(struct thread_answers **out, struct err *err)
{
    struct thread_answers *t = calloc(1, sizeof *t);
    if (!t)
        return err_no_memory(err);
    enum status st = answers_new(&answers_trained, &t->model, err);
    if (st == ST_OK)
        *out = t;
    else
        free(t);
    return st;
}

void thread_answers_free(struct thread_answers *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < ANSWERS_WINDOW; i++)
        buf_release(&t->ring[i].service_id);
    answers_free(t->model);
    free(t);
}

enum status thread_answers_next(struct thread_answers *t, const struct message_view *m,
                                struct answer_note *out, struct err *err)
{
    struct answers_line line = {.sender = m->c.from,
                                .sent = content_untimed(&m->c) ? TIME_NONE : m->c.sent,
                                .text = render_text_of(&m->c)};
    struct answers_proposal p;
    answers_next(t->model, &line, &p);
    *out = (struct answer_note){.talk = p.talk, .percent = p.percent, .starts = p.back == 0};
    const struct kept *to = &t->ring[(t->n - p.back) % ANSWERS_WINDOW];
    if (p.back) {
        memcpy(out->id, to->id, KEY_SIZE);
        if (to->has_service_id)
            out->service_id = to->service_id.len ? buf_slice(&to->service_id) : slice_str("");
    }
    struct kept *now = &t->ring[t->n % ANSWERS_WINDOW];
    memcpy(now->id, m->id, KEY_SIZE);
    /* The window is shorter than the ring: the slot taken over is none that can be answered. */
    buf_clear(&now->service_id);
    now->has_service_id = m->c.id.data != NULL;
    buf_put_slice(&now->service_id, m->c.id);
    t->n++;
    return buf_status(&now->service_id, err);
}
