"""Clients as schemathesis cannot describe them; `scripts/schemathesis` loads this."""

import itertools
import json
import re
import uuid

import requests
import schemathesis

# Failed logins are throttled by address (429), so each client has one of loopback of its own.
NUMBERS = itertools.count(256)
init_pool = requests.adapters.HTTPAdapter.init_poolmanager


def init_pool_at_an_address(self, *arguments, **options):
    number = next(NUMBERS)
    options["source_address"] = (f"127.1.{number // 256 % 256}.{number % 254 + 1}", 0)
    init_pool(self, *arguments, **options)


requests.adapters.HTTPAdapter.init_poolmanager = init_pool_at_an_address


send = requests.adapters.HTTPAdapter.send


def send_with_a_key_of_its_own(self, request, *arguments, **options):
    """An idempotency key that is used again for another request is refused (422)."""
    key = request.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,255}", key):
        request.headers["Idempotency-Key"] = str(uuid.uuid4())
    return send(self, request, *arguments, **options)


requests.adapters.HTTPAdapter.send = send_with_a_key_of_its_own


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return (value if isinstance(value, str) else json.dumps(value)).encode()
