// InfluxDB's own client writes to a real server:  node with_server.mjs PATH_OF_TAKT
//
// The server is stopped by pid, its folder removed, whatever happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { HttpError, InfluxDB, Point } from '@influxdata/influxdb-client';

const folder = mkdtempSync(join(tmpdir(), 'takt-influx-'));
writeFileSync(join(folder, 'plant.toml'), '[plant]\nid = "P1"\n[[machine]]\nid = "M1"\nideal_cycle_s = 1.0\n');
const server = spawn(
  process.argv[2],
  ['serve', '--data', join(folder, 'data'), '--http', '127.0.0.1:0', '--export', 'none', '--config', join(folder, 'plant.toml')],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
try {
  const url = await address();
  await writesPoints(url);
  await hearsOfBadPoints(url);
} finally {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
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

/** close() waits for the last batch alone, so a batch must hold all. */
function writer(url, options = {}) {
  return new InfluxDB({ url, token: 'none' }).getWriteApi('org', 'bucket', 'ms', { maxRetries: 0, ...options });
}

async function accepted(url) {
  const { sources } = await (await fetch(new URL('/v1/sources', url))).json();
  return sources.reduce((sum, source) => sum + source.accepted, 0);
}

async function writesPoints(url) {
  const api = writer(url, { gzipThreshold: 1, batchSize: 5000 });
  for (let i = 0; i < 1000; ++i) {
    const point = new Point('oven, big').tag('machine', 'M1').tag('slot', 'a=b, c');
    point.timestamp(1736143200000 + i).floatField('t,1', i / 3).intField('n', i).uintField('u', i);
    api.writePoint(point.booleanField('on', i % 2 === 0).stringField('text', `C:\\x "${i}", y`));
  }
  await api.close();
  assert.equal(await accepted(url), 5000);
}

async function hearsOfBadPoints(url) {
  let heard;
  const api = writer(url, {
    writeFailed: (error) => {
      heard = error;
      return Promise.resolve();
    },
  });
  api.writeRecord('oven,machine=M1 v=1 1736143200000\noven v=1 1736143200000');
  await api.close();
  assert.ok(heard instanceof HttpError && heard.statusCode === 400, String(heard));
  assert.match(heard.message, /line 2: missing_field/);
  assert.equal(await accepted(url), 5001);
}
