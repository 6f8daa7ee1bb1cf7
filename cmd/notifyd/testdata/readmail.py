"""Reads a mail from standard input as an independent reader and prints what it saw."""
import email
import email.policy
import sys

message = email.message_from_string(sys.stdin.read(), policy=email.policy.default)
defects = list(message.defects)
for name, value in message.items():
    print(f"{name}: {value}")
for part in message.walk():
    defects += part.defects
    print("part:", part.get_content_type())
    if part.get_content_type() == "text/plain":
        print(" ".join(part.get_content().split()))
print("defects:", len(defects), defects)
