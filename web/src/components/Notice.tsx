// Instead of the wall: not yet loaded, no answer, no machines, or none that matches.

import type { Env } from './env';

interface Props {
  env: Env;
  onReset: () => void;
}

export function Notice({ env, onReset }: Props) {
  const { text, store } = env;
  if (!store.loaded) return <Loading env={env} />;
  if (store.machines.size === 0) {
    return (
      <main class="notice" role="status">
        <h2>{text.empty_title}</h2>
        <p>{text.empty_text}</p>
      </main>
    );
  }
  return (
    <main class="notice" role="status">
      <h2>{text.no_match_title}</h2>
      <p>{text.no_match_text}</p>
      <button type="button" class="button" onClick={onReset}>
        {text.show_all}
      </button>
    </main>
  );
}

function Loading({ env: { text, store } }: { env: Env }) {
  const { problem } = store.connection;
  return (
    <main class="notice" role="status" aria-busy="true">
      <span class="spinner" aria-hidden="true" />
      <p>{problem === null ? text.loading : text.loading_problem}</p>
      {problem !== null && <p class="problem">{problem}</p>}
    </main>
  );
}
