/* record_same — whether two readers made the same of a line; for unit tests and the fuzzer. */
#ifndef TESTS_RECORD_SAME_H
#define TESTS_RECORD_SAME_H

#include "lictor/record.h"

static inline bool texts_same(const struct record_text *a, const struct record_text *b)
{
    return a->present == b->present && a->damaged == b->damaged && slice_same(a->s, b->s);
}

static inline bool times_same(const struct record_when *a, const struct record_when *b)
{
    return a->state == b->state && a->ms == b->ms && a->is_text == b->is_text &&
           a->has_offset == b->has_offset && a->offset_minutes == b->offset_minutes &&
           slice_same(a->raw, b->raw);
}

static inline bool lists_same(const struct record_items *a, const struct record_items *b)
{
    if (a->present != b->present || a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!slice_same(a->items[i], b->items[i]))
            return false;
    return true;
}

static inline bool attachments_same(const struct record *a, const struct record *b)
{
    if (a->attachments_present != b->attachments_present || a->n_attachments != b->n_attachments)
        return false;
    for (size_t i = 0; i < a->n_attachments; i++) {
        const struct record_attachment *x = &a->attachments[i], *y = &b->attachments[i];
        if (!slice_same(x->name, y->name) || !slice_same(x->mime, y->mime) ||
            !slice_same(x->sha256, y->sha256) || !slice_same(x->type, y->type) ||
            !slice_same(x->caption, y->caption) || !slice_same(x->size, y->size) ||
            x->damaged != y->damaged)
            return false;
    }
    return true;
}

static inline bool pairs_same(const struct record *a, const struct record *b)
{
    if (a->n_pairs != b->n_pairs)
        return false;
    for (size_t i = 0; i < a->n_pairs; i++) {
        const struct record_pair *x = &a->pairs[i], *y = &b->pairs[i];
        if (x->known != y->known || x->number != y->number || !slice_same(x->key, y->key) ||
            !slice_same(x->value, y->value))
            return false;
    }
    return true;
}

static inline bool records_same(const struct record *a, const struct record *b)
{
    bool same = a->kind == b->kind && a->num_present == b->num_present && a->sealed == b->sealed &&
                slice_same(a->seal_key, b->seal_key) && slice_same(a->seal_nonce, b->seal_nonce) &&
                slice_same(a->seal_box, b->seal_box) && pairs_same(a, b) && attachments_same(a, b);
    for (int i = 0; i < RS_COUNT; i++)
        same = same && texts_same(&a->str[i], &b->str[i]);
    for (int i = 0; i < RT_COUNT; i++)
        same = same && times_same(&a->time[i], &b->time[i]);
    for (int i = 0; i < RI_COUNT; i++)
        same = same && (!record_has(a, (enum record_int)i) || a->num[i] == b->num[i]);
    for (int i = 0; i < RL_COUNT; i++)
        same = same && lists_same(&a->list[i], &b->list[i]);
    return same;
}

#endif
