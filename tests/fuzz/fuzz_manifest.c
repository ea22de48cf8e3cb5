/* fuzz_manifest — payloads of MANIFEST and ledger entries, CASE and key files from anywhere:
 * refused, or read; and a manifest that was read encodes to the same bytes. */
#include "store/case_private.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void manifest_try(struct slice bytes)
{
    struct manifest *m = NULL, *again = NULL, *copy = NULL;
    struct buf a = {0}, b = {0};
    if (manifest_decode(bytes, &m, NULL) != ST_OK)
        return;
    MUST(manifest_encode(m, &a, NULL) == ST_OK);
    MUST(slice_eq(buf_slice(&a), bytes)); /* one spelling only */
    MUST(manifest_decode(buf_slice(&a), &again, NULL) == ST_OK);
    MUST(manifest_copy(again, &copy, NULL) == ST_OK);
    MUST(manifest_encode(copy, &b, NULL) == ST_OK);
    MUST(slice_eq(buf_slice(&a), buf_slice(&b)));
    manifest_free(m);
    manifest_free(again);
    manifest_free(copy);
    buf_release(&a);
    buf_release(&b);
}

static void entry_try(struct slice bytes)
{
    static const uint8_t id[CASE_ID_SIZE];
    struct ledger_item it = {0};
    struct manifest *m = NULL;
    buf_put_slice(&it.payload, bytes);
    if (ledger_entry_decode(id, &it, NULL) == ST_OK)
        if (manifest_decode_body(it.body, &m, NULL) == ST_OK)
            manifest_free(m);
    ledger_item_release(&it);
}

/* CASE with the input as everything but its checksum. */
static void case_try(struct slice bytes)
{
    struct buf b = {0};
    uint8_t sum[SEAL_TAG_SIZE];
    struct case_key key = {0};
    char *words = NULL;
    buf_put_slice(&b, bytes);
    seal_checksum(bytes, sum);
    buf_put(&b, sum, sizeof sum);
    if (case_decode(buf_slice(&b), NULL, &key, &words, NULL) == ST_OK)
        MUST(key.plain && words);
    free(words);
    buf_release(&b);
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[SEAL_KEY_SIZE];
    if (size < 1 || sodium_init() < 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        manifest_try(rest);
        break;
    case 1:
        entry_try(rest);
        break;
    case 2:
        case_try(rest);
        break;
    default:
        if (case_key_file_parse(rest, key, NULL) == ST_OK)
            MUST(rest.len >= SEAL_KEY_SIZE);
    }
    return 0;
}
