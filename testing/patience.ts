/** Loaded before each file of tests in Node: what is waited for has as long as a busy machine may need. */
import { vi } from 'vitest'

/** Vitest alone gives up after a second, in which a machine with other work may not come round. */
const PATIENCE_MS = 30_000
const waitFor = vi.waitFor.bind(vi)

vi.waitFor = (callback, options) =>
  waitFor(callback, {
    timeout: PATIENCE_MS,
    ...(typeof options === 'number' ? { timeout: options } : options),
  })
