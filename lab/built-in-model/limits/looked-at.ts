/** What a model saw of pictures, in a file that grows: looking takes the better part of an hour, fitting a few seconds. */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'

interface Line {
  name: string
  /** Of the first row. */
  seed: number
  rows: unknown[]
}

/** Rows are as many as are kept after each other, so that one that was ended goes on where it was. */
const ROWS = 50

export class LookedAt<Row> {
  readonly #path: string | undefined
  readonly #lines: Line[]

  /** Without a path nothing is kept. A file belongs to one model and to pictures that are drawn as they were. */
  constructor(path: string | undefined) {
    this.#path = path
    this.#lines = path !== undefined && existsSync(path) ? linesIn(path) : []
  }

  /** What is kept of `count` seeds from `from` on, and `make` of those that are missing. Fewer where there are no more. */
  async upTo(
    name: string,
    from: number,
    count: number,
    make: (from: number, count: number) => Promise<Row[]>,
  ): Promise<Row[]> {
    const rows: Row[] = []
    for (const line of this.#lines)
      if (line.name === name && line.seed === from + rows.length) rows.push(...(line.rows as Row[]))
    while (rows.length < count) {
      const asked = Math.min(ROWS, count - rows.length)
      const made = await make(from + rows.length, asked)
      if (made.length > 0) this.#add({ name, seed: from + rows.length, rows: made })
      rows.push(...made)
      if (made.length < asked) break
    }
    return rows.slice(0, count)
  }

  #add(line: Line): void {
    if (this.#path === undefined) return
    const text = JSON.stringify(line, (_, value: unknown) =>
      value instanceof Float32Array ? Array.from(value) : value,
    )
    appendFileSync(this.#path, `${text}\n`)
  }
}

/** A last line that was not written to its end is taken out, since the next one would be written behind it. */
function linesIn(path: string): Line[] {
  const text = readFileSync(path, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole !== text) truncateSync(path, Buffer.byteLength(whole))
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line, asFeatures) as Line)
}

function asFeatures(_: string, value: unknown): unknown {
  return Array.isArray(value) && typeof value[0] === 'number' ? Float32Array.from(value as number[]) : value
}
