/* fuzz_record — a line from anywhere: judged, and if it is a record, its canonical form is stable
 * and judged the same again; the way for the usual line and the general one make the same of it.
 * The first byte says whether a byte order mark is allowed. */
#include "delivery/record_private.h"
#include "tests/unit/record_same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep_all(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    (void)p;
    return true;
}

/* Reads every byte the record points to. */
static unsigned touch(struct slice s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += s.data[i];
    return sum;
}

static unsigned record_touch(const struct record *rec)
{
    unsigned sum = touch(rec->seal_key) + touch(rec->seal_nonce) + touch(rec->seal_box);
    for (int i = 0; i < RS_COUNT; i++)
        sum += touch(rec->str[i].s);
    for (int i = 0; i < RT_COUNT; i++)
        sum += touch(rec->time[i].raw);
    for (int i = 0; i < RL_COUNT; i++)
        for (size_t k = 0; k < rec->list[i].n; k++)
            sum += touch(rec->list[i].items[k]);
    for (size_t i = 0; i < rec->n_attachments; i++) {
        const struct record_attachment *a = &rec->attachments[i];
        sum += touch(a->name) + touch(a->mime) + touch(a->sha256) + touch(a->type) +
               touch(a->caption) + touch(a->size);
    }
    for (size_t i = 0; i < rec->n_pairs; i++)
        sum += touch(rec->pairs[i].key);
    return sum;
}

/* The general way says the same. */
static void general_agrees(struct slice line, bool bom, const struct record *rec,
                           enum record_fault fault, struct slice key)
{
    struct record_reader *r = NULL;
    struct record general;
    enum record_fault general_fault;
    struct slice general_key = {0};
    MUST(record_reader_new(&r, NULL) == ST_OK);
    r->general_only = true;
    MUST(record_parse(r, line, bom, &general, &general_fault, &general_key, NULL) == ST_OK);
    MUST(fault == general_fault && slice_same(key, general_key));
    if (fault == RF_NONE)
        MUST(records_same(rec, &general));
    record_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_reader *r = NULL;
    struct record rec, again;
    enum record_fault fault, fault_again;
    struct slice key = {0};
    struct buf canon = {0}, canon_again = {0};

    if (size == 0 || record_reader_new(&r, NULL) != ST_OK)
        return 0;
    struct slice line = slice_of(data + 1, size - 1);
    MUST(record_parse(r, line, data[0] & 1, &rec, &fault, &key, NULL) == ST_OK);
    MUST(fault < RF_COUNT);
    general_agrees(line, data[0] & 1, &rec, fault, key);
    if (fault == RF_NONE) {
        volatile unsigned sum = record_touch(&rec);
        (void)sum;
        record_canon_pairs(r, &rec, keep_all, NULL, &canon);
        MUST(!canon.failed);
        MUST(record_parse(r, buf_slice(&canon), false, &again, &fault_again, NULL, NULL) == ST_OK);
        /* Escaping may make a line longer than a record may be. */
        MUST(fault_again == RF_NONE || canon.len > RECORD_LINE_MAX);
        if (fault_again == RF_NONE) {
            record_canon_pairs(r, &again, keep_all, NULL, &canon_again);
            MUST(slice_eq(buf_slice(&canon), buf_slice(&canon_again)));
        }
    }
    buf_release(&canon);
    buf_release(&canon_again);
    record_reader_free(r);
    return 0;
}
