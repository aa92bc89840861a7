"""A name server for a Postfix in its chroot: it knows the clients of busy.py and two block lists, and nothing else. Nothing it is asked leaves the loopback."""

import contextlib
import ipaddress
import re
import socket
import struct
import threading

ADDRESSES = [f"127.0.99.{host}" for host in range(53, 253)]  # with port 53: a resolv.conf cannot say another
LISTS = {"zen.spamhaus.org": "https://www.spamhaus.org/query/ip/{}", "bl.spamcop.net": "Blocked - see https://www.spamcop.net/bl.shtml?{}"}
A, PTR, TXT = 1, 12, 16
SERVFAIL, NXDOMAIN = 2, 3


class NameServer:
    """names: {address: name}; those of `unforward` have no address that leads back. A name with "tempdns" in it fails for now. `address` is its own."""

    def __init__(self, names, unforward=()):
        self.names = names
        self.addresses = {name: address for address, name in names.items() if address not in unforward}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = self._bind()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _bind(self):
        """Take the first address where no other name server listens."""
        for address in ADDRESSES:
            with contextlib.suppress(OSError):
                self.sock.bind((address, 53))
                return address
        raise OSError(f"no name server can be started on port 53 of {ADDRESSES[0]} to {ADDRESSES[-1]}")

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (self.address, 53))
        self.thread.join(10)
        self.sock.close()

    def _serve(self):
        while True:
            query, peer = self.sock.recvfrom(4096)
            if not query:
                return
            name, end = self._name(query)
            kind, = struct.unpack_from("!H", query, end)
            data = self._answer(name, kind)
            code = data if isinstance(data, int) else 0
            found = isinstance(data, bytes)
            reply = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, found, 0, 0) + query[12:end + 4]
            if found:
                reply += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
            self.sock.sendto(reply, peer)

    @staticmethod
    def _name(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
            at += 1 + query[at]
        return ".".join(labels).lower(), at + 1

    @staticmethod
    def _encoded(name):
        return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"

    def _answer(self, name, kind):
        """The data of the answer, None where the name has none of that kind, or a response code."""
        listed = re.fullmatch(r"(\d+\.\d+\.\d+\.\d+)\.(.+)", name)
        if "tempdns" in name:
            return SERVFAIL
        if listed and listed[2] == "in-addr.arpa":
            name = self.names.get(self._reversed(listed[1]))
            return NXDOMAIN if name is None else self._encoded(name) if kind == PTR else None
        if listed and listed[2] in LISTS:
            text = LISTS[listed[2]].format(self._reversed(listed[1])).encode()
            return socket.inet_aton("127.0.0.2") if kind == A else bytes((len(text),)) + text if kind == TXT else None
        if name in self.addresses:
            return ipaddress.ip_address(self.addresses[name]).packed if kind == A else None
        return NXDOMAIN

    @staticmethod
    def _reversed(address):
        return ".".join(reversed(address.split(".")))
