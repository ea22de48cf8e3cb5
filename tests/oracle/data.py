"""data: a small delivery in which everything that a query can ask for happens, and much that should not.

write_delivery(folder, seed, messages) -> paths of its dumps. Words are few, so that queries meet; many are
misspelt, marked, wide or joined forms of each other. All of it is invented."""
import base64, json, random, subprocess

import values

HOUR, DAY = 3600000, 86400000
SPRING, AUTUMN = 1585443600000, 1603587600000  # where Europe's clocks change in 2020

PLAIN = ("the blue van waits near harbour gate at noon bring keys and money to old mill red car white boat stays until "
         "monday he said she will call when lights are off harbor harbours harbuor haarbour arbour vans vane blau rot "
         "don't l'été o'neil rock'n'roll 12 30 7 41 1984 abc123 x9 a I").split()
MARKED = "Café CAFÉ cafe\u0301 Straße STRASSE straße naïve Ångström ångstrom İstanbul ıstanbul istanbul Zoë zoe coöp Øre ore señor Ünal".split()
WIDE = "ｈａｒｂｏｕｒ Ｖａｎ ﬁne ﬂat ofﬁce ㎏ ② ½ Ⅷ ℌello".split()
OTHERS = {
    "cyrillic": "мой моя й́ё ёлка елка порт Порт ПОРТ фургон синий ключи деньги".split(),
    "greek": "λιμάνι ΛΙΜΆΝΙ λιμανι σοφός ΣΟΦΌΣ φορτηγό μπλε".split(),
    "arabic": "مِيناء ميناء شاحنة زرقاء مفتاح أحمد احمد مـفـتاح".split(),
    "hebrew": "נָמֵל נמל משאית כחולה צה״ל".split(),
    "hangul": "항구 파란 밴 한국어".split(),
    "hindi": "बंदरगाह नीली वैन हिन्दी".split(),
    "han": "港口 蓝色 面包车 港 口岸 码头 蓝色面包车在港口等 𠀀𠀁".split(),
    "kana": "みなと 青いバン カー ｶﾞｿﾘﾝ コンテナ です。はい ひらがなカタカナ漢字".split(),
    "thai": "ท่าเรือ สวัสดีครับ รถตู้สีฟ้า กุญแจ".split(),
    "khmer": "ខ្ញុំស្រឡាញ់ កំពង់ផែ".split(),
}
EMOJI = "🚚 👍 👍🏽 👍🏿 ❤️ ❤ 👨‍👩‍👧 🇳🇱 🏴‍☠️ 1️⃣ 🤷🏻‍♀️ 🔥 ™ ©".split()
WHOLES = ("https://example.test/a/b?q=1 http://www.Example.test:8080/x_(y) www.port-office.test anna.b@example.test x+y@mail.test @bert @Anna_K "
          "#harbour #Blue_Van foo.conf a_b 12:30 x-y van_keys.txt 3qxlkz.onion https://3qxlkz.onion/market").split()
PHONES = ["+99 61234567", "+99 612 345 67", "0099 61234567", "+99 6987 6543"]
NASTY = ["\x1b[2Jred", "van\u202enoom\u202c", "har\u00adbour", "va\u200bn", "blue\u2060van", "\ufeffgate", "a\u0300\u0301\u0302b", "va\u20ddn", "blue\u0902", "van\u0e33", "zz\u0345", "ﷺ", "…", "…van…",
         "(van)", "[blue]", "van,blue;red", "blue/van", "a+b=c", "50%", "$100", "'van'", "“blue”", "-van", "*", "?", "\\", "\"", "NOT", "OR", "AND", "NEAR", "from:anna"]
HANDLES = ["anna", "Anna", "bert", "carl", "dora", "eve.1", "f-g_h", "b0b", "b1b", "zoë", "анна", "港口", "with space", "qu\"ote", "st*r", "wh?t", "back\\slash", "a:b", "paren(s)",
           "same", "other", "\u202eevil"]
