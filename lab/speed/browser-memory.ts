/** Memory of a browser's processes, as Linux counts it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { allProcesses, withDescendants } from './process-tree.ts'

/** Megabytes (10^6 bytes). */
export interface Memory {
  /** Sum over all processes of what is resident; pages that are shared count once for each. */
  rss: number
  /** Sum of each process's share. */
  pss: number
  /** Resident, of the largest process of each type. */
  byType: Record<string, number>
}

export interface Process {
  pid: string
  type: string
}

/** The browser whose profile lies in `profile` and all its children. */
export function processesOf(profile: string): Process[] {
  const processes = allProcesses()
  const roots = processes.filter(({ command }) => command.includes(profile)).map(({ pid }) => pid)
  const ours = withDescendants(processes, roots)
  return processes
    .filter(({ pid }) => ours.has(pid))
    .map(({ pid, command }) => ({ pid, type: /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser' }))
}

/** What the browser whose profile lies in `profile` and all its children hold now. */
export function memoryOf(profile: string): Memory {
  const memory: Memory = { rss: 0, pss: 0, byType: {} }
  for (const { pid, type } of processesOf(profile)) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      const bytes = (field: string): number =>
        1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1])
      const rss = megabytes(bytes('Rss'))
      memory.rss += rss
      memory.pss += megabytes(bytes('Pss'))
      memory.byType[type] = Math.max(memory.byType[type] ?? 0, rss)
    } catch {
      // It has ended meanwhile.
    }
  }
  return memory
}

/**
 * The most that the largest renderer has had resident, megabytes, since `forgetRendererPeaks`: the kernel's own record
 * (`VmHWM`), which misses nothing between two looks.
 */
export function rendererPeak(profile: string): number {
  return Math.max(...renderers(profile).map((pid) => megabytes(peakBytesOf(pid))))
}

/** The most that a process has had resident; 0 for one that has just ended, which is listed without memory. */
export function peakBytesOf(pid: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)
}

/** Peaks count from now on: what 5 means in `clear_refs`, says proc(5). */
export function forgetRendererPeaks(profile: string): void {
  for (const pid of renderers(profile)) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function renderers(profile: string): string[] {
  return processesOf(profile)
    .filter(({ type }) => type === 'renderer')
    .map(({ pid }) => pid)
}

/** Samples memory four times a second and keeps the largest of everything. */
export function watchMemory(profile: string): {
  peak: Memory
  now: () => Memory
  reset: () => void
  stop: () => void
} {
  const peak: Memory = { rss: 0, pss: 0, byType: {} }
  const timer = setInterval(() => {
    const now = memoryOf(profile)
    peak.rss = Math.max(peak.rss, now.rss)
    peak.pss = Math.max(peak.pss, now.pss)
    for (const [type, rss] of Object.entries(now.byType))
      peak.byType[type] = Math.max(peak.byType[type] ?? 0, rss)
  }, 250)
  return {
    peak,
    now: () => memoryOf(profile),
    reset: () => Object.assign(peak, { rss: 0, pss: 0, byType: {} }),
    stop: () => clearInterval(timer),
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
