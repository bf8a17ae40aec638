// The plant in one line: name, shift, OEE, and whether what is seen is true now.

import { useEffect, useRef } from 'preact/hooks';

import type { Bucket } from '../api';
import { sameClock } from '../format';
import type { Language } from '../i18n';
import { sumFigures } from '../oee';
import type { Theme } from '../settings';
import type { ConnectionState } from '../store';
import { onTick } from '../ticker';
import { whyOf } from '../why';
import type { Env } from './env';
import { Ratios } from './Ratios';

interface Props {
  env: Env;
  zone: string;
  fresh: ConnectionState | 'stale';
  language: Language;
  theme: Theme;
  onLanguage: () => void;
  onTheme: () => void;
}

export function Header({ env, zone, fresh, language, theme, onLanguage, onTheme }: Props) {
  const { text, store } = env;
  const other = language === 'en' ? 'DE' : 'EN';
  return (
    <header class="header">
      <div class="plant">
        <h1>{store.plant?.plant.name ?? store.plant?.plant.id ?? text.title}</h1>
        <Shift env={env} />
      </div>
      {store.machines.size > 0 && <PlantOee env={env} />}
      <div class="status">
        <ConnectionSign env={env} fresh={fresh} />
        <PlantClock env={env} zone={zone} />
      </div>
      <div class="choices">
        <button type="button" class="icon-button" onClick={onTheme} title={text.theme_by[theme]} aria-label={text.theme_by[theme]}>
          <ThemeIcon theme={theme} />
        </button>
        <button type="button" class="icon-button" onClick={onLanguage} title={text.other_language} aria-label={text.other_language}>
          {other}
        </button>
      </div>
    </header>
  );
}

/** The shift that the figures are of. Machines may work by different plans: then how many there are. */
function Shift({ env }: { env: Env }) {
  const { text, formats, store } = env;
  const shifts = new Map<string, Bucket>();
  for (const machine of store.machines.values()) shifts.set(`${machine.shift}|${machine.start}|${machine.end}`, machine);
  const [only] = shifts.values();
  if (!only) return null;
  if (shifts.size > 1) return <p class="shift">{text.shifts(shifts.size)}</p>;
  const start = Date.parse(only.start);
  const end = Date.parse(only.end);
  return (
    <p class="shift">
      <b>{only.shift === null ? text.day : text.shift(only.shift)}</b>
      <span>
        {formats.time(start)}–{formats.time(end)}
      </span>
      {only.open ? <Progress start_ms={start} end_ms={end} /> : <span>{text.shift_over}</span>}
    </p>
  );
}

function Progress({ start_ms, end_ms }: { start_ms: number; end_ms: number }) {
  const element = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      onTick((now_ms) => {
        const done = Math.min(1, Math.max(0, (now_ms - start_ms) / (end_ms - start_ms)));
        if (element.current) element.current.style.transform = `scaleX(${done.toFixed(3)})`;
      }),
    [start_ms, end_ms],
  );
  return (
    <span class="progress" aria-hidden="true">
      <span class="fill" ref={element} />
    </span>
  );
}

function PlantOee({ env }: { env: Env }) {
  const { text, formats, store } = env;
  const machines = [...store.machines.values()];
  const figures = sumFigures(machines);
  const missing = machines.filter((machine) => machine.flags.includes('ideal_cycle_missing'));
  const names = missing.slice(0, 10).map((machine) => store.place(machine.machine).name);
  const why = missing.length > 0 ? text.why.ideal_cycle_missing_of(names.join(', ')) : whyOf(figures, text).join('\n');
  return (
    <div class="plant-oee" aria-label={text.plant_oee}>
      <span class="label">
        {text.plant_oee}
        <small>{text.this_shift}</small>
        {missing.length > 0 && <small class="missing">{text.why.ideal_cycle_missing_short}</small>}
      </span>
      <span class={figures.oee === null ? 'oee none' : 'oee'} title={why}>
        <b>{formats.percent(figures.oee)}</b>
        {figures.oee !== null && <i>%</i>}
      </span>
      <Ratios env={env} of={figures} why={why} />
      <span class="totals">
        <span>
          <b>{formats.integer(figures.good_quantity)}</b> / {formats.integer(figures.produced_quantity)}
          <i>{text.good_of_produced}</i>
        </span>
        <span>
          <b>{formats.integer(figures.scrap_quantity)}</b>
          <i>{text.scrap}</i>
        </span>
      </span>
    </div>
  );
}

function ConnectionSign({ env, fresh }: { env: Env; fresh: ConnectionState | 'stale' }) {
  const { text, formats, store } = env;
  const { heard_at_ms, problem } = store.connection;
  const heard = heard_at_ms > 0 ? text.last_heard(formats.timeWithSeconds(heard_at_ms + store.clock_offset_ms)) : '';
  return (
    <p class={`connection ${fresh}`} role="status" title={[problem, heard].filter(Boolean).join('\n')}>
      <span class="dot" aria-hidden="true" />
      <span class="word">{text[fresh]}</span>
      {fresh !== 'live' && heard && <span class="heard">{heard}</span>}
    </p>
  );
}

/** The plant's wall clock; its zone is named where the reader's own clock shows something else. */
function PlantClock({ env, zone }: { env: Env; zone: string }) {
  const { text, formats } = env;
  const element = useRef<HTMLTimeElement>(null);
  useEffect(
    () =>
      onTick((now_ms) => {
        const time = formats.time(now_ms);
        if (element.current && element.current.textContent !== time) element.current.textContent = time;
      }),
    [formats],
  );
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <p class="clock" title={text.plant_time}>
      <time ref={element} />
      {!sameClock(zone, own, Date.now()) && <span class="zone">{text.zone(zone)}</span>}
    </p>
  );
}

const THEME_PATHS: Record<Theme, string> = {
  auto: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zm0 2v14a7 7 0 0 1 0-14z',
  light:
    'M12 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM11 2h2v3h-2zM11 19h2v3h-2zM2 11h3v2H2zM19 11h3v2h-3zM4.2 5.6l1.4-1.4l2.1 2.1l-1.4 1.4zM16.3 17.7l1.4-1.4l2.1 2.1l-1.4 1.4zM18.4 4.2l1.4 1.4l-2.1 2.1l-1.4-1.4zM6.3 16.3l1.4 1.4l-2.1 2.1l-1.4-1.4z',
  dark: 'M20.5 14.6A8.8 8.8 0 0 1 9.4 3.5a8.8 8.8 0 1 0 11.1 11.1z',
};

function ThemeIcon({ theme }: { theme: Theme }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={THEME_PATHS[theme]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
