// How long a state has lasted: the only part of a tile that changes by itself.

import { useEffect, useRef } from 'preact/hooks';

import { duration } from '../format';
import { onTick } from '../ticker';

interface Props {
  since: string | null;
  title?: string;
}

export function Since({ since, title }: Props) {
  const element = useRef<HTMLTimeElement>(null);
  useEffect(() => {
    const from_ms = Date.parse(since ?? '');
    return onTick((now_ms) => {
      const text = Number.isNaN(from_ms) ? '' : duration((now_ms - from_ms) / 1000);
      // Touched only when it reads differently: most durations change once a minute.
      if (element.current && element.current.textContent !== text) element.current.textContent = text;
    });
  }, [since]);
  return <time class="since" ref={element} dateTime={since ?? ''} title={title ?? ''} />;
}
