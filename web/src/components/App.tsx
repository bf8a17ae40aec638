// The whole page, from what the reader chose and what the plant says.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { formatsFor, usableZone } from '../format';
import { LANGUAGES, localeOf } from '../i18n';
import type { Language } from '../i18n';
import { applyLanguage, applyTheme, keptLanguage, keptTheme, THEMES } from '../settings';
import type { Theme } from '../settings';
import { freshness } from '../store';
import type { WallStore } from '../store';
import { DEFAULT_VIEW, fromAddress, groupsOf, toAddress } from '../view';
import type { View } from '../view';
import { Details } from './Details';
import type { Env } from './env';
import { Header } from './Header';
import { Notice } from './Notice';
import { SignIn } from './SignIn';
import { Toolbar } from './Toolbar';
import { Wall } from './Wall';

interface Props {
  store: WallStore;
  /** Changes with every paint: the store itself is one object for ever. */
  drawn_at_ms: number;
  onSignedIn: () => void;
}

export function App({ store, drawn_at_ms, onSignedIn }: Props) {
  const [language, setLanguage] = useState<Language>(keptLanguage);
  const [theme, setTheme] = useState<Theme>(keptTheme);
  const [view, setView] = useView();
  const [opened, setOpened] = useState<string | null>(null);
  useEffect(() => applyTheme(theme), [theme]);
  useEffect(() => applyLanguage(language), [language]);

  const zone = usableZone(store.plant?.plant.timezone ?? 'UTC');
  const env = useEnv(store, language, zone);
  const name = store.plant?.plant.name ?? store.plant?.plant.id;
  useEffect(() => void (document.title = name ? `${name} · Takt` : 'Takt'), [name]);

  const fresh = freshness(store.connection, drawn_at_ms);
  const groups = groupsOf(store, view);
  const shown = opened === null ? undefined : store.machines.get(opened);
  return (
    <div class={`page is-${fresh}`}>
      <Header
        env={env}
        zone={zone}
        fresh={fresh}
        language={language}
        theme={theme}
        onLanguage={() => setLanguage(language === 'en' ? 'de' : 'en')}
        onTheme={() => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!)}
      />
      {store.machines.size > 0 && <Toolbar env={env} view={view} onView={setView} />}
      {fresh === 'stale' && (
        <p class="banner" role="alert">
          {env.text.stale_banner(env.formats.timeWithSeconds(store.connection.heard_at_ms + store.clock_offset_ms))}
        </p>
      )}
      {store.connection.locked ? (
        <SignIn env={env} onSignedIn={onSignedIn} />
      ) : groups.length > 0 ? (
        <Wall env={env} groups={groups} view={view} onOpen={setOpened} />
      ) : (
        <Notice env={env} onReset={() => setView({ ...view, query: DEFAULT_VIEW.query, categories: [] })} />
      )}
      {shown && <Details env={env} machine={shown} onClose={() => setOpened(null)} />}
    </div>
  );
}

function useEnv(store: WallStore, language: Language, zone: string): Env {
  return useMemo(
    () => ({ text: LANGUAGES[language], formats: formatsFor(localeOf(language, navigator.languages), zone), store }),
    [store, language, zone, store.plant],
  );
}

/** The view lives in the address, so that a wall can be shared as it is seen. */
function useView(): [View, (view: View) => void] {
  const [view, setView] = useState<View>(() => fromAddress(location.search));
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    const address = toAddress(view);
    history.replaceState(null, '', address ? `?${address}` : location.pathname);
  }, [view]);
  return [view, setView];
}
