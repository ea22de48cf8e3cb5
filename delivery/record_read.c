/* record_read — one line to one record, in two steps, unless record_fast.c can do it in one.
 *
 * 1. One pass over the bytes finds every top-level name and where its value ends, and judges the
 *    syntax of the whole line. Names are looked up at once, values are not touched again unless
 *    they are needed: `kind` may come last, and only it says which keys have a type.
 * 2. One pass over the pairs, not the bytes, reads the values the kind knows.
 *
 * The order of judgement is fixed, so that two readers give the same reason for the same line:
 * syntax and nesting, a name twice, kind, types (in the order of the line, then what is missing),
 * two bodies. */
#include "delivery/record_private.h"

#include <stdlib.h>

#define FEW_NAMES 12 /* up to here comparing all pairs is cheaper than sorting */

struct verdict {
    enum record_fault fault;
    struct slice key;
};

static struct verdict faulty(enum record_fault fault, struct slice key)
{
    return (struct verdict){.fault = fault, .key = key};
}

static struct verdict faultless(void) { return (struct verdict){.fault = RF_NONE}; }

enum status record_reader_new(struct record_reader **out, struct err *err)
{
    struct record_reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_no_memory(err);
    r->keys = record_key_table();
    r->last_kind = RECORD_MESSAGE;
    memset(r->next_key, KEY_UNKNOWN, sizeof r->next_key);
    *out = r;
    return ST_OK;
}

void record_reader_free(struct record_reader *r)
{
    if (!r)
        return;
    free(r->bytes);
    free(r->pairs);
    free(r->marks);
    free(r->names);
    for (int i = 0; i < RL_COUNT; i++)
        free(r->items[i]);
    free(r->attachments);
    free(r->members);
    buf_release(&r->canon_keys);
    buf_release(&r->canon_spare);
    free(r);
}

/* Scratch for a line; see record_reader.bytes for why this is enough. */
static bool reader_begin(struct record_reader *r, size_t line_len)
{
    r->no_memory = false;
    r->bytes_used = 0;
    r->n_pairs = 0;
    return RECORD_GROW(r, r->bytes, r->bytes_cap, 2 * line_len + 64);
}

/* ---- step 1: the bytes ---- */

static bool pair_add(struct record_reader *r, struct slice key, struct slice value, unsigned marks)
{
    if (!RECORD_GROW(r, r->pairs, r->pairs_cap, r->n_pairs + 1) ||
        !RECORD_GROW(r, r->marks, r->marks_cap, r->n_pairs + 1))
        return false;
    r->pairs[r->n_pairs] = (struct record_pair){.key = key, .value = value};
    r->marks[r->n_pairs] = (struct record_mark){
        .id = (uint8_t)record_key_find(r->keys, key),
        .marks = (uint8_t)marks,
    };
    r->n_pairs++;
    return true;
}

/* *at stands at a name and moves behind its value. Out of memory is latched in r. */
static enum json_verdict pair_scan(struct record_reader *r, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    unsigned name_marks = 0, marks;
    if (p == end || *p != '"')
        return JSON_BAD;
    const uint8_t *name = ++p;
    p = json_string_end(p, end, &name_marks);
    if (!p)
        return JSON_BAD;
    struct slice raw_name = slice_of(name, (size_t)(p - name));
    p = json_white_end(p + 1, end);
    if (p == end || *p != ':')
        return JSON_BAD;
    p = json_white_end(p + 1, end);
    const uint8_t *value = p;
    enum json_verdict v = json_value_end(&p, end, 1, &marks);
    if (v != JSON_GOOD)
        return v;
    pair_add(r, record_string_decode(r, raw_name, name_marks), slice_of(value, (size_t)(p - value)),
             marks);
    *at = p;
    return JSON_GOOD;
}

/* The object from its `{` to the end of the line. */
static enum json_verdict object_scan(struct record_reader *r, const uint8_t *p, const uint8_t *end)
{
    if (p == end || *p != '{')
        return JSON_BAD;
    p = json_white_end(p + 1, end);
    if (p < end && *p == '}')
        return json_white_end(p + 1, end) == end ? JSON_GOOD : JSON_BAD;
    for (;;) {
        enum json_verdict v = pair_scan(r, &p, end);
        if (v != JSON_GOOD || r->no_memory)
            return v;
        p = json_white_end(p, end);
        if (p == end)
            return JSON_BAD;
        if (*p == '}')
            return json_white_end(p + 1, end) == end ? JSON_GOOD : JSON_BAD;
        if (*p != ',')
            return JSON_BAD;
        p = json_white_end(p + 1, end);
    }
}

