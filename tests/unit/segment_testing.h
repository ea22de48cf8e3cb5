/* segment_testing — segments of made-up documents, in memory or in files, whose every answer the
 * test can compute again. For unit tests and fuzzers: what must hold here ends the process. */
#ifndef TESTS_SEGMENT_TESTING_H
#define TESTS_SEGMENT_TESTING_H

#include <stdio.h>
#include <stdlib.h>

#include "store/segment_writer.h"

/* A segment file in memory. */
struct memory_file {
    struct buf bufs[SEC_COUNT];
    struct slice slices[SEC_COUNT];
};

static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ x >> 33;
}

static inline void memory_writer(struct segment_writer *w, struct memory_file *f,
                                 const uint8_t *base)
{
    *w = (struct segment_writer){.out = {.mem = f->bufs}};
    MUST(segment_writer_init(w, base, NULL) == ST_OK);
}

static inline void memory_close(struct segment_writer *w, struct memory_file *f)
{
    struct err err = {0};
    MUST(segment_writer_close(w, &err) == ST_OK);
    segment_writer_release(w);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        f->slices[i] = buf_slice(&f->bufs[i]);
}

static inline void memory_release(struct memory_file *f)
{
    for (unsigned i = 0; i < SEC_COUNT; i++)
        buf_release(&f->bufs[i]);
}

static inline struct segment *memory_open(const struct memory_file *f)
{
    const struct slice *files[1] = {f->slices};
    struct segment *s = NULL;
    struct err err = {0};
    MUST(segment_open_memory(files, 1, &s, &err) == ST_OK);
    return s;
}

/* ---- made-up documents ---- */

static inline int64_t made_sent(uint32_t doc)
{
    if (doc % 41 == 7)
        return TIME_NONE;
    if (doc % 257 == 9)
        return -5 - (int64_t)doc;
    return INT64_C(1585000000000) + (int64_t)doc * 977 + (int64_t)(mix(doc) % 100000);
}

static inline struct doc_state made_state(uint32_t doc)
{
    struct doc_state s = {.messages = doc % 97 == 3 ? 2 + doc % 5 : 1, .copies = 1 + doc % 3};
    s.copies = s.copies < s.messages ? s.messages : s.copies;
    s.flags = (uint16_t)((s.messages > 1 ? DOC_REPEATED : 0) | (doc % 13 == 0 ? DOC_ONE_SIDED : 0) |
                         (doc % 101 == 0 ? DOC_SEALED : 0) | (doc % 53 == 0 ? DOC_HIDDEN : 0) |
                         (made_sent(doc) == TIME_NONE || made_sent(doc) <= 0 ? DOC_UNTIMED : 0));
    return s;
}

static inline void made_key(uint32_t doc, uint8_t key[KEY_SIZE])
{
    uint64_t a = mix(doc / 2 * 2 + 1), b = mix(doc + 77); /* pairs share their fingerprint */
    memcpy(key, &a, 8);
    memcpy(key + 8, &b, 8);
}

static inline void made_row(uint32_t doc, struct buf *out)
{
    size_t n = doc % 211 == 5 ? 90000 : 1 + doc % 120;
    buf_clear(out);
    buf_put_u8(out, doc % 53 == 0 ? DOC_CALL : doc % 53 == 1 ? DOC_NOTE : DOC_MESSAGE);
    for (size_t i = 1; i < n; i++)
        buf_put_u8(out, (uint8_t)(mix(doc * 1000 + i / 8) >> i % 8));
}

#define MADE_STREAMS 3
/* Copy k of a document stands in stream (doc + k) % MADE_STREAMS under seq doc * 8 + k. */
static inline void made_copies(uint32_t doc, struct buf *out)
{
    struct sighting s[8];
    struct copy_version v[8];
    struct copy c[8];
    uint32_t n = made_state(doc).copies;

    for (uint32_t k = 0; k < n; k++) {
        s[k] = (struct sighting){.dump = (doc + k) % MADE_STREAMS, .line = doc * 8 + k + 2};
        v[k] = (struct copy_version){.origin = (doc + k) % MADE_STREAMS,
                                     .delivered = 1000 + doc,
                                     .read = TIME_NONE,
                                     .collected = TIME_NONE,
                                     .sightings = &s[k],
                                     .n_sightings = 1};
        c[k] = (struct copy){.stream = (doc + k) % MADE_STREAMS,
                             .seq = doc * 8 + k,
                             .versions = &v[k],
                             .n_versions = 1};
    }
    buf_clear(out);
    copies_encode(c, n, out);
}

