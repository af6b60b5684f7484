/** Processes and what they started, as Linux knows them. */
import { readdirSync, readFileSync } from 'node:fs'

export interface RunningProcess {
  pid: string
  parent: string
  command: string
}

export function allProcesses(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
        return [{ pid, parent, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }]
      } catch {
        return []
      }
    })
}

/** Those of these processes, and whatever they started. */
export function withDescendants(
  processes: readonly Pick<RunningProcess, 'pid' | 'parent'>[],
  roots: readonly string[],
): Set<string> {
  const found = new Set(roots)
  for (let before = -1; before !== found.size;) {
    before = found.size
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid)
  }
  return found
}

/** Ends a process and whatever it started at once, browsers too, which are in no group of processes but their own. */
export function killTree(pid: number): void {
  for (const one of withDescendants(allProcesses(), [String(pid)])) {
    try {
      process.kill(Number(one), 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}
