// The page in a browser beside a real server with a simulated plant:  node with_server.mjs PATH_OF_TAKT
//
// Exit status 0: page.mjs held. The server is stopped by pid, its folder removed, whatever happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const takt = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'takt-page-'));
const server = spawn(takt, ['serve', '--data', join(folder, 'data'), '--http', '127.0.0.1:0', '--export', 'none'], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
try {
  const url = await address();
  await run(takt, ['simulate', '--server', url, '--machines', '12', '--history', '3h', '--no-live'], {});
  await run(process.execPath, [new URL('page.mjs', import.meta.url).pathname], { TAKT_URL: url });
} finally {
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(folder, { recursive: true });
}

/** The server says on standard error where it listens and when it serves. */
async function address() {
  let url;
  for await (const line of createInterface({ input: server.stderr })) {
    url = line.match(/listening on (http:\S+)/)?.[1] ?? url;
    if (/serving \d+ machines/.test(line)) break;
  }
  assert.ok(url, 'the server did not start');
  server.stderr.resume();
  return url;
}

async function run(command, args, environment) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
  const [status] = await once(child, 'exit');
  assert.equal(status, 0, `${command} ${args[0]} ended with ${status}`);
}
