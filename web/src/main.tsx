// The page: one store, kept true by the live feed, drawn at most four times a second.

import { render } from 'preact';

import { App } from './components/App';
import { LiveFeed } from './live';
import { limitPaints } from './paint';
import { WallStore } from './store';
import { tick } from './ticker';
import './style.css';

const store = new WallStore();
const root = document.getElementById('app');
if (!root) throw new Error('index.html has no #app');

const feed = new LiveFeed(store);
const draw = () => {
  render(<App store={store} drawn_at_ms={Date.now()} onSignedIn={() => feed.hurry()} />, root);
  tick(Date.now() + store.clock_offset_ms);
};
const schedule = limitPaints(draw);
store.subscribe(schedule);
setInterval(schedule, 1000); // durations and the clock move on by themselves
draw();
feed.start();
