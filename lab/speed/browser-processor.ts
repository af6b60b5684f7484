/** The processor's time of a browser, by thread, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs'
import { processesOf } from './browser-memory.ts'

/** Seconds, user and system, by the type of process and the name of the thread; those that ended count as `ended`. */
export type Processor = Record<string, number>

/** Of the browser whose profile lies in `profile` and its children, since they were started. */
export function processorOf(profile: string): Processor {
  const processor: Processor = {}
  const note = (name: string, seconds: number): void => {
    processor[name] = (processor[name] ?? 0) + seconds
  }
  for (const { pid, type } of processesOf(profile)) {
    try {
      let ended = readTime(`/proc/${pid}/stat`).seconds
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const { name, seconds } = readTime(`/proc/${pid}/task/${task}/stat`)
        note(`${type} ${name}`, seconds)
        ended -= seconds
      }
      note(`${type} ended`, Math.max(0, ended))
    } catch {
      // It has ended meanwhile.
    }
  }
  return processor
}

/** What was spent between two looks. */
export function spentSince(before: Processor, after: Processor): Processor {
  const spent = Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)] as const)
  return Object.fromEntries(spent.filter(([, seconds]) => seconds > 0))
}

/** Of a file in the format of proc_pid_stat(5); the name may hold anything but a closing bracket at its end. */
export function readTime(path: string): { name: string; seconds: number } {
  const text = readFileSync(path, 'utf8')
  const [from, to] = [text.indexOf('('), text.lastIndexOf(')')]
  // Fields 14 and 15 of the line; the third is the first behind the name. In hundredths, whatever the kernel ticks at.
  const fields = text.slice(to + 2).split(' ')
  // Workers are told apart by nothing; threads of a pool have a number behind their name.
  const name = text.slice(from + 1, to).replace(/[ /\d]+$/, '')
  return { name, seconds: (Number(fields[11]) + Number(fields[12])) / 100 }
}
