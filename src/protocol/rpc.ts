/**
 * Typed calls over a message port: request with an id, any number of events, then one `done` or `failed`.
 * Failures cross as values; cancelling sends a message and leaves it to the handler how to end.
 */
import type { Failure } from '../pack/failure.ts'

/** The shape of a call map: see `calls.ts`. */

type CallMap<C> = { [K in keyof C]: { in: unknown; event: unknown; out: unknown } }

export type Request<C extends CallMap<C>> = { [K in keyof C]: { id: number; kind: K; input: C[K]['in'] } }[keyof C]
export type Message<C extends CallMap<C>> = Request<C> | { id: number; kind: 'cancel' }

export type Reply<C extends CallMap<C>> =
  | { id: number; type: 'event'; event: C[keyof C]['event'] }
  | { id: number; type: 'done'; out: C[keyof C]['out'] }
  | { id: number; type: 'failed'; failure: Failure }

export type Handlers<C extends CallMap<C>> = {
  [K in keyof C]: (input: C[K]['in'], report: (event: C[K]['event']) => void, signal: AbortSignal) => Promise<C[K]['out']>
}

export interface CallOptions<E> {
  onEvent?: (event: E) => void
  signal?: AbortSignal
}

export type Client<C extends CallMap<C>> = {
  call<K extends keyof C & string>(kind: K, input: C[K]['in'], options?: CallOptions<C[K]['event']>): Promise<C[K]['out']>
  /** Rejects every call under way with `failure`: for a worker that died. */
  fail(failure: Failure): void
}

/** What a `Worker`, a `MessagePort` and a worker's own global scope have in common. */
export interface Port {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}
