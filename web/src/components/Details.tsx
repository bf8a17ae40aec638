// One machine with all its figures of the shift, over the wall: what a small tile has no room for.

import { useEffect, useRef } from 'preact/hooks';

import type { MachineNow } from '../api';
import { duration } from '../format';
import type { Ratio } from '../oee';
import { whyOf } from '../why';
import type { Env } from './env';
import { Ratios } from './Ratios';
import { Since } from './Since';
import { StateIcon } from './StateIcon';
import { sinceTitle, StateLine } from './Tile';

interface Props {
  env: Env;
  machine: MachineNow;
  onClose: () => void;
}

export function Details({ env, machine, onClose }: Props) {
  const { text, formats, store } = env;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { name, line } = store.place(machine.machine);
  const why = whyOf(machine, text);
  return (
    <dialog
      class={`details ${machine.category}`}
      ref={dialog}
      aria-label={name}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="body">
        <div class="title">
          <StateIcon category={machine.category} />
          <h2>{name}</h2>
          <button type="button" class="icon-button" aria-label={text.close} title={text.close} onClick={() => dialog.current?.close()}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M6 6L18 18M18 6L6 18" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />
            </svg>
          </button>
        </div>
        <p class="where">
          <StateLine env={env} machine={machine} />
          <span>
            {sinceTitle(env, machine)} (<Since since={machine.since} />)
          </span>
        </p>
        <div class="figures">
          <span class={machine.oee === null ? 'oee none' : 'oee'}>
            <b>{formats.percent(machine.oee)}</b>
            {machine.oee !== null && <i>%</i>}
          </span>
          <Ratios env={env} of={machine} why={why.join('\n')} />
        </div>
        {why.length > 0 && (
          <ul class="why">
            {why.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
        <Table rows={rowsOf(env, machine, line)} />
      </div>
    </dialog>
  );
}

type Row = [label: string, value: string];

function rowsOf({ text, formats, store }: Env, machine: MachineNow, line: string | null): Row[] {
  const share = (ratio: Ratio) => (ratio === null ? formats.percent(ratio) : `${formats.percent(ratio)} %`);
  const minor = machine.minor_stops > 0 ? ` (${text.of_them_minor(formats.integer(machine.minor_stops))})` : '';
  return [
    [text.line, line === null ? formats.percent(null) : store.lineName(line)],
    [text.product, machine.product === null ? formats.percent(null) : store.productName(machine.product)],
    [text.availability, share(machine.availability)],
    [text.effectiveness, share(machine.effectiveness)],
    [text.quality, share(machine.quality_ratio)],
    [text.good_of_produced, `${formats.integer(machine.good_quantity)} / ${formats.integer(machine.produced_quantity)}`],
    [text.scrap, formats.integer(machine.scrap_quantity)],
    [text.rework, formats.integer(machine.rework_quantity)],
    [text.planned_busy_time, duration(machine.planned_busy_time_s)],
    [text.production_time, duration(machine.actual_production_time_s)],
    [text.setup_time, duration(machine.actual_unit_setup_time_s)],
    [text.delay_time, duration(machine.actual_unit_delay_time_s)],
    [text.planned_down_time, duration(machine.planned_down_time_s)],
    [text.unknown_time, duration(machine.unknown_time_s)],
    [text.stops, formats.integer(machine.stops) + minor],
  ];
}

function Table({ rows }: { rows: Row[] }) {
  return (
    <dl class="table">
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
