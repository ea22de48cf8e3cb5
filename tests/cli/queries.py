"""One list of queries of every form, for all tests that compare two ways to answer. They are made for delivery() of
below and for what lictor-bench generates, and most find something in one of the two. A form that is added to the
language gets its line here."""
import base64

from lictor_cli import *

H = 3600000
EVIL = "\x1b[2J\u202e evil \x07\x9b\u2066"


def delivery():
    """Two handsets, a group, a hole, a conflict, a sealed body, an untimed message, hostile text."""
    sealed = {"key": "K1", "nonce": base64.b64encode(b"n" * 24).decode(), "box": base64.b64encode(b"b" * 40).decode()}
    a = [msg(1, "the harbour at noon", sent=T, id="m1"), msg(2, "bring the blue van", "bert", ["anna"], T + H),
         msg(6, "ok", sent=T + 2 * H), msg(7, "no time at all", sent=None), msg(8, "last words", sent=T + 3 * H, read=T + 4 * H),
         msg(9, None, sent=T + 3 * H + 1, sealed=sealed), {"kind": "message", "seq": 10, "from": "anna", "group": "crew", "sent": T, "text": "all aboard"},
         {"kind": "event", "seq": 11, "what": "join", "group": "crew", "who": ["zed"], "time": T + 5},
         {"kind": "contact", "seq": 12, "owner": "anna", "handle": "bert", "nickname": "Big B"},
         {"kind": "note", "seq": 13, "owner": "anna", "time": T, "text": "note to myself about the harbour"}]
    b = [msg(1, "the harbour at nine", sent=T, id="m1", delivered=T + 7), msg(2, "bring the blue van", "bert", ["anna"], T + H, x_extra={"n": [1, EVIL]}),
         {"kind": "message", "seq": 3, "from": "bert", "group": "crew", "sent": T + 9, "text": "aye"},
         msg(4, "three of us", "anna", ["bert", "carl"], T + 9), msg(5, EVIL + "text", EVIL, ["bert"], T + 10, attachments=[{"name": EVIL, "caption": EVIL, "size": 5}])]
    p = [write("part one.ndjson.zst.age", age(zstd(dump(a, "imei:A", account="anna", authority="police")))),
         write("b.zst", zstd(dump(b, "imei:B", account="bert")))]
    c = Case("query")
    r = c.add(*p)
    check(r.code == 0, "the delivery goes in", r)
    return c


WORDS = """
harbour
Harbour
HARBOUR
=harbour
=Harbour
harb*
the*
noon OR nine
blue van
"blue van"
"van blue"
"the harbour at"
="the harbour"
"bring the" van
nosuchword
harbour -noon
harbour NOT noon
-harbour
NOT (harbour OR van)
NOT NOT harbour
(noon OR nine) (harbour OR van)
*
* OR harbour
harbour OR *
aye OR ok
"""

FIELDS = """
from:anna
from:an*
from:"anna"
to:bert
to:carl
to:b*
with:bert
with:*
with:carl harbour
group:crew
group:cr*
NOT group:crew
conv:00000000
id:m1
id:nosuch
kind:message
kind:note
kind:event
kind:contact
kind:event with:zed
kind:event OR kind:message
NOT kind:message
kind:note harbour
kind:event NOT group:crew
has:link
has:emoji
has:attachment
has:reply
has:email
has:phone
has:sealed
has:conflict
has:repeated
has:copies
NOT has:copies
NOT has:sealed
has:conflict has:copies
has:sealed OR harbour
"""

TIMES = """
on:2020
on:2020-04
on:2020-04-04
on:2020-04-04T11
on:2020-04-04T11:33
on:2020-04..2020-05
after:2020-04-04T12:00Z
before:2020-04-04T12:00Z
NOT after:2020-04-04T12:00Z
harbour NOT on:2020-04-04
before:1990
on:2020-04-04 from:anna NOT harbour
(on:2020-04-04 OR harbour) NOT van
"""

PATTERNS = """
h?rb*
*bour
*
h\\*
harbor~1
harbour~2
=harbor~1
/h[ao]rb.+/
/n(oon|ine)/
=/[A-Z].*/
"the h*"
"th? /h.+/ at"
"""

PLACES = """
harbour NEAR/3 noon
noon NEAR/3 the
the PRE/2 at
at PRE/2 the
"the noon"~3
(noon OR nine) NEAR/2 harbour
blue NEAR/1 van PRE/3 =van
harb* PRE/2 n*
from:anna the PRE/1 harbour
-blue NEAR/5 van
(blue OR /v.n/) NEAR/4 "bring the"
"""

THEN = """
harbour THEN/1h van
harbour THEN/59m van
the THEN/2msg ok
* THEN/1msg *
* THEN/1d *
* THEN/7d by:same *
* THEN/7d by:other *
* THEN/3msg by:anna *
* THEN/3msg by:b* harb*
harbour THEN/1d van THEN/1d ok
harbour THEN/2d (van THEN/1h *)
(from:anna harbour) THEN/3msg (NOT harbour)
NOT (harbour THEN/1h van)
van OR harbour THEN/1h *
has:sealed THEN/1d *
* THEN/1s has:sealed
kind:event THEN/1msg *
kind:message THEN/100s kind:event
on:2020-04-04 THEN/60s by:other *
"""

HELD = """
from:*nn*
with:?ert
nick:"Big B"
nick:big*
source:imei:A
source:imei:* harbour
dump:b.zst
dump:*.age
service:*
copies:2
copies:>1
copies:1..2
sha256:00000000
has:phone OR has:coordinates
on:2020-04-04T11
"""

QUERIES = [q for part in (WORDS, PATTERNS, PLACES, THEN, FIELDS, HELD, TIMES) for q in part.strip().splitlines()]
