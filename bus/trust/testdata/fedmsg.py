# fedmsg.py speaks fedmsg's x509 form by Python's own json and base64, and cryptography, for the tests.
#
#   fedmsg.py sign CERTIFICATE KEY   signs each envelope (a line of JSON) and writes it as fedmsg would
#   fedmsg.py verify                 writes for each message (a line of JSON) "true", or "false" and why

import base64
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15


def dumps(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sign(envelope, certificate, key):
    envelope = {k: v for k, v in envelope.items() if k not in ("signature", "certificate")}
    envelope["crypto"] = "x509"
    signature = key.sign(dumps(envelope).encode(), PKCS1v15(), hashes.SHA1())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    envelope["signature"] = base64.encodebytes(signature).decode()
    envelope["certificate"] = base64.encodebytes(pem).decode()
    return dumps(envelope)


def verify(message):
    signature = base64.b64decode(message.pop("signature"))
    certificate = x509.load_pem_x509_certificate(base64.b64decode(message.pop("certificate")))
    certificate.public_key().verify(signature, dumps(message).encode(), PKCS1v15(), hashes.SHA1())


if sys.argv[1] == "sign":
    with open(sys.argv[2], "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    with open(sys.argv[3], "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)

for line in sys.stdin:
    if sys.argv[1] == "sign":
        print(sign(json.loads(line), certificate, key))
        continue
    try:
        verify(json.loads(line))
        print("true")
    except Exception as e:
        print("false", type(e).__name__)
