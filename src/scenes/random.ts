/** A small seeded generator, so that a scene is a number: the same seed draws the same picture everywhere. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** One of the entries, each as likely as the others. */
  pick<const T>(entries: readonly [T, ...T[]]): T
  /** `count` different entries in random order. */
  sample<T>(entries: readonly T[], count: number): T[]
}

/** SplitMix32 (Steele, Lea and Flood 2014, 32-bit variant): neighbouring seeds give unrelated sequences. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(next() * count)
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    pick: (entries) => entries[below(entries.length)] ?? entries[0],
    sample: (entries, count) => {
      const left = [...entries]
      return Array.from({ length: Math.min(count, left.length) }, () =>
        left.splice(below(left.length), 1),
      ).flat()
    },
  }
}