static struct verdict line_scan(struct record_reader *r, struct slice line, bool first)
{
    const struct slice none = {0};
    const uint8_t *p = line.data;
    const uint8_t *end = p + line.len;
    if (first && line.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    p = json_white_end(p, end);
    if (p == end)
        return faulty(RF_EMPTY, none);
    switch (object_scan(r, p, end)) {
    case JSON_GOOD:
        return faultless();
    case JSON_DEEP:
        return faulty(RF_NESTING, none);
    default:
        return faulty(RF_JSON, none);
    }
}

/* ---- a name twice ---- */

static int name_compare(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The names delivery.md does not know, which have no bit: few are compared all with all, many are
 * sorted, so that 100,000 made-up names do not cost a square. */
static struct verdict unknown_names_judge(struct slice *names, size_t n)
{
    if (n > FEW_NAMES) {
        qsort(names, n, sizeof *names, name_compare);
        for (size_t i = 1; i < n; i++)
            if (slice_eq(names[i - 1], names[i]))
                return faulty(RF_NAME_TWICE, names[i]);
        return faultless();
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (slice_eq(names[j], names[i]))
                return faulty(RF_NAME_TWICE, names[i]);
    return faultless();
}

static struct verdict names_judge(struct record_reader *r)
{
    uint64_t seen = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->n_pairs; i++) {
        unsigned id = r->marks[i].id;
        if (id == KEY_UNKNOWN) {
            if (!RECORD_GROW(r, r->names, r->names_cap, n + 1))
                return faultless();
            r->names[n++] = r->pairs[i].key;
        } else if (seen & KEY_BIT(id)) {
            return faulty(RF_NAME_TWICE, r->pairs[i].key);
        } else {
            seen |= KEY_BIT(id);
        }
    }
    return unknown_names_judge(r->names, n);
}

/* ---- kind ---- */

static struct verdict kind_judge(struct record_reader *r, struct record *out)
{
    struct slice name = record_key_name(KEY_KIND);
    for (size_t i = 0; i < r->n_pairs; i++) {
        struct record_text kind = {0};
        if (r->marks[i].id != KEY_KIND)
            continue;
        if (!record_value_string(r, r->pairs[i].value, r->marks[i].marks, &kind))
            return faulty(RF_TYPE, name);
        return record_kind_find(kind.s, &out->kind) ? faultless() : faulty(RF_KIND, name);
    }
    return faulty(RF_NO_KIND, (struct slice){0});
}

/* ---- step 2: the values ---- */

/* The few strings that may only say certain words. */
bool record_string_allowed(unsigned key, struct slice s)
{
    switch (key) {
    case RS_FORMAT:
        return slice_eq_str(s, "lictor-delivery/1");
    case RS_STAGE:
        return slice_eq_str(s, "stored") || slice_eq_str(s, "live");
    case RS_DIRECTION:
        return slice_eq_str(s, "from") || slice_eq_str(s, "to") || slice_eq_str(s, "unknown");
    default:
        return true;
    }
}

static bool is_number(struct slice raw)
{
    return raw.data[0] == '-' || (raw.data[0] >= '0' && raw.data[0] <= '9');
}

/* The keys that are none of the four regular types. */
static bool other_read(struct record_reader *r, unsigned id, struct slice raw, struct record *out)
{
    uint64_t ignored;
    switch (id) {
    case KEY_SEALED:
        return record_value_sealed(r, raw, out);
    case KEY_ATTACHMENTS:
        return record_value_attachments(r, raw, out);
    case KEY_LOCATION:
    case KEY_CELL:
        return raw.data[0] == '{';
    case KEY_LAT:
    case KEY_LON:
    case KEY_ACCURACY_M:
        return is_number(raw);
    case KEY_SERIAL:
        return raw.data[0] == '"' || record_value_int(raw, &ignored);
    default: /* kind */
        return true;
    }
}

bool record_value_read(struct record_reader *r, unsigned id, struct slice raw, unsigned marks,
                       struct record *out)
{
    if (id < KEY_TIMES)
        return record_value_string(r, raw, marks, &out->str[id]) &&
               record_string_allowed(id, out->str[id].s);
    if (id < KEY_INTS)
        return record_value_when(r, raw, marks, id - KEY_TIMES == RT_DELETED,
                                 &out->time[id - KEY_TIMES]);
    if (id < KEY_LISTS) {
        out->num_present |= 1u << (id - KEY_INTS);
        return record_value_int(raw, &out->num[id - KEY_INTS]);
    }
    if (id < KEY_KIND)
        return record_value_list(r, raw, (enum record_list)(id - KEY_LISTS),
                                 &out->list[id - KEY_LISTS]);
    return other_read(r, id, raw, out);
}

static struct verdict missing_judge(enum record_kind kind, uint64_t present)
{
    uint64_t missing = record_keys_required(kind) & ~present;
    if (kind == RECORD_LOCATION && !missing && !(present & KEY_BIT(KEY_CELL)))
        missing = (KEY_BIT(KEY_LAT) | KEY_BIT(KEY_LON)) & ~present;
    if (missing)
        return faulty(RF_TYPE, record_key_name((unsigned)__builtin_ctzll(missing)));
    return faultless();
}

bool record_names_differ(struct record_reader *r)
{
    return names_judge(r).fault == RF_NONE && !r->no_memory;
}

bool record_keys_enough(enum record_kind kind, uint64_t present)
{
    return missing_judge(kind, present).fault == RF_NONE;
}

static struct verdict values_judge(struct record_reader *r, struct record *out)
{
    uint64_t known = record_keys_known(out->kind);
    uint64_t present = 0;
    for (size_t i = 0; i < r->n_pairs; i++) {
        unsigned id = r->marks[i].id;
        if (id == KEY_UNKNOWN || !(known & KEY_BIT(id)))
            continue;
        present |= KEY_BIT(id);
        r->pairs[i].known = true;
        r->pairs[i].number = (uint8_t)id;
        if (!record_value_read(r, id, r->pairs[i].value, r->marks[i].marks, out))
            return faulty(RF_TYPE, r->pairs[i].key);
    }
    out->pairs = r->pairs;
    out->n_pairs = r->n_pairs;
    struct verdict v = missing_judge(out->kind, present);
    if (v.fault == RF_NONE && out->sealed && out->str[RS_TEXT].present)
        return faulty(RF_TWO_BODIES, record_key_name(KEY_SEALED));
    return v;
}

static struct verdict line_judge(struct record_reader *r, struct slice line, bool first,
                                 struct record *out)
{
    struct verdict v = line_scan(r, line, first);
    if (v.fault == RF_NONE && !r->no_memory)
        v = names_judge(r);
    if (v.fault == RF_NONE && !r->no_memory)
        v = kind_judge(r, out);
    if (v.fault == RF_NONE && !r->no_memory)
        v = values_judge(r, out);
    return v;
}

/* The usual line in one pass; if it is none, everything stands as before. */
static bool fast_read(struct record_reader *r, struct slice line, struct record *out)
{
    if (r->general_only)
        return false;
    if (record_fast_read(r, line, out))
        return true;
    memset(out, 0, sizeof *out);
    r->bytes_used = 0;
    r->n_pairs = 0;
    return false;
}

enum status record_parse(struct record_reader *r, struct slice line, bool first, struct record *out,
                         enum record_fault *fault, struct slice *key, struct err *err)
{
    struct verdict v = faultless();
    memset(out, 0, sizeof *out);
    if (line.len > RECORD_LINE_MAX)
        v = faulty(RF_TOO_LONG, (struct slice){0});
    else if (line.len == 0)
        v = faulty(RF_EMPTY, (struct slice){0});
    else if (reader_begin(r, line.len) && !fast_read(r, line, out) && !r->no_memory)
        v = line_judge(r, line, first, out);
    if (r->no_memory)
        return err_no_memory(err);
    if (v.fault != RF_NONE)
        memset(out, 0, sizeof *out);
    else
        r->last_kind = out->kind;
    *fault = v.fault;
    if (key)
        *key = v.key;
    return ST_OK;
}
