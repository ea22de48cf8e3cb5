/* test_inflate — what a dump is, and that its bytes come out whole, however the input is cut. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <zstd.h>

#include "lictor/inflate.h"

static struct inflate *z;
static struct buf packed, content, given;
static struct err err;

static void setup(void) { cr_assert_eq(inflate_new(&z, &err), ST_OK); }

static void teardown(void)
{
    inflate_free(z);
    buf_release(&packed);
    buf_release(&content);
    buf_release(&given);
}

TestSuite(inflate, .init = setup, .fini = teardown);

/* Runs all of `input` in pieces of `piece` bytes, collecting what comes in `given`. ST_OK when it
 * ended well. Pieces are exact allocations, so that a read past their end is seen. */
static enum status run_with(struct slice input, size_t piece, const struct inflate_limits *limits)
{
    struct slice out;
    enum status st = ST_OK;
    buf_clear(&given);
    inflate_reset(z, limits);
    for (size_t pos = 0; pos < input.len && st == ST_OK;) {
        size_t n = piece < input.len - pos ? piece : input.len - pos;
        uint8_t *copy = malloc(n);
        cr_assert(copy);
        memcpy(copy, input.data + pos, n);
        struct slice in = slice_of(copy, n);
        do {
            st = inflate_next(z, &in, &out, &err);
            if (st == ST_OK)
                buf_put_slice(&given, out);
        } while (st == ST_OK && (in.len > 0 || out.len > 0));
        free(copy);
        pos += n;
    }
    while (st == ST_OK) {
        st = inflate_finish(z, &out, &err);
        if (st == ST_OK)
            buf_put_slice(&given, out);
    }
    return st == ST_END ? ST_OK : st;
}

static const size_t pieces[] = {1, 2, 3, 5, 7, 17, 100, 4096, 65536, SIZE_MAX};
#define PIECES (sizeof pieces / sizeof *pieces)

static void inflates_to(struct slice input, struct slice want)
{
    for (size_t i = 0; i < PIECES; i++) {
        err = (struct err){0};
        cr_assert_eq(run_with(input, pieces[i], NULL), ST_OK, "pieces of %zu: %s", pieces[i],
                     err.text);
        cr_assert(slice_eq(buf_slice(&given), want), "pieces of %zu: %zu bytes of %zu", pieces[i],
                  given.len, want.len);
    }
}

/* Refused for that reason, after the same good bytes, however it is cut. */
static void refused_with(struct slice input, const char *reason, size_t good,
                         const struct inflate_limits *limits)
{
    uint64_t at = 0;
    for (size_t i = 0; i < PIECES; i++) {
        cr_assert_eq(run_with(input, pieces[i], limits), ST_BAD_INPUT, "pieces of %zu", pieces[i]);
        cr_assert_str_eq(err.reason, reason, "pieces of %zu: %s", pieces[i], err.text);
        cr_assert_eq(given.len, good, "pieces of %zu: %zu good bytes", pieces[i], given.len);
        at = i ? at : err.at;
        cr_assert(err.at == at && at <= input.len);
    }
}

static void refused(struct slice input, const char *reason)
{
    refused_with(input, reason, 0, NULL);
}

static void lines_make(struct buf *b, unsigned lines)
{
    buf_clear(b);
    for (unsigned i = 0; i < lines; i++)
        buf_printf(b, "{\"kind\":\"message\",\"seq\":%u,\"text\":\"%u\"}\n", i, i * 2654435761u);
}

/* One frame, appended to `packed`. */
static void frame_add(struct slice s, int level, bool sized, bool checksum)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(s.len);
    uint8_t *to = buf_reserve(&packed, bound);
    cr_assert(c && to);
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, sized);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
    size_t n = ZSTD_compress2(c, to, bound, s.data, s.len);
    cr_assert(!ZSTD_isError(n));
    packed.len += n;
    ZSTD_freeCCtx(c);
}

static void skippable_add(unsigned variant, uint32_t len)
{
    buf_put_u32(&packed, 0x184D2A50u + variant);
    buf_put_u32(&packed, len);
    for (uint32_t i = 0; i < len; i++)
        buf_put_u8(&packed, "\x28\xb5\x2f\xfd{"[i % 5]);
}

/* A frame written by hand: header byte and the rest of it, then the blocks that follow. */
static void raw_frame_begin(uint8_t descriptor, const void *rest, size_t len)
{
    buf_put_u32(&packed, 0xFD2FB528u);
    buf_put_u8(&packed, descriptor);
    buf_put(&packed, rest, len);
}

static void raw_block_add(const char *text, bool last)
{
    uint32_t header = (uint32_t)strlen(text) << 3 | last;
    buf_put(&packed, (uint8_t[]){(uint8_t)header, (uint8_t)(header >> 8), (uint8_t)(header >> 16)},
            3);
    buf_put_str(&packed, text);
}

