// One machine. The style sheet decides, by the design of the wall, how much of it there is room for.

import { Component } from 'preact';

import type { MachineNow } from '../api';
import type { Env } from './env';
import { Ratios } from './Ratios';
import { Since } from './Since';
import { StateIcon } from './StateIcon';
import { whyOf } from '../why';

interface Props {
  env: Env;
  machine: MachineNow;
  onOpen: (machine: string) => void;
}

export class Tile extends Component<Props> {
  /** With hundreds of tiles and a few changes, most have nothing to draw. */
  override shouldComponentUpdate(next: Props): boolean {
    return next.machine !== this.props.machine || next.env !== this.props.env;
  }

  override render({ env, machine, onOpen }: Props) {
    const { text, formats, store } = env;
    const why = whyOf(machine, text).join('\n');
    return (
      <button
        type="button"
        class={`tile ${machine.category}`}
        data-machine={machine.machine}
        data-state={machine.state}
        aria-label={spoken(env, machine)}
        tabIndex={-1}
        onClick={() => onOpen(machine.machine)}
      >
        <span class="title">
          <StateIcon category={machine.category} />
          <Name name={store.place(machine.machine).name} />
          <Since since={machine.since} title={sinceTitle(env, machine)} />
        </span>
        <StateLine env={env} machine={machine} />
        <span class="figures">
          <span class={machine.oee === null ? 'oee none' : 'oee'} title={why}>
            <b class="exact">{formats.percent(machine.oee)}</b>
            <b class="whole">{formats.wholePercent(machine.oee)}</b>
            {machine.oee !== null && <i>%</i>}
          </span>
          <Ratios env={env} of={machine} why={why} />
        </span>
        <Counts env={env} machine={machine} />
      </button>
    );
  }
}

/** "Robot cell 12": where there is no room for all of it, the number is what tells it from its neighbours. */
function Name({ name }: { name: string }) {
  const number = /[\s_-]*\d+\s*$/.exec(name)?.[0] ?? '';
  return (
    <span class="name" title={name}>
      <span class="stem">{name.slice(0, name.length - number.length)}</span>
      <span class="number">{number}</span>
    </span>
  );
}

/** The state in words, and what it is about: the reason of a stop. */
export function StateLine({ env, machine }: { env: Env; machine: MachineNow }) {
  const { text, store } = env;
  const unexplained = machine.category === 'stop' && machine.reason === null;
  return (
    <span class="state">
      <b class="word">{text.state[machine.category]}</b>
      <b class="short">{text.state_short[machine.category]}</b>
      {machine.reason !== null && <span class="reason">{store.reasonName(machine.reason)}</span>}
      {unexplained && <span class="reason missing">{text.no_reason}</span>}
    </span>
  );
}

function Counts({ env, machine }: { env: Env; machine: MachineNow }) {
  const { text, formats, store } = env;
  return (
    <span class="counts">
      <span class="product" title={text.product}>
        {machine.product === null ? formats.percent(null) : store.productName(machine.product)}
      </span>
      <span class="good">
        <i>{text.good_of_produced}</i>
        <b>{formats.integer(machine.good_quantity)}</b>
        <span class="of"> / {formats.integer(machine.produced_quantity)}</span>
      </span>
      <span class={machine.scrap_quantity > 0 ? 'scrap some' : 'scrap'}>
        <i>{text.scrap}</i>
        <b>{formats.integer(machine.scrap_quantity)}</b>
      </span>
    </span>
  );
}

export function sinceTitle({ text, formats }: Env, machine: MachineNow): string {
  return machine.since === null ? '' : text.since(formats.dateAndTime(Date.parse(machine.since)));
}

/** The tile as one sentence, for those who hear it. */
function spoken(env: Env, machine: MachineNow): string {
  const { text, formats, store } = env;
  const { name } = store.place(machine.machine);
  const reason = machine.reason === null ? '' : ` (${store.reasonName(machine.reason)})`;
  const oee = machine.oee === null ? formats.percent(null) : `${formats.percent(machine.oee)} %`;
  return `${name}: ${text.state[machine.category]}${reason} ${sinceTitle(env, machine)}, ${text.oee} ${oee}`;
}
