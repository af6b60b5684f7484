import { printable } from '../pack/printable.ts'

/** One line of progress that rewrites itself; nothing where nobody watches. */
export interface ProgressLine {
  show: (what: string, done: number, total: number) => void
  end: () => void
}

export function progressOn(stream: NodeJS.WriteStream): ProgressLine {
  if (!stream.isTTY) return { show: () => undefined, end: () => undefined }
  return {
    show(what, done, total) {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
      stream.write(`\r\x1b[K${`${percent} %  ${printable(what)}`.slice(0, stream.columns)}`)
    },
    end: () => void stream.write('\r\x1b[K'),
  }
}