static void rle_block_add(uint8_t byte, uint32_t n, bool last)
{
    uint32_t header = n << 3 | 2 | last;
    buf_put(&packed,
            (uint8_t[]){(uint8_t)header, (uint8_t)(header >> 8), (uint8_t)(header >> 16), byte}, 4);
}

Test(inflate, plain_ndjson_passes_through)
{
    lines_make(&content, 200);
    inflates_to(buf_slice(&content), buf_slice(&content));
    inflates_to(slice_str("{"), slice_str("{"));
    inflates_to(slice_str("\xef\xbb\xbf \r\n\t{}"), slice_str("\xef\xbb\xbf \r\n\t{}"));
    inflates_to(slice_str("{ not judged here"), slice_str("{ not judged here"));
}

Test(inflate, plain_ndjson_is_not_copied)
{
    struct slice in, out;
    lines_make(&content, 10);
    in = buf_slice(&content);
    cr_assert_eq(inflate_next(z, &in, &out, &err), ST_OK);
    cr_assert(out.data == content.data && out.len == content.len && in.len == 0);
}

Test(inflate, zstd_gives_its_content)
{
    lines_make(&content, 10000);
    for (int sized = 0; sized < 2; sized++) {
        for (int checksum = 0; checksum < 2; checksum++) {
            buf_clear(&packed);
            frame_add(buf_slice(&content), 1, sized, checksum);
            inflates_to(buf_slice(&packed), buf_slice(&content));
        }
    }
    buf_clear(&packed);
    frame_add(buf_slice(&content), -50, true, true);
    inflates_to(buf_slice(&packed), buf_slice(&content));
}

Test(inflate, zstd_of_few_bytes_gives_its_content)
{
    static const char *const texts[] = {"{", "{}\n", "\xef\xbb\xbf\n {}", " {\"a\":1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_clear(&packed);
        frame_add(slice_str(texts[i]), 3, true, false);
        inflates_to(buf_slice(&packed), slice_str(texts[i]));
    }
}

Test(inflate, several_frames_are_one_stream)
{
    lines_make(&content, 3000);
    struct slice all = buf_slice(&content);
    skippable_add(0, 0);
    skippable_add(15, 100000);
    frame_add(slice_of(all.data, 1), 1, true, false);
    frame_add(slice_of(all.data, 0), 1, true, true);
    skippable_add(3, 5);
    frame_add(slice_of(all.data + 1, 70000), 1, false, true);
    frame_add(slice_of(all.data + 70001, all.len - 70001), 5, true, false);
    skippable_add(7, 0);
    inflates_to(buf_slice(&packed), all);
}

/* A header whose dictionary id reads like the beginning of a frame. Handed to libzstd cut behind
 * its fifth byte, it gives the inner frame's content as if all were well; cut elsewhere, it is
 * refused. */
Test(inflate, a_frame_inside_a_frame_header_is_no_frame)
{
    raw_frame_begin(0x23, "\x28\xb5\x2f\xfd", 4);
    buf_put(&packed, "\x20\x02", 2);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "zstd");
}

Test(inflate, an_instance_serves_many_dumps)
{
    lines_make(&content, 100);
    frame_add(buf_slice(&content), 1, true, true);
    cr_assert_eq(run_with(slice_of(packed.data, packed.len / 2), 10, NULL), ST_BAD_INPUT);
    cr_assert_eq(run_with(slice_str("age"), 10, NULL), ST_BAD_INPUT);
    cr_assert_eq(run_with(buf_slice(&content), 10, NULL), ST_OK);
    cr_assert(slice_eq(buf_slice(&given), buf_slice(&content)));
    cr_assert_eq(run_with(buf_slice(&packed), 10, NULL), ST_OK);
    cr_assert(slice_eq(buf_slice(&given), buf_slice(&content)));
}

Test(inflate, nothing_is_empty)
{
    refused((struct slice){0}, "empty");
    frame_add((struct slice){0}, 1, true, true);
    refused(buf_slice(&packed), "empty");
    buf_clear(&packed);
    skippable_add(1, 9);
    refused(buf_slice(&packed), "empty");
}

static const char *const strange[] = {
    "x",
    "age-encryption.org/v1\n-> X25519 ",
    "[1]",
    " \n",
    "\xef\xbb\xbf",
    "\xef\xbb",
    "\xef\xbb{",
    " \xef\xbb\xbf{}",
    "\xef\xbb\xbf\xef\xbb\xbf{}",
    "\x28\xb5\x2f",
    "\x28\xb5\x2f\xfc{}",
    "P*M",
    "\x1f\x8b\x08",
};

