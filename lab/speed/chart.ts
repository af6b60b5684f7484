/**
 * Draws what lab/speed/side-by-side.ts has left in bench/results as docs/performance.svg, for the README:
 *   npm run bench:chart
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { barChart, type Bar, type Panel } from './chart/bars.ts'
import { resultPath } from './measuring-page.ts'

interface Figures {
  ms: number
  hostMs: number
  dispatches: number
}

/** A change to our decoder, the rungs before it included, from what an exporter gives to what is run: measured once. */
type Rung = 'exporter' | 'fused' | 'static' | 'recorded'
const RUNGS: readonly Rung[] = ['exporter', 'fused', 'static', 'recorded']

interface SideBySide {
  machine: { processor: string; cores: number; browser: string }
  adapter: string
  size: string
  beside?: Record<'ours' | 'transformers', { decode: Figures }>
  ladder?: { rungs: Record<Rung, Figures> }
}

/** What is measured of each size, in words. */
const SIZES = {
  'launch-bound': '24 narrow layers: launches rule',
  mini: '6 layers of width 512: arithmetic rules',
}

const RUNG_NAMES: Record<Rung, string> = {
  exporter: "exporter's graph",
  fused: '+ fused graph',
  static: '+ cache in place',
  recorded: '+ recorded steps',
}

function panelsOf({ size, beside, ladder }: SideBySide, words: string): Panel[] {
  const panels: Panel[] = []
  if (beside !== undefined) {
    const bars = (of: (figures: Figures) => number): Bar[] => [
      { label: 'pictalk', value: of(beside.ours.decode), ours: true },
      { label: 'transformers.js', value: of(beside.transformers.decode), ours: false },
    ]
    panels.push(
      {
        title: `Speed (${words})`,
        axis: 'tokens per second, more is better',
        bars: bars(({ ms }) => 1000 / ms),
      },
      {
        title: `Work of the processor between GPU commands (${words})`,
        axis: 'host milliseconds per token, less is better',
        bars: bars(({ hostMs }) => hostMs),
      },
    )
  }
  if (ladder !== undefined && size === 'launch-bound') {
    panels.push({
      title: 'What each change is worth, in one runtime on the same weights',
      axis: 'host milliseconds per token, less is better; in brackets GPU dispatches per token',
      bars: RUNGS.map((rung) => {
        const { hostMs, dispatches } = ladder.rungs[rung]
        return { label: `${RUNG_NAMES[rung]} (${dispatches})`, value: hostMs, ours: rung === 'recorded' }
      }),
    })
  }
  return panels
}

function main(): void {
  const results = Object.entries(SIZES).flatMap(([size, words]) => {
    const path = resultPath(`side-by-side-${size}`)
    if (!existsSync(path)) return []
    return [{ words, result: JSON.parse(readFileSync(path, 'utf8')) as SideBySide }]
  })
  const [first] = results
  if (first === undefined) throw new Error('There are no results; run lab/speed/side-by-side.ts.')
  const { machine, adapter } = first.result
  const where = `${machine.processor}, ${machine.cores} cores, ${machine.browser}`
  const card = adapter === 'software' ? 'software adapter, no graphics card' : 'its own graphics card'
  const panels = results.flatMap(({ result, words }) => panelsOf(result, words))
  const path = 'docs/performance.svg'
  writeFileSync(path, barChart('Decoding one token at a time', `${where}: ${card}`, panels))
  console.error(`written to ${path}`)
}

main()
