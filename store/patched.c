/* patched — the cheapest width is found by counting how many values need each. */
#include "store/patched.h"

enum { WIDTHS = 33, HAS_EXCEPTIONS = 0x40 };

/* Bits of each value; wider ones are exceptions: a byte for their place, and as many varint bytes
 * as their high bits need. */
static unsigned width_choose(const uint32_t *values, size_t n)
{
    size_t wider[WIDTHS + 28] = {0}; /* by width: values that are wider */
    size_t half[WIDTHS] = {0};
    unsigned widest = 0;

    /* In two halves: counting one width again and again waits for the count before. */
    for (size_t i = 0; i + 1 < n; i += 2) {
        wider[bits_for(values[i])]++;
        half[bits_for(values[i + 1])]++;
    }
    if (n % 2)
        wider[bits_for(values[n - 1])]++;
    for (unsigned w = 0; w < WIDTHS; w++)
        wider[w] += half[w];
    for (unsigned w = 0; w < WIDTHS; w++)
        widest = wider[w] ? w : widest;
    for (unsigned w = widest, sum = 0; w < WIDTHS; w--) {
        size_t here = wider[w];
        wider[w] = sum;
        sum += (unsigned)here;
    }
    unsigned best = widest;
    size_t least = (n * widest + 7) / 8;
    for (unsigned b = widest; b-- > 0 && 2 * wider[b] < least;) {
        size_t size = (n * b + 7) / 8 + 1 + 2 * wider[b] + wider[b + 7] + wider[b + 14] +
                      wider[b + 21] + wider[b + 28];
        if (size < least) {
            least = size;
            best = b;
        }
    }
    return best;
}

static uint64_t high_of(uint32_t value, unsigned bits) { return (uint64_t)value >> bits; }

static uint32_t exceptions_count(const uint32_t *values, size_t n, unsigned bits)
{
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += high_of(values[i], bits) != 0;
    return found;
}

/* ---- up to 128 values ---- */

static void low_put(const uint32_t *values, uint32_t n, unsigned bits, struct buf *out)
{
    if (n == BITPACK_BLOCK) {
        uint32_t low[BITPACK_BLOCK];
        for (uint32_t i = 0; i < n; i++)
            low[i] = values[i] & (uint32_t)bits_mask(bits);
        block_pack(low, bits, out);
        return;
    }
    uint64_t low[BITPACK_BLOCK];
    for (uint32_t i = 0; i < n; i++)
        low[i] = values[i] & bits_mask(bits);
    run_pack(low, n, bits, out);
}

void patched_put(const uint32_t *values, uint32_t n, struct buf *out)
{
    unsigned bits = width_choose(values, n);
    uint32_t exceptions = exceptions_count(values, n, bits);

    buf_put_u8(out, (uint8_t)(bits | (exceptions ? (unsigned)HAS_EXCEPTIONS : 0)));
    low_put(values, n, bits, out);
    if (!exceptions)
        return;
    buf_put_u8(out, (uint8_t)exceptions);
    for (uint32_t i = 0; i < n; i++)
        if (high_of(values[i], bits)) {
            buf_put_u8(out, (uint8_t)i);
            buf_put_varint(out, high_of(values[i], bits));
        }
}

static void exceptions_get(struct cursor *c, uint32_t n, unsigned bits, uint32_t *out)
{
    uint32_t count = cursor_u8(c), next = 0;

    c->bad |= count == 0 || count > n;
    for (uint32_t k = 0; k < count && !c->bad; k++) {
        uint32_t i = cursor_u8(c);
        uint64_t high = cursor_varint_max(c, UINT32_MAX >> bits);
        c->bad |= i < next || i >= n || high == 0;
        if (c->bad)
            return;
        out[i] |= (uint32_t)(high << bits);
        next = i + 1;
    }
}

