import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { outcomeOf, readVitestReport, type Report } from './reports.ts'
import type { Stage, Step } from './steps.ts'

export interface Finished extends Report {
  step: Step
  ok: boolean
  seconds: number
}

/** Runs every step, even when an earlier one failed; lanes of a stage side by side. */
export async function runStages(stages: readonly Stage[]): Promise<Finished[]> {
  const finished: Finished[] = []
  for (const lanes of stages) {
    const done = await Promise.all(
      lanes.map(async (steps) => {
        const lane: Finished[] = []
        for (const step of steps) lane.push(await run(step))
        return lane
      }),
    )
    finished.push(...done.flat())
  }
  return finished
}

async function run(step: Step): Promise<Finished> {
  const started = performance.now()
  console.log(`== ${step.name} begins`)
  const status = await statusOf(step)
  const seconds = (performance.now() - started) / 1000
  const report = outcomeOf(status, step.report?.path, step.report?.read ?? readVitestReport)
  const ok = report.failed === 0
  console.log(`== ${step.name}: ${ok ? 'ok' : 'FAILED'} after ${seconds.toFixed(0)} s`)
  return { ...report, step, ok, seconds }
}

/** The exit status; null for a program that was killed or could not be started. */
function statusOf({ name, command: [program = '', ...args] }: Step): Promise<number | null> {
  return new Promise((resolve) => {
    // Colours would be lost on a pipe, and runners would redraw what they wrote on a terminal.
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: '1' },
    })
    echo(child.stdout, name)
    echo(child.stderr, name)
    child.on('error', (error) => {
      console.error(`[${name}] ${error.message}`)
      resolve(null)
    })
    child.on('close', resolve)
  })
}

/** Lines of steps that run side by side say whose they are. */
function echo(output: Readable, name: string): void {
  createInterface({ input: output }).on('line', (line) => console.log(`[${name}] ${line}`))
}