Test(inflate, what_is_neither_zstd_nor_ndjson_is_refused)
{
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        refused(slice_str(strange[i]), "unknown-format");
    refused(slice_of("\0{", 2), "unknown-format");
    lines_make(&content, 100);
    content.data[0] = 'q';
    refused(buf_slice(&content), "unknown-format");
}

Test(inflate, zstd_of_anything_but_ndjson_is_refused)
{
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        buf_clear(&packed);
        frame_add(slice_str(strange[i]), 1, true, true);
        refused(buf_slice(&packed), "unknown-format");
    }
    lines_make(&content, 100);
    buf_clear(&packed);
    frame_add(buf_slice(&content), 1, true, true);
    struct buf twice = packed;
    packed = (struct buf){0};
    frame_add(buf_slice(&twice), 1, true, true);
    refused(buf_slice(&packed), "unknown-format");
    buf_release(&twice);
}

Test(inflate, a_tar_is_media)
{
    for (size_t i = 0; i < 1024; i++)
        buf_put_u8(&content, 0);
    memcpy(content.data, "photo.jpg", 9);
    memcpy(content.data + 257, "ustar", 5);
    refused(buf_slice(&content), "media");
    frame_add(buf_slice(&content), 1, true, true);
    refused(buf_slice(&packed), "media");
    content.len = 262;
    refused(buf_slice(&content), "media");
    content.len = 261;
    refused(buf_slice(&content), "unknown-format");
    content.len = 262;
    content.data[261] = 'x';
    refused(buf_slice(&content), "unknown-format");
}

/* A text may hold "ustar" where a tar does. */
Test(inflate, ndjson_is_never_a_tar)
{
    lines_make(&content, 100);
    memcpy(content.data + 257, "ustar", 5);
    inflates_to(buf_slice(&content), buf_slice(&content));
}

Test(inflate, white_space_before_the_first_record_is_bounded)
{
    for (size_t i = 0; i + 1 < 65536; i++)
        buf_put_u8(&content, ' ');
    buf_put_str(&content, "{}");
    inflates_to(buf_slice(&content), buf_slice(&content));
    frame_add(buf_slice(&content), 1, true, true);
    inflates_to(buf_slice(&packed), buf_slice(&content));
    content.data[65535] = ' ';
    content.data[65536] = '{';
    refused(buf_slice(&content), "unknown-format");
    buf_clear(&packed);
    frame_add(buf_slice(&content), 1, true, true);
    refused(buf_slice(&packed), "unknown-format");
}

Test(inflate, a_window_beyond_the_limit_is_refused_before_it_is_allocated)
{
    static const struct {
        uint8_t byte;
        bool allowed;
    } windows[] = {{0x00, true}, {13 << 3, true}, {13 << 3 | 1, false}, {31 << 3 | 7, false}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        buf_clear(&packed);
        raw_frame_begin(0x00, &windows[i].byte, 1);
        raw_block_add("{}", true);
        if (windows[i].allowed)
            inflates_to(buf_slice(&packed), slice_str("{}"));
        else
            refused(buf_slice(&packed), "window");
    }
    const struct inflate_limits tight = {.window = 1024, .ratio = 400, .free_bytes = 1024};
    buf_clear(&packed);
    raw_frame_begin(0x00, "\x01", 1);
    raw_block_add("{}", true);
    refused_with(buf_slice(&packed), "window", 0, &tight);
}

/* A frame in one segment has its content size as window, and libzstd's shortcut for frames that lie
 * whole in the input does not look at it. */
Test(inflate, the_content_size_of_one_segment_counts_as_window)
{
    static const uint8_t size_8m[] = {0, 0, 0x80, 0}, more[] = {1, 0, 0x80, 0};
    raw_frame_begin(0xa0, size_8m, sizeof size_8m);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "zstd"); /* fewer bytes than said */
    buf_clear(&packed);
    raw_frame_begin(0xa0, more, sizeof more);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "window");
    buf_clear(&packed);
    raw_frame_begin(0xe0, "\x02\0\0\0\0\0\0\x80", 8);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "window");
    buf_clear(&packed);
    raw_frame_begin(0x60, "\x00\x00", 2); /* 256 bytes */
    raw_block_add("{}", false);
    rle_block_add(' ', 254, true);
    cr_assert_eq(run_with(buf_slice(&packed), 1, NULL), ST_OK);
    cr_assert_eq(given.len, 256);
    const struct inflate_limits tight = {.window = 255, .ratio = 400, .free_bytes = 1024};
    refused_with(buf_slice(&packed), "window", 0, &tight);
}

