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


def credential(call):
    """An OAuth client, or a federated identity where the call has a token of one."""
    if "id-token" in call:
        identity = record(client_id=call["client-id"], id_token=call["id-token"])
        return Variant("federated-identity", identity)
    return Variant("oauth-client", record(id=call["id"], secret=call["secret"]))


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
        interface = instance.get_export_index(self.store, "tailmint:api/auth-keys@0.2.0")
        mint = instance.get_export_index(self.store, "mint", interface)
        self.function = instance.get_func(self.store, mint)

    def mint(self, call):
        properties = record(
            reusable=True,
            ephemeral=True,
            preauthorized=True,
            tags=call["tags"],
            expiry_seconds=call["expiry-seconds"],
            description=None,
        )
        minted = self.function(self.store, credential(call), call["tailnet"], properties)
        self.function.post_return(self.store)
        if isinstance(minted, Variant):
            problem = getattr(minted.payload, "problem", minted.payload)
            return {"error": minted.tag, "message": problem.message, "hint": problem.hint}
        return {"key": minted.key, "id": minted.details.id}


minter = Minter(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
for line in sys.stdin:
    print(json.dumps(minter.mint(json.loads(line))), flush=True)