static inline uint32_t made_conversation_docs(uint32_t number) { return 1 + number * 7 % 90; }

/* Conversations' keys begin with their number, big-endian. */
static inline void made_conversation_key(uint32_t number, uint8_t key[KEY_SIZE])
{
    memset(key, 0xA5, KEY_SIZE);
    key[0] = (uint8_t)(number >> 8);
    key[1] = (uint8_t)number;
}

static inline void made_tables(struct segment_writer *w)
{
    char name[3][16];

    for (uint32_t i = 0; i < MADE_STREAMS; i++) {
        struct dump_ref d = {.sha256 = {(uint8_t)i}};
        snprintf(name[i], sizeof(name[i]), "imei:%u", i);
        d.name = slice_str(name[i]);
        MUST(segment_add_dump(w, &d, NULL) == ST_OK);
    }
    for (uint32_t i = 0; i < MADE_STREAMS; i++) {
        struct stream_ref s = {.source = slice_str(name[i]), .stage = 1, .numbered = true};
        MUST(segment_add_stream(w, &s, NULL) == ST_OK);
    }
    for (uint32_t i = 0; i < MADE_STREAMS; i++) {
        struct origin_ref o = {.stream = i, .account = slice_str(name[i]), .direction = 1};
        MUST(segment_add_origin(w, &o, NULL) == ST_OK);
    }
}

static inline void made_seqs(struct segment_writer *w, uint32_t docs)
{
    for (uint32_t i = 0; i < MADE_STREAMS; i++) {
        uint64_t *seqs = calloc((size_t)docs * 8, sizeof(*seqs));
        uint32_t *of = calloc((size_t)docs * 8, sizeof(*of));
        size_t n = 0;
        for (uint32_t d = 0; d < docs; d++)
            for (uint32_t k = 0; k < made_state(d).copies; k++)
                if ((d + k) % MADE_STREAMS == i) {
                    seqs[n] = d * 8 + k;
                    of[n++] = d;
                }
        MUST(segment_add_stream_seqs(w, i, n, seqs, of, 1000000 + i, i == 1, i == 2, NULL) ==
             ST_OK);
        free(seqs);
        free(of);
    }
}

static inline void made_docs(struct segment_writer *w, uint32_t docs)
{
    struct buf row = {0}, copies = {0};
    uint32_t doc = 0;

    for (uint32_t c = 0; doc < docs; c++) {
        uint8_t key[KEY_SIZE];
        char name[32];
        snprintf(name, sizeof(name), "group %u", c);
        struct conversation conv = {.kind = CONV_GROUP, .name = slice_str(name)};
        made_conversation_key(c, key);
        MUST(segment_add_conversation(w, key, &conv, NULL) == ST_OK);
        for (uint32_t k = 0; k < made_conversation_docs(c) && doc < docs; k++, doc++) {
            struct doc_state state = made_state(doc);
            made_key(doc, key);
            made_row(doc, &row);
            made_copies(doc, &copies);
            MUST(segment_add_doc(w, key, made_sent(doc), buf_slice(&row), &state,
                                 buf_slice(&copies), NULL) == ST_OK);
        }
    }
    buf_release(&row);
    buf_release(&copies);
}

/* ---- made-up terms: term i is in every document that made_has says ---- */

