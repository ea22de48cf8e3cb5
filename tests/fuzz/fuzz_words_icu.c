/* fuzz_words_icu — texts of alphabets on which ICU's word breaks and ours must agree, word for
 * word. Input: the alphabet, then letters of it. */
#include "lictor/words.h"
#include "tests/unit/words_icu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 1000

static struct splitter *splitter;
static UBreakIterator *breaks;
static const UNormalizer2 *casefold;

static void tools_make(void)
{
    UErrorCode e = U_ZERO_ERROR;
    breaks = ubrk_open(UBRK_WORD, "en", NULL, 0, &e);
    casefold = unorm2_getNFKCCasefoldInstance(&e);
    MUST(U_SUCCESS(e) && splitter_new(&splitter, NULL) == ST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar text[TEXT_MAX];
    char utf8[TEXT_MAX * 3];
    struct buf theirs = {0}, ours = {0};
    struct words w;
    int32_t n = 0, len = 0;
    if (size == 0 || size > TEXT_MAX)
        return 0;
    if (!splitter)
        tools_make();
    const UChar *alphabet = icu_alphabets[data[0] % ICU_ALPHABETS];
    for (size_t i = 1; i < size; i++)
        text[n++] = alphabet[data[i] % (unsigned)u_strlen(alphabet)];
    u_strToUTF8(utf8, sizeof utf8, &len, text, n, &e);
    MUST(U_SUCCESS(e));
    icu_words(breaks, casefold, text, n, &theirs);
    MUST(splitter_split(splitter, slice_of(utf8, (size_t)len), &w, NULL) == ST_OK);
    for (size_t i = 0; i < w.n; i++) {
        if (i)
            buf_put_u8(&ours, ' ');
        MUST(!w.tokens[i].same);
        buf_put(&ours, w.tokens[i].text, w.tokens[i].len);
    }
    MUST(slice_eq(buf_slice(&theirs), buf_slice(&ours)));
    buf_release(&theirs);
    buf_release(&ours);
    return 0;
}
