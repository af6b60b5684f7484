/** What the command line says: answers on stdout, everything else on stderr, and none of it gives orders to a terminal. */
import { printable } from '../pack/printable.ts'
import { systemCode } from './system-errors.ts'

/** Lines of what was asked for. */
export function print(...lines: string[]): void {
  for (const line of lines) console.log(printable(line))
}

/** A line about how it went. */
export function remark(line: string): void {
  console.error(printable(line))
}

/** What a shell says of a program that SIGPIPE ended, as it ends most. Node does not let it. */
const SIGPIPE_STATUS = 128 + 13

/** Has the program end without a word where whoever reads it has gone, as `head` does after its lines. */
export function endWhereNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') throw error
      process.exit(SIGPIPE_STATUS)
    })
}
