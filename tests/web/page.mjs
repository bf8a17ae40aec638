// The page in a real Chromium, against a running server with at least one machine whose state nobody else changes:
//
//   TAKT_URL=http://127.0.0.1:8080 node page.mjs [--shots FOLDER]
//
// Exit status 0: everything below held. Chromium is Debian's, or what TAKT_CHROMIUM names.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const url = new URL(process.env.TAKT_URL ?? 'http://127.0.0.1:8080/');
const shots_flag = process.argv.indexOf('--shots');
const shots = shots_flag < 0 ? undefined : process.argv[shots_flag + 1];

// Nothing but the page itself may use the network: a browser that calls home would hide a page that does.
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const SIZES = [[1920, 1080], [1024, 768], [390, 844]];
const PATIENCE_MS = 20_000; // how long a slow machine may take; nothing is measured by it

const executablePath =
  process.env.TAKT_CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
const browser = await chromium.launch({ executablePath, args: QUIET });
try {
  await lookAtWall();
  console.log('page: all held');
} finally {
  await browser.close();
}

async function lookAtWall() {
  const context = await browser.newContext({ locale: 'en-GB', colorScheme: 'light', viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = listen(page);
  await page.goto(url.href);
  await page.locator('.tile').first().waitFor();

  await everyMachineHasATile(page);
  await figuresAreTheServers(page);
  await changeAppearsWithoutReload(page);
  await searchNarrows(page);
  await detailsOpenByKeyboard(page);
  await languageAndThemeChange(page);
  await nothingOverflows(page);
  assert.deepEqual(complaints, [], 'console errors, page errors, or requests to other hosts');
}

/** Collects what must not happen. */
function listen(page) {
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== url.host) complaints.push(`request to ${request.url()}`);
  });
  return complaints;
}

async function current() {
  const response = await fetch(new URL('/v1/oee/current', url));
  assert.equal(response.status, 200);
  return (await response.json()).machines;
}

async function everyMachineHasATile(page) {
  const machines = (await current()).map((machine) => machine.machine).sort();
  assert.ok(machines.length > 0, 'the server has no machines: nothing would be tested');
  const tiles = await page.locator('.tile').evaluateAll((all) => all.map((tile) => tile.dataset.machine));
  assert.deepEqual(tiles.sort(), machines);
}

/** The pieces on the first tile are the server's; asked again until both were asked between two changes. */
async function figuresAreTheServers(page) {
  const { machine } = (await current())[0];
  await until('the tile shows the good pieces of the server', async () => {
    const before = (await current()).find((one) => one.machine === machine).good_quantity;
    const shown = await tileOf(page, machine).locator('.good b').textContent();
    return Number(shown.replace(/\D/g, '')) === before;
  });
}

async function changeAppearsWithoutReload(page) {
  const before = (await current())[0];
  const state = before.state === 'down' ? 'running' : 'down';
  await page.evaluate(() => (window.notReloaded = true));
  const response = await fetch(new URL('/v1/events', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'state', machine: before.machine, ts: new Date().toISOString(), state }),
  });
  const receipt = await response.json();
  assert.equal(receipt.rejected, 0, JSON.stringify(receipt));
  await page.locator(`.tile[data-machine=${JSON.stringify(before.machine)}][data-state="${state}"]`).waitFor();
  assert.equal(await page.evaluate(() => window.notReloaded), true);
}

async function searchNarrows(page) {
  const all = await page.locator('.tile').count();
  await page.keyboard.press('/');
  await page.keyboard.type('no such machine');
  await page.locator('.notice').waitFor();
  await page.keyboard.press('Escape');
  await until('all tiles are back', async () => (await page.locator('.tile').count()) === all);
}

async function detailsOpenByKeyboard(page) {
  await page.locator('.tile').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
}

async function languageAndThemeChange(page) {
  const root = page.locator('html');
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await until('the page is German', async () => (await root.getAttribute('lang')) === 'de');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('button', { name: /^Theme/ }).click();
  await page.getByRole('button', { name: /^Theme/ }).click();
  await until('the page is dark', async () => (await root.getAttribute('data-theme')) === 'dark');
}

/** On every screen and in both themes: no sideways scrolling; a picture of each if asked for. */
async function nothingOverflows(page) {
  for (const theme of ['dark', 'light']) {
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const over = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await until(`nothing is wider than ${width}`, async () => (await over()) <= 0);
      if (shots) await shoot(page, `${width}x${height}_${theme}.png`);
    }
    await page.setViewportSize({ width: SIZES[0][0], height: SIZES[0][1] });
    if (theme === 'dark') await toLight(page);
  }
}

async function toLight(page) {
  await page.getByRole('button', { name: /^Theme/ }).click(); // from dark to the system's, which is light here
  await until('the page is light', async () => (await page.locator('html').getAttribute('data-theme')) === 'light');
}

async function shoot(page, name) {
  mkdirSync(shots, { recursive: true });
  // The layout follows the new size by the next paint.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: join(shots, name) });
}

function tileOf(page, machine) {
  return page.locator(`.tile[data-machine=${JSON.stringify(machine)}]`);
}

async function until(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `never: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
