/* segment_sizes — sections with their directories, summed into the parts that people ask about. */
#include "store/segment_private.h"

static const uint8_t part_of[SEC_COUNT] = {
    [SEC_META] = SEGMENT_TABLES,
    [SEC_DUMPS] = SEGMENT_TABLES,
    [SEC_DUMPS_DIR] = SEGMENT_TABLES,
    [SEC_STREAMS] = SEGMENT_TABLES,
    [SEC_STREAMS_DIR] = SEGMENT_TABLES,
    [SEC_ORIGINS] = SEGMENT_TABLES,
    [SEC_ORIGINS_DIR] = SEGMENT_TABLES,
    [SEC_CONVERSATIONS] = SEGMENT_CONVERSATIONS,
    [SEC_CONVERSATION_DATA] = SEGMENT_CONVERSATIONS,
    [SEC_BODIES] = SEGMENT_BODIES,
    [SEC_BODIES_DIR] = SEGMENT_BODIES,
    [SEC_COPIES] = SEGMENT_COPIES,
    [SEC_COPIES_DIR] = SEGMENT_COPIES,
    [SEC_SENT] = SEGMENT_SENT,
    [SEC_SENT_DIR] = SEGMENT_SENT,
    [SEC_STATE] = SEGMENT_STATE,
    [SEC_STATE_DIR] = SEGMENT_STATE,
    [SEC_PATCHES] = SEGMENT_STATE,
    [SEC_PATCHES_DIR] = SEGMENT_STATE,
    [SEC_KEYS] = SEGMENT_KEYS,
    [SEC_KEYS_DIR] = SEGMENT_KEYS,
    [SEC_LEXICON] = SEGMENT_LEXICON,
    [SEC_LEXICON_DIR] = SEGMENT_LEXICON,
    [SEC_POSTINGS] = SEGMENT_POSTINGS,
    [SEC_POSITIONS] = SEGMENT_POSITIONS,
    [SEC_SEQS] = SEGMENT_SEQS,
    [SEC_SEQS_DIR] = SEGMENT_SEQS,
    [SEC_STREAM_INFO] = SEGMENT_SEQS,
    [SEC_REPEATS] = SEGMENT_STATE,
    [SEC_MINUTES] = SEGMENT_MINUTES,
    [SEC_MINUTES_DIR] = SEGMENT_MINUTES,
};

const char *segment_part_name(enum segment_part part)
{
    static const char *const names[SEGMENT_PARTS] = {
        [SEGMENT_TABLES] = "tables",     [SEGMENT_CONVERSATIONS] = "conversations",
        [SEGMENT_BODIES] = "bodies",     [SEGMENT_COPIES] = "copies",
        [SEGMENT_SENT] = "sent",         [SEGMENT_STATE] = "state",
        [SEGMENT_KEYS] = "keys",         [SEGMENT_LEXICON] = "lexicon",
        [SEGMENT_POSTINGS] = "postings", [SEGMENT_POSITIONS] = "positions",
        [SEGMENT_SEQS] = "seqs",         [SEGMENT_MINUTES] = "minutes",
    };
    return names[part];
}

void segment_sizes(const struct segment *s, uint64_t bytes[SEGMENT_PARTS])
{
    for (size_t f = 0; f < s->n_files; f++)
        for (unsigned i = 0; i < SEC_COUNT; i++)
            bytes[part_of[i]] += source_len(&s->files[f].src, i);
}
