// node mint.js FOLDER [PREFIX]: carries out calls, one line of JSON each, from
// standard input, with the component that transpile.js wrote to the folder. With a
// prefix, only requests whose path begins with it leave: the policy hook.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { argv, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';

/** @typedef {import('./component/tailmint.js')} Module */
/** @typedef {import('./component/tailmint.js').ImportObject} Imports */
/** @typedef {import('./component/interfaces/tailmint-api-types.js').Credential} Credential */
/** @typedef {import('./component/interfaces/tailmint-api-types.js').KeyProperties} KeyProperties */
/** @typedef {import('./component/interfaces/tailmint-api-types.js').Error} TypedError */
/** @typedef {import('./component/interfaces/wasi-http-types.js').OutgoingRequest} OutgoingRequest */
/** @typedef {import('./component/interfaces/wasi-http-types.js').RequestOptions} RequestOptions */

const folder = resolve(argv[2]);
const prefix = argv[3] ?? '';

/** @type {Module} */
const { instantiate } = await import(pathToFileURL(join(folder, 'tailmint.js')).href);

/** The component's five imports, and not one of the shim's others. */
function imports() {
  const shim = /** @type {any} */ (new WASIShim().getImportObject());
  const handler = shim['wasi:http/outgoing-handler'];
  const names = ['wasi:http/types', 'wasi:io/error', 'wasi:io/poll', 'wasi:io/streams'];
  const given = Object.fromEntries(names.map((name) => [name, shim[name]]));
  given['wasi:http/outgoing-handler'] = {
    /** @type {(request: OutgoingRequest, options: RequestOptions | undefined) => unknown} */
    handle(request, options) {
      if (prefix && !request.pathWithQuery()?.startsWith(prefix)) {
        // What is thrown is the error code that the component gets.
        throw { tag: 'HTTP-request-denied' };
      }
      return handler.handle(request, options);
    },
  };
  return /** @type {Imports} */ (/** @type {unknown} */ (given));
}

const { authKeys } = await instantiate(
  async (path) => WebAssembly.compile(await readFile(join(folder, path))),
  imports(),
);

/**
 * An OAuth client, or a federated identity where the call has a token of one.
 * @type {(call: any) => Credential}
 */
const credential = (call) =>
  'id-token' in call
    ? {
        tag: 'federated-identity',
        val: { clientId: call['client-id'], idToken: call['id-token'] },
      }
    : { tag: 'oauth-client', val: { id: call.id, secret: call.secret } };

/** @type {(call: any) => KeyProperties} */
const properties = (call) => ({
  reusable: true,
  ephemeral: true,
  preauthorized: true,
  tags: call.tags,
  expirySeconds: call['expiry-seconds'],
});

for await (const line of createInterface({ input: stdin })) {
  const call = JSON.parse(line);
  let result;
  try {
    const minted = authKeys.mint(credential(call), call.tailnet, properties(call));
    result = { key: minted.key, id: minted.details.id };
  } catch (thrown) {
    // The error itself is thrown, without a stack: it is a result, not a fault.
    if (thrown instanceof Error) throw thrown;
    const error = /** @type {TypedError} */ (thrown);
    const problem = 'problem' in error.val ? error.val.problem : error.val;
    result = { error: error.tag, message: problem.message, hint: problem.hint };
  }
  stdout.write(`${JSON.stringify(result)}\n`);
}