void patched_get(struct cursor *c, uint32_t n, uint32_t *out)
{
    unsigned head = cursor_u8(c), bits = head & (HAS_EXCEPTIONS - 1);

    c->bad |= bits > 32 || head >= 2 * HAS_EXCEPTIONS || (bits == 32 && head != bits);
    if (c->bad)
        return;
    struct slice s = cursor_bytes(c, n == BITPACK_BLOCK ? block_size(bits) : run_size(n, bits));
    if (c->bad)
        return;
    if (n == BITPACK_BLOCK)
        block_unpack(s.data, bits, out);
    for (uint32_t i = 0; n < BITPACK_BLOCK && i < n; i++)
        out[i] = (uint32_t)run_get(s, i, bits);
    if (head & HAS_EXCEPTIONS)
        exceptions_get(c, n, bits, out);
}

/* ---- any number ---- */

void patched_list_release(struct patched_list *l) { buf_release(&l->exceptions); }

static void low_run_put(const uint32_t *values, size_t n, unsigned bits, struct buf *out)
{
    enum { STEP = 1024 }; /* a multiple of 8: every step ends at a byte */
    uint64_t low[STEP];

    for (size_t at = 0; at < n; at += STEP) {
        size_t m = n - at < STEP ? n - at : STEP;
        for (size_t i = 0; i < m; i++)
            low[i] = values[at + i] & bits_mask(bits);
        run_pack(low, m, bits, out);
    }
}

void patched_list_put(const uint32_t *values, size_t n, struct buf *out)
{
    unsigned bits = width_choose(values, n);
    uint32_t exceptions = exceptions_count(values, n, bits);
    size_t next = 0;

    buf_put_u8(out, (uint8_t)(bits | (exceptions ? (unsigned)HAS_EXCEPTIONS : 0)));
    if (exceptions)
        buf_put_varint(out, exceptions);
    for (size_t i = 0; exceptions && i < n; i++)
        if (high_of(values[i], bits)) {
            buf_put_varint(out, i - next);
            buf_put_varint(out, high_of(values[i], bits));
            next = i + 1;
        }
    low_run_put(values, n, bits, out);
}

static void list_exceptions_get(struct cursor *c, struct patched_list *l)
{
    uint64_t count = cursor_varint_max(c, cursor_left(c) / 2), at = 0;

    c->bad |= count == 0;
    for (uint64_t k = 0; k < count && !c->bad; k++) {
        at += cursor_varint_max(c, l->n);
        uint64_t high = cursor_varint_max(c, UINT32_MAX >> l->bits);
        c->bad |= at >= l->n || high == 0;
        buf_put_u64(&l->exceptions, at++);
        buf_put_u64(&l->exceptions, high << l->bits);
    }
}

enum status patched_list_open(struct slice s, uint64_t n, struct patched_list *out, struct err *err)
{
    struct cursor c = cursor_of(s);
    unsigned head = cursor_u8(&c);

    buf_clear(&out->exceptions);
    out->n = n;
    out->bits = head & (HAS_EXCEPTIONS - 1);
    c.bad |= out->bits > 32 || head >= 2 * HAS_EXCEPTIONS || (out->bits == 32 && head != 32) ||
             n > (uint64_t)1 << 32;
    if (!c.bad && head & HAS_EXCEPTIONS)
        list_exceptions_get(&c, out);
    out->run = cursor_bytes(&c, c.bad ? 0 : run_size((size_t)n, out->bits));
    TRY(buf_status(&out->exceptions, err));
    return cursor_done(&c, "list of integers", err);
}

/* First exception at or behind value `from`. */
static size_t exception_find(const struct patched_list *l, uint64_t from)
{
    size_t lo = 0, hi = l->exceptions.len / 16;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (load_u64(l->exceptions.data + 16 * mid) < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void patched_list_get(const struct patched_list *l, uint64_t from, uint32_t n, uint32_t *out)
{
    size_t count = l->exceptions.len / 16;

    for (uint32_t i = 0; i < n; i++)
        out[i] = (uint32_t)run_get(l->run, (size_t)from + i, l->bits);
    if (count == 0)
        return;
    for (size_t k = exception_find(l, from); k < count; k++) {
        uint64_t at = load_u64(l->exceptions.data + 16 * k);
        if (at >= from + n)
            return;
        out[at - from] |= (uint32_t)load_u64(l->exceptions.data + 16 * k + 8);
    }
}