GROUPS = ["crew", "Crew", "red team", "g*1", "группа"]
NICKS = ["Big B", "big b", "Der Dünne", "ＷＩＤＥ", "стрелок", "B*", "\u202enick"]
SERVICES = [None, None, "skyecc", "anom"]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.bodies = []

    def word(self):
        r, x = self.r, self.r.random()
        if x < 0.62:
            w = r.choice(PLAIN)
            return r.choice([w, w, w, w.capitalize(), w.upper()])
        if x < 0.70:
            return r.choice(MARKED)
        if x < 0.74:
            return r.choice(WIDE)
        if x < 0.84:
            return r.choice(OTHERS[r.choice(list(OTHERS))])
        if x < 0.89:
            return r.choice(EMOJI)
        if x < 0.94:
            return r.choice(WHOLES)
        if x < 0.945:
            return f"pay {values.make_simple(r)} there"
        if x < 0.955:
            return f"call {r.choice(PHONES)} now"  # words beside it: what a number ends at is another test's matter
        return r.choice(NASTY)

    def text(self):
        r = self.r
        if self.bodies and r.random() < 0.06:
            return r.choice(self.bodies)
        n = r.choice([1, 1, 2, 3, 4, 5, 6, 8, 12, 20])
        if r.random() < 0.03:
            script = OTHERS[r.choice(list(OTHERS))]
            t = "".join(r.choice(script) for _ in range(n))
        else:
            t = ""
            for _ in range(n):
                t += (r.choice([" ", " ", " ", " ", " ", ", ", ". ", " - ", "\n", "! ", "\u3000", "  "]) if t else "") + self.word()
        if r.random() < 0.01:
            t += r.choice(["\ud800", "x\udbff", "\x00y"])
        if r.random() < 0.003:
            t = t * 12
        self.bodies.append(t)
        return t

    def time(self):
        r = self.r
        base = r.choice([SPRING, AUTUMN, 1586000000000, 1586000000000, 1577836800000 - HOUR])
        t = base + r.choice([r.randrange(-3 * DAY, 3 * DAY), r.randrange(-3 * HOUR, 3 * HOUR), r.randrange(0, 40) * 60000])
        x = r.random()
        if x < 0.02:
            return None
        if x < 0.03:
            return r.choice([0, -5, 10 ** 15, "yesterday", "2020-13-01T00:00:00Z"])
        if x < 0.10:
            import datetime
            z = r.choice([0, 120, -270])
            d = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=t) + datetime.timedelta(minutes=z)
            return d.isoformat(timespec="milliseconds") + f"{'-' if z < 0 else '+'}{abs(z) // 60:02}:{abs(z) % 60:02}"
        return t

    def handle(self):
        return HANDLES[min(int(self.r.expovariate(0.25)), len(HANDLES) - 1)]

    def sealed(self):
        r = self.r
        b = lambda n: base64.b64encode(r.randbytes(n)).decode()
        return {"key": r.choice(["K1", "K2"]), "nonce": b(24), "box": b(40)}

    def message(self):
        r = self.r
        m = {"kind": "message", "from": self.handle(), "sent": self.time()}
        if r.random() < 0.3:
            m["group"] = r.choice(GROUPS)
            if r.random() < 0.3:
                m["to"] = [self.handle()]
        else:
            m["to"] = [self.handle() for _ in range(r.choice([1, 1, 1, 1, 2, 3]))]
        x = r.random()
        if x < 0.93:
            m["text"] = self.text()
        elif x < 0.97:
            m["sealed"] = self.sealed()
        if r.random() < 0.1:
            m["id"] = f"m-{r.randrange(400)}"
        if r.random() < 0.05:
            m["reply_to"] = f"m-{r.randrange(400)}"
        if r.random() < 0.06:
            m["attachments"] = [{"name": f"p{r.randrange(9)}.jpg", "size": 5, **({"sha256": f"{r.randrange(9):064x}"[::-1]} if r.random() < 0.7 else {})}]
        if r.random() < 0.01:
            m["deleted"] = True
        if r.random() < 0.01:
            m["location"] = {"lat": 52.5, "lon": 4.5}
        if r.random() < 0.05 and SERVICES:
            m["service"] = r.choice([s for s in SERVICES if s])
        if r.random() < 0.01:
            m.pop(r.choice(["from", "to", "group"]), None)
        return {k: v for k, v in m.items() if v is not None}

    def other(self):
        r = self.r
        a, b, t = self.handle(), self.handle(), self.time()
        t = t if isinstance(t, int) and 0 < t < 10 ** 14 else 1586000000000
        return r.choice([
            {"kind": "note", "owner": a, "time": t, "text": self.text()},
            {"kind": "note", "owner": a, "text": self.text()},
            {"kind": "event", "what": "edit", "by": a, "to": [b], "of": f"m-{r.randrange(400)}", "value": self.text(), "time": t},
            {"kind": "event", "what": "edit", "by": a, "group": r.choice(GROUPS), "value": self.text(), "time": t},
            {"kind": "event", "what": "react", "by": a, "to": [b], "value": "👍", "time": t},
            {"kind": "event", "what": "add", "by": a, "group": r.choice(GROUPS), "who": [b], "time": t},
            {"kind": "contact", "owner": a, "handle": b, "nickname": r.choice(NICKS), "time": t},
            {"kind": "contact", "owner": a, "handle": b, "nickname": r.choice(NICKS), "time": t},
            {"kind": "call", "from": a, "to": [b], "started": t, "ended": t + 5000},
            {"kind": "location", "account": a, "time": t, "lat": 52.5, "lon": 4.5},
            {"kind": "keepalive", "time": t}])


