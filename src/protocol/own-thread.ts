/** A thread that is there for one call. */
import type { Failure } from '../pack/failure.ts'
import type { CallMap, CallOptions, Client, Kind } from './rpc.ts'

/**
 * Makes a call to a thread that does nothing else, and ends it with `end` behind that: at once when the signal fires,
 * whatever it is at, since it may be lost in it. Rejects as the call does, and `cancelled`.
 */
export async function callOwnThread<C extends CallMap<C>, K extends Kind<C>>(
  { client, end }: { client: Client<C>; end: () => void },
  kind: K,
  input: C[K]['in'],
  { onEvent, signal }: CallOptions<C[K]['event']> & { signal: AbortSignal },
): Promise<C[K]['out']> {
  const cancel = (): void => client.fail(STOPPED)
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await client.call(kind, input, onEvent === undefined ? {} : { onEvent })
  } finally {
    signal.removeEventListener('abort', cancel)
    end()
  }
}

const STOPPED: Failure = { code: 'cancelled', message: 'Stopped.' }
