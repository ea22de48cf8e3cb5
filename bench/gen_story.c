/* gen_story — one small conversation with a text that can be followed, for demonstrations and for
 * tests that look at a single conversation. Both handsets are captured and the same message stands
 * in them with two texts; then the first handset loses a stretch and, a little later, the second,
 * so that some messages are in neither. All of it is invented. */
#include "bench/gen.h"

#define MINUTE_MS INT64_C(60000)
#define STORY_DAY 10 /* a Saturday, before any handset turns from stored to live */
#define CONFLICT_AT 20

static const struct {
    uint8_t who;
    uint16_t after_min; /* since the line before */
    const char *text;
} lines[] = {
    {0, 610, "Morning. Are you on the new phone already?"},
    {1, 2, "Since yesterday. The old one is in the canal."},
    {0, 1, "Good. Same names as before, nothing else."},
    {1, 1, "Understood"},
    {0, 35, "The tall one called. He wants the pallets moved before Wednesday."},
    {1, 3, "How many?"},
    {0, 1, "Six. Tiles on the outside, tiles all the way if anybody looks."},
    {1, 2, "Then I need the blue van, the white one is too small."},
    {0, 4, "The blue van is at the garage until Tuesday."},
    {1, 1, "Can he not hurry them?"},
    {0, 14, "I asked. Monday evening, he says, with new plates."},
    {1, 1, "Fine."},
    {1, 120, "Who has the paper for the gate at the harbour?"},
    {0, 5, "The cousin. He works nights there, Monday and Wednesday."},
    {1, 2, "Is he the one who talks?"},
    {0, 1, "He is the one who owes. He will be quiet."},
    {1, 3, "What does he get?"},
    {0, 2, "Two and a half, after. Nothing before."},
    {1, 1, "OK"},
    {0, 505, "News: the ship is a day early. Monday night then."},
    {0, 1, "Harbour, gate 14, at 02:30. Lights off when you turn in."},
    {1, 6, "Clear. And the seals?"},
    {0, 2, "He cuts them and puts new ones on. Same numbers."},
    {1, 1, "And if the dog is there again?"},
    {0, 1, "Then you wait. You stay in the van, whatever happens."},
    {1, 2, "Last time I waited for three hours."},
    {0, 1, "And last time it went well."},
    {1, 240, "Who drives behind me?"},
    {0, 8, "The young one, in the grey car. He keeps half a kilometre."},
    {1, 1, "He is too close every time. Tell him."},
    {0, 2, "I will tell him."},
    {1, 4, "Which place for unloading? The barn is finished since the fire."},
    {0, 3, "New place. I send it to you in three parts and you delete each one."},
    {0, 1, "First part: the road along the dike, past the second mill."},
    {0, 1, "Second part: left after the greenhouse, the one with the broken roof."},
    {0, 1, "Third part: green door. The key is under the blue barrel."},
    {1, 2, "Got all three. Deleting."},
    {1, 1, "Who else knows the place?"},
    {0, 2, "You, me and the owner. The owner is abroad until May."},
    {1, 1, "Keep it that way."},
    {0, 2500, "The van is ready. Keys are where they always are."},
    {1, 3, "Seen it. The plates look good."},
    {0, 2, "Tank full, nothing in the back, phone off from one."},
    {1, 1, "And after?"},
    {0, 1, "After, one word. If it went wrong, two words."},
    {1, 460, "Tiles"},
    {0, 1, "Sleep now."},
    {1, 540, "Counted them. It is five pallets, not six."},
    {0, 2, "Say that again?"},
    {1, 1, "Five. The sixth really is tiles."},
    {0, 7, "Then somebody was in the box before us."},
    {1, 2, "Or somebody counted wrong at the other end."},
    {0, 3, "The tall one does not count wrong. Who cut the seals?"},
    {1, 1, "The cousin. I told you he talks."},
    {0, 12, "Stay away from the harbour. I will ask him myself."},
    {1, 1, "And the money?"},
    {0, 2, "Nobody gets anything until I know where the sixth one is."},
    {1, 45, "The young one says a grey car stood at the mill. Not his."},
    {0, 1, "When?"},
    {1, 1, "When we turned off. He thought nothing of it."},
    {0, 2, "Get rid of the phone. New one tomorrow, same names."},
    {1, 1, "OK"},
};
#define LINES (sizeof(lines) / sizeof(*lines))

static const char other_text[] = "Harbour, gate 41, at 03:20. Lights off when you turn in.";

_Static_assert(LINES == STORY_MESSAGES, "as many as the plan gives the conversation");

bool story_is_pair(const struct world *w, uint32_t a, uint32_t b)
{
    return w->n_holders > 2 && w->o->messages >= STORY_LEAST && a + b == 2 && a != b;
}

int64_t story_begin(void) { return GEN_BEGIN_MS + STORY_DAY * DAY_MS; }

unsigned story_sender(uint32_t i) { return lines[i].who; }

/* Messages of one handset must not share a millisecond with their neighbours. */
int64_t story_time(uint32_t i, int64_t before, uint64_t key)
{
    return before + lines[i].after_min * MINUTE_MS - (int64_t)(key % 40000);
}

const char *story_text(uint32_t i, bool other) { return other ? other_text : lines[i].text; }

uint32_t story_conflict(void) { return CONFLICT_AT; }

bool story_lost(uint32_t i, unsigned holder)
{
    return holder == 0 ? i >= 30 && i < 36 : i >= 33 && i < 38;
}
