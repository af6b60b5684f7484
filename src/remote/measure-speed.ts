/** How fast a server sends, found out with as little of a file as will do. */
import { throwIfCancelled } from '../pack/failure.ts'
import type { Network } from './network.ts'
import { requestRange, type RangeRequest } from './range-request.ts'

/** What is read at most; a line that brings this in no time is fast enough for anything. */
const MOST_BYTES = 2 ** 20
const MOST_MS = 2_000

/**
 * Bytes per second over the first mebibyte of a file, or over what of it came in two seconds; null when that was
 * nothing, or the request failed: then time will tell. Throws `cancelled` only.
 */
export async function measureSpeed(
  network: Network,
  { url, headers }: Pick<RangeRequest, 'url' | 'headers'>,
  signal: AbortSignal,
): Promise<number | null> {
  const ended = new AbortController()
  // Not `AbortSignal.timeout`: Node forgets one that only `AbortSignal.any` knows.
  const timer = setTimeout(() => ended.abort(), MOST_MS)
  const limit = AbortSignal.any([signal, ended.signal])
  let began = network.now()
  let bytes = 0
  try {
    const response = await requestRange(network, { url, headers, start: 0, end: MOST_BYTES, signal: limit })
    began = network.now()
    for await (const piece of response?.pieces({ passing: true }) ?? []) {
      bytes += piece.length
      // A server without ranges would go on.
      if (bytes >= MOST_BYTES) break
    }
  } catch {
    throwIfCancelled(signal)
  } finally {
    clearTimeout(timer)
  }
  return bytes === 0 ? null : (bytes / Math.max(1, network.now() - began)) * 1000
}
