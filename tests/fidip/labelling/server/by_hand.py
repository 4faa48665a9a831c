"""Requests that no client library would send."""

import socket

from tests.fidip.labelling.server.projects import TOKEN


def raw(server, request):
    """Send bytes as they are, which no client library would, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def get_raw(server, target, **headers):
    lines = {"Host": f"127.0.0.1:{server.port}", "X-Syrip-Token": TOKEN, "Connection": "close", **headers}
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in lines.items())
    return raw(server, b"GET " + target + b" HTTP/1.1\r\n" + head + b"\r\n")
