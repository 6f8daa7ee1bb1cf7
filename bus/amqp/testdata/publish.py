"""Publishes one message as fedora-messaging does: python3 publish.py URL EXCHANGE."""

import json
import sys

import pika

url, exchange = sys.argv[1:]
body = {"comment": {"text": "zoë \U0001f980", "karma": -1, "ratio": float("nan")}, "user": "zoe"}
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.basic_publish(
    exchange,
    "org.fedoraproject.prod.bodhi.update.comment",
    json.dumps(body).encode("utf-8"),
    pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        message_id="6a2e6a0f-0d2c-4a5c-9a63-0a1e0e6f4a51",
        delivery_mode=2,
        priority=5,
        headers={
            "fedora_messaging_schema": "bodhi.update.comment",
            "fedora_messaging_schema_package": "bodhi-messages",
            "fedora_messaging_severity": 20,
            "fedora_messaging_user_zoe": True,
            "fedora_messaging_rpm_bash": True,
            "sent-at": "2026-05-28T20:26:40+00:00",
            "priority": 0,
            "large": 1 << 40,
            "nested": {"list": [1, "two", None, b"raw"]},
        },
    ),
    mandatory=True,
)
connection.close()
