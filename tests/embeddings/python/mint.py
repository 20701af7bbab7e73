"""python mint.py COMPONENT [PREFIX]: carries out calls, one line of JSON each, from
standard input. With a prefix, only requests whose path begins with it leave: the
policy hook.
"""

import json
import ssl
import sys

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, Record, Variant

from wasi_http import Host


def record(**members):
    made = Record()
    for name, value in members.items():
        setattr(made, name.replace("_", "-"), value)
    return made


class Minter:
    def __init__(self, path, prefix):
        engine = Engine()
        component = Component.from_file(engine, path)
        linker = Linker(engine)
        # Certificates are judged by what the system trusts, or $SSL_CERT_FILE.
        context = ssl.create_default_context()
        Host(lambda request: (request.path or "").startswith(prefix), context).link(linker, component)
        self.store = Store(engine)
        instance = linker.instantiate(self.store, component)
        interface = instance.get_export_index(self.store, "tailmint:api/auth-keys@0.1.0")
        mint = instance.get_export_index(self.store, "mint", interface)
        self.function = instance.get_func(self.store, mint)

    def mint(self, call):
        client = record(id=call["id"], secret=call["secret"])
        properties = record(
            reusable=True,
            ephemeral=True,
            preauthorized=True,
            tags=call["tags"],
            expiry_seconds=call["expiry-seconds"],
            description=None,
        )
        # A record is an `oauth-client`, a string would be an `api-key`.
        minted = self.function(self.store, client, call["tailnet"], properties)
        self.function.post_return(self.store)
        if isinstance(minted, Variant):
            problem = getattr(minted.payload, "problem", minted.payload)
            return {"error": minted.tag, "message": problem.message, "hint": problem.hint}
        return {"key": minted.key, "id": minted.details.id}


minter = Minter(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
for line in sys.stdin:
    print(json.dumps(minter.mint(json.loads(line))), flush=True)
