"""A mail server of another make for the tests: PORT CERTIFICATE KEY. It logs in by AUTH LOGIN over STARTTLS,
refuses some recipients, and prints each message that it takes as a line of JSON."""
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 <%s>: there is nobody of that name" % address
        if address.startswith("grey@") and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("drop@") and "drop" not in self.seen:
            self.seen.add("drop")
            server.transport.abort()
            return "451 gone"
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "options": envelope.mail_options,
            "login": session.login_data.decode() if isinstance(session.login_data, bytes) else str(session.login_data),
            "tls": session.ssl is not None, "content": envelope.content.decode("ascii"),
        }), flush=True)
        return "250 2.0.0 taken"


def check(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.login == b"notifyd" and data.password == b"open sesame"
    return AuthResult(success=ok, handled=False, auth_data=data.login)


def main():
    port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    handler = Handler()
    loop = asyncio.new_event_loop()

    def protocol():
        return SMTP(handler, hostname="aio.test", tls_context=context, require_starttls=True, authenticator=check,
                    auth_required=True, auth_exclude_mechanism=["PLAIN"], data_size_limit=30000, loop=loop)

    loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", port))
    loop.run_forever()


main()
