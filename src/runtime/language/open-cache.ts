import type { CacheMemory } from './cache-memory.ts'
import { GpuCache } from './gpu-cache.ts'
import type { KvCache } from './kv-cache.ts'
import { ProcessorCache } from './processor-cache.ts'

/** A cache of `rows` rows for `capacity` positions, where the runtime computes. */
export async function openCache(memory: CacheMemory, capacity: number, rows = 1): Promise<KvCache> {
  if (memory.runtime.compute.device === null) return ProcessorCache.empty(memory, rows)
  return new GpuCache(memory, await memory.take(rows, capacity))
}
