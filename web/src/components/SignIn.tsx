// Where tokens are in use: who has one shows it once, and has a session for the day.

import { useState } from 'preact/hooks';

import { beginSession } from '../api';
import type { Env } from './env';

interface Props {
  env: Env;
  onSignedIn: () => void;
}

export function SignIn({ env: { text }, onSignedIn }: Props) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await beginSession(token.trim());
      setProblem(null);
      onSignedIn();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="notice">
      <h2>{text.sign_in_title}</h2>
      <p>{text.sign_in_text}</p>
      <form class="sign-in" onSubmit={(event) => void submit(event)}>
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          aria-label={text.token}
          placeholder="takt_…"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={busy || token.trim() === ''}>
          {text.sign_in}
        </button>
      </form>
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </main>
  );
}