Test(inflate, a_bomb_is_stopped)
{
    raw_frame_begin(0x00, "\x58", 1); /* 2 MiB */
    raw_block_add("{", false);
    for (int i = 0; i < 100; i++)
        rle_block_add(' ', 1 << 17, i == 99);
    const struct inflate_limits limits = {
        .window = INFLATE_WINDOW_DEFAULT, .ratio = 10, .free_bytes = 1 << 20};
    refused_with(buf_slice(&packed), "bomb", 1 + (8 << 17), &limits);
    cr_assert_eq(run_with(buf_slice(&packed), 9, NULL), ST_OK);
    cr_assert_eq(given.len, 1 + (100u << 17));
    const struct inflate_limits huge = {
        .window = INFLATE_WINDOW_DEFAULT, .ratio = UINT64_MAX, .free_bytes = UINT64_MAX};
    cr_assert_eq(run_with(buf_slice(&packed), 9, &huge), ST_OK);
}

Test(inflate, bytes_behind_the_last_frame_are_damage)
{
    lines_make(&content, 10);
    frame_add(buf_slice(&content), 1, true, true);
    size_t whole = packed.len;
    buf_put_str(&packed, "\n");
    refused_with(buf_slice(&packed), "zstd", content.len, NULL);
    packed.len = whole;
    buf_put_str(&packed, "{}{}");
    refused_with(buf_slice(&packed), "zstd", content.len, NULL);
    packed.len = whole;
    buf_put_u32(&packed, 0xFD2FB527u); /* a frame of zstd 0.7 */
    buf_put_str(&packed, "abcdefgh");
    refused_with(buf_slice(&packed), "zstd", content.len, NULL);
}

Test(inflate, the_reserved_bit_and_dictionaries_are_refused)
{
    raw_frame_begin(0x08, "\x58", 1);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "zstd");
    buf_clear(&packed);
    raw_frame_begin(0x01, "\x58\x07", 2);
    raw_block_add("{}", true);
    refused(buf_slice(&packed), "zstd");
}

Test(inflate, all_before_a_bad_block_comes_out)
{
    raw_frame_begin(0x00, "\x58", 1);
    raw_block_add("{\"a\":1}\n", false);
    raw_block_add("{\"b\":2}\n", false);
    buf_put(&packed, "\x06\x00\x00", 3); /* block type 3 is reserved */
    refused_with(buf_slice(&packed), "zstd", 16, NULL);
    cr_assert(slice_eq_str(buf_slice(&given), "{\"a\":1}\n{\"b\":2}\n"));
}

Test(inflate, a_bad_checksum_is_damage_after_the_content)
{
    lines_make(&content, 10);
    frame_add(buf_slice(&content), 1, true, true);
    packed.data[packed.len - 1] ^= 1;
    refused_with(buf_slice(&packed), "zstd", content.len, NULL);
}

Test(inflate, a_failure_repeats_itself)
{
    struct slice in = slice_str("strange"), out;
    cr_assert_eq(inflate_next(z, &in, &out, &err), ST_OK); /* might still become a tar */
    cr_assert_eq(inflate_finish(z, &out, &err), ST_BAD_INPUT);
    in = slice_str("{}");
    cr_assert_eq(inflate_next(z, &in, &out, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "unknown-format");
    cr_assert_eq(inflate_finish(z, &out, NULL), ST_BAD_INPUT);
}

Test(inflate, every_truncation_of_zstd_is_refused)
{
    lines_make(&content, 60);
    skippable_add(2, 9);
    size_t skippable = packed.len;
    frame_add(buf_slice(&content), 1, true, true);
    for (size_t len = 0; len < packed.len; len++) {
        static const size_t cuts[] = {1, 13, SIZE_MAX};
        for (size_t i = 0; i < 3; i++) {
            cr_assert_eq(run_with(slice_of(packed.data, len), cuts[i], NULL), ST_BAD_INPUT);
            const char *want = len == 0 || len == skippable ? "empty"
                               : len < 4                    ? "unknown-format"
                                                            : "zstd";
            cr_assert_str_eq(err.reason, want, "%zu bytes: %s", len, err.text);
            cr_assert(slice_eq(buf_slice(&given), slice_of(content.data, given.len)));
        }
    }
}

/* With a checksum no flip may give other bytes as if all were well. The bits it does not cover:
 * those of the frame header, which say how much memory to take, and the whole-frame magic. */
Test(inflate, every_single_bit_flip_is_refused_or_changes_nothing)
{
    lines_make(&content, 60);
    frame_add(buf_slice(&content), 1, true, true);
    unsigned bad = 0;
    for (size_t bit = 0; bit < 8 * packed.len; bit++) {
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum status st = run_with(buf_slice(&packed), bit % 2 ? 11 : SIZE_MAX, NULL);
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (st == ST_OK)
            cr_assert(slice_eq(buf_slice(&given), buf_slice(&content)), "bit %zu", bit);
        else
            bad++;
    }
    cr_assert(bad > 7 * packed.len, "%u", bad);
}
