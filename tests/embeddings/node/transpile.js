// node transpile.js COMPONENT FOLDER: from a component to a JavaScript module with
// its types. Ship what it writes, and users need preview2-shim alone.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { argv } from 'node:process';

import { transpile } from '@bytecodealliance/jco-transpile';

const { files } = await transpile(argv[2], {
  name: 'tailmint',
  instantiation: 'async',
  outDir: argv[3],
});
for (const [path, content] of Object.entries(files)) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
