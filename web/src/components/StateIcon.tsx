// A state told three ways: this shape with its sign, its colour, and the word beside it. Each outline differs too, so
// that the icon still tells the state in one colour, from afar, or to somebody who does not see red and green.

import type { Category } from '../api';

const OUTLINE: Record<Category, string> = {
  production: 'M12 1a11 11 0 1 0 0 22a11 11 0 0 0 0-22z', // a disc
  setup: 'M12 0.6L23.4 12L12 23.4L0.6 12z', // a diamond
  stop: 'M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z', // the octagon of a stop sign
  planned_stop: 'M5 1.5h14a3.5 3.5 0 0 1 3.5 3.5v14a3.5 3.5 0 0 1-3.5 3.5H5a3.5 3.5 0 0 1-3.5-3.5V5A3.5 3.5 0 0 1 5 1.5z',
  unknown: 'M12 1.5L23 21.5H1z', // a triangle
};

const SIGN: Record<Category, string> = {
  production: 'M9.3 7.2v9.6L17 12z',
  setup: 'M15.9 8.3l-1.9 1.9l-1.3-.3l-.3-1.3l1.9-1.9a3.3 3.3 0 0 0-4.2 4.2l-3.6 3.6a1.35 1.35 0 0 0 1.9 1.9l3.6-3.6a3.3 3.3 0 0 0 4.2-4.2z',
  stop: 'M8 8h8v8H8z',
  planned_stop: 'M8 7h2.8v10H8zM13.2 7H16v10h-2.8z',
  unknown: 'M10.9 8.5h2.2v6h-2.2zM10.9 16h2.2v2.2h-2.2z',
};

export function StateIcon({ category }: { category: Category }) {
  return (
    <svg class="state-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path class="outline" d={OUTLINE[category]} />
      <path class="sign" d={SIGN[category]} />
    </svg>
  );
}
