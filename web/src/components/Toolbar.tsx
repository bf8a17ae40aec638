// Search, filter, order and size. The filter's buttons double as the plant's tally of states.

import { useEffect, useRef } from 'preact/hooks';

import type { Category } from '../api';
import { CATEGORIES, countByCategory, SORTS } from '../view';
import type { Sort, View } from '../view';
import type { Env } from './env';
import { StateIcon } from './StateIcon';

interface Props {
  env: Env;
  view: View;
  onView: (view: View) => void;
}

export function Toolbar({ env, view, onView }: Props) {
  const { text } = env;
  return (
    <div class="toolbar">
      <Filter env={env} view={view} onView={onView} />
      <span class="gap" />
      <Search env={env} view={view} onView={onView} />
      <select
        class="control"
        aria-label={text.sort}
        title={text.sort}
        value={view.sort}
        onChange={(event) => onView({ ...view, sort: event.currentTarget.value as Sort })}
      >
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {text.sort_by[sort]}
          </option>
        ))}
      </select>
      <Toggle on={view.by_line} label={text.group} onToggle={() => onView({ ...view, by_line: !view.by_line })} />
      <Toggle
        on={view.tiles === 'fit'}
        label={text.view_by.fit}
        onToggle={() => onView({ ...view, tiles: view.tiles === 'detail' ? 'fit' : 'detail' })}
      />
    </div>
  );
}

function Filter({ env, view, onView }: Props) {
  const { text, formats, store } = env;
  const counts = countByCategory(store.machines.values());
  const toggle = (category: Category) =>
    view.categories.includes(category)
      ? view.categories.filter((other) => other !== category)
      : CATEGORIES.filter((other) => other === category || view.categories.includes(other));
  return (
    <div class="filter" role="group" aria-label={text.filter}>
      {CATEGORIES.filter((category) => counts[category] > 0 || view.categories.includes(category)).map((category) => (
        <button
          type="button"
          key={category}
          class={`chip ${category}`}
          aria-pressed={view.categories.includes(category)}
          onClick={() => onView({ ...view, categories: toggle(category) })}
        >
          <StateIcon category={category} />
          <b>{formats.integer(counts[category])}</b>
          <span>{text.state[category]}</span>
        </button>
      ))}
    </div>
  );
}

function Search({ env: { text }, view, onView }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return (
    <input
      class="control search"
      type="search"
      ref={input}
      value={view.query}
      placeholder={text.search}
      aria-label={text.search}
      title={text.search_hint}
      onInput={(event) => onView({ ...view, query: event.currentTarget.value })}
      onKeyDown={(event) => event.key === 'Escape' && onView({ ...view, query: '' })}
    />
  );
}

function Toggle({ on, label, onToggle }: { on: boolean; label: string; onToggle: () => void }) {
  return (
    <button type="button" class="control toggle" aria-pressed={on} onClick={onToggle}>
      {label}
    </button>
  );
}
