/** What the command line says: answers on stdout, everything else on stderr, and none of it gives orders to a terminal. */
import { printable } from '../pack/printable.ts'

/** Lines of what was asked for. */
export function print(...lines: string[]): void {
  for (const line of lines) console.log(printable(line))
}

/** A line about how it went. */
export function remark(line: string): void {
  console.error(printable(line))
}
