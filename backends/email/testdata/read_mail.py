"""Reads messages with Python's email package: a second opinion on what we make. Prints {file: what it reads}."""
import email
import email.policy
import json
import sys

policy = email.policy.default


def read(name):
    with open(name, "rb") as f:
        m = email.message_from_binary_file(f, policy=policy)
    plain, html = m.get_body(("plain",)), m.get_body(("html",))
    defects = [repr(d) for part in m.walk() for d in part.defects]
    defects += [f"{k}: {d!r}" for k, v in m.items() for d in v.defects]
    return {
        "Subject": m["Subject"], "From": m["From"], "To": m["To"], "Headers": m.keys(), "Defects": defects,
        "Text": plain.get_content().replace("\r\n", "\n"),
        "HTML": html.get_content().replace("\r\n", "\n") if html else "",
    }


json.dump({name: read(name) for name in sys.argv[1:]}, sys.stdout)
