/**
 * Typed calls over a message port: a request with an id, any number of events, then one `done` or `failed`. Failures
 * cross as values. Cancelling sends a message and leaves it to the handler how to end.
 */
import { fromFailure, toFailure, type AppError, type Failure } from '../pack/failure.ts'

/** The shape of a call map: see `calls.ts`. */
export type CallMap<C> = { [K in keyof C]: { in: unknown; event: unknown; out: unknown } }
export type Kind<C> = keyof C & string

export type Request<C extends CallMap<C>> = {
  [K in Kind<C>]: { type: 'call'; id: number; kind: K; input: C[K]['in'] }
}[Kind<C>]
export type ToWorker<C extends CallMap<C>> = Request<C> | { type: 'cancel'; id: number }

export type FromWorker<C extends CallMap<C>> =
  | { type: 'event'; id: number; event: C[keyof C]['event'] }
  | { type: 'done'; id: number; out: C[keyof C]['out'] }
  | { type: 'failed'; id: number; failure: Failure }

export type Handlers<C extends CallMap<C>> = {
  [K in Kind<C>]: (
    input: C[K]['in'],
    report: (event: C[K]['event']) => void,
    signal: AbortSignal,
  ) => Promise<C[K]['out']>
}

export interface CallOptions<E> {
  onEvent?: (event: E) => void
  /** Asks the handler to end. The call settles when the handler does. */
  signal?: AbortSignal
}

export interface Client<C extends CallMap<C>> {
  call<K extends Kind<C>>(
    kind: K,
    input: C[K]['in'],
    options?: CallOptions<C[K]['event']>,
  ): Promise<C[K]['out']>
  /** Rejects every call under way and to come: for a worker that died. */
  fail(failure: Failure): void
}

/** What a `Worker`, a `MessagePort` and a worker's own global scope have in common. */
export interface Port {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

/** Answers calls that arrive at `port`. What a handler tells or gives and cannot be sent fails its call. */
export function serve<C extends CallMap<C>>(port: Port, handlers: Handlers<C>): void {
  const running = new Map<number, AbortController>()
  const post = (message: FromWorker<C>): void => port.postMessage(message)

  async function answer<K extends Kind<C>>(id: number, kind: K, input: C[K]['in']): Promise<void> {
    const controller = new AbortController()
    running.set(id, controller)
    const unsent: Error[] = []
    const report = (event: C[K]['event']): void => {
      try {
        post({ type: 'event', id, event })
      } catch (error) {
        // Who reports is often a callback that nobody would hear.
        unsent.push(error instanceof Error ? error : new Error(String(error)))
        controller.abort()
      }
    }
    try {
      const out = await handlers[kind](input, report, controller.signal)
      for (const error of unsent) throw error
      post({ type: 'done', id, out })
    } catch (error) {
      const failure = toFailure(error)
      // Nobody foresaw it, so its stack is worth keeping; foreseen failures are the page's affair.
      if (failure.code === 'bug') console.error(error)
      post({ type: 'failed', id, failure })
    } finally {
      running.delete(id)
    }
  }

  port.addEventListener('message', ({ data }: MessageEvent<ToWorker<C>>) => {
    if (data.type === 'cancel') running.get(data.id)?.abort()
    else void answer(data.id, data.kind, data.input)
  })
}

interface Waiting {
  onEvent: (event: unknown) => void
  resolve: (out: unknown) => void
  reject: (error: AppError) => void
  /** Nothing is heard of the caller's signal any more. */
  deafen: () => void
}

/** Makes calls through `port`. */
export function connect<C extends CallMap<C>>(port: Port): Client<C> {
  const waiting = new Map<number, Waiting>()
  let last = 0
  let dead: AppError | null = null

  /** The call, which is over with this; undefined when it was before. */
  function end(id: number): Waiting | undefined {
    const call = waiting.get(id)
    waiting.delete(id)
    call?.deafen()
    return call
  }

  port.addEventListener('message', ({ data }: MessageEvent<FromWorker<C>>) => {
    if (data.type === 'event') waiting.get(data.id)?.onEvent(data.event)
    else if (data.type === 'done') end(data.id)?.resolve(data.out)
    else end(data.id)?.reject(fromFailure(data.failure))
  })

  return {
    call(kind, input, { onEvent, signal } = {}) {
      if (dead !== null) return Promise.reject(dead)
      last += 1
      const id = last
      type Out = C[typeof kind]['out']
      return new Promise<Out>((resolve, reject) => {
        const cancel = (): void => port.postMessage({ type: 'cancel', id })
        waiting.set(id, {
          onEvent: (event) => onEvent?.(event),
          resolve: (out) => resolve(out),
          reject,
          deafen: () => signal?.removeEventListener('abort', cancel),
        })
        try {
          port.postMessage({ type: 'call', id, kind, input })
        } catch (error) {
          // What cannot be sent (a function, a locked stream) was never asked.
          end(id)?.reject(fromFailure(toFailure(error)))
          return
        }
        if (signal?.aborted === true) cancel()
        else signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    fail(failure) {
      dead = fromFailure(failure)
      for (const id of [...waiting.keys()]) end(id)?.reject(dead)
    },
  }
}
