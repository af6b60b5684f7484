/** What the command line says: answers on stdout, everything else on stderr, and none of it gives orders to a terminal. */
import { printable } from '../pack/printable.ts'
import { sentenceOf } from './sentence.ts'
import { failOf, systemCode } from './system-errors.ts'

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

/**
 * Has the program end where what it says reaches nobody: without a word where whoever reads it has gone, as `head` does
 * after its lines, and with a sentence where it cannot be written, as into a file on a full disk.
 */
export function endWhereNobodyReads(): void {
  process.stdout.on('error', (error: unknown) => {
    if (systemCode(error) !== 'EPIPE') remark(sentenceOf(unwritten(error)))
    process.exit(statusOf(error))
  })
  // There is nowhere left to say it.
  process.stderr.on('error', (error: unknown) => process.exit(statusOf(error)))
}

function statusOf(error: unknown): number {
  return systemCode(error) === 'EPIPE' ? SIGPIPE_STATUS : 1
}

function unwritten(error: unknown): unknown {
  try {
    return failOf(error, 'what is said here', 'written')
  } catch (failure) {
    return failure
  }
}
