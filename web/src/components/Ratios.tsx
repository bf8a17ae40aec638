// Availability, effectiveness and quality as three bars. One quiet colour: the length is the message.

import type { Messages } from '../i18n';
import type { Ratio } from '../oee';
import type { Env } from './env';

interface Judged {
  availability: Ratio;
  effectiveness: Ratio;
  quality_ratio: Ratio;
}

interface Props {
  env: Env;
  of: Judged;
  /** Why a value is missing; empty if none is. */
  why: string;
}

type Name = keyof Messages['short'];

export function Ratios({ env, of, why }: Props) {
  const values: [Name, Ratio][] = [
    ['availability', of.availability],
    ['effectiveness', of.effectiveness],
    ['quality', of.quality_ratio],
  ];
  return (
    <span class="ratios">
      {values.map(([name, ratio]) => (
        <span class="ratio" key={name} title={title(env, name, ratio, why)}>
          <span class="letter">{env.text.short[name]}</span>
          <span class={ratio !== null && ratio > 1 ? 'bar over' : 'bar'}>
            {ratio !== null && <span class="fill" style={{ transform: `scaleX(${Math.min(1, Math.max(0, ratio))})` }} />}
          </span>
          <span class="value">{env.formats.wholePercent(ratio)}</span>
        </span>
      ))}
    </span>
  );
}

function title({ text, formats }: Env, name: Name, ratio: Ratio, why: string): string {
  const value = ratio === null ? formats.percent(ratio) : `${formats.percent(ratio)} %`;
  return `${text[name]} ${value}${ratio === null || ratio > 1 ? `\n${why}` : ''}`;
}