#define MADE_TERMS 150
static inline bool made_has(uint32_t term, uint32_t doc)
{
    if (term < 4)
        return doc % (term + 1) == 0;
    if (term < 20)
        return mix(term * 1000003ull + doc) % term == 0;
    return mix(term * 1000003ull + doc) % 400 < 300 / term;
}
static inline uint32_t made_tf(uint32_t term, uint32_t doc)
{
    return mix(doc * 7ull + term) % 5 ? 1 : 1 + (uint32_t)(mix(doc + term) % 300);
}
static inline uint32_t made_position(uint32_t term, uint32_t doc, uint32_t i)
{
    return term + doc % 50 + i * (1 + doc % 200);
}
static inline bool made_positional(uint32_t term) { return term % 5 != 4; }
static inline struct slice made_term(uint32_t term, char text[16])
{
    snprintf(text, 16, "w%04u%s", term, term % 3 ? "" : "abcdef");
    return slice_str(text);
}

static inline void made_terms(struct segment_writer *w, uint32_t docs)
{
    uint32_t *of = calloc(docs, sizeof(*of)), *tf = calloc(docs, sizeof(*tf));
    uint32_t *positions = calloc((size_t)docs * 301, sizeof(*positions));

    for (uint32_t t = 0; t < MADE_TERMS; t++) {
        uint32_t n = 0;
        size_t p = 0;
        char text[16];
        for (uint32_t d = 0; d < docs; d++) {
            if (!made_has(t, d))
                continue;
            of[n] = d;
            tf[n] = made_tf(t, d);
            for (uint32_t i = 0; i < tf[n]; i++)
                positions[p++] = made_position(t, d, i);
            n++;
        }
        if (n == 0)
            continue;
        MUST(segment_add_term(w, made_term(t, text), n, of, made_positional(t) ? tf : NULL,
                              positions, NULL) == ST_OK);
    }
    free(of);
    free(tf);
    free(positions);
}

static inline void made_segment(struct segment_writer *w, uint32_t docs)
{
    made_tables(w);
    made_docs(w, docs);
    made_terms(w, docs);
    made_seqs(w, docs);
}

/* ---- an overlay of the segment above ---- */

static inline void made_overlay_tables(struct segment_writer *w)
{
    struct dump_ref d = {.sha256 = {9}, .name = slice_str("later")};
    struct stream_ref s = {.source = slice_str("imei:1"), .stage = 1, .numbered = true};
    struct origin_ref o = {.account = slice_str("imei:1"), .direction = 2};
    MUST(segment_add_dump(w, &d, NULL) == ST_OK);
    MUST(segment_add_stream(w, &s, NULL) == ST_OK);
    MUST(segment_add_origin(w, &o, NULL) == ST_OK);
}

/* A patch to every step-th document. */
static inline void made_patches(struct segment_writer *w, uint32_t docs_n, uint32_t step)
{
    uint64_t *seqs = calloc(docs_n, sizeof(*seqs));
    uint32_t *docs = calloc(docs_n, sizeof(*docs));
    size_t n = 0;
    struct buf row = {0};
    made_overlay_tables(w);
    for (uint32_t d = step; d < docs_n; d += step, n++) {
        struct sighting at = {.line = d};
        struct copy_version v = {.delivered = d,
                                 .read = TIME_NONE,
                                 .collected = TIME_NONE,
                                 .sightings = &at,
                                 .n_sightings = 1};
        struct copy c = {.seq = 100000 * step + d, .versions = &v, .n_versions = 1};
        struct doc_state s = made_state(d);
        s.copies++;
        s.messages += d % 35 == 0;
        s.flags |= DOC_CONFLICT | (d % 50 == 0 ? DOC_COPY_TO : 0);
        buf_clear(&row);
        copies_encode(&c, 1, &row);
        MUST(segment_add_patch(w, d, &s, buf_slice(&row), NULL) == ST_OK);
        seqs[n] = c.seq;
        docs[n] = d;
    }
    MUST(segment_add_stream_seqs(w, 0, n, seqs, docs, 0, false, false, NULL) == ST_OK);
    free(seqs);
    free(docs);
    buf_release(&row);
}

static inline void made_overlay(struct memory_file *f, uint32_t docs, uint32_t step)
{
    static const uint8_t base[FILE_ID_SIZE];
    struct segment_writer w;
    memory_writer(&w, f, base);
    made_patches(&w, docs, step);
    memory_close(&w, f);
}

#endif
