"""The five interfaces that the component imports, in Python.

wasmtime-py has a `wasi:http` of its own (`Linker.add_wasi_http`), in which no
policy can be set and no certificate authority chosen. This one has both: every
request passes through `allow`, and leaves by the standard library.
"""

import http.client
import socket
import ssl
from itertools import count

from wasmtime.component import (
    Component,
    FuncType,
    Linker,
    ResourceHost,
    ResourceType,
    Variant,
)

IO, HTTP, VERSION = "wasi:io/", "wasi:http/", "@0.2.0"

# More than the largest answer that the component takes.
MAX_RESPONSE_BYTES = 65 * 1024


class Request:
    def __init__(self, headers):
        self.headers = headers
        self.method = self.scheme = self.authority = self.path = None
        self.body = bytearray()


class Waiting:
    """An answer that is fetched once the request's body is whole."""

    def __init__(self, send):
        self.send = send
        self.taken = False


class Host:
    """What a component's handles stand for, and the functions that it calls.

    Each function's docstring is its name in WIT. wasmtime-py takes and gives the
    payload of a `result` or `option` alone where the cases differ in their Python
    types, and a `Variant` where they do not.
    """

    KINDS = {
        IO + "error": ["error"],
        IO + "poll": ["pollable"],
        IO + "streams": ["input-stream", "output-stream"],
        HTTP + "types": [
            "fields",
            "future-incoming-response",
            "incoming-body",
            "incoming-response",
            "outgoing-body",
            "outgoing-request",
            "request-options",
        ],
    }

    def __init__(self, allow, context):
        self.allow = allow
        self.context = context
        self.held = {}
        self.numbers = count(1)
        names = [name for kinds in self.KINDS.values() for name in kinds]
        self.kinds = {name: number for number, name in enumerate(names)}

    def link(self, linker: Linker, component: Component):
        functions = {}
        for name in dir(self):
            if name.startswith("on_"):
                method = getattr(self, name)
                functions[method.__doc__] = method
        asked = component.type.imports(linker.engine)
        with linker.root() as root:
            for interface in [*self.KINDS, HTTP + "outgoing-handler"]:
                if interface + VERSION not in asked:
                    continue
                with root.add_instance(interface + VERSION) as instance:
                    for kind in self.KINDS.get(interface, []):
                        resource = ResourceType.host(self.kinds[kind])
                        instance.add_resource(kind, resource, self.drop)
                    exports = asked[interface + VERSION].ty.exports(linker.engine)
                    for name, item in exports.items():
                        if isinstance(item.ty, FuncType):
                            method = functions.get(f"{interface} {name}", missing(name))
                            instance.add_func(name, self.called(method))

    def called(self, method):
        def call(store, *arguments):
            self.store = store
            return method(*arguments)

        return call

    def drop(self, _store, number):
        self.held.pop(number, None)

    def give(self, kind, value):
        number = next(self.numbers)
        self.held[number] = value
        return ResourceHost.own(number, self.kinds[kind]).to_any(self.store)

    def number(self, handle):
        # A borrowed handle that is not looked at would count as kept.
        return handle.to_host(self.store).rep

    def of(self, handle):
        return self.held[self.number(handle)]

    # Headers

    def on_fields(self):
        "wasi:http/types [constructor]fields"
        return self.give("fields", [])

    def on_from_list(self, entries):
        "wasi:http/types [static]fields.from-list"
        return self.give("fields", list(entries))

    def on_append(self, fields, name, value):
        "wasi:http/types [method]fields.append"
        self.of(fields).append((name, value))

    def on_get(self, fields, name):
        "wasi:http/types [method]fields.get"
        return [value for other, value in self.of(fields) if other.lower() == name.lower()]

    def on_entries(self, fields):
        "wasi:http/types [method]fields.entries"
        return list(self.of(fields))

    # Requests

    def on_request(self, headers):
        "wasi:http/types [constructor]outgoing-request"
        return self.give("outgoing-request", Request(self.held.pop(self.number(headers))))

    def on_method(self, request):
        "wasi:http/types [method]outgoing-request.method"
        return self.of(request).method

    def on_set_method(self, request, method):
        "wasi:http/types [method]outgoing-request.set-method"
        self.of(request).method = method
        return Variant("ok")

    def on_scheme(self, request):
        "wasi:http/types [method]outgoing-request.scheme"
        return self.of(request).scheme

    def on_set_scheme(self, request, scheme):
        "wasi:http/types [method]outgoing-request.set-scheme"
        self.of(request).scheme = scheme
        return Variant("ok")

    def on_authority(self, request):
        "wasi:http/types [method]outgoing-request.authority"
        return self.of(request).authority

    def on_set_authority(self, request, authority):
        "wasi:http/types [method]outgoing-request.set-authority"
        self.of(request).authority = authority
        return Variant("ok")

    def on_path(self, request):
        "wasi:http/types [method]outgoing-request.path-with-query"
        return self.of(request).path

    def on_set_path(self, request, path):
        "wasi:http/types [method]outgoing-request.set-path-with-query"
        self.of(request).path = path
        return Variant("ok")

    def on_body(self, request):
        "wasi:http/types [method]outgoing-request.body"
        return self.give("outgoing-body", self.of(request).body)

    def on_write(self, body):
        "wasi:http/types [method]outgoing-body.write"
        return self.give("output-stream", self.of(body))

    def on_flush(self, stream, content):
        "wasi:io/streams [method]output-stream.blocking-write-and-flush"
        self.of(stream).extend(content)
        return Variant("ok")

    def on_finish(self, body, _trailers):
        "wasi:http/types [static]outgoing-body.finish"
        self.held.pop(self.number(body))

    # The way out

    def on_handle(self, request, _options):
        "wasi:http/outgoing-handler handle"
        request = self.held.pop(self.number(request))
        if not self.allow(request):
            return Variant("HTTP-request-denied")
        return self.give("future-incoming-response", Waiting(lambda: self.send(request)))

    def send(self, request):
        if request.scheme is None or request.scheme.tag != "HTTPS":
            raise http.client.HTTPException("only https is spoken here")
        connection = http.client.HTTPSConnection(
            request.authority, timeout=10, context=self.context
        )
        connection.putrequest(request.method.tag.upper(), request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders(bytes(request.body))
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read(MAX_RESPONSE_BYTES)

    def on_subscribe(self, future):
        "wasi:http/types [method]future-incoming-response.subscribe"
        self.of(future)
        return self.give("pollable", None)

    def on_block(self, pollable):
        "wasi:io/poll [method]pollable.block"
        self.of(pollable)

    def on_response(self, future):
        "wasi:http/types [method]future-incoming-response.get"
        future = self.of(future)
        if future.taken:
            return Variant("some", None)
        future.taken = True
        try:
            return Variant("some", self.give("incoming-response", future.send()))
        except (OSError, http.client.HTTPException) as error:
            return Variant("some", code(error))

    # Answers

    def on_status(self, response):
        "wasi:http/types [method]incoming-response.status"
        return self.of(response)[0]

    def on_headers(self, response):
        "wasi:http/types [method]incoming-response.headers"
        entries = [(name, value.encode("latin-1")) for name, value in self.of(response)[1]]
        return self.give("fields", entries)

    def on_consume(self, response):
        "wasi:http/types [method]incoming-response.consume"
        return self.give("incoming-body", bytearray(self.of(response)[2]))

    def on_stream(self, body):
        "wasi:http/types [method]incoming-body.stream"
        return self.give("input-stream", self.of(body))

    def on_read(self, stream, most):
        "wasi:io/streams [method]input-stream.blocking-read"
        content = self.of(stream)
        if not content:
            return None  # closed
        part = bytes(content[:most])
        del content[:most]
        return part

    def on_debug(self, error):
        "wasi:io/error [method]error.to-debug-string"
        return str(self.of(error))


def missing(name):
    """For functions that the component never calls, though it imports them."""

    def end(*_arguments):
        raise NotImplementedError(name)

    return end


def code(error):
    """What the component is told about a request that had no answer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Variant("TLS-certificate-error")
    if isinstance(error, ssl.SSLError):
        return Variant("TLS-protocol-error")
    if isinstance(error, socket.gaierror):
        return Variant("destination-not-found")
    if isinstance(error, ConnectionRefusedError):
        return Variant("connection-refused")
    if isinstance(error, TimeoutError):
        return Variant("connection-read-timeout")
    if isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
        return Variant("connection-terminated")
    return Variant("HTTP-protocol-error")
