"""A mail server for the tests: takes mail as asked for, keeps each in a file, prints its port when it listens.

Arguments: folder, chain, key, user, password, and how it is reached: starttls, tls or plain.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, chain, key, user, password, mode = sys.argv[1:]


class Keep:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        name = os.path.join(folder, f"{Keep.taken:04}.eml")
        Keep.taken += 1
        with open(name + ".part", "wb") as part:
            part.write(f"X-Recipients: {','.join(envelope.rcpt_tos)}\r\n".encode() + envelope.content)
        os.rename(name + ".part", name)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = mechanism in ("LOGIN", "PLAIN") and (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False)


def connection(context):
    if mode == "starttls":
        return SMTP(Keep(), tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)
    if mode == "tls":
        return SMTP(Keep(), authenticator=authenticate, auth_required=True, auth_require_tls=False)
    return SMTP(Keep())


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    loop = asyncio.get_running_loop()
    outer = context if mode == "tls" else None
    server = await loop.create_server(lambda: connection(context), "127.0.0.1", 0, ssl=outer)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
