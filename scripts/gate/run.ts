import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { outcomeOf, readVitestReport, type Report } from './reports.ts'
import type { Stage, Step } from './steps.ts'

export interface Finished extends Report {
  step: Step
  ok: boolean
  seconds: number
}

export interface Limits {
  /** What still runs then is asked to end, with all that it started, and has failed; so has what did not begin by then. */
  seconds: number
  /** And is ended so much later. */
  graceSeconds: number
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Runs every step, even when an earlier one failed; lanes of a stage side by side. An interruption ends the time. */
export async function runStages(stages: readonly Stage[], limits: Limits): Promise<Finished[]> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  // A timer of our own: Node forgets one of `AbortSignal.timeout` that only `AbortSignal.any` knows.
  const timer = setTimeout(end, limits.seconds * 1000)
  // A terminal tells its own group only, and steps are groups of their own.
  for (const signal of SIGNALS) process.once(signal, end)
  try {
    const finished: Finished[] = []
    for (const lanes of stages) {
      const done = await Promise.all(lanes.map((steps) => runLane(steps, ended.signal, limits.graceSeconds)))
      finished.push(...done.flat())
    }
    return finished
  } finally {
    clearTimeout(timer)
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

async function runLane(
  steps: readonly Step[],
  timeIsUp: AbortSignal,
  graceSeconds: number,
): Promise<Finished[]> {
  const lane: Finished[] = []
  for (const step of steps) lane.push(await run(step, timeIsUp, graceSeconds))
  return lane
}

async function run(step: Step, timeIsUp: AbortSignal, graceSeconds: number): Promise<Finished> {
  const started = performance.now()
  console.log(`== ${step.name} ${timeIsUp.aborted ? 'is left out: the time is up' : 'begins'}`)
  const status = timeIsUp.aborted ? null : await statusOf(step, timeIsUp, graceSeconds)
  const seconds = (performance.now() - started) / 1000
  const report = outcomeOf(status, step.report?.path, step.report?.read ?? readVitestReport)
  const ok = report.failed === 0
  console.log(`== ${step.name}: ${ok ? 'ok' : 'FAILED'} after ${seconds.toFixed(0)} s`)
  return { ...report, step, ok, seconds }
}

/** The exit status; null for a program that was killed, ran out of time or could not be started. */
function statusOf(
  { name, command: [program = '', ...args] }: Step,
  timeIsUp: AbortSignal,
  graceSeconds: number,
): Promise<number | null> {
  return new Promise((resolve) => {
    // Colours would be lost on a pipe, and runners would redraw what they wrote on a terminal. A group of its own, so
    // that what a runner started can be ended with it.
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: '1' },
      detached: true,
    })
    let grace: NodeJS.Timeout | undefined
    const settle = (status: number | null): void => {
      clearTimeout(grace)
      timeIsUp.removeEventListener('abort', end)
      resolve(timeIsUp.aborted ? null : status)
    }
    const end = (): void => {
      console.log(`[${name}] The time is up.`)
      signalGroup(child, 'SIGINT')
      grace = setTimeout(() => {
        signalGroup(child, 'SIGKILL')
        // Whoever left the group may hold the other end.
        child.stdout.destroy()
        child.stderr.destroy()
        settle(null)
      }, graceSeconds * 1000)
    }
    timeIsUp.addEventListener('abort', end)
    echo(child.stdout, name)
    echo(child.stderr, name)
    child.on('error', (error) => {
      console.error(`[${name}] ${error.message}`)
      settle(null)
    })
    child.on('close', settle)
  })
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

/** Lines of steps that run side by side say whose they are. */
function echo(output: Readable, name: string): void {
  createInterface({ input: output }).on('line', (line) => console.log(`[${name}] ${line}`))
}
