// What the server says, typed as the contract words it, and the two questions this page asks.

/** What the time of a state counts as. */
export type Category = 'production' | 'setup' | 'stop' | 'planned_stop' | 'unknown';

/** An OEE bucket (contract 5), as far as this page reads it. Null: the ratio has no denominator, or no ideal cycle. */
export interface Bucket {
  start: string;
  end: string;
  shift: string | null;
  business_date: string | null;
  revision: number;
  open: boolean;
  partial: boolean;
  planned_operation_time_s: number;
  planned_down_time_s: number;
  planned_busy_time_s: number;
  actual_production_time_s: number;
  actual_unit_setup_time_s: number;
  actual_unit_delay_time_s: number;
  minor_stop_time_s: number;
  unknown_time_s: number;
  produced_quantity: number;
  good_quantity: number;
  scrap_quantity: number;
  rework_quantity: number;
  ideal_production_time_s: number | null;
  ideal_good_time_s: number | null;
  stops: number;
  minor_stops: number;
  failures: number;
  availability: number | null;
  effectiveness: number | null;
  quality_ratio: number | null;
  oee: number | null;
  flags: string[];
}

/** One machine of `/v1/oee/current`: its state now beside the bucket of its running (or last) shift. */
export interface MachineNow extends Bucket {
  machine: string;
  state: string;
  category: Category;
  reason: string | null;
  since: string | null;
  product: string | null;
}

export interface StateEvent {
  machine: string;
  state: string;
  category: Category;
  reason: string | null;
  since: string | null;
  product: string | null;
  ts: string;
}

interface Named {
  id: string;
  name?: string;
}

/** The plant description, as far as this page reads it. */
export interface Plant {
  plant: { id: string; name?: string; timezone?: string };
  area?: Named[];
  line?: (Named & { area?: string })[];
  machine?: (Named & { line?: string; active?: boolean })[];
  product?: (Named & { unit?: string })[];
  reason?: { code: string; name?: string }[];
}

export interface Answer<T> {
  body: T;
  /** The server's clock less ours, in milliseconds; null if the answer carried no date. */
  clock_offset_ms: number | null;
}

/** The server's own words on what went wrong (RFC 9457), or the network's. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number | null,
  ) {
    super(message);
  }
}

// Long enough for a busy server, short enough that a dead connection is noticed.
const ANSWER_TIMEOUT_MS = 10_000;

export async function fetchPlant(): Promise<Answer<Plant>> {
  return get<Plant>('/v1/plant');
}

export async function fetchCurrent(): Promise<Answer<{ machines: MachineNow[] }>> {
  return get<{ machines: MachineNow[] }>('/v1/oee/current');
}

/** Shows a token once; the browser keeps a session for it. */
export async function beginSession(token: string): Promise<void> {
  const response = await fetch('/v1/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (!response.ok) throw await problemOf(response);
}

async function get<T>(path: string): Promise<Answer<T>> {
  const response = await fetch(path, {
    headers: { Accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (!response.ok) throw await problemOf(response);
  return { body: (await response.json()) as T, clock_offset_ms: clockOffset(response) };
}

/** Shared with the live feed, whose answer is read as a stream. */
export async function problemOf(response: Response): Promise<ApiError> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    return new ApiError(problem.detail ?? problem.title ?? fallback, response.status);
  } catch {
    return new ApiError(fallback, response.status);
  }
}

export function clockOffset(response: Response): number | null {
  const date = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(date)) return null;
  // The header has whole seconds: its middle is the best guess, and a second of difference is none.
  const offset = date + 500 - Date.now();
  return Math.abs(offset) < 1500 ? 0 : offset;
}