def line(record):
    """As JSON; now and then with escapes instead of UTF-8, never with a change of meaning."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") if not has_surrogate(record) else json.dumps(record).encode()


def has_surrogate(record):
    return any("\ud800" <= c <= "\udfff" for c in json.dumps(record, ensure_ascii=False))


def write_delivery(folder, seed, messages):
    m = Maker(seed)
    r = m.r
    folder.mkdir(parents=True, exist_ok=True)
    world = [m.message() for _ in range(messages)]
    world += [dict(x) for x in r.sample(world, messages // 30)]  # said twice
    for x in r.sample(world, messages // 40):  # one id, two texts
        if "id" in x and "text" in x:
            world.append({**x, "text": m.text()})
    world.sort(key=lambda x: x.get("sent") if isinstance(x.get("sent"), int) else 0)
    others = [m.other() for _ in range(messages // 8)]
    paths = []
    for n, (source, account) in enumerate([("imei:A", "anna"), ("imei:B", "bert"), ("imei:C", "carl"), ("server:1", None), ("imei:D", "dora"), ("imei:A", "anna")]):
        share = [x for x in world if r.random() < 0.38 + 0.2 * (account in (x.get("from"), *(x.get("to") or [])))]
        records, seq = [], 0
        for x in [*share, *(o for i, o in enumerate(others) if i % 5 == n)]:
            seq += r.choice([1, 1, 1, 2])
            x = {"seq": seq, **x, "delivered": 1586000000000 + seq}
            if r.random() < 0.01:
                del x["seq"]
            records.append(x)
        if n == 5:  # some of the first dump once more, one clash of seq among it
            records = [{**x, "seq": i + 1} for i, x in enumerate(share[:30])]
        if n == 1:
            records += [dict(x) for x in records[:20]]
        head = {"kind": "dump", "format": "lictor-delivery/1", "source": source, "stage": "live" if n % 2 else "stored"}
        head.update({k: v for k, v in {"account": account, "service": SERVICES[n % 4], "epoch": "2" if n == 4 else None}.items() if v})
        raw = [line(head), *map(line, records)]
        raw[5:5] = [b"not a record", b"{\"kind\":\"message\"", b"{\"kind\":\"message\",\"from\":\"anna\",\"to\":[\"bert\"],\"sent\":1586000000777,\"seq\":90%03d,\"text\":\"damaged \xff\xfe van \xc3\"}" % n]
        raw.append(line({"kind": "end", "records": len(raw) - 1}))
        data = b"\n".join(raw) + b"\n"
        name = f"part-{n}.ndjson"
        if n == 2:  # cut in the middle of a line
            data = data[:len(data) * 9 // 10]
        if n == 3:
            data = subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout
            name += ".zst"
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths
