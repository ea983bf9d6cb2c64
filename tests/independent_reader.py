"""Reads what the gateway wrote with Python's email package, which shares no code with it. Ends with status 1 and a line on the first fault.

usage: independent_reader.py filtered TABLE   (lines of: message before, message after, tag of the subject, names removed; tab between)
       independent_reader.py report FILE
       independent_reader.py clean FILE       (messages, each behind its length and a line end: none may have a part named *.exe)
"""
import email
import email.policy
import sys
from email.header import decode_header, make_header

NOTICE = "An attachment was removed from this message"
ADDED = {"subject", "x-filtered", "mime-version"}


def need(condition, *what):
    if not condition:
        print(*what, file=sys.stderr)
        sys.exit(1)


def read(path):
    with open(path, "rb") as file:
        return email.message_from_bytes(file.read(), policy=email.policy.compat32)


def defects(message):
    return [type(defect).__name__ for part in message.walk() for defect in part.defects]


def is_notice(part):
    return not part.is_multipart() and NOTICE in part.get_payload(decode=True).decode("utf-8", "replace")


def check_notice(before, after):
    name = before.get_filename()
    text = after.get_payload(decode=True).decode("utf-8")
    need(after.get_content_type() == "text/plain", "a notice of type", after.get_content_type())
    need(after.get_filename() is None, "a notice has a file name")
    need(f"File name: {name}" in text.splitlines(), f"the notice does not name {name}: {text}")
    return name


def compare(before, after, is_root=False):
    """Both trees in step; returns the names of the parts that were replaced."""
    fields = [(n, v) for n, v in after.items() if not (is_root and n.lower() in ADDED)]
    old = [(n, v) for n, v in before.items() if not (is_root and n.lower() in ADDED)]
    if is_notice(after) and not is_notice(before):
        kept = [field for field in old if not field[0].lower().startswith("content-")]
        new = [field for field in fields if not field[0].lower().startswith("content-")]
        need([f for f in new if f[0] != "MIME-Version"] == [f for f in kept if f[0] != "MIME-Version"],
             "fields that do not describe the content changed:", kept, new)
        return [check_notice(before, after)]
    need(fields == old, "fields changed:", old, fields)
    need(before.is_multipart() == after.is_multipart(), "the structure changed")
    need(before.preamble == after.preamble and before.epilogue == after.epilogue, "preamble or epilogue changed")
    if not before.is_multipart():
        need(before.get_payload() == after.get_payload(), "a part that should stay changed")
        return []
    need(len(before.get_payload()) == len(after.get_payload()), "parts were lost or added")
    removed = []
    for one, other in zip(before.get_payload(), after.get_payload()):
        removed += compare(one, other)
    return removed


def raw_subject(path):
    with open(path, "rb") as file:
        header = file.read().split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    for line in header.split(b"\r\n"):
        if line.lower().startswith(b"subject:"):
            return line.split(b":", 1)[1].strip()
    return b""


def filtered(table):
    with open(table, encoding="utf-8") as file:
        for line in file:
            before_path, after_path, tag, *names = line.rstrip("\n").split("\t")
            before, after = read(before_path), read(after_path)
            need(set(defects(after)) <= set(defects(before)), after_path, "has new defects:", defects(after))
            removed = compare(before, after, is_root=True)
            need(removed == names, after_path, ": removed", removed, "instead of", names)
            for part in after.walk():
                need(not (part.get_filename() or "").lower().endswith(".exe"), after_path, "has", part.get_filename())
            subject = raw_subject(after_path)
            need(subject.endswith(raw_subject(before_path)), after_path, "lost its subject:", subject)
            shown = str(make_header(decode_header(subject.decode("ascii", "ignore"))))
            need(shown.startswith(tag), after_path, "has the subject", shown)
            need(subject.isascii() or not raw_subject(before_path).isascii(), after_path, "has a raw subject")
            need(after["X-Filtered"] == "yes", after_path, "lacks the added field")


def report(path):
    message = read(path)
    need(defects(message) == [], "defects:", defects(message))
    need(message.get_content_type() == "multipart/report", message.get_content_type())
    need(message.get_param("report-type") == "delivery-status", message.get_param("report-type"))
    types = [part.get_content_type() for part in message.get_payload()]
    need(types == ["text/plain", "message/delivery-status", "text/rfc822-headers"], types)
    text, status, original = message.get_payload()
    need("<bob@example.net>" in text.get_payload(decode=True).decode("utf-8"), "the text names no recipient")
    blocks = [dict(block.items()) for block in status.get_payload()]
    need(blocks[0]["Reporting-MTA"] == "dns; gw.example.org", blocks[0])
    need(email.utils.parsedate_to_datetime(blocks[0]["Arrival-Date"]).timestamp() == 1795536480, blocks[0])
    need([b["Final-Recipient"] for b in blocks[1:]] == ["rfc822; bob@example.net", "rfc822; eve@example.com"], blocks)
    need(all(b["Action"] == "failed" and b["Status"] == "5.7.5" for b in blocks[1:]), blocks)
    need(email.utils.parsedate_to_datetime(message["Date"]).timestamp() == 1795540080, message["Date"])
    repeated = email.message_from_bytes(original.get_payload(decode=True))
    need(repeated["Message-ID"] == message["In-Reply-To"], "refers to another message")
    need(str(make_header(decode_header(repeated["Subject"]))).startswith("Rechnung"), repeated["Subject"])


def clean(path):
    with open(path, "rb") as file:
        while length := file.readline():
            octets = file.read(int(length))
            for part in email.message_from_bytes(octets, policy=email.policy.compat32).walk():
                for name in shown_names(part):
                    is_blocked = name.lower().rstrip(". ").endswith(".exe")
                    need(not is_blocked, "a part is still named", repr(name), "in", octets)


def shown_names(part):
    """The file name, and as mail programs show it: with the encoded-words that should not be in it decoded."""
    try:
        name = part.get_filename() or ""
        yield name
        pieces = decode_header(name)
    except (TypeError, ValueError, email.errors.HeaderParseError):
        return  # the package itself fails on some malformed values
    yield "".join(piece if isinstance(piece, str) else decode(piece, charset) for piece, charset in pieces)


def decode(octets, charset):
    try:
        return octets.decode(charset or "latin-1", "replace")
    except LookupError:
        return octets.decode("latin-1")


{"filtered": filtered, "report": report, "clean": clean}[sys.argv[1]](sys.argv[2])
