/* fuzz_section — a table of contents from anywhere, and a whole plain file whose seals fit but
 * whose table is the input: refused, or every byte of every section can be read. */
#include <sys/mman.h>
#include <unistd.h>

#include "lictor/os.h"
#include "store/section_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct case_key plain = {.plain = true};

/* Header, `body` zero bytes, the input as table of contents, footer. */
static int file_make(struct slice toc, size_t body, struct file_seal *seal)
{
    uint8_t header[SECTION_HEADER_SIZE], footer[SECTION_FOOTER_SIZE], ad[SECTION_AD_SIZE];
    uint8_t tag[SEAL_TAG_SIZE];
    static uint8_t zero[4096];
    struct sealer s;
    struct buf copy = {0};
    MUST(sealer_init(&s, NULL) == ST_OK);
    buf_put_u8(&copy, 0); /* never without memory, as seal_block wants */
    buf_put_slice(&copy, toc);
    section_block_ad(seal->id, SECTION_TOC, 0, true, ad);
    MUST(seal_block(&s, NULL, 0, slice_of(ad, sizeof ad), copy.data + 1, toc.len, tag, NULL) ==
         ST_OK);
    seal_sha256(toc, slice_of(tag, sizeof tag), seal->toc_hash);
    MUST(section_header_make(&plain, 1, seal->id, NULL, header, NULL) == ST_OK);
    section_footer_make(SECTION_HEADER_SIZE + body, toc.len, tag, footer);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(fd >= 0 && body <= sizeof zero);
    MUST(os_write(fd, header, sizeof header, NULL) == ST_OK);
    MUST(os_write(fd, zero, body, NULL) == ST_OK);
    MUST(os_write(fd, toc.data, toc.len, NULL) == ST_OK);
    MUST(os_write(fd, footer, sizeof footer, NULL) == ST_OK);
    seal->size = sizeof header + body + toc.len + sizeof footer;
    sealer_release(&s);
    buf_release(&copy);
    return fd;
}

static void file_read(struct section_file *f)
{
    struct buf scratch = {0};
    struct slice s;
    for (unsigned i = 0; i < SECTION_MAX; i++)
        for (uint64_t off = 0; off < section_len(f, i); off += 100) {
            uint64_t left = section_len(f, i) - off;
            if (section_read(f, i, off, left < 150 ? (size_t)left : 150, &scratch, &s, NULL) !=
                ST_OK)
                break; /* tags are not fitted: only memory safety is looked at */
        }
    if (section_file_verify(f, NULL) == ST_OK)
        MUST(section_len(f, SECTION_MAX) == 0);
    buf_release(&scratch);
}

/* Two bytes of input say how long the body is; the rest is the table of contents. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t body = (data[0] | (size_t)data[1] << 8) % 4096;
    struct slice toc_bytes = slice_of(data + 2, size - 2);
    struct section_toc toc = {0};
    enum status st = section_toc_parse(toc_bytes, SECTION_HEADER_SIZE + body, &toc, NULL);
    section_toc_release(&toc);

    struct file_seal seal = {.id = {1}};
    struct block_cache *cache = NULL;
    struct section_file *f = NULL;
    MUST(block_cache_new(2000, &cache, NULL) == ST_OK);
    int fd = file_make(toc_bytes, body, &seal);
    enum status opened = section_file_open_fd(fd, 1, &plain, &seal, cache, &f, NULL);
    MUST(opened == st);
    if (opened == ST_OK) {
        file_read(f);
        section_file_close(f);
    }
    block_cache_free(cache);
    return 0;
}
